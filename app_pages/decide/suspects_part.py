"""Labels that are probably wrong: look, judge by keyboard, and take the corrected labels with you."""

from __future__ import annotations

from math import ceil

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app_pages.components.download_photos import say_what_is_missing
from app_pages.components.on_disk import by_command
from app_pages.components.photo_grid import Actions, Tile, photo_grid
from app_pages.components.photo_tile import photo_tile
from app_pages.components.photo_verdict import verdict_choice, verdict_words
from app_pages.components.similar_photos import similar_training_photos
from app_pages.components.verdict_effect import offer_exports
from app_pages.state import own_runs, runs, url
from app_pages.state.judging import Subject, is_undoable, judging, undoing
from app_pages.state.suspects import is_stored, suspects
from har_core.analysis.label_suspects import NEIGHBORS
from har_core.files import csv_bytes
from har_core.runs.file_names import EMBEDDINGS
from har_core.runs.run import Run
from har_core.runs.tables import TEST, TRAINING
from har_core.runs.verdicts import Verdict
from har_core.viz.data_text import suspects_headline
from har_core.viz.formats import capitalize, class_label, class_markdown, escape_markdown, percent
from har_core.viz.known_text import instead_sentence

PER_PAGE = 60
"""Photos."""

_HEIGHT = 700  # pixels of the grid beside an open photo
_SIDE = 260  # pixels of a tile's picture
SPLITS = {"all": "All photos", TEST: "Test photos", TRAINING: "Training photos"}


def suspects_part(run: Run, top: DeltaGenerator) -> dict[str, object | None]:
    """For a run with predictions; returns what belongs into the address."""
    table = suspects(run)
    top.title(suspects_headline(None if table is None else len(table)))
    if table is None:
        answers = runs.known(run)
        if run.has(EMBEDDINGS) or answers.every_class:
            how = by_command(run, "`har-lens analyze RUN DATA` finds them.")
            why = ": there are too many photos to do it while you wait" if answers.every_class else ""
            st.markdown(f"Nobody has looked yet{why}. {how}")
        else:
            told = instead_sentence(answers, every_class=["label suspects"])
            more = "" if own_runs.is_own(run) else " So would embeddings, with `har-lens analyze RUN DATA`."
            st.markdown(told + more)
        return {}
    judged = own_runs.verdicts(run).all()
    if len(table):
        st.markdown(_answer(run, table, judged))
    split = _controls(run, table, judged)
    shown = table if split == "all" else table[table["split"] == split]
    at = url.seed(f"suspects-at-{run.folder}", "photo", None, str)
    asked: str | None = st.session_state[at]
    known = _subjects(run, table)
    samples = shown["sample"].to_numpy()
    places = (samples == asked).nonzero()[0]
    pages = max(1, ceil(len(shown) / PER_PAGE))
    page = url.seed(
        f"suspects-page-{run.folder}-{split}",
        "page",
        int(places[0]) // PER_PAGE + 1 if len(places) else 1,
        lambda text: min(max(1, int(text)), pages),
    )
    number = int(st.session_state[page])
    current = asked if asked is not None and (asked in known or _training_label(run, asked) is not None) else None
    above = st.container()
    if asked is not None and current is None:
        above.warning(f"{escape_markdown(asked)} is not among these photos.", icon=":material/image_not_supported:")
    # one column or two, so that the grid stays what it is while a photo is opened beside it
    left, *beside = st.columns([6, 5] if current is not None else [1], gap="medium")
    with left:
        if len(shown):
            _grid(run, samples, number, known, judged, at=at, page=page, current=current)
        if pages > 1:
            with st.container(horizontal_alignment="center"):
                st.pagination(pages, **url.widget(page))
    if current is not None:
        with beside[0]:
            _panel(run, table, current, known, judged, at)
    return {"split": split if split != "all" else None, "photo": current, "page": number if number > 1 else None}


def _answer(run: Run, table: pd.DataFrame, judged: dict[str, Verdict]) -> str:
    wrong = sum(judged[sample].verdict == "label is wrong" for sample in table["sample"] if sample in judged)
    seen = sum(sample in judged for sample in table["sample"])
    tested = int((table["split"] == TEST).sum())
    where = f"{tested:,} of the test, {len(table) - tested:,} of the training. " if is_stored(run) else ""
    words = f"{where}The most suspicious come first."
    if seen:
        words += f" Of the {seen:,} judged so far, {wrong:,} {'is' if wrong == 1 else 'are'} wrong."
    return words


def _controls(run: Run, table: pd.DataFrame, judged: dict[str, Verdict]) -> str:
    key = url.seed(f"suspects-split-{run.folder}", "split", "all", url.one_of({name: name for name in SPLITS}))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if is_stored(run):
            st.segmented_control(
                "Of which photos",
                list(SPLITS),
                format_func=SPLITS.__getitem__,
                required=True,
                label_visibility="collapsed",
                **url.widget(key),
            )
        st.download_button(
            "Suspects as CSV",
            lambda: _csv(table, judged),
            "label_suspects.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        offer_exports(run, judged)
    how = (
        "Found by confident learning (cleanlab): linear heads on the model's embeddings judge photos that they were not fitted "
        "on, near-duplicates in one fold."
        if is_stored(run)
        else "Found by confident learning (cleanlab) from the model's own answers to the photos it was evaluated on."
    )
    st.caption(how + " A suspect is not a verdict: look, then judge.")
    return str(st.session_state[key])


def _csv(table: pd.DataFrame, judged: dict[str, Verdict]) -> bytes:
    """The suspects with what was judged."""
    rows = [[*row, *judged.get(str(row[0]), ("", "", ""))] for row in table.itertuples(index=False, name=None)]
    return csv_bytes([[*table.columns, "verdict", "note", "right_label"], *rows])


def _subjects(run: Run, table: pd.DataFrame) -> dict[str, Subject]:
    predictions = runs.predictions(run)
    wrong = set(predictions.samples[~predictions.correct])
    return {
        str(sample): Subject(str(sample), str(label), str(suggested), sample in wrong)
        for sample, label, suggested in zip(table["sample"], table["label"], table["suggested"], strict=True)
    }


def _training_label(run: Run, sample: str) -> str | None:
    """Of a photo that the model learned from."""
    training = runs.training(run)
    if training is None:
        return None
    rows = (training.samples == sample).nonzero()[0]
    return run.classes[int(training.labels[rows[0]])] if len(rows) else None


def _grid(
    run: Run,
    samples: np.ndarray,
    number: int,
    known: dict[str, Subject],
    judged: dict[str, Verdict],
    *,
    at: str,
    page: str,
    current: str | None,
) -> None:
    """Page `number` of the suspects `samples` (M,)."""
    goal: dict[str, str] = st.session_state.setdefault("suspects-goal", {})

    def finish() -> None:
        if "show" in goal:
            url.put(at, goal["show"])
            place = (samples == goal["show"]).nonzero()[0]
            if len(place) and int(place[0]) // PER_PAGE + 1 != st.session_state[page]:
                url.put(page, int(place[0]) // PER_PAGE + 1)
            goal.clear()

    if goal:  # a run that was broken off has left it
        finish()
        st.rerun()

    start = (number - 1) * PER_PAGE
    stop = start + PER_PAGE
    say_what_is_missing(run, samples[start:stop].tolist())
    tiles = []
    for sample in map(str, samples[start:stop]):
        title = f"{class_label(known[sample].label)} → {class_label(known[sample].instead)}?"
        verdict = judged[sample].verdict if sample in judged else ""
        tiles.append(
            Tile(
                sample,
                photo_tile(run, sample, side=_SIDE // 2),
                None,
                title,
                verdict,
                correct=not known[sample].misclassified,
            )
        )
    photo_grid(
        tiles,
        key="suspects-grid",
        current=current,
        actions=Actions(
            show=lambda sample: goal.update(show=sample),
            judge=judging(run, known.__getitem__),
            undo=undoing(run),
        ),
        finish=finish,
        label="Label suspects",
        around=(samples[start - 1] if start else None, samples[stop] if stop < len(samples) else None),
        undoable=is_undoable(run),
        height=_HEIGHT if current is not None else None,
    )
    st.caption(
        "Click a photo. Arrows move, 1 to 4 judge and go on, U undoes; Shift and Ctrl with a click choose several."
    )


def _panel(
    run: Run, table: pd.DataFrame, sample: str, known: dict[str, Subject], judged: dict[str, Verdict], at: str
) -> None:
    label = known[sample].label if sample in known else _training_label(run, sample)
    subject = known.get(sample) or Subject(sample, label or "", "", False)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**Labeled {class_markdown(subject.label)}**")
        st.button("Close", icon=":material/close:", key="close-panel", on_click=url.put, args=(at, None))
    if sample in known:
        st.markdown(_reason(table[table["sample"] == sample].iloc[0]))
    verdict_choice(run, subject, judged.get(sample))
    picture = photo_tile(run, sample, side=720)
    if picture is not None:
        st.image(picture, width="stretch", alt=f"{sample}, labeled {class_label(subject.label)}")
    verdict_words(run, subject, judged.get(sample))
    embedding = _embedding(run, sample)
    if embedding is not None:
        similar_training_photos(run, embedding, count=4, leave_out=sample)
    tested = sample in set(runs.predictions(run).samples)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{escape_markdown(sample)}, {'a test' if tested else 'a training'} photo")
        if tested:
            st.page_link(
                "app_pages/analysis/errors.py",
                label="Open in full",
                icon=":material/open_in_full:",
                query_params=url.query(show="all", photo=sample),
            )


def _reason(row: pd.Series) -> str:
    suggested = class_markdown(str(row["suggested"]))
    near = f"Of the {NEIGHBORS} most similar photos, {int(row['neighbors_label'])} have this label"
    return (
        f"{capitalize(suggested)} is {percent(float(row['suggested_probability']))} probable, the label "
        f"{percent(float(row['self_confidence']))}. {near}, {int(row['neighbors_suggested'])} are labeled {suggested}."
    )


def _embedding(run: Run, sample: str) -> np.ndarray | None:
    """(D,) of a test or a training photo."""
    training, tested = runs.training(run), runs.embeddings(run)
    rows = (runs.predictions(run).samples == sample).nonzero()[0]
    if tested is not None and len(rows):
        return np.asarray(tested[rows[0]])
    if training is None:
        return None
    rows = (training.samples == sample).nonzero()[0]
    return training.restore(rows[:1])[0] if len(rows) else None
