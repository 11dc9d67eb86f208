"""A confusion matrix with what it shows, the same choice from the keyboard, and the most frequent confusions."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
import streamlit as st

from app_pages.components.matrix_view import matrix_view
from app_pages.state import url
from app_pages.state.cell import Cell, Classified
from har_core.analysis.confusion import TOTAL, ClassOrder, Normalize, class_order, confused_pairs, normalize
from har_core.files import csv_bytes
from har_core.viz import formats
from har_core.viz.matrix_table import confusion_table, matrix_png

UNITS: dict[str, tuple[Normalize, str]] = {
    "count": ("none", "Photos"),
    "recall": ("true", "% of true class"),
    "precision": ("pred", "% of predicted"),
}
"""What the address calls a unit, how the matrix is normalized for it, and its label."""

ORDER_LABELS: dict[str, str] = {
    "alphabetical": "Alphabetical",
    "recall": "Weakest first",
    "similarity": "Group similar",
}
_MOST_PAIRS = 500  # that are listed
_EACH, _BOTH = "each direction", "both directions"


def matrix_panel(run: Classified, matrix: np.ndarray, cell: Cell, *, page: str) -> dict[str, object | None]:
    """The matrix with what it shows; returns what of that belongs into the address.

    Args:
        matrix: (K, K) counts, rows true.
        page: a word that tells the page's keys from those of another.
    """
    is_sorted = list(run.classes) == sorted(run.classes)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit: str = st.selectbox(
            "Show",
            list(UNITS),
            format_func=lambda unit: UNITS[unit][1],
            width=170,
            **url.widget(url.seed(f"{page}-unit", "unit", "count", url.one_of({unit: unit for unit in UNITS}))),
        )
        order = cast(
            "ClassOrder",
            st.selectbox(
                "Order",
                list(ORDER_LABELS),
                format_func=(ORDER_LABELS | ({} if is_sorted else {"alphabetical": "As in the run"})).__getitem__,
                help="Weakest first: by recall. Group similar: classes that are confused stand together.",
                width=160,
                **url.widget(
                    url.seed(
                        f"{page}-order", "order", "alphabetical", url.one_of({name: name for name in ORDER_LABELS})
                    )
                ),
            ),
        )
        diagonal = url.seed(f"{page}-hide-diagonal", "diagonal", True, url.one_of({"shown": False}))
        hide = st.toggle("Hide diagonal", help="The totals count it all the same.", **url.widget(diagonal))
        missing = int((matrix.sum(axis=0) + matrix.sum(axis=1) == 0).sum())
        every = url.seed(f"{page}-everything", "actions", False, url.one_of({"all": True}))
        everything = missing > 0 and st.toggle(
            f"All {len(run.classes)} classes",
            help="Also those of which there is neither a photo nor a prediction.",
            **url.widget(every),
        )
    chosen = cell.chosen()
    outlined = [] if chosen is None else [chosen, chosen[::-1]] if cell.both_directions() else [chosen]
    occurs = matrix.sum(axis=0) + matrix.sum(axis=1) > 0
    positions = [index for index in class_order(matrix, order) if everything or occurs[index]]
    normalization = UNITS[unit][0]
    table = confusion_table(
        matrix,
        normalize(matrix, normalization),
        run.classes,
        positions,
        as_percent=normalization != "none",
        hide_diagonal=hide,
    )
    label = f"Confusion matrix of {len(run.classes)} classes"
    matrix_view(table, key="matrix", label=label, chosen=outlined, on_click=cell.choose)
    _downloads(run, matrix)
    return {
        "unit": unit if unit != "count" else None,
        "order": order if order != "alphabetical" else None,
        "diagonal": None if hide else "shown",
        "actions": "all" if everything else None,
    }


def _downloads(run: Classified, matrix: np.ndarray) -> None:
    with st.container(horizontal=True):
        rows = [
            ("true \\ predicted", *run.classes),
            *((name, *row) for name, row in zip(run.classes, matrix, strict=True)),
        ]
        st.download_button(
            "CSV", csv_bytes(rows), "confusion.csv", "text/csv", icon=":material/download:", on_click="ignore"
        )
        st.download_button(
            "PNG",
            lambda: matrix_png(matrix, run.classes),
            "confusion.png",
            "image/png",
            icon=":material/download:",
            on_click="ignore",
        )


def cell_boxes(run: Classified, cell: Cell) -> None:
    """The same choice from the keyboard."""
    labels = formats.distinct_labels(["any class", *run.classes])
    options: dict[str, Any] = {
        "options": [TOTAL, *range(len(run.classes))],
        "format_func": lambda index: labels[index + 1],
        "index": None,
        "placeholder": "click a cell, or choose",
    }
    left, right = st.columns(2)
    left.selectbox("True class", **options, **url.widget(cell.true, cell.one_direction))
    right.selectbox("Predicted as", **options, **url.widget(cell.predicted, cell.one_direction))


def ranking(run: Classified, matrix: np.ndarray, cell: Cell, *, page: str) -> dict[str, object | None]:
    """The most frequent confusions; returns what belongs into the address."""
    ways = url.seed(f"{page}-ways", "list", _EACH, url.one_of({"both": _BOTH}))
    both = st.segmented_control("Confusions", [_EACH, _BOTH], required=True, **url.widget(ways)) == _BOTH
    address: dict[str, object | None] = {"list": "both" if both else None}
    pairs = confused_pairs(matrix, directed=not both)[:_MOST_PAIRS]
    if not pairs:
        st.info("No photo is misclassified.", icon=":material/info:")
        return address
    arrow, labels = " ↔ " if both else " → ", formats.short_labels(run.classes)
    from_left = "\u200e"  # the first name alone would tell in which direction all is written
    shown = pd.DataFrame(
        {
            "confusion": [
                from_left + arrow.join(labels[index] for index in (pair.true, pair.predicted)) for pair in pairs
            ],
            "photos": [pair.count for pair in pairs],
            "share": [pair.share * 100 for pair in pairs],
            "95 %": [formats.interval(pair.low, pair.high, decimals=0) for pair in pairs],
        }
    )

    key = "ranking-both" if both else "ranking"  # a table of its own: of one with new data the first click is lost

    def clicked() -> None:
        cells = st.session_state[key].selection.cells
        if cells:
            pair = pairs[cells[0][0]]
            cell.choose((pair.true, pair.predicted), both=both)

    st.dataframe(
        shown,
        key=key,
        hide_index=True,
        on_select=clicked,
        selection_mode="single-cell",
        height=430,
        column_config={
            "confusion": st.column_config.TextColumn(width="medium"),
            "share": st.column_config.NumberColumn(format="%.1f %%"),
        },
        alt="The confusions, the most frequent first, with their share of the true class's photos",
    )
    of = "of both classes' photos" if both else "of the true class's photos"
    st.caption(f"Share {of}, with its 95\u00a0% interval (Wilson). Click a row for its photos.")
    return address
