"""Which actions are taken for which, and what do those photos look like?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from har_core import analysis, pictures, plots, runs, words
from har_core.analysis import TOTAL, Order, Unit
from har_core.photo_table import Filters, select
from har_core.runs import Run
from har_core.words import bare
from pages import _data, _gallery, _shared, _url
from pages._cell import Cell, name_of

UNITS: dict[Unit, str] = {"count": "Photos", "recall": "% of true class", "precision": "% of predicted"}

_RANKED = 500  # confusions that are listed
_SCROLLED = """<style>
.st-key-matrix-frame { overflow-x: auto }
.st-key-matrix { min-width: 28rem }
</style>"""  # on a narrow screen the matrix scrolls, so that its numbers do not run into one another


def page() -> None:
    run = _data.current_run()
    if not run.scored:
        _shared.not_scored(run)
        return
    counts = _data.counts(run)
    st.title(words.worst_confusion(counts, run.classes))
    cell = Cell.seeded(run)
    left, right = st.columns([11, 8], gap="large")
    with left:
        unit, order = _matrix(run, counts, cell)
    with right:
        _boxes(run, cell)
        _ranking(run, counts, cell)
    chosen = cell.chosen()
    address: dict[str, object | None] = {
        **cell.address(run),
        "unit": unit if unit != "count" else None,
        "order": order if order != "alphabetical" else None,
    }
    if chosen is not None:
        address |= _photos(run, counts, cell, *chosen)
    _url.publish(address)


def _matrix(run: Run, counts: np.ndarray, cell: Cell) -> tuple[Unit, Order]:
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
    chosen = cell.chosen()
    outlined = [] if chosen is None else [chosen, chosen[::-1]] if cell.both_ways() else [chosen]
    positions = analysis.ordering(counts, order)
    figure = plots.confusion_matrix(
        counts,
        analysis.normalised(counts, unit),
        run.classes,
        positions,
        shares=unit != "count",
        dim_diagonal=dim,
        chosen=outlined,
    )

    def clicked() -> None:
        points = st.session_state["matrix"].selection.points
        if points:  # a second click on a cell deselects it, which is no wish to leave it
            places = [*positions, TOTAL]
            cell.choose((places[int(points[0]["y"])], places[int(points[0]["x"])]))

    frame = st.container(key="matrix-frame")
    frame.html(_SCROLLED)
    frame.plotly_chart(
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
            lambda: pictures.matrix_png(counts, run.classes),
            "confusion.png",
            "image/png",
            icon=":material/download:",
            on_click="ignore",
        )
    return unit, order


def _boxes(run: Run, cell: Cell) -> None:
    """The same choice from the keyboard."""
    options: dict[str, Any] = {
        "options": [TOTAL, *range(len(run.classes))],
        "format_func": lambda index: "any action" if index == TOTAL else bare(run.classes[index]),
        "index": None,
        "placeholder": "click a cell, or choose",
        "on_change": cell.one_way,
    }
    left, right = st.columns(2)
    left.selectbox("True action", key=cell.true, **options)
    right.selectbox("Taken for", key=cell.predicted, **options)


def _ranking(run: Run, counts: np.ndarray, cell: Cell) -> None:
    both = st.segmented_control(
        "Confusions", ["each way", "both ways together"], default="each way", required=True, key="confusions-ways"
    )
    ranked = analysis.confusions(counts, directed=both == "each way")[:_RANKED]
    if not ranked:
        st.success("Every photo was recognised.", icon=":material/check:")
        return
    joint = " → " if both == "each way" else " ↔ "
    shown = pd.DataFrame(
        {
            "confusion": [bare(run.classes[one.true]) + joint + bare(run.classes[one.predicted]) for one in ranked],
            "photos": [one.photos for one in ranked],
            "share": [one.share * 100 for one in ranked],
            "95 %": [f"{one.low * 100:.0f}–{one.high * 100:.0f} %" for one in ranked],
        }
    )

    def clicked() -> None:
        cells = st.session_state["ranking"].selection.cells
        if cells:
            one = ranked[cells[0][0]]
            cell.choose((one.true, one.predicted), both=both != "each way")

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


def _photos(run: Run, counts: np.ndarray, cell: Cell, true: int, predicted: int) -> dict[str, object | None]:
    """The photos of the chosen cell, and of its mirror image if both ways are meant."""
    both = cell.both_ways()
    said = (words.pair if both else words.cell)(counts, run.classes, true, predicted)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(said, anchor=False)
        st.button("Clear", icon=":material/close:", on_click=cell.choose, args=(None,))
    if not run.has(runs.PREDICTIONS):
        st.info(f"{run.title} has its matrix alone: which photos these were was not published.", icon=":material/info:")
        return {}
    filters = Filters("all", None if true == TOTAL else true, None if predicted == TOTAL else predicted)
    rows = select(_data.table(run), filters).rows
    names = {"true": name_of(run, filters.true), "predicted": name_of(run, filters.predicted)}
    if both:
        rows = np.concatenate([rows, select(_data.table(run), Filters("all", predicted, true)).rows])
        names = {}  # the errors page has no filter for a pair: the full view goes through all errors
    return _gallery.show(
        run, rows, key=f"cell-{true}-{predicted}-{both}", origin=_url.query(show=None if both else "all", **names)
    )


page()
