"""The filters of the errors page, as the session and the address hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import streamlit as st

from app_pages.state import groups, own_runs, runs, url
from har_core.analysis.filters import SHOWS, TOP, UNJUDGED, Filters, Selection, Sort, select, sorts_of
from har_core.runs.run import Run
from har_core.runs.verdicts import VERDICTS

_OLD_SHOWS = {"right": "correct"}  # in links that were made when it had another name


def seeded(run: Run) -> dict[str, str]:
    """The keys of the filters by name, once they hold what the address says, as far as the run gives it."""
    known = runs.known(run)
    sorts = sorts_of(known)
    classes = {name: index for index, name in enumerate(run.classes)}
    seeds: dict[str, tuple[Any, Callable[[str], Any]]] = {
        "show": ("errors", url.one_of({show: show for show in SHOWS} | _OLD_SHOWS)),
        "true": (None, url.one_of(classes)),
        "predicted": (None, url.one_of(classes)),
        "both": (False, url.one_of({"True": True})),
        "confidence": ((0.0, 1.0), url.share_range if known.confidence else url.one_of({})),
        "top3": (None, url.one_of({"True": True, "False": False} if known.ranks >= TOP else {})),
        "verdict": (None, url.one_of({kind: kind for kind in (*VERDICTS, UNJUDGED)})),
        "tag": (None, url.one_of({tag: tag for tags in own_runs.verdicts(run).tags().values() for tag in tags})),
        "group": (None, lambda name: groups.known(run, name)),
        "sort": (sorts[0], url.one_of({sort: sort for sort in sorts})),
    }
    return {
        name: url.seed(f"errors-{name}-{run.folder}", name, default, parse) for name, (default, parse) in seeds.items()
    }


def current(keys: dict[str, str]) -> Filters:
    state = {name: st.session_state[key] for name, key in keys.items()}
    low, high = state["confidence"]
    names = ("show", "true", "predicted", "top3", "verdict", "tag", "group")
    return Filters(low=low, high=high, **{name: state[name] for name in names})


def is_pair(keys: dict[str, str]) -> bool:
    """Whether photos of the mirror image of true and predicted pass as well."""
    true, predicted = (st.session_state[keys[name]] for name in ("true", "predicted"))
    return bool(st.session_state[keys["both"]]) and None not in (true, predicted) and true != predicted


def select_photos(
    run: Run, filters: Filters, *, pair: bool, sort: Sort = "loss", verdicts: Mapping[str, str] | None = None
) -> Selection:
    """As `analysis.filters.select`; of a pair, the photos of both ways together, and what it hides as "true"."""
    table = runs.examples(run)
    if not pair:
        return select(table, filters, sort=sort, verdicts=verdicts, sets=_sets(run, filters))
    ends = {filters.true, filters.predicted}
    inside = (
        table["true"].isin(ends) & table["predicted"].isin(ends) & (table["true"] != table["predicted"])
    ).to_numpy()
    others = filters.without("true").without("predicted")
    sets = _sets(run, filters)
    within = {name: mask[inside] for name, mask in sets.items()}
    found = select(table[inside], others, sort=sort, verdicts=verdicts, sets=within)
    everything = select(table, others, verdicts=verdicts, sets=sets)
    rows = np.flatnonzero(inside)[found.rows]
    return Selection(rows, found.hidden | {"true": len(everything.rows) - len(rows)})


def _sets(run: Run, filters: Filters) -> dict[str, np.ndarray]:
    """(N,) bool: the photos of the tag and of the group that are filters."""
    found = {}
    if filters.tag is not None:
        tagged = [sample for sample, tags in own_runs.verdicts(run).tags().items() if filters.tag in tags]
        found["tag"] = runs.examples(run)["sample"].isin(tagged).to_numpy()
    if filters.group is not None:
        found["group"] = groups.mask(run, filters.group)
    return found


def current_sort(keys: dict[str, str]) -> Sort:
    return cast("Sort", st.session_state[keys["sort"]])


def address(run: Run, keys: dict[str, str]) -> dict[str, object | None]:
    """What differs from the defaults."""
    filters, sort = current(keys), current_sort(keys)
    full = (filters.low, filters.high) == (0.0, 1.0)
    return {
        "show": filters.show if filters.show != "errors" else None,
        "true": None if filters.true is None else run.classes[filters.true],
        "predicted": None if filters.predicted is None else run.classes[filters.predicted],
        "both": is_pair(keys) or None,
        "confidence": None if full else f"{filters.low:g}-{filters.high:g}",
        "top3": filters.top3,
        "verdict": filters.verdict,
        "tag": filters.tag,
        "group": filters.group,
        "sort": sort if sort != sorts_of(runs.known(run))[0] else None,
    }


def remove(keys: dict[str, str], name: str) -> None:
    """Take one filter away; the two ends of a pair go together."""
    if name == "true" and is_pair(keys):
        remove(keys, "predicted")
    if name in ("true", "predicted"):
        url.put(keys["both"], False)
    left = current(keys).without(name)
    url.put(keys[name], (left.low, left.high) if name == "confidence" else getattr(left, name))
