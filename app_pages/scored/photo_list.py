"""Fifty of the scored photos at a time, and the chosen one with what the model says of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import ceil

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app_pages.components.color_bar import heatmap_color_bar
from app_pages.components.evidence import say_what_is_seen
from app_pages.components.photo_grid import Actions, Tile, photo_grid
from app_pages.components.scroll_here import scroll_here
from app_pages.scored.choices import Choices
from app_pages.state import scored, url
from app_pages.state.scored_evidence import evidence
from har_core.files import printable
from har_core.scoring import places
from har_core.scoring.browse import MOST, PER_PAGE, Found, ScoredPhotos
from har_core.viz import figures
from har_core.viz.formats import capitalize, class_label, class_markdown, count_photos, escape_markdown, percent

_SIDE, _LARGE, _HEATMAP = 220, 900, 600  # pixels
_BARS = 5  # classes
_HEIGHT = 640  # pixels of the grid


Listed = tuple[dict[str, object | None], Callable[[], None]]
"""What belongs into the address; draws what takes a model, for which nothing else shall wait."""


def photo_list(photos: ScoredPhotos, choices: Choices, top: DeltaGenerator) -> Listed:
    """One page of the photos, and the chosen one above them.

    Args:
        top: what is to be on the screen when the list has changed.
    """
    draw_last: Callable[[], None] = _nothing
    total = photos.count(choices.of_list)
    if not total:
        st.info("No photo matches these filters.", icon=":material/info:")
        return {}, draw_last
    pages = ceil(min(total, MOST) / PER_PAGE)
    page_key = f"scored-page-{abs(hash((choices.of_list, choices.sort, photos.folder)))}"
    asked = url.read_once("page") or "1"
    if st.session_state.get(page_key) is None:
        url.put(page_key, min(max(1, int(asked) if asked.isdecimal() else 1), pages))
    number: int = st.session_state[url.seed(page_key, "page", 1, int)]
    found = scored.page(photos, choices.of_list, choices.sort, number)
    at = url.seed(f"scored-at-{photos.folder}", "at", None, str)
    current = next((one for one in found if one.sample == st.session_state[at]), None)
    with top:
        scroll_here(f"{page_key} {number} {current and current.sample}", key="scored-list-top")
    if current is not None:
        draw_last = _photo(photos, current, at)
    _grid(photos, found, current, at)
    first = (number - 1) * PER_PAGE + 1
    if total == len(found):
        st.caption(f"{count_photos(total)}.")
    else:
        st.caption(
            f"{first:,} to {first + len(found) - 1:,} of {count_photos(total)}"
            + (f"; the first {MOST:,} can be turned over: filter to see others." if total > MOST else ".")
        )
    if pages > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, **url.widget(page_key))
    return {"page": number if number > 1 else None, "at": current.sample if current is not None else None}, draw_last


def _nothing() -> None:
    pass


def _grid(photos: ScoredPhotos, found: list[Found], current: Found | None, at: str) -> None:
    goal: dict[str, str] = st.session_state.setdefault("scored-goal", {})

    def finish() -> None:
        if "show" in goal:
            url.put(at, goal["show"])
        goal.clear()

    drawn = scored.pictures(photos, found, _SIDE)
    if not any(drawn) and any(one.error is None for one in found):
        st.caption(
            ":material/image_not_supported: None of these photos is here: start the app with `--data` and the folder or "
            f"bucket that was scored ({escape_markdown(printable(places.base_name(photos.scored.source)))})."
        )
    photo_grid(
        [Tile(one.sample, picture, None, _title(one)) for one, picture in zip(found, drawn, strict=True)],
        key="scored-grid",
        current=current.sample if current is not None else None,
        actions=Actions(show=lambda sample: goal.update(show=sample)),
        finish=finish,
        label="Photos of the list",
        height=_HEIGHT,
    )


def _photo(photos: ScoredPhotos, found: Found, at: str) -> Callable[[], None]:
    """The chosen photo and its answer; returns what draws the evidence for it."""
    with st.container(border=True, key="scored-photo"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(_words(found))
            st.button("Close", icon=":material/close:", key="close-scored", on_click=url.put, args=(at, None))
        (picture,) = scored.pictures(photos, [found], _LARGE)
        if picture is not None:
            st.image(picture, width="stretch", alt=found.sample)
        st.caption(escape_markdown(found.sample))
        probabilities = photos.probabilities(found)
        if probabilities is None:
            return _nothing
        order = (-probabilities).argsort(kind="stable")[:_BARS].tolist()
        st.plotly_chart(
            figures.probability_bars(
                [class_label(photos.classes[index]) for index in order],
                [float(probabilities[index]) for index in order],
            ),
            config={"displayModeBar": False},
            key="scored-bars",
            alt="The most probable classes",
        )
        place = st.container()
        if found.none:
            st.caption("The model says that it shows none of its classes.")
    return partial(_evidence, place, photos, found, probabilities)


def _evidence(place: DeltaGenerator, photos: ScoredPhotos, found: Found, probabilities: np.ndarray) -> None:
    """Where the model looked for its answer and, if that is another, for the label."""
    named = [name for name in dict.fromkeys((found.predicted, found.true)) if name in photos.classes]
    classes = tuple(photos.classes.index(name) for name in named if name is not None)
    with place:
        seen = evidence(photos, found, classes, _HEATMAP)
        if isinstance(seen, str):
            st.caption(seen)
            return
        for column, picture, index in zip(st.columns(len(classes)), seen.pictures, classes, strict=True):
            with column:
                st.markdown(f"Why *{class_markdown(photos.classes[index])}* ({percent(probabilities[index])})")
                st.image(picture, width="stretch", alt=f"Evidence for {class_label(photos.classes[index])}")
        heatmap_color_bar()
        say_what_is_seen(seen.model)
        scale = "Both share one scale: the brighter one has the stronger evidence. " if len(classes) > 1 else ""
        st.caption(
            f"{scale}Computed by *{escape_markdown(seen.title)}*, which gives this photo the answer that was stored."
        )


def _title(found: Found) -> str:
    if found.predicted is None or found.confidence is None:
        return "could not be read"
    predicted = class_label(found.predicted)
    true = predicted if found.true is None else class_label(found.true)
    return f"{predicted if true == predicted else f'{true} → {predicted}'} {percent(found.confidence)}"


def _words(found: Found) -> str:
    true = "" if found.true is None else capitalize(class_markdown(found.true))
    if found.predicted is None:
        label = f" (label: {class_markdown(found.true)})" if found.true is not None else ""
        return f"**Could not be read**{label}: {escape_markdown(found.error or '')}"
    name = class_markdown(found.predicted)
    if not true:
        return f"**{capitalize(name)}**"
    return f"**{true}**, " + ("predicted correctly" if found.true == found.predicted else f"predicted as {name}")
