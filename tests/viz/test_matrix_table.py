"""Confusion matrices as figures."""

from __future__ import annotations

import io

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from har_core.analysis.confusion import TOTAL, normalize
from har_core.viz import matrix_figure

MATRIX = np.array([[5, 1, 0], [2, 7, 3], [0, 0, 4]])
CLASSES = ("a", "b", "c")
ORDER = [2, 0, 1]


def drawn(*, hide_diagonal: bool = True, as_percent: bool = False) -> go.Figure:
    values = normalize(MATRIX, "true" if as_percent else "none")
    return matrix_figure.confusion_matrix(
        MATRIX,
        values,
        CLASSES,
        ORDER,
        as_percent=as_percent,
        hide_diagonal=hide_diagonal,
        chosen=[(1, 2), (TOTAL, 0)],
    )


@pytest.mark.parametrize("hide_diagonal", [True, False])
def test_colors_follow_the_order(hide_diagonal: bool) -> None:
    z = np.array(drawn(hide_diagonal=hide_diagonal).data[0].z)
    expected = MATRIX[np.ix_(ORDER, ORDER)].astype(float)
    if hide_diagonal:
        np.fill_diagonal(expected, np.nan)
    assert np.array_equal(z, expected, equal_nan=True)


def test_every_cell_and_total_can_be_clicked() -> None:
    targets = drawn().data[-1]
    assert len(targets.x) == 16 and set(zip(targets.x, targets.y, strict=True)) == {
        (x, y) for x in range(4) for y in range(4)
    }
    assert targets.hovertext[-1] == "true: any action<br>predicted: any action<br>22 photos"


def test_numbers_in_the_cells() -> None:
    texts = [
        (x, y, text) for trace in drawn().data[1:-1] for x, y, text in zip(trace.x, trace.y, trace.text, strict=True)
    ]
    assert (0, 2, "3") in texts  # true b, predicted c
    assert (3, 3, "22") in texts and not any(text == "0" for x, y, text in texts if 3 not in (x, y))
    shares = [text for trace in drawn(as_percent=True).data[1:-1] for text in trace.text]
    assert "25" in shares  # 3 of 12 photos of b


def test_chosen_cells_are_outlined() -> None:
    boxes = [(shape.x0, shape.y0) for shape in drawn().layout.shapes if shape.type == "rect"]
    assert boxes == [(-0.5, 1.5), (0.5, 2.5)]


def test_differences_are_symmetric_in_color() -> None:
    heat, numbers = matrix_figure.matrix_difference(MATRIX - MATRIX.T, CLASSES, as_percent=False).data
    assert heat.zmin == -heat.zmax and [place for place, _ in heat.colorscale] == [0, 0.5, 0.5, 1]
    assert set(numbers.text) == {"-1", "+1", "+3", "-3"}


def test_a_picture_for_a_report() -> None:
    content = matrix_figure.matrix_png(MATRIX, ("a", "$b$", "c_d"))
    assert Image.open(io.BytesIO(content)).format == "PNG"
