"""Confusion matrices → Plotly figures whose cells can be clicked, and pictures for reports."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from har_core.analysis.confusion import TOTAL, with_totals
from har_core.viz.colors import FEWER, MORE, MUTED, ON_STRONG, SECONDARY
from har_core.viz.figures import axis_label
from har_core.viz.text import class_label

_MOST_WITH_NUMBERS = 30  # classes up to which numbers fit into the cells


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
    names = [axis_label(classes[index]) for index in order]
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
        figure.add_traces(_numbers(matrix, values, colored, order, as_percent=as_percent))
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
        height=max(380, min(1200, 34 * (size + 1) + 130)),
        margin={"l": 0, "r": 32, "t": 0, "b": 4},  # room for the last slanted label
        hoverdistance=-1,  # the nearest marker, however large the cells are on this screen
        clickmode="event+select",
        dragmode=False,
    )
    return figure


def matrix_difference(change: np.ndarray, classes: tuple[str, ...], *, as_percent: bool) -> go.Figure:
    """(K, K) changes of a confusion matrix, blue where there are fewer photos and orange where there are more."""
    names, most = [axis_label(name) for name in classes], max(float(np.abs(change).max(initial=0)), 1e-9)
    hover = ":+.1%" if as_percent else ":+d"
    scale = [((1 - place) / 2, color) for place, color in reversed(FEWER)]
    scale += [((1 + place) / 2, color) for place, color in MORE]
    figure = go.Figure(
        go.Heatmap(
            z=change,
            x=names,
            y=names,
            colorscale=scale,
            zmin=-most,
            zmax=most,
            showscale=False,
            xgap=1,
            ygap=1,
            hovertemplate=f"true: %{{y}}<br>predicted: %{{x}}<br>change: %{{z{hover}}}<extra></extra>",
        )
    )
    if len(names) <= _MOST_WITH_NUMBERS:
        rounded = np.rint(change * (100 if as_percent else 1)).astype(int)
        row, column = np.nonzero(rounded)
        figure.add_trace(
            go.Scatter(
                x=[names[index] for index in column],
                y=[names[index] for index in row],
                text=[f"{value:+d}" for value in rounded[row, column]],
                mode="text",
                textfont={"size": 12},
                hoverinfo="skip",
            )
        )
    figure.update_xaxes(side="top", tickangle=-60, fixedrange=True, showgrid=False, title="predicted")
    figure.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False, title="true")
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
    names = [*(axis_label(name) for name in classes), "any action"]
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
        marker={"symbol": "square", "size": 12, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertext=np.array(hover, dtype=object),  # Plotly looks at each entry of a list, not of an array
        hoverinfo="text",
        showlegend=False,
    )


def _numbers(
    matrix: np.ndarray, values: np.ndarray, colored: np.ndarray, order: list[int], *, as_percent: bool
) -> list[go.Scatter]:
    """What is written in the cells: white on strong colors, the page's own color on weak ones, gray where there is none."""
    places, numbers, strong = (
        [*order, TOTAL],
        with_totals(matrix).tolist(),
        0.5 * float(np.nanmax(colored, initial=0.0)),
    )
    written: dict[str | None, list[tuple[int, int, str]]] = {ON_STRONG: [], None: [], MUTED: []}
    for row, true in enumerate(places):
        for column, predicted in enumerate(places):
            inner = TOTAL not in (true, predicted)
            number = numbers[true][predicted]
            if inner and not number:
                continue
            text = f"{values[true, predicted] * 100:.0f}" if inner and as_percent else f"{number:,}"
            tint = colored[row, column] if inner else np.nan
            style = MUTED if np.isnan(tint) else ON_STRONG if tint > strong else None
            written[style].append((column, row, text))
    traces = []
    for style, entries in written.items():
        x, y, words = zip(*entries, strict=True) if entries else ((), (), ())
        font = {"size": 12} | ({"color": style} if style else {})
        traces.append(
            go.Scatter(
                x=x, y=y, text=words, mode="text", textfont=font, cliponaxis=False, hoverinfo="skip", showlegend=False
            )
        )
    return traces
