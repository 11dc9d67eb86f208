"""Which actions are taken for which, and what do those photos look like?"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from har_core import analysis, plots, runs, words
from har_core.analysis import TOTAL, Order, Unit
from har_core.photo_table import Filters, select
from har_core.runs import Run
from har_core.words import readable
from pages import _data, _gallery, _shared, _url

UNITS: dict[Unit, str] = {"count": "Photos", "recall": "% of true class", "precision": "% of predicted"}
ALL = "all"


def page() -> None:
    run = _data.current_run()
    if not run.scored:
        _shared.not_scored(run)
        return
    counts = _data.counts(run)
    st.title(words.worst_confusion(counts, run.classes))
    true, predicted = _seeded_cell(run)
    left, right = st.columns([11, 8], gap="large")
    with left:
        unit, order = _matrix(run, counts, _chosen(true, predicted))
    with right:
        _boxes(run, true, predicted)
        _ranking(run, counts, true, predicted)
    chosen = _chosen(true, predicted)
    address: dict[str, object | None] = {
        "true": _name(run, st.session_state[true]),
        "predicted": _name(run, st.session_state[predicted]),
        "unit": unit if unit != "count" else None,
        "order": order if order != "alphabetical" else None,
    }
    if chosen is not None:
        address |= _photos(run, counts, *chosen)
    _url.publish(address)


def _seeded_cell(run: Run) -> tuple[str, str]:
    """The keys of the two select boxes, which hold the chosen cell: class index, `TOTAL`, or None."""
    known: dict[str, int | None] = {**{name: index for index, name in enumerate(run.classes)}, ALL: TOTAL}
    keys = (f"confusions-{name}-{run.folder}" for name in ("true", "predicted"))
    true, predicted = (
        _url.seed(key, name, None, _url.one_of(known)) for key, name in zip(keys, ("true", "predicted"), strict=True)
    )
    return true, predicted


def _chosen(true: str, predicted: str) -> tuple[int, int] | None:
    """The chosen cell; where one of the two is left open, the total of the other."""
    pair = st.session_state[true], st.session_state[predicted]
    return (
        None if pair == (None, None) else (TOTAL if pair[0] is None else pair[0], TOTAL if pair[1] is None else pair[1])
    )


def _choose(true: str, predicted: str, cell: tuple[int, int] | None) -> None:
    st.session_state[true], st.session_state[predicted] = cell or (None, None)


def _name(run: Run, index: int | None) -> str | None:
    return index if index is None else ALL if index == TOTAL else run.classes[index]


def _matrix(run: Run, counts: np.ndarray, chosen: tuple[int, int] | None) -> tuple[Unit, Order]:
    true, predicted = _seeded_cell(run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit: Unit = st.selectbox(
            "Show",
            list(UNITS),
            format_func=UNITS.__getitem__,
            key=_url.seed("confusions-unit", "unit", "count", _url.one_of({unit: unit for unit in UNITS})),
            width=170,
        )
        order: Order = st.selectbox(
            "Order",
            analysis.ORDERS,
            key=_url.seed(
                "confusions-order", "order", "alphabetical", _url.one_of({order: order for order in analysis.ORDERS})
            ),
            help="By recall: the weakest first. By similarity: actions that are confused stand together.",
            width=150,
        )
        dim = st.toggle("Dim right answers", True, key="confusions-dim")
    figure = plots.confusion_matrix(
        counts,
        analysis.normalised(counts, unit),
        run.classes,
        analysis.ordering(counts, order),
        shares=unit != "count",
        dim_diagonal=dim,
        chosen=chosen,
    )

    def clicked() -> None:
        points = st.session_state["matrix"].selection.points
        if points:  # a second click on a cell deselects it, which is no wish to leave it
            row, column = points[0]["customdata"]
            _choose(true, predicted, (int(row), int(column)))

    st.plotly_chart(
        figure,
        key="matrix",
        on_select=clicked,
        selection_mode="points",
        config={"displayModeBar": False},
        alt=f"Confusion matrix of {len(run.classes)} actions. {words.worst_confusion(counts, run.classes)}. "
        "The select boxes choose a cell without a mouse.",
    )
    with st.container(horizontal=True):
        table = pd.DataFrame(counts, index=pd.Index(run.classes, name="true \\ predicted"), columns=run.classes)
        st.download_button(
            "CSV", table.to_csv().encode(), "confusion.csv", "text/csv", icon=":material/download:", on_click="ignore"
        )
        st.download_button(
            "PNG",
            lambda: _png(counts, run),
            "confusion.png",
            "image/png",
            icon=":material/download:",
            on_click="ignore",
        )
    return unit, order


def _boxes(run: Run, true: str, predicted: str) -> None:
    """The same choice from the keyboard."""
    options: dict[str, Any] = {
        "options": [TOTAL, *range(len(run.classes))],
        "format_func": lambda index: "any action" if index == TOTAL else readable(run.classes[index]),
        "index": None,
        "placeholder": "click a cell, or choose",
    }
    left, right = st.columns(2)
    left.selectbox("True action", key=true, **options)
    right.selectbox("Taken for", key=predicted, **options)


def _ranking(run: Run, counts: np.ndarray, true: str, predicted: str) -> None:
    both = st.segmented_control(
        "Confusions", ["each way", "both ways together"], default="each way", required=True, key="confusions-ways"
    )
    ranked = analysis.confusions(counts, directed=both == "each way")
    if not ranked:
        st.success("Every photo was recognised.", icon=":material/check:")
        return
    joint = " → " if both == "each way" else " ↔ "
    shown = pd.DataFrame(
        {
            "confusion": [
                readable(run.classes[one.true]) + joint + readable(run.classes[one.predicted]) for one in ranked
            ],
            "photos": [one.photos for one in ranked],
            "share": [one.share * 100 for one in ranked],
            "95 %": [f"{one.low * 100:.0f}–{one.high * 100:.0f} %" for one in ranked],
        }
    )

    def clicked() -> None:
        cells = st.session_state["ranking"].selection.cells
        if cells:
            one = ranked[cells[0][0]]
            _choose(true, predicted, (one.true, one.predicted))

    st.dataframe(
        shown,
        key="ranking",
        hide_index=True,
        on_select=clicked,
        selection_mode="single-cell",
        height=430,
        column_config={
            "confusion": st.column_config.TextColumn(width="medium"),
            "share": st.column_config.NumberColumn(format="%.1f %%"),
        },
        alt="The confusions, the most frequent first, with their share of the true action's photos",
    )
    of = "of the true action's photos" if both == "each way" else "of both actions' photos"
    st.caption(f"Share {of}, with Wilson's 95 % interval. Click a row for its photos.")


def _photos(run: Run, counts: np.ndarray, true: int, predicted: int) -> dict[str, object | None]:
    """The photos of the chosen cell."""
    keys = _seeded_cell(run)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(words.cell(counts, run.classes, true, predicted), anchor=False)
        st.button("Clear", icon=":material/close:", on_click=_choose, args=(*keys, None))
    if not run.has(runs.PREDICTIONS):
        st.info(f"{run.title} has its matrix alone: which photos these were was not published.", icon=":material/info:")
        return {}
    filters = Filters("all", None if true == TOTAL else true, None if predicted == TOTAL else predicted)
    rows = select(_data.table(run), filters).rows
    names = {"true": _name(run, filters.true), "predicted": _name(run, filters.predicted)}
    return _gallery.show(run, rows, key=f"cell-{true}-{predicted}", origin=_url.query(show="all", **names))


def _png(counts: np.ndarray, run: Run) -> bytes:
    """The matrix as a picture for a report."""
    from matplotlib.figure import Figure  # slow import, rarely needed
    from sklearn.metrics import ConfusionMatrixDisplay

    side = 3 + 0.5 * len(run.classes)
    figure = Figure(figsize=(side, side), layout="tight")
    display = ConfusionMatrixDisplay(counts, display_labels=[readable(name) for name in run.classes])
    display.plot(ax=figure.add_subplot(), cmap="Oranges", colorbar=False, xticks_rotation=60)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


page()
