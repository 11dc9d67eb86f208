"""The list of the errors page as a dense grid, with the chosen photo, its evidence and the verdict beside it."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import numpy as np
import streamlit as st

from app_pages.components import evidence
from app_pages.components.download_photos import say_what_is_missing
from app_pages.components.gallery import in_place_of_photos
from app_pages.components.grid_tiles import scored_tiles
from app_pages.components.import_note import import_note
from app_pages.components.photo_detail import OPENED, evidence_for_any
from app_pages.components.photo_grid import Actions, photo_grid
from app_pages.components.photo_verdict import verdict_choice, verdict_words
from app_pages.components.similar_photos import similar_training_photos
from app_pages.state import groups, runs, url
from app_pages.state.judging import is_undoable, judging, scored_subject, undoing
from app_pages.state.suspects import is_stored, suspects
from har_core.runs.run import Run
from har_core.runs.verdicts import Verdict
from har_core.viz.formats import capitalize, class_label, class_markdown, escape_markdown
from har_core.viz.known_text import in_parentheses

PER_PAGE = 60
"""Photos."""

FOLLOW = "errors-grid-follow"
"""The session's key of whether the grid is to open at the page of the photo beside it."""

_HEIGHT = 700  # pixels of the grid beside an open photo


def at_key(run: Run) -> str:
    """The key of the photo that is shown beside the grid (its sample), once it holds what the address says."""
    return url.seed(f"errors-at-{run.folder}", "at", None, str)


def workbench(run: Run, rows: np.ndarray, judged: dict[str, Verdict], *, key: str) -> dict[str, object | None]:
    """One page of the photos, and the chosen one beside them; returns what belongs into the address.

    Args:
        rows: (M,) of the run's example table, in order.
        judged: sample → verdict.
    """
    samples = runs.predictions(run).samples[rows]
    at, asked = at_key(run), url.read_once("at")
    places = (samples == st.session_state[at]).nonzero()[0]
    above = st.container()
    if asked is not None and not len(places):
        above.warning(f"{escape_markdown(asked)} is not among these photos.", icon=":material/image_not_supported:")
    pages, page_key = ceil(len(rows) / PER_PAGE), f"{key}-grid-page-{ceil(len(rows) / PER_PAGE)}"
    if st.session_state.get(page_key) is None or st.session_state.pop(FOLLOW, False):
        page = url.read_once("page") or "1"
        first = int(places[0]) // PER_PAGE + 1 if len(places) else int(page) if page.isdecimal() else 1
        url.put(page_key, min(max(1, first), pages))
    url.seed(page_key, "page", 1, int)
    goal: dict[str, str] = st.session_state.setdefault("errors-grid-goal", {})

    def finish() -> None:
        _arrive(goal, samples, at, page_key)

    if goal:  # a run that was broken off has left it
        finish()
        st.rerun()
    number: int = st.session_state[page_key]
    current = str(samples[places[0]]) if len(places) else None
    # one column or two, so that the grid stays what it is while a photo is opened beside it
    left, *beside = st.columns([6, 5] if current is not None else [1], gap="medium")
    with left:
        start = (number - 1) * PER_PAGE
        stop = start + PER_PAGE
        around = samples[start - 1] if start else None, samples[stop] if stop < len(samples) else None
        _grid(run, rows[start:stop], judged, goal, finish=finish, current=current, around=around)
        if pages > 1:
            with st.container(horizontal_alignment="center"):
                st.pagination(pages, **url.widget(page_key))
    if current is not None:
        with beside[0]:
            _panel(run, int(rows[places[0]]), judged, at)
    return {"page": number if number > 1 else None, "at": current}


def _arrive(goal: dict[str, str], samples: np.ndarray, at: str, page_key: str) -> None:
    """Tell the session what presses have led to: the photo to `show` beside the grid, the one to `open` in full."""
    if "show" in goal:
        url.put(at, goal["show"])
        place = (samples == goal["show"]).nonzero()[0]
        if len(place) and int(place[0]) // PER_PAGE + 1 != st.session_state[page_key]:
            url.put(page_key, int(place[0]) // PER_PAGE + 1)
    if "open" in goal:
        url.put(OPENED, goal["open"])
    goal.clear()


def _grid(
    run: Run,
    shown: np.ndarray,
    judged: dict[str, Verdict],
    goal: dict[str, str],
    *,
    finish: Callable[[], None],
    current: str | None,
    around: tuple[str | None, str | None],
) -> None:
    say_what_is_missing(run, runs.predictions(run).samples[shown], instead=in_place_of_photos(run))
    photo_grid(
        scored_tiles(run, shown, judged, _marks(run)),
        key="errors-grid",
        current=current,
        actions=Actions(
            show=lambda sample: goal.update(show=sample),
            judge=judging(run),
            undo=undoing(run),
            open=lambda sample: goal.update(open=sample),
        ),
        finish=finish,
        label="Photos of the list",
        around=around,
        undoable=is_undoable(run),
        height=_HEIGHT if current is not None else None,
    )
    st.caption(
        "Click a photo to see why. Arrows move, 1 to 4 judge and go on, U undoes, H shows the evidence, Enter opens; Shift "
        "and Ctrl with a click choose several. “!” marks labels that are probably wrong."
    )
    import_note(run)


def _marks(run: Run) -> dict[str, str]:
    """Sample → what is suspected of its label."""
    table = suspects(run) if is_stored(run) or len(runs.examples(run)) <= groups.FEW else None
    if table is None:
        return {}
    pairs = zip(table["sample"], table["suggested"], strict=True)
    return {str(sample): f"label suspect: rather {class_label(suggested)}" for sample, suggested in pairs}


def _panel(run: Run, row: int, judged: dict[str, Verdict], at: str) -> None:
    example = runs.examples(run).iloc[row]
    sample = str(example["sample"])
    predicted, true = (class_markdown(run.classes[int(example[name])]) for name in ("predicted", "true"))
    outcome = "predicted correctly" if predicted == true else f"predicted as {predicted}"
    photo = evidence.open_stored_photo(run, row)  # first: what is drawn below must not stand under the picture before
    with st.container(key="photo-panel"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{capitalize(true)}**, {outcome}{in_parentheses(example['confidence'])}")
            st.button("Close", icon=":material/close:", key="close-panel", on_click=url.put, args=(at, None))
        subject, given = scored_subject(run, sample), judged.get(sample)
        verdict_choice(run, subject, given)
        evidence_for_any(run, row, photo, offers_photos=False)
        verdict_words(run, subject, given)
        embeddings = runs.embeddings(run)
        if embeddings is not None:
            similar_training_photos(run, np.asarray(embeddings[row]), count=4)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(escape_markdown(sample))
            st.button(
                "Open in full",
                icon=":material/open_in_full:",
                key="open-in-full",
                on_click=url.put,
                args=(OPENED, sample),
            )
