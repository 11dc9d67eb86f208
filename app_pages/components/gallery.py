"""Photos with what the network saw in them, page by page."""

from __future__ import annotations

from html import escape
from math import ceil

import numpy as np
import streamlit as st

from app_pages.components.color_bar import difference_color_bar, heatmap_color_bar
from app_pages.components.download_photos import say_what_is_missing
from app_pages.components.evidence import compared_classes, known_probabilities
from app_pages.components.import_note import import_note
from app_pages.components.scroll_here import scroll_here
from app_pages.components.thumbnails import thumbnail
from app_pages.state import own_runs, runs, url
from har_core.runs.run import Run
from har_core.viz.formats import class_label, escape_markdown
from har_core.viz.known_text import in_parentheses

PER_PAGE = 24
"""Photos."""

LAST_OPENED = "last-opened"
"""Where the session keeps the photo that was last seen in full."""


def gallery(
    run: Run, rows: np.ndarray, *, key: str, origin: dict[str, str], columns: int = 2
) -> dict[str, object | None]:
    """One page of the photos, and the widgets to turn pages; returns what belongs into the address.

    Args:
        rows: (M,) of the run's example table, in order.
        origin: the address of the errors page for this list, for the full view.
        columns: photos side by side.
    """
    if not len(rows):
        st.caption("There are no such photos.")
        return {}
    pages = ceil(len(rows) / PER_PAGE)
    page_key = f"{key}-page-{pages}"
    if st.session_state.get(page_key) is None:
        url.put(page_key, min(max(1, _first_page(run, rows)), pages))
    number: int = st.session_state[url.seed(page_key, "page", 1, int)]
    scroll_here(str(number), key=f"{key}-top")
    has_maps = runs.class_maps(run) is not None
    say_what_is_missing(run, runs.predictions(run).samples[rows[:201]], instead=in_place_of_photos(run))
    import_note(run)
    with_difference = False
    if has_maps:
        with_difference = st.toggle(
            "Show the difference",
            help="One more picture: where the first class has more evidence than the second.",
            **url.widget(url.seed(f"{key}-difference", "difference", False, url.one_of({"True": True}))),
        )
        heatmap_color_bar()
        if with_difference:
            difference_color_bar("more for the second class", "more for the first")
    shown = rows[(number - 1) * PER_PAGE : number * PER_PAGE]
    for start in range(0, len(shown), columns):
        for column, row in zip(st.columns(columns), shown[start : start + columns], strict=False):
            with column:
                _example(run, int(row), key, origin, with_difference)
    if pages > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, **url.widget(page_key))
    return {"page": number if number > 1 else None, "difference": with_difference or None}


def _first_page(run: Run, rows: np.ndarray) -> int:
    """The page of the photo that somebody comes back from, else what the address says."""
    asked, last_opened = url.read_once("page") or "1", st.session_state.pop(LAST_OPENED, None)
    places = (runs.predictions(run).samples[rows] == last_opened).nonzero()[0]
    if len(places):
        return int(places[0]) // PER_PAGE + 1
    return int(asked) if asked.isdecimal() else 1


def _example(run: Run, row: int, key: str, origin: dict[str, str], with_difference: bool) -> None:
    example = runs.examples(run).iloc[row]
    sample = str(example["sample"])
    predicted, true = (class_label(run.classes[int(example[name])]) for name in ("predicted", "true"))
    compared = compared_classes(run, row)
    outcome = "correct" if predicted == true else f"predicted as {predicted}"
    with st.container(border=True, key=f"card-{key}-{row}"):
        st.html(
            f'<div style="font-size:.95rem;line-height:1.3"><b>{escape(true)}</b>, {escape(outcome)}'
            f"{in_parentheses(example['confidence'])}</div>"
        )
        picture = thumbnail(run, row, with_difference=with_difference)
        if picture is not None:
            _heads(run, row, compared, with_difference)
            names = " and ".join(class_label(run.classes[index]) for index in compared)
            st.image(picture, width="stretch", alt=f"{sample}: evidence for {names}")
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(escape_markdown(sample))
            st.page_link(
                "app_pages/analysis/errors.py",
                label="Open",
                icon=":material/open_in_full:",
                query_params={**origin, "photo": sample},
            )


def _heads(run: Run, row: int, compared: list[int], with_difference: bool) -> None:
    """What each panel of a thumbnail shows."""
    sample, probabilities = runs.predictions(run).samples[row], known_probabilities(run, row)
    heads = ["Photo"] if own_runs.photo_store(run).find(sample) else []
    if runs.class_maps(run) is not None:
        heads += [
            f"Why <i>{escape(class_label(run.classes[index]))}</i>{escape(in_parentheses(probabilities[index]))}"
            for index in compared
        ]
        heads += ["Difference"] if with_difference and len(compared) == 2 else []
    if heads == ["Photo"]:
        return
    cells = "".join(f'<div style="flex:1;min-width:0">{head}</div>' for head in heads)
    st.html(f'<div style="display:flex;gap:8px;font-size:.82rem;line-height:1.3">{cells}</div>')


def in_place_of_photos(run: Run) -> str:
    """What is shown of a photo of the evaluation that is not here."""
    return "heatmaps are shown alone" if runs.class_maps(run) is not None else "there are no pictures to show"
