"""Slices → Plotly figures: accuracy with interval of each group of photos, those that are significantly worse colored."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from har_core.analysis.slices import Slice
from har_core.viz.colors import GRID, MUTED, PRIMARY, SECONDARY
from har_core.viz.formats import class_label, distinct_labels

MEASURES = {
    "brightness": ("brightness", "dark", "bright"),
    "contrast": ("contrast", "flat", "high"),
    "sharpness": ("sharpness", "blurred", "sharp"),
    "size": ("size", "small", "large"),
    "aspect": ("shape", "tall", "wide"),
    "outside_crop": ("outside the center crop", "little", "much"),
}
"""Of each property: what it is called, and what its low and its high end are."""

_COLUMNS = 3
_LONGEST = 48  # characters of a label on an axis
_HOVER = "%{customdata}<extra></extra>"


def property_figure(slices: Sequence[Slice], accuracy: float) -> go.Figure:
    """A small chart for each property: accuracy of its groups from low to high, with 95 % intervals.

    Args:
        slices: of `analysis.slices.find_slices`, without clusters.
        accuracy: of all photos, the dotted line.
    """
    names = list(dict.fromkeys(one.measure for one in slices))
    columns = min(_COLUMNS, max(1, len(names)))
    rows = max(1, -(-len(names) // columns))
    titles = [escape(MEASURES.get(name, (name,))[0]) for name in names]
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes=True,
        subplot_titles=titles,
        horizontal_spacing=0.03,
        vertical_spacing=0.32 / rows,
    )
    for position, name in enumerate(names):
        group = [one for one in slices if one.measure == name]
        row, column = position // columns + 1, position % columns + 1
        places = [one.place for one in group]
        error = _errors(group)
        figure.add_trace(
            go.Scatter(
                x=places,
                y=[one.accuracy for one in group],
                mode="markers",
                marker=_markers(group),
                error_y=error,
                customdata=_hover(group),
                hovertemplate=_HOVER,
                showlegend=False,
            ),
            row=row,
            col=column,
        )
        _, low, high = MEASURES.get(name, ("", "low", "high"))
        figure.update_xaxes(
            tickvals=[min(places), max(places)],
            ticktext=[low, high],
            range=[min(places) - 0.5, max(places) + 0.5],
            row=row,
            col=column,
        )
    if names:
        figure.add_hline(accuracy, line={"color": MUTED, "dash": "dot", "width": 1.5})
    lowest = min((one.low for one in slices), default=0.0)
    figure.update_xaxes(fixedrange=True, showgrid=False, zeroline=False)
    figure.update_yaxes(tickformat=".0%", range=[max(0.0, lowest - 0.03), 1.02], fixedrange=True, gridcolor=GRID)
    figure.update_layout(height=210 * rows + 30, margin={"l": 0, "r": 8, "t": 30, "b": 4}, showlegend=False)
    return figure


def group_figure(slices: Sequence[Slice], accuracy: float) -> go.Figure:
    """Accuracy of each group with its 95 % interval, the least accurate on top; arguments as of `property_figure`."""
    group = sorted(slices, key=lambda one: one.accuracy)
    figure = go.Figure(
        go.Scatter(
            x=[one.accuracy for one in group],
            y=[escape(label, quote=False) for label in distinct_labels(_shortened(one.label) for one in group)],
            mode="markers",
            marker=_markers(group),
            error_x=_errors(group),
            customdata=_hover(group),
            hovertemplate=_HOVER,
        )
    )
    figure.add_vline(accuracy, line={"color": MUTED, "dash": "dot", "width": 1.5})
    figure.update_xaxes(tickformat=".0%", range=[0, 1.02], fixedrange=True, gridcolor=GRID)
    figure.update_yaxes(
        autorange="reversed", type="category", fixedrange=True, ticks="", ticksuffix="  ", showgrid=False
    )
    figure.update_layout(height=26 * len(group) + 50, margin={"l": 0, "r": 8, "t": 4, "b": 4}, showlegend=False)
    return figure


def _shortened(label: str) -> str:
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"


def _markers(slices: Sequence[Slice]) -> dict[str, object]:
    """Also told apart by shape, where colors are not."""
    return {
        "color": [PRIMARY if one.significant else SECONDARY for one in slices],
        "symbol": ["diamond" if one.significant else "circle" for one in slices],
        "size": [11 if one.significant else 8 for one in slices],
    }


def _errors(slices: Sequence[Slice]) -> dict[str, object]:
    return {
        "array": [one.high - one.accuracy for one in slices],
        "arrayminus": [one.accuracy - one.low for one in slices],
        "color": MUTED,
        "thickness": 1.5,
        "width": 3,
    }


def _hover(slices: Sequence[Slice]) -> list[str]:
    return [
        f"{escape(class_label(one.label))}<br>{one.accuracy:.1%} of {one.photos:,} correct<br>others {one.others_accuracy:.1%}"
        + ("<br>significantly lower" if one.significant else "")
        for one in slices
    ]
