"""Confusion matrices → Plotly figures whose cells can be clicked, and pictures for reports."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from har_core.analysis.confusion import TOTAL, with_totals
from har_core.viz.colors import BETTER, MORE, MUTED, SECONDARY
from har_core.viz.figures import axis_labels
from har_core.viz.text import class_label, rounded

_MOST_WITH_NUMBERS = 30  # classes up to which numbers fit into the cells
_MARKER, _SMALLEST_CELL = 6, 9  # pixels: Plotly takes all within 3 of a marker's center for equally near


def confusion_matrix(
    matrix: np.ndarray,
    values: np.ndarray,
    classes: tuple[str, ...],
    order: list[int],
    *,
    as_percent: bool,
    hide_diagonal: bool = True,
    chosen: Sequence[tuple[int, int]] = (),
) -> go.Figure:
    """A confusion matrix with a cell for every total, whose cells can be clicked.

    Clicks land on invisible markers over the cells, whose x and y are positions in `order`, K for a total.

    Args:
        matrix: (K, K) counts, rows true.
        values: (K, K), what is written and colored: the counts, or shares in [0, 1] if `as_percent`.
        order: class indices from the first row and column to the last.
        hide_diagonal: leave correct predictions without color, so that the errors show.
        chosen: the cells to outline, (true, predicted), either of which may be `TOTAL`.
    """
    size = len(order)
    names = axis_labels(classes[index] for index in order)
    colored = values[np.ix_(order, order)].astype(float)
    if hide_diagonal:
        np.fill_diagonal(colored, np.nan)
    figure = go.Figure(
        go.Heatmap(
            z=colored,
            x=list(range(size)),
            y=list(range(size)),
            colorscale=MORE,
            zmin=0,
            zmax=max(float(np.nanmax(colored, initial=0.0)), 1e-9),
            showscale=False,
            hoverinfo="skip",
            xgap=1,
            ygap=1,
        )
    )
    if size <= _MOST_WITH_NUMBERS:
        figure.add_trace(_numbers(matrix, values, order, as_percent=as_percent))
    figure.add_trace(_click_targets(matrix, classes, order))
    place = {index: position for position, index in enumerate(order)} | {TOTAL: size}
    outline = {"color": SECONDARY, "width": 3}
    for true, predicted in chosen:
        y, x = place[true], place[predicted]
        figure.add_shape(type="rect", x0=x - 0.5, x1=x + 0.5, y0=y - 0.5, y1=y + 0.5, line=outline)
    figure.add_shape(type="line", x0=size - 0.5, x1=size - 0.5, y0=-0.5, y1=size + 0.5, line={"color": MUTED})
    figure.add_shape(type="line", y0=size - 0.5, y1=size - 0.5, x0=-0.5, x1=size + 0.5, line={"color": MUTED})
    axis = {"tickvals": list(range(size + 1)), "ticktext": [*names, "all"], "fixedrange": True, "showgrid": False}
    axis |= {"zeroline": False, "ticks": "", "range": [-0.5, size + 0.5]}
    if size > _MOST_WITH_NUMBERS:
        axis["tickfont"] = {"size": 8}
    figure.update_xaxes(**axis, side="top", tickangle=-60, title={"text": "predicted", "standoff": 4})
    figure.update_yaxes(**{**axis, "range": [size + 0.5, -0.5]}, title={"text": "true", "standoff": 4})
    figure.update_layout(
        height=max(380, cell_size(size) * (size + 1) + 130),
        margin={"l": 0, "r": 32, "t": 0, "b": 4},  # room for the last slanted label
        hoverdistance=-1,  # the nearest marker, however large the cells are on this screen
        clickmode="event+select",
        dragmode=False,
    )
    return figure


def cell_size(classes: int) -> int:
    """Pixels that a cell of a matrix of so many classes needs, so that its number fits and a click finds it."""
    return 34 if classes <= _MOST_WITH_NUMBERS else _SMALLEST_CELL


def matrix_difference(change: np.ndarray, classes: tuple[str, ...], *, as_percent: bool) -> go.Figure:
    """(K, K) changes of a confusion matrix: blue where it became better, orange where it became worse.

    More photos on the diagonal are better, more photos elsewhere are worse.
    """
    names, most = axis_labels(classes), max(float(np.abs(change).max(initial=0)), 1e-9)
    hover = ":+.1%" if as_percent else ":+d"
    scale = [((1 - place) / 2, color) for place, color in reversed(MORE)]
    scale += [((1 + place) / 2, color) for place, color in BETTER]
    figure = go.Figure(
        go.Heatmap(
            z=np.where(np.eye(len(change), dtype=bool), change, -change),
            customdata=change,
            x=names,
            y=names,
            colorscale=scale,
            zmin=-most,
            zmax=most,
            showscale=False,
            xgap=1,
            ygap=1,
            hovertemplate=f"true: %{{y}}<br>predicted: %{{x}}<br>change: %{{customdata{hover}}}<extra></extra>",
        )
    )
    if len(names) <= _MOST_WITH_NUMBERS:
        numbers = np.rint(change * (100 if as_percent else 1)).astype(int)
        row, column = np.nonzero(numbers)
        figure.add_trace(
            go.Scatter(
                x=[names[index] for index in column],
                y=[names[index] for index in row],
                text=[f"{value:+d}" for value in numbers[row, column]],
                mode="text",
                textfont={"size": 12},
                hoverinfo="skip",
            )
        )
    figure.update_xaxes(type="category", side="top", tickangle=-60, fixedrange=True, showgrid=False, title="predicted")
    figure.update_yaxes(type="category", autorange="reversed", fixedrange=True, showgrid=False, title="true")
    figure.update_layout(height=min(1200, 30 * len(names) + 160), margin={"l": 0, "r": 32, "t": 0, "b": 4})
    return figure


def matrix_png(matrix: np.ndarray, classes: tuple[str, ...]) -> bytes:
    """A confusion matrix as a PNG file for a report, drawn by scikit-learn."""
    from matplotlib.figure import Figure  # slow import, rarely needed
    from sklearn.metrics import ConfusionMatrixDisplay

    side = 3 + 0.5 * len(classes)
    figure = Figure(figsize=(side, side), layout="tight")
    labels = [class_label(name).replace("$", r"\$") for name in classes]
    display = ConfusionMatrixDisplay(matrix, display_labels=labels)
    display.plot(ax=figure.add_subplot(), cmap="Oranges", colorbar=False, xticks_rotation=60)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def _click_targets(matrix: np.ndarray, classes: tuple[str, ...], order: list[int]) -> go.Scatter:
    """One invisible marker per cell, totals included: what it says when hovered, and what it answers to a click."""
    places, numbers = [*order, TOTAL], with_totals(matrix).tolist()
    names = [*axis_labels(classes), "any action"]
    hover = [
        f"true: {names[true]}<br>predicted: {names[predicted]}<br>{numbers[true][predicted]:,} photos"
        for true in places
        for predicted in places
    ]
    y, x = np.divmod(np.arange(len(places) ** 2), len(places))
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"symbol": "square", "size": _MARKER, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertext=np.array(hover, dtype=object),  # Plotly looks at each entry of a list, not of an array
        hoverinfo="text",
        showlegend=False,
    )


def _numbers(matrix: np.ndarray, values: np.ndarray, order: list[int], *, as_percent: bool) -> go.Scatter:
    """What is written in the cells, in the page's own text color; nothing where there are no photos."""
    places, numbers = [*order, TOTAL], with_totals(matrix).tolist()
    written: list[tuple[int, int, str]] = []
    for row, true in enumerate(places):
        for column, predicted in enumerate(places):
            inner, number = TOTAL not in (true, predicted), numbers[true][predicted]
            if number or not inner:
                text = rounded(values[true, predicted]) if inner and as_percent else f"{number:,}"
                written.append((column, row, text.replace(" ", "").replace("<", "&lt;")))
    x, y, words = zip(*written, strict=True)
    font, rest = {"size": 12}, {"cliponaxis": False, "hoverinfo": "skip", "showlegend": False}
    return go.Scatter(x=x, y=y, text=words, mode="text", textfont=font, **rest)
