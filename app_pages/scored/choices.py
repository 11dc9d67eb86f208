"""What a visitor asks of scored photos, as the session and the address hold it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import streamlit as st

from app_pages.state import url
from app_pages.state.cell import Cell
from har_core.analysis.confusion import TOTAL
from har_core.scoring.browse import Only, ScoredPhotos, Show, Sort

SHOW_LABELS: dict[Show, str] = {
    "errors": "Errors",
    "correct": "Correct predictions",
    "all": "All that were read",
    "unreadable": "Could not be read",
}
SORT_LABELS: dict[Sort, str] = {
    "surest": "Most confident",
    "least sure": "Least confident",
    "loss": "True class least probable",
    "name": "Name",
}
NONE_LABELS = {True: "“none of these”", False: "a class"}


@dataclass(frozen=True)
class Choices:
    """`keys`: of the session, by name.  `only`: the photos that the matrix counts.  `of_list`: those of the list beside it.  `address`:
    what differs from the defaults.
    """

    keys: dict[str, str]
    only: Only
    of_list: Only
    sort: Sort
    address: dict[str, object | None]


def seeded(photos: ScoredPhotos, cell: Cell) -> Choices:
    """What is chosen, from the address at first."""
    shows, nones = _shows(photos), ("True", "False") if photos.scored.threshold is not None else ()
    default: Show = shows[0]
    seeds: dict[str, tuple[Any, Any]] = {
        "show": (default, url.one_of({show: show for show in shows})),
        "confidence": ((0.0, 1.0), url.share_range),
        "none": (None, url.one_of({word: word == "True" for word in nones})),
        "name": ("", str),
        "sort": ("surest", url.one_of({sort: sort for sort in SORT_LABELS})),
    }
    keys = {
        name: url.seed(f"scored-{name}-{photos.folder}", name, first, parse) for name, (first, parse) in seeds.items()
    }
    state = {name: st.session_state[key] for name, key in keys.items()}
    low, high = state["confidence"]
    only = Only("all", low=low, high=high, none=state["none"], name=state["name"].strip())
    address: dict[str, object | None] = {
        "show": None if state["show"] == default else state["show"],
        "confidence": None if (low, high) == (0.0, 1.0) else f"{low:g}-{high:g}",
        "none": only.none,
        "name": only.name or None,
        "sort": None if state["sort"] == "surest" else state["sort"],
    }
    chosen = cell.chosen()
    if chosen is None:
        return Choices(keys, only, replace(only, show=state["show"]), state["sort"], address)
    true, predicted = (None if end == TOTAL else photos.classes[end] for end in chosen)
    labeled = bool(photos.scored.labeled)  # a total counts no others
    of_list = replace(only, true=true, predicted=predicted, both=cell.both_directions(), labeled=labeled)
    return Choices(keys, only, of_list, state["sort"], address)


def filter_line(photos: ScoredPhotos, choices: Choices) -> None:
    """The filters that matrix and list share."""
    keys = choices.keys
    line = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    line.slider(
        "Confidence of the prediction",
        0.0,
        1.0,
        step=0.01,
        format="percent",
        width=280,
        **url.widget(keys["confidence"]),
    )
    if photos.scored.threshold is not None:
        line.selectbox(
            "The model says",
            list(NONE_LABELS),
            index=None,
            placeholder="a class or none",
            format_func=lambda value: NONE_LABELS[cast("bool", value)],
            width=190,
            **url.widget(keys["none"]),
        )
    line.text_input("Part of the name", placeholder="any name", width=220, **url.widget(keys["name"]))


def _shows(photos: ScoredPhotos) -> list[Show]:
    """What can be listed, the default first: without labels nothing says what is wrong."""
    return [show for show in SHOW_LABELS if photos.scored.labeled or show not in ("errors", "correct")]


def list_line(photos: ScoredPhotos, choices: Choices, *, is_cell: bool) -> None:
    """What is listed and in which order."""
    left, right = st.columns(2)
    if not is_cell:
        left.selectbox("List", _shows(photos), format_func=SHOW_LABELS.__getitem__, **url.widget(choices.keys["show"]))
    (left if is_cell else right).selectbox(
        "Sort by", list(SORT_LABELS), format_func=SORT_LABELS.__getitem__, **url.widget(choices.keys["sort"])
    )
