"""Where does the model fail among millions of photos?"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import streamlit as st

from app_pages.components.follow import follow
from app_pages.components.matrix_panel import cell_boxes, matrix_panel, ranking
from app_pages.scored.choices import Choices, filter_line, list_line, seeded
from app_pages.scored.photo_list import photo_list
from app_pages.state import own_runs, scored, scored_folders, url
from app_pages.state.cell import Cell
from app_pages.state.own_runs import OwnRun
from app_pages.state.settings import settings
from har_core.analysis.binned_calibration import binned_calibration, binned_coverage, binned_reliability
from har_core.analysis.confusion import TOTAL
from har_core.analysis.scores import class_scores, summarize
from har_core.errors import RunError
from har_core.scoring.browse import Only, ScoredPhotos
from har_core.scoring.index import BINS
from har_core.scoring.stored_photos import FetchedPhotos, StoredPhotos
from har_core.viz import figures, formats, text
from har_core.viz.formats import class_label, class_markdown, count_photos, escape_markdown

_STYLE = "<style>@media (min-width: 641px) { .st-key-scored-title h1 { min-height: 6.6rem } }</style>"
"""As on Confusions: the matrix must not move under the pointer."""


def page() -> None:
    folders = scored_folders.folders()
    if not folders:
        _nothing()
        return
    key = url.seed("scored-folder", "scored", next(iter(folders)), url.one_of({name: name for name in folders}))
    if st.session_state[key] not in folders:
        url.put(key, next(iter(folders)))
    name: str = st.session_state[key]
    address: dict[str, object | None] = {"scored": name if name != next(iter(folders)) else None}
    try:
        photos = scored.opened(folders[name])
        cell = Cell.seeded(photos)
        choices = seeded(photos, cell)
        with st.spinner("Counting …"):
            matrix = photos.matrix(choices.only)
    except RunError as error:  # another folder can still be chosen
        st.title(f"{escape_markdown(name)} cannot be opened")
        st.error(escape_markdown(str(error)), icon=":material/error:")
        _folder_box(list(folders), key)
        url.publish(address)
        return
    st.html(_STYLE)
    with st.container(key="scored-title"):
        headline, in_full = _headline(photos, matrix, cell, choices)
        st.title(headline, help=in_full)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(_summary(photos, matrix, name, choices.only))
        _folder_box(list(folders), key)
    filter_line(photos, choices)
    left, right = st.columns([2, 1], gap="medium")
    is_labeled = bool(photos.scored.labeled)
    with left:
        address |= cell.address(photos) | choices.address
        address |= (
            matrix_panel(photos, matrix, cell, page="scored") if is_labeled else _without_labels(photos, choices, cell)
        )
    with right:
        top = st.container()
        if is_labeled:
            cell_boxes(photos, cell)
        if cell.chosen() is not None:
            st.button("All photos", icon=":material/arrow_back:", on_click=cell.choose, args=(None,))
        list_line(photos, choices, is_cell=cell.chosen() is not None)
        listed, draw_last = photo_list(photos, choices, top)
    if is_labeled and matrix.sum():
        address |= _more(photos, matrix, cell)
    url.publish(address | listed)
    draw_last()


def _folder_box(names: list[str], key: str) -> None:
    if len(names) > 1:
        st.selectbox("Scored photos", names, label_visibility="collapsed", width=230, **url.widget(key))


def _headline(photos: ScoredPhotos, matrix: np.ndarray, cell: Cell, choices: Choices) -> tuple[str, str | None]:
    """And the same with names in full where some were shortened."""
    chosen = cell.chosen()
    if not photos.scored.labeled:
        counts = photos.predicted(choices.only)
        if not counts.sum():
            return "No photo matches these filters", None
        top = int(counts.argmax())
        headline, in_full = (
            f"{count_photos(int(counts.sum()))}, most often predicted as {class_markdown(names[top])} "
            f"({formats.share(counts[top] / counts.sum())})"
            for names in (formats.short_labels(photos.classes, text.IN_HEADLINE), photos.classes)
        )
        return headline, in_full if in_full != headline else None
    if chosen is None and not matrix.sum():
        none = "No photo matches these filters" if choices.only != Only() else "No label is one of the model's classes"
        return none, None
    return text.matrix_headline(matrix, photos.classes, chosen, both=cell.both_directions())


def _summary(photos: ScoredPhotos, matrix: np.ndarray, name: str, only: Only) -> str:
    """How many photos these are, and how many of them are correct."""
    found = photos.scored
    unread = f", {found.unreadable:,} could not be read" if found.unreadable else ""
    words = f"**{escape_markdown(name)}**: {count_photos(found.photos)} scored{unread}"
    if not found.labeled:
        return f"{words}. None has a label, so nothing says which are wrong: score them with `--labels`."
    if not matrix.sum():
        return f"{words}."
    summary, unknown = summarize(matrix), photos.unknown_labels()
    interval = formats.interval(*summary.interval)
    matching = "" if only == Only() else " that match the filters"
    others = f"; {unknown:,} have labels that are none of its classes and count nowhere" if unknown else ""
    return f"{words}; {formats.share(summary.accuracy)} of {summary.n:,} labeled as one of its classes{matching} are correct ({interval}){others}."


def _without_labels(photos: ScoredPhotos, choices: Choices, cell: Cell) -> dict[str, object | None]:
    """How often each class was predicted; a click shows its photos."""
    counts = photos.predicted(choices.only)
    order = [int(index) for index in np.argsort(-counts, kind="stable")]

    def clicked() -> None:
        if cells := st.session_state["scored-classes"].selection.cells:
            cell.choose((TOTAL, order[cells[0][0]]))

    st.dataframe(
        [{"predicted as": class_label(photos.classes[index]), "photos": int(counts[index])} for index in order],
        key="scored-classes",
        hide_index=True,
        on_select=clicked,
        selection_mode="single-cell",
        height=560,
        alt="How often each class was predicted",
    )
    st.caption("Click a row for its photos.")
    return {}


def _more(photos: ScoredPhotos, matrix: np.ndarray, cell: Cell) -> dict[str, object | None]:
    """What is true of all photos together; returns what belongs into the address."""
    st.subheader("The most frequent confusions, and all classes", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        address = ranking(photos, matrix, cell, page="scored")
    with right:
        scores = class_scores(matrix, photos.classes)
        scores = scores[scores["support"] > 0].sort_values("f1", kind="stable", ignore_index=True)
        absent = len(photos.classes) - len(scores)
        st.caption(
            "F1 of each class with its 95\u00a0% interval."
            + (
                f" {absent} of {len(photos.classes)} classes {'has' if absent == 1 else 'have'} no photos here."
                if absent
                else ""
            )
        )
        st.plotly_chart(
            figures.class_score_bars(scores, "f1"),
            config={"displayModeBar": False},
            key="scored-scores",
            alt="F1 of each class with its 95 % interval, the lowest on top",
        )
    _calibration(photos)
    _sample(photos)
    return address


def _calibration(photos: ScoredPhotos) -> None:
    bins = photos.confidences()
    st.subheader("Does a probability of 70\u00a0% mean 70\u00a0%?", anchor=False)
    found = binned_calibration(bins, of=BINS)
    st.markdown(text.calibration_sentence(found))
    left, right = st.columns(2, gap="large")
    left.plotly_chart(
        figures.reliability_diagram(binned_reliability(bins)),
        config={"displayModeBar": False},
        key="scored-reliability",
        alt="Reliability diagram: how many answers of each probability are correct, with 95 % intervals",
    )
    left.caption(
        f"Expected calibration error {found.ece:.3f} (0 is best), of all photos with a label, whatever the filters."
    )
    right.plotly_chart(
        figures.coverage_figure(binned_coverage(bins, of=BINS)),
        config={"displayModeBar": False},
        key="scored-coverage",
        alt="Share of correct answers if only the surest photos are answered",
    )


def _sample(photos: ScoredPhotos) -> None:
    """The way to the pages that need all photos of a run in memory."""
    st.subheader("Map, similar photos, label suspects", anchor=False)
    st.markdown(
        "These look at every photo beside every other, so they work on a sample: photos with a label, drawn at random, each with "
        "the same probability. It opens as a run of yours, on all pages."
    )
    if st.button("Open the sample", icon=":material/casino:", type="primary"):
        keeper: TemporaryDirectory[str] = TemporaryDirectory(prefix="har-lens-")
        name = own_runs.new_name()
        run = photos.write_sample(Path(keeper.name) / name)
        stored = StoredPhotos(photos.folder, settings().photos)
        store = FetchedPhotos(Path(keeper.name) / "photos", stored, photos.shards_of_sample())
        own_runs.own_runs()[name] = OwnRun(run.folder, store.root, str(st.session_state[url.RUN]), keeper, store)
        follow("app_pages/home/overview.py", "See the sample", {url.RUN: name})


def _nothing() -> None:
    st.title("Nothing was scored here yet")
    st.markdown(
        "This page shows millions of photos that `har-lens score` has answered, with their confusion matrix, filters and fifty "
        "photos at a time:"
    )
    st.code("har-lens score s3://bucket/photos --labels folders --out runs/scored", language="bash")
    st.markdown("Put the folder below `runs/`, or name its parent: `streamlit run app.py -- --runs DIR`.")
    url.publish({})


page()
