"""Prediction sets → Plotly figures."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from har_core.analysis.conformal import Reached
from har_core.viz.colors import GRID, MUTED, PRIMARY, SECONDARY
from har_core.viz.figures import axis_labels

SHOWN = 20
"""Classes: those that are covered least."""


def class_coverage_figure(together: Reached, apart: Reached, classes: tuple[str, ...]) -> go.Figure:
    """How many sets of each class's photos contain it, for two methods of one stated coverage, the least on top.

    Args:
        together: its order counts; of a method that states the coverage for all photos.
        apart: of one that states it for the photos of each class.
    """
    order = np.argsort(together.class_coverage, kind="stable")
    order = order[~np.isnan(together.class_coverage[order])][:SHOWN]
    labels = axis_labels([classes[index] for index in order])
    figure = go.Figure()
    for found, color, symbol in ((together, PRIMARY, "circle"), (apart, SECONDARY, "circle-open")):
        figure.add_trace(
            go.Scatter(
                x=found.class_coverage[order],
                y=labels,
                mode="markers",
                name=found.method,
                marker={"color": color, "size": 10, "symbol": symbol, "line": {"width": 2}},
                hovertemplate="%{y}: %{x:.1%}",
            )
        )
    figure.add_vline(x=together.stated, line={"color": MUTED, "dash": "dot", "width": 1.5})
    values = np.concatenate([together.class_coverage[order], apart.class_coverage[order], [together.stated]])
    figure.update_xaxes(
        title="sets that contain the true class",
        range=[max(-0.02, float(values.min()) - 0.03), 1.02],
        tickformat=".0%",
        fixedrange=True,
        gridcolor=GRID,
        zeroline=False,
    )
    figure.update_yaxes(autorange="reversed", type="category", fixedrange=True, ticks="", ticksuffix="  ")
    figure.update_layout(
        height=26 * len(order) + 90,
        margin={"l": 0, "r": 8, "t": 4, "b": 4},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1},
    )
    return figure
