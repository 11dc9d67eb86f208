"""The filters of the errors page, as the session and the address hold them."""

from __future__ import annotations

import streamlit as st

from har_core.photo_table import SHOWS, SORTS, UNJUDGED, Filters
from har_core.runs import Run
from har_core.verdicts import VERDICTS
from pages import _url


def keys(run: Run) -> dict[str, str]:
    """The keys of the filter widgets, seeded from the address."""
    known: dict[str, int | None] = {name: index for index, name in enumerate(run.classes)}
    seeds = {
        "show": ("errors", _url.one_of({show: show for show in SHOWS})),
        "true": (None, _url.one_of(known)),
        "predicted": (None, _url.one_of(known)),
        "confidence": ((0.0, 1.0), _range),
        "top3": (None, _url.one_of({"True": True, "False": False})),
        "verdict": (None, _url.one_of({kind: kind for kind in (*VERDICTS, UNJUDGED)})),
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


def current(keys: dict[str, str]) -> Filters:
    state = {name: st.session_state[key] for name, key in keys.items()}
    low, high = state["confidence"]
    return Filters(state["show"], state["true"], state["predicted"], low, high, state["top3"], state["verdict"])


def address(run: Run, keys: dict[str, str]) -> dict[str, object | None]:
    """What differs from the defaults."""
    filters, sort = current(keys), st.session_state[keys["sort"]]
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


def remove(keys: dict[str, str], filters: Filters, name: str) -> None:
    left = filters.without(name)
    st.session_state[keys[name]] = (left.low, left.high) if name == "confidence" else getattr(left, name)
