"""Which photos are misclassified, and what did the network see in them?"""

from __future__ import annotations

from typing import Any

import streamlit as st

from har_core.photo_table import SHOWS, SORTS, UNJUDGED, Filters, Selection, as_csv, select
from har_core.runs import PREDICTIONS, Run
from har_core.verdicts import VERDICTS, Verdict
from har_core.words import capital, percent, photos, readable, share
from pages import _data, _detail, _gallery, _shared, _url

ANY = None
NAMED = {"errors": "errors", "right": "right answers", "all": "all photos"}
TOP3 = {True: "in the top 3", False: "not in the top 3"}


def page() -> None:
    run = _data.current_run()
    if not run.scored:
        _shared.not_scored(run)
        return
    if not run.has(PREDICTIONS):
        st.title(f"{run.title} has no photos to look at")
        st.info("It is a matrix alone: which photos were misclassified was not published.", icon=":material/info:")
        _url.publish({})
        return
    keys = _keys(run)
    judged = _data.verdicts(run).all()
    found = _find(run, keys, judged)
    sample = st.query_params.get("photo")
    position = _position(run, found, sample)
    if position is not None:
        _detail.show(run, found.rows, position, judged)
        _url.publish({**_address(run, keys), "photo": sample})
        return
    number, total = len(found.rows), len(_data.table(run))
    st.title(f"{number:,} of {total:,} photos {_outcome(_filters(keys))} ({share(number / total)})")
    if sample is not None:
        st.warning(f"{sample} is not among these photos.", icon=":material/image_not_supported:")
    _controls(run, keys)
    _hidden(run, keys, found)
    st.download_button(
        "This list as CSV",
        lambda: as_csv(_data.predictions(run), found.rows, judged),
        "photos.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    address = _address(run, keys)
    if len(found.rows):
        address |= _gallery.show(run, found.rows, key="errors", origin=_url.query(**address))
    else:
        st.success("No photo passes these filters.", icon=":material/check:")
    _url.publish(address)


def _outcome(filters: Filters) -> str:
    """What the photos that pass have in common."""
    if filters.active == ["show"]:
        return "are misclassified" if filters.show == "errors" else "are rightly classified"
    return "pass these filters" if filters.active else "are shown"


def _keys(run: Run) -> dict[str, str]:
    """The keys of the filter widgets, seeded from the address."""
    known: dict[str, int | None] = {name: index for index, name in enumerate(run.classes)}
    seeds = {
        "show": ("errors", _url.one_of({show: show for show in SHOWS})),
        "true": (ANY, _url.one_of(known)),
        "predicted": (ANY, _url.one_of(known)),
        "confidence": ((0.0, 1.0), _range),
        "top3": (ANY, _url.one_of({"True": True, "False": False})),
        "verdict": (ANY, _url.one_of({kind: kind for kind in (*VERDICTS, UNJUDGED)})),
        "sort": ("loss", _url.one_of({sort: sort for sort in SORTS})),
    }
    return {
        name: _url.seed(f"errors-{name}-{run.folder}", name, default, parse)  # type: ignore[arg-type]
        for name, (default, parse) in seeds.items()
    }


def _range(text: str) -> tuple[float, float]:
    low, high = (float(part) for part in text.split("-"))
    if not 0 <= low <= high <= 1:
        raise ValueError(text)
    return low, high


def _filters(keys: dict[str, str]) -> Filters:
    state = {name: st.session_state[key] for name, key in keys.items()}
    low, high = state["confidence"]
    return Filters(state["show"], state["true"], state["predicted"], low, high, state["top3"], state["verdict"])


def _find(run: Run, keys: dict[str, str], judged: dict[str, Verdict]) -> Selection:
    verdicts = {sample: verdict.verdict for sample, verdict in judged.items()}
    return select(_data.table(run), _filters(keys), sort=st.session_state[keys["sort"]], verdicts=verdicts)


def _position(run: Run, found: Selection, sample: str | None) -> int | None:
    """Where the opened photo stands in the list."""
    if sample is None:
        return None
    samples = _data.predictions(run).samples[found.rows]
    places = (samples == sample).nonzero()[0]
    return int(places[0]) if len(places) else None


def _address(run: Run, keys: dict[str, str]) -> dict[str, object | None]:
    """What differs from the defaults."""
    filters, sort = _filters(keys), st.session_state[keys["sort"]]
    full = (filters.low, filters.high) == (0.0, 1.0)
    return {
        "show": filters.show if filters.show != "errors" else None,
        "true": None if filters.true is None else run.classes[filters.true],
        "predicted": None if filters.predicted is None else run.classes[filters.predicted],
        "confidence": None if full else f"{filters.low:g}-{filters.high:g}",
        "top3": filters.top3,
        "verdict": filters.verdict,
        "sort": sort if sort != "loss" else None,
    }


def _controls(run: Run, keys: dict[str, str]) -> None:
    classes = list(range(len(run.classes)))
    one, two, three, four = st.columns(4)
    actions: dict[str, Any] = {
        "format_func": lambda index: readable(run.classes[index]),
        "index": None,
        "placeholder": "any action",
    }
    one.selectbox("True action", classes, key=keys["true"], **actions)
    two.selectbox("Taken for", classes, key=keys["predicted"], **actions)
    three.selectbox("Show", SHOWS, format_func=NAMED.__getitem__, key=keys["show"])
    four.selectbox(
        "Sort by",
        SORTS,
        key=keys["sort"],
        help="Loss: the most confidently wrong first. Confidence: the surest first. Margin: the closest calls first.",
    )
    one, two, three = st.columns([2, 1, 1])
    one.slider("Confidence of the prediction", 0.0, 1.0, step=0.05, key=keys["confidence"], format="percent")
    two.selectbox(
        "True action is",
        list(TOP3),
        index=None,
        placeholder="at any rank",
        format_func=TOP3.__getitem__,
        key=keys["top3"],
    )
    kinds = [*VERDICTS, UNJUDGED]
    three.selectbox("Verdict", kinds, index=None, placeholder="any verdict", key=keys["verdict"])


def _hidden(run: Run, keys: dict[str, str], found: Selection) -> None:
    """Each filter at work, how many photos it alone keeps away, and a button that removes it."""
    filters = _filters(keys)
    words = {
        "show": f"only {NAMED[filters.show]}",
        "true": f"true: {readable(run.classes[filters.true])}" if filters.true is not None else "",
        "predicted": f"taken for: {readable(run.classes[filters.predicted])}" if filters.predicted is not None else "",
        "confidence": f"confidence {percent(filters.low)} to {percent(filters.high)}",
        "top3": f"true action {TOP3.get(bool(filters.top3))}",
        "verdict": f"verdict: {filters.verdict}",
    }
    with st.container(horizontal=True):
        for name in filters.active:
            st.button(
                f"{capital(words[name])}: hides {photos(found.hidden[name])}",
                key=f"remove-{name}",
                icon=":material/close:",
                help="Remove this filter",
                on_click=_remove,
                args=(keys, filters, name),
            )


def _remove(keys: dict[str, str], filters: Filters, name: str) -> None:
    left = filters.without(name)
    st.session_state[keys[name]] = (left.low, left.high) if name == "confidence" else getattr(left, name)


page()
