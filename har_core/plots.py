"""Analysis → Plotly figures.  Colours are told apart with any colour vision, on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from har_core.analysis import TOTAL, Curves, with_totals
from har_core.words import bare, percent

PRIMARY, SECOND, MUTED = "#d9622b", "#3b7dd8", "#8f97a6"
GRID = "rgba(143, 151, 166, 0.25)"
_CLEAR, _FULL = "rgba(217, 98, 43, 0.0)", "rgba(217, 98, 43, 0.95)"
_CLEAR_BELOW, _BELOW = "rgba(59, 125, 216, 0.0)", "rgba(59, 125, 216, 0.95)"

_WRITTEN = 30  # classes up to which numbers fit into the cells


def probability_bars(classes: list[str], probabilities: list[float], *, highlight: int = 0) -> go.Figure:
    """Horizontal bars, the first on top, with the percentages written at their ends."""
    shown = [_label(name) for name in classes]
    figure = go.Figure(
        go.Bar(
            x=probabilities,
            y=shown,
            orientation="h",
            text=[percent(value) for value in probabilities],
            textposition="outside",
            cliponaxis=False,
            marker={"color": [PRIMARY if index == highlight else MUTED for index in range(len(shown))]},
            hovertemplate="%{y}: %{x:.2%}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[0, 1.12], visible=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticks="", tickfont={"size": 14}, ticksuffix="  ")
    figure.update_layout(height=34 * len(shown) + 16, margin={"l": 0, "r": 0, "t": 4, "b": 4}, bargap=0.35)
    return figure


def confusion_matrix(
    counts: np.ndarray,
    values: np.ndarray,
    classes: tuple[str, ...],
    order: list[int],
    *,
    shares: bool,
    dim_diagonal: bool = True,
    chosen: Sequence[tuple[int, int]] = (),
) -> go.Figure:
    """A confusion matrix with a cell for every total, whose cells can be clicked.

    Clicks land on invisible markers over the cells, whose x and y are positions in `order`, K for a total.

    Args:
        counts: (K, K), rows true.
        values: (K, K), what is written and coloured: the counts, or shares in [0, 1] if `shares`.
        order: class indices from the first row and column to the last.
        dim_diagonal: leave the right answers without colour, so that the errors show.
        chosen: the cells to outline, (true, predicted), either of which may be `TOTAL`.
    """
    size = len(order)
    names = [_label(classes[index]) for index in order]
    colour = values[np.ix_(order, order)].astype(float)
    if dim_diagonal:
        np.fill_diagonal(colour, np.nan)
    ticks = [*names, "all"]
    figure = go.Figure(
        go.Heatmap(
            z=colour,
            x=list(range(size)),
            y=list(range(size)),
            colorscale=[[0, _CLEAR], [1, _FULL]],
            zmin=0,
            zmax=max(float(np.nanmax(colour, initial=0.0)), 1e-9),
            showscale=False,
            hoverinfo="skip",
            xgap=1,
            ygap=1,
        )
    )
    if size <= _WRITTEN:
        figure.add_traces(_numbers(counts, values, colour, order, shares=shares))
    figure.add_trace(_cells(counts, classes, order))
    place = {index: position for position, index in enumerate(order)} | {TOTAL: size}
    outline = {"color": SECOND, "width": 3}
    for true, predicted in chosen:
        y, x = place[true], place[predicted]
        figure.add_shape(type="rect", x0=x - 0.5, x1=x + 0.5, y0=y - 0.5, y1=y + 0.5, line=outline)
    figure.add_shape(type="line", x0=size - 0.5, x1=size - 0.5, y0=-0.5, y1=size + 0.5, line={"color": MUTED})
    figure.add_shape(type="line", y0=size - 0.5, y1=size - 0.5, x0=-0.5, x1=size + 0.5, line={"color": MUTED})
    axis = {"tickvals": list(range(size + 1)), "ticktext": ticks, "fixedrange": True, "showgrid": False}
    axis |= {"zeroline": False, "ticks": "", "range": [-0.5, size + 0.5]}
    if size > _WRITTEN:
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


def _cells(counts: np.ndarray, classes: tuple[str, ...], order: list[int]) -> go.Scatter:
    """One invisible marker a cell, totals included: what it says when hovered, and what it answers to a click."""
    places, numbers = [*order, TOTAL], with_totals(counts).tolist()
    names = [*(_label(name) for name in classes), "any action"]
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
    counts: np.ndarray, values: np.ndarray, colour: np.ndarray, order: list[int], *, shares: bool
) -> list[go.Scatter]:
    """What is written in the cells: white on strong colours, the page's own colour on weak ones, grey where there is none."""
    places, numbers, strong = [*order, TOTAL], with_totals(counts).tolist(), 0.5 * float(np.nanmax(colour, initial=0.0))
    written: dict[str | None, list[tuple[int, int, str]]] = {"#ffffff": [], None: [], MUTED: []}
    for row, true in enumerate(places):
        for column, predicted in enumerate(places):
            inner = TOTAL not in (true, predicted)
            number = numbers[true][predicted]
            if inner and not number:
                continue
            text = f"{values[true, predicted] * 100:.0f}" if inner and shares else f"{number:,}"
            tint = colour[row, column] if inner else np.nan
            style = MUTED if np.isnan(tint) else "#ffffff" if tint > strong else None
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


def matrix_difference(change: np.ndarray, classes: tuple[str, ...], *, shares: bool) -> go.Figure:
    """(K, K) changes of a confusion matrix, blue where there are fewer and orange where there are more."""
    names, most = [_label(name) for name in classes], max(float(np.abs(change).max(initial=0)), 1e-9)
    shown = ":+.1%" if shares else ":+d"
    figure = go.Figure(
        go.Heatmap(
            z=change,
            x=names,
            y=names,
            colorscale=[[0, _BELOW], [0.5, _CLEAR_BELOW], [0.5, _CLEAR], [1, _FULL]],
            zmin=-most,
            zmax=most,
            showscale=False,
            xgap=1,
            ygap=1,
            hovertemplate=f"true: %{{y}}<br>predicted: %{{x}}<br>change: %{{z{shown}}}<extra></extra>",
        )
    )
    if len(names) <= _WRITTEN:
        rounded = np.rint(change * (100 if shares else 1)).astype(int)
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


def class_bars(table: pd.DataFrame, measure: str) -> go.Figure:
    """One measure of every class as a bar with its 95 % interval, in the order of the table, the first on top.

    Args:
        table: of `analysis.class_table`.
        measure: 'precision', 'recall' or 'f1'.
    """
    values = table[measure]
    figure = go.Figure(
        go.Bar(
            x=values,
            y=[_label(name) for name in table["class"]],
            orientation="h",
            marker={"color": PRIMARY},
            error_x={
                "array": table[measure + "_high"] - values,
                "arrayminus": values - table[measure + "_low"],
                "color": MUTED,
                "thickness": 1.5,
                "width": 4,
            },
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%", fixedrange=True, gridcolor=GRID)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticks="", ticksuffix="  ")
    figure.update_layout(height=26 * len(table) + 50, margin={"l": 0, "r": 8, "t": 4, "b": 4}, bargap=0.3)
    return figure


def paired_bars(first: pd.Series, second: pd.Series, classes: list[str], names: tuple[str, str]) -> go.Figure:
    """Two values a class as two dots on a line: where a class gained and where it lost."""
    shown = [_label(name) for name in classes]
    figure = go.Figure()
    for label, a, b in zip(shown, first, second, strict=True):
        line = {"color": MUTED, "width": 2}
        figure.add_trace(go.Scatter(x=[a, b], y=[label, label], mode="lines", line=line, showlegend=False))
    for values, name, colour, symbol in (
        (first, names[0], SECOND, "circle-open"),
        (second, names[1], PRIMARY, "circle"),
    ):
        marker = {"color": colour, "size": 10, "symbol": symbol, "line": {"width": 2}}
        hover = "%{y}: %{x:.1%}"
        figure.add_trace(go.Scatter(x=values, y=shown, mode="markers", name=name, marker=marker, hovertemplate=hover))
    figure.update_xaxes(tickformat=".0%", fixedrange=True, gridcolor=GRID)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticks="", ticksuffix="  ")
    figure.update_layout(
        height=26 * len(shown) + 90,
        margin={"l": 0, "r": 8, "t": 4, "b": 4},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )
    return figure


def training_curves(history: pd.DataFrame, found: Curves, *, begins: Sequence[int] = ()) -> go.Figure:
    """Accuracy and loss over the epochs, training against validation, the epoch kept and learning-rate steps marked.

    Args:
        begins: epochs with which another training began, whose weights are kept too.
    """
    kept = history[history["epoch"].isin([*(epoch - 1 for epoch in begins), found.kept_epoch])]
    gaps = pd.DataFrame({"epoch": [epoch - 0.5 for epoch in begins]})  # lines do not lead from one training to the next
    history = pd.concat([history, gaps]).sort_values("epoch") if len(gaps) else history
    figure = make_subplots(rows=1, cols=2, subplot_titles=("accuracy", "loss (nats)"), horizontal_spacing=0.08)
    epochs = history["epoch"]
    for column, measure in ((1, "accuracy"), (2, "loss")):
        for source, name, colour, dash in (
            ("train", "training", MUTED, "dot"),
            ("validation", "validation", PRIMARY, "solid"),
        ):
            shown = "%{y:.4f}" if measure == "loss" else "%{y:.2%}"
            figure.add_trace(
                go.Scatter(
                    x=epochs,
                    y=history[f"{source}_{measure}"],
                    name=name,
                    mode="lines+markers",
                    line={"color": colour, "dash": dash},
                    legendgroup=name,
                    showlegend=column == 1,
                    hovertemplate=f"epoch %{{x}}, {name}: {shown}<extra></extra>",
                ),
                row=1,
                col=column,
            )
        for epoch in begins:
            figure.add_vline(x=epoch - 0.5, line={"color": MUTED, "width": 1}, row=1, col=column)
        for epoch in found.reductions:
            figure.add_vline(x=epoch - 0.5, line={"color": MUTED, "dash": "dash", "width": 1}, row=1, col=column)
    figure.add_trace(
        go.Scatter(
            x=kept["epoch"],
            y=kept["validation_accuracy"],
            name="epochs kept" if len(begins) else "epoch kept",
            mode="markers",
            marker={"color": SECOND, "size": 14, "symbol": "circle-open", "line": {"width": 3}},
            hovertemplate="kept: epoch %{x}, %{y:.2%}<extra></extra>",
        ),
        row=1,
        col=1,
    )
    figure.update_xaxes(title="epoch", fixedrange=True, showgrid=False, dtick=1 if len(history) <= 20 else None)
    figure.update_yaxes(fixedrange=True, gridcolor=GRID)
    figure.update_yaxes(tickformat=".0%", row=1, col=1)
    figure.update_layout(
        height=420,
        margin={"l": 0, "r": 8, "t": 60, "b": 0},
        legend={"orientation": "h", "y": 1.12, "yanchor": "bottom", "x": 0},
    )
    return figure


def _label(name: str) -> str:
    """A class name for Plotly, which takes some tags in its texts for markup."""
    return escape(bare(name), quote=False)
