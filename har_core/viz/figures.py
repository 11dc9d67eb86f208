"""Scores and training histories → Plotly figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from har_core.analysis.history import Curves
from har_core.viz.colors import GRID, MUTED, PRIMARY, SECONDARY, SERIES
from har_core.viz.formats import distinct_labels, percent, short_label, short_labels


def probability_bars(classes: list[str], probabilities: list[float], *, highlight: int = 0) -> go.Figure:
    """Horizontal bars, the first on top, with the percentages written at their ends."""
    names = axis_labels(classes)
    figure = go.Figure(
        go.Bar(
            x=probabilities,
            y=names,
            orientation="h",
            text=[percent(value) for value in probabilities],
            textposition="outside",
            cliponaxis=False,
            marker={"color": [PRIMARY if index == highlight else MUTED for index in range(len(names))]},
            hovertemplate="%{y}: %{x:.2%}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[0, 1], visible=False, fixedrange=True)
    figure.update_yaxes(
        autorange="reversed", type="category", fixedrange=True, ticks="", tickfont={"size": 14}, ticksuffix="  "
    )
    figure.update_layout(height=34 * len(names) + 16, margin={"l": 0, "r": 48, "t": 4, "b": 4}, bargap=0.35)
    return figure


def class_score_bars(scores: pd.DataFrame, measure: str) -> go.Figure:
    """One measure of every class as a bar with its 95 % interval, in the order of the table, the first on top.

    Args:
        scores: of `analysis.scores.class_scores`.
        measure: 'precision', 'recall' or 'f1'.
    """
    values = scores[measure]
    figure = go.Figure(
        go.Bar(
            x=values,
            y=axis_labels(scores["class"]),
            orientation="h",
            marker={"color": PRIMARY},
            error_x={
                "array": scores[measure + "_high"] - values,
                "arrayminus": values - scores[measure + "_low"],
                "color": MUTED,
                "thickness": 1.5,
                "width": 4,
            },
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%", fixedrange=True, gridcolor=GRID)
    figure.update_yaxes(autorange="reversed", type="category", fixedrange=True, ticks="", ticksuffix="  ")
    figure.update_layout(height=26 * len(scores) + 50, margin={"l": 0, "r": 8, "t": 4, "b": 4}, bargap=0.3)
    return figure


def reliability_diagram(table: pd.DataFrame) -> go.Figure:
    """Accuracy over confidence, with intervals; on the dotted line both are the same.

    Args:
        table: of `analysis.calibration.reliability`.
    """
    line = {"color": MUTED, "dash": "dot", "width": 1.5}
    figure = go.Figure(go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, hoverinfo="skip"))
    accuracy = table["accuracy"]
    figure.add_trace(
        go.Scatter(
            x=table["confidence"],
            y=accuracy,
            mode="markers",
            marker={"color": PRIMARY, "size": 9},
            error_y={
                "array": table["high"] - accuracy,
                "arrayminus": accuracy - table["low"],
                "color": MUTED,
                "thickness": 1.5,
                "width": 3,
            },
            customdata=table["photos"],
            hovertemplate="%{x:.0%} probable, %{y:.0%} correct<br>%{customdata:,} photos<extra></extra>",
        )
    )
    figure.update_xaxes(title="probability of the answer", range=[0, 1.02])
    figure.update_yaxes(title="correct", range=[0, 1.02])
    return _square(figure)


def coverage_figure(table: pd.DataFrame) -> go.Figure:
    """How many of the answers are correct if only the surest are given.

    Args:
        table: of `analysis.calibration.coverage_curve`.
    """
    figure = go.Figure(
        go.Scatter(
            x=table["coverage"],
            y=table["accuracy"],
            mode="lines",
            line={"color": PRIMARY, "width": 2.5},
            customdata=table["threshold"],
            hovertemplate="from %{customdata:.0%} on: %{x:.0%} answered,<br>%{y:.1%} of these correctly<extra></extra>",
        )
    )
    lowest = float(table["accuracy"].min()) if len(table) else 0.0
    figure.update_xaxes(title="photos that are answered", range=[0, 1.02])
    figure.update_yaxes(title="correct", range=[max(0.0, lowest - 0.05), 1.01])
    return _square(figure)


def _square(figure: go.Figure) -> go.Figure:
    """A small chart of two shares."""
    figure.update_xaxes(tickformat=".0%", dtick=0.25, fixedrange=True, gridcolor=GRID, zeroline=False)
    figure.update_yaxes(tickformat=".0%", fixedrange=True, gridcolor=GRID, zeroline=False)
    figure.update_layout(height=340, margin={"l": 0, "r": 8, "t": 8, "b": 0}, showlegend=False)
    return figure


def class_score_changes(before: pd.Series, after: pd.Series, classes: list[str], names: tuple[str, str]) -> go.Figure:
    """Two values per class as two dots on a line: where a class gained and where it lost."""
    labels = axis_labels(classes)
    figure = go.Figure()
    for label, a, b in zip(labels, before, after, strict=True):
        line = {"color": MUTED, "width": 2}
        figure.add_trace(go.Scatter(x=[a, b], y=[label, label], mode="lines", line=line, showlegend=False))
    for values, name, color, symbol in (
        (before, names[0], SECONDARY, "circle-open"),
        (after, names[1], PRIMARY, "circle"),
    ):
        marker = {"color": color, "size": 10, "symbol": symbol, "line": {"width": 2}}
        hover = "%{y}: %{x:.1%}"
        figure.add_trace(
            go.Scatter(x=values, y=labels, mode="markers", name=escape(name), marker=marker, hovertemplate=hover)
        )
    figure.update_xaxes(tickformat=".0%", fixedrange=True, gridcolor=GRID)
    figure.update_yaxes(autorange="reversed", type="category", fixedrange=True, ticks="", ticksuffix="  ")
    figure.update_layout(
        height=26 * len(labels) + 90,
        margin={"l": 0, "r": 8, "t": 4, "b": 4},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )
    return figure


def training_curves(trainings: Sequence[pd.DataFrame], curves: Curves, *, eval_split: str) -> go.Figure:
    """Accuracy and loss over the epochs, with the epochs marked whose weights are kept.

    Args:
        trainings: histories (`runs.run.HISTORY_COLUMNS`), each with epochs from 1.  Several lie over one another; of all
            but the last, the last epoch's weights are kept.
        curves: of the last training.
        eval_split: what the photos are called that do not train.
    """
    figure = make_subplots(rows=1, cols=2, subplot_titles=("accuracy", "loss"), horizontal_spacing=0.08)
    for number, history in enumerate(trainings, start=1):
        suffix = f", training {number}" if len(trainings) > 1 else ""
        color = SERIES[(number - 1) % len(SERIES)]
        for source, name, line in (
            ("train", "train" + suffix, {"color": color if suffix else MUTED, "dash": "dot"}),
            ("eval", eval_split + suffix, {"color": color}),
        ):
            for column, measure in ((1, "accuracy"), (2, "loss")):
                value = "%{y:.4f}" if measure == "loss" else "%{y:.2%}"
                figure.add_trace(
                    go.Scatter(
                        x=history["epoch"],
                        y=history[f"{source}_{measure}"],
                        name=name,
                        mode="lines+markers",
                        line=line,
                        legendgroup=name,
                        showlegend=column == 1,
                        hovertemplate=f"epoch %{{x}}, {name}: {value}<extra></extra>",
                    ),
                    row=1,
                    col=column,
                )
    kept = pd.concat(
        [*(history.tail(1) for history in trainings[:-1]), trainings[-1].query("epoch == @curves.shipped_epoch")]
    )
    figure.add_trace(
        go.Scatter(
            x=kept["epoch"],
            y=kept["eval_accuracy"],
            name="weights kept",
            mode="markers",
            marker={"color": MUTED, "size": 15, "symbol": "circle-open", "line": {"width": 3}},
            hovertemplate="weights kept: epoch %{x}, %{y:.2%}<extra></extra>",
        ),
        row=1,
        col=1,
    )
    for drop in curves.lr_drops:
        for column in (1, 2):
            figure.add_vline(drop - 0.5, line={"color": MUTED, "dash": "dash", "width": 1}, row=1, col=column)
    longest = max(len(history) for history in trainings)
    figure.update_xaxes(title="epoch", fixedrange=True, showgrid=False, tick0=1, dtick=max(1, round(longest / 7)))
    figure.update_yaxes(fixedrange=True, gridcolor=GRID)
    figure.update_yaxes(tickformat=".0%", row=1, col=1)
    figure.update_layout(
        height=420,
        margin={"l": 0, "r": 8, "t": 70, "b": 0},
        legend={"orientation": "h", "y": 1.14, "yanchor": "bottom", "x": 0},
    )
    return figure


def axis_label(name: str) -> str:
    """A class name for Plotly, which takes some tags in its texts for markup; a long one loses its middle."""
    return escape(short_label(name), quote=False)


def axis_labels(names: Iterable[str]) -> list[str]:
    """Those of the classes of an axis, all different: Plotly draws categories of one name as one."""
    return distinct_labels(escape(name, quote=False) for name in short_labels(list(names)))
