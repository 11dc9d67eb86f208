"""The list of the errors page as a dense grid, with the chosen photo, its evidence and the verdict beside it."""

from __future__ import annotations

from math import ceil

import numpy as np
import streamlit as st

from app_pages.components import evidence
from app_pages.components.grid_tiles import scored_tiles
from app_pages.components.photo_detail import OPENED, evidence_for_any
from app_pages.components.photo_grid import Actions, photo_grid
from app_pages.components.photo_verdict import photo_verdict
from app_pages.components.similar_photos import similar_training_photos
from app_pages.state import runs, url
from app_pages.state.judging import judging, scored_subject, undoing
from app_pages.state.suspects import is_stored, suspects
from har_core.runs.run import Run
from har_core.runs.verdicts import Verdict, kinds
from har_core.viz.text import capitalize, class_label, class_markdown, escape_markdown, percent

PER_PAGE = 60
"""Photos."""

_HEIGHT = 700  # pixels of the grid beside an open photo
_FEW = 20_000  # photos whose suspects are looked for without being asked


def workbench(run: Run, rows: np.ndarray, judged: dict[str, Verdict], *, key: str) -> dict[str, object | None]:
    """One page of the photos, and the chosen one beside them; returns what belongs into the address.

    Args:
        rows: (M,) of the run's example table, in order.
        judged: sample → verdict.
    """
    samples = runs.predictions(run).samples[rows]
    at = url.seed(f"errors-at-{run.folder}", "at", None, str)
    places = (samples == st.session_state[at]).nonzero()[0]
    pages, page_key = ceil(len(rows) / PER_PAGE), f"{key}-grid-page-{ceil(len(rows) / PER_PAGE)}"
    if st.session_state.get(page_key) is None:
        asked = url.read_once("page") or "1"
        first = int(places[0]) // PER_PAGE + 1 if len(places) else int(asked) if asked.isdecimal() else 1
        url.put(page_key, min(max(1, first), pages))
    number: int = st.session_state[url.seed(page_key, "page", 1, int)]
    shown = rows[(number - 1) * PER_PAGE : number * PER_PAGE]
    current = str(samples[places[0]]) if len(places) else None
    left, right = st.columns([6, 5], gap="medium") if current is not None else (st.container(), None)
    with left:
        _grid(run, shown, judged, at=at, current=current)
        if pages > 1:
            with st.container(horizontal_alignment="center"):
                st.pagination(pages, **url.widget(page_key))
    if right is not None and current is not None:
        with right:
            _panel(run, int(rows[places[0]]), judged, at)
    return {"page": number if number > 1 else None, "at": current}


def _grid(run: Run, shown: np.ndarray, judged: dict[str, Verdict], *, at: str, current: str | None) -> None:
    goal: dict[str, str] = {}

    def finish() -> None:
        if "show" in goal:
            url.put(at, goal["show"])
        if "open" in goal:
            url.put(OPENED, goal["open"])

    save, undo = judging(run), undoing(run)
    photo_grid(
        scored_tiles(run, shown, judged, _marks(run)),
        kinds(correct=False),
        key="errors-grid",
        current=current,
        actions=Actions(
            show=lambda sample: goal.update(show=sample),
            judge=save,
            undo=undo,
            open=lambda sample: goal.update(open=sample),
        ),
        finish=finish,
        label="Photos of the list",
        height=_HEIGHT if current is not None else None,
    )
    st.caption(
        "Click a photo to see why. Arrows move, 1 to 4 judge and go on, U undoes, H shows the evidence, Enter opens; Shift and "
        "Ctrl with a click choose several. “!” marks labels that are probably wrong."
    )


def _marks(run: Run) -> dict[str, str]:
    """Sample → what is suspected of its label."""
    table = suspects(run) if is_stored(run) or len(runs.examples(run)) <= _FEW else None
    if table is None:
        return {}
    pairs = zip(table["sample"], table["suggested"], strict=True)
    return {str(sample): f"label suspect: rather {class_label(suggested)}" for sample, suggested in pairs}


def _panel(run: Run, row: int, judged: dict[str, Verdict], at: str) -> None:
    example = runs.examples(run).iloc[row]
    sample = str(example["sample"])
    predicted, true = (class_markdown(run.classes[int(example[name])]) for name in ("predicted", "true"))
    outcome = "predicted correctly" if predicted == true else f"predicted as {predicted}"
    with st.container(key="photo-panel"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{capitalize(true)}**, {outcome} ({percent(example['confidence'])})")
            st.button("Close", icon=":material/close:", key="close-panel", on_click=url.put, args=(at, None))
        photo_verdict(run, scored_subject(run, sample), judged.get(sample))
        evidence_for_any(run, row, evidence.open_stored_photo(run, row))
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
