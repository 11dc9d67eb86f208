"""Whether the class maps show what the model uses → a sentence, bars with intervals, curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from har_core.analysis.faithfulness import (
    CENTER,
    CORRELATION,
    DELETION,
    INSERTION,
    MAPS,
    MEASURES,
    OWN,
    RANDOM,
    ROAD,
    SHUFFLED,
    Comparison,
)
from har_core.viz.colors import GRID, MUTED, PRIMARY, SECONDARY, SERIES
from har_core.viz.formats import count_photos

MAP_LABELS = {OWN: "the heatmap", RANDOM: "random", CENTER: "center of the photo", SHUFFLED: "shuffled last layer"}
MEASURE_LABELS = {
    DELETION: "deletion (lower is better)",
    INSERTION: "insertion (higher is better)",
    ROAD: "ROAD (higher is better)",
}
_COLORS = {OWN: PRIMARY, RANDOM: MUTED, CENTER: SECONDARY, SHUFFLED: SERIES[3]}
_SYMBOLS = {OWN: "circle", RANDOM: "x", CENTER: "square", SHUFFLED: "diamond"}
_DASHES = {OWN: "solid", RANDOM: "dot", CENTER: "dash", SHUFFLED: "dashdot"}
_IGNORANT = {RANDOM: "random maps", CENTER: "the center of the photo"}
"""Maps that know nothing of the photo, in words."""


def answer(compared: Sequence[Comparison]) -> str:
    """Whether the maps show what the model uses, and the differences that say so.

    'Yes' needs all three measures to be better than both a random map's and the center's.
    """
    against = {other: [found for found in compared if found.other == other] for other in _IGNORANT}
    known = [found for others in against.values() for found in others]
    if not known:
        return "**Not measured**: there is no photo on which the heatmaps were compared with others."
    outcomes = {found.outcome for found in known}
    if outcomes == {"better"} and len(known) == len(MEASURES) * len(_IGNORANT):
        verdict = "Yes"
    elif "better" in outcomes:
        verdict = "In part"
    else:
        verdict = "No" if "worse" in outcomes else "Not shown"
    counts = " and ".join(f"{_counted(found)} {_IGNORANT[other]}" for other, found in against.items() if found)
    figures = "; ".join(f"against {_IGNORANT[other]} {_gains(found)}" for other, found in against.items() if found)
    photos = count_photos(max(found.photos for found in known))
    return f"**{verdict}**: on {photos} the heatmaps are {counts}. Differences in their favor, with 95 % intervals: {figures}."


def _counted(compared: Sequence[Comparison]) -> str:
    outcomes = [found.outcome for found in compared]
    words = f"better by {outcomes.count('better')} of {len(MEASURES)} measures"
    if worse := outcomes.count("worse"):
        words += f" (**worse** by {worse})"
    return f"{words} than"


def _gains(compared: Sequence[Comparison]) -> str:
    names = {ROAD: "ROAD"}
    return ", ".join(
        f"{names.get(found.measure, found.measure)} {signed(found.gain)} ({signed(found.low)} to {signed(found.high)})"
        for found in compared
    )


def shuffled_sentence(means: pd.DataFrame, compared: Sequence[Comparison]) -> str | None:
    """What becomes of the maps when the last layer's weights are shuffled; None if that was not measured.

    Args:
        means: of `analysis.faithfulness.mean_areas`.
    """
    rows = means[(means["measure"] == CORRELATION) & (means["map"] == SHUFFLED)]
    if rows.empty:
        return None
    mean, low, high = (float(rows.iloc[0][name]) for name in ("mean", "low", "high"))
    figures = f"the rank correlation with the heatmap is {signed(mean)} ({signed(low)} to {signed(high)})"
    if low > 0.5:
        verdict = "most of the heatmap stays, so much of it does not come from what the last layer has learned"
    elif high < 0.5:
        verdict = "the heatmap changes, as it must if it shows what the model has learned"
    else:
        verdict = "how much of the heatmap stays is not certain"
    better = [found.measure for found in compared if found.other == SHUFFLED and found.outcome == "better"]
    count = f"by {len(better)} of {len(MEASURES)} measures the heatmap is better than the one with shuffled weights"
    return f"With the weights of the last layer shuffled, {verdict}: {figures}; {count}."


def signed(value: float) -> str:
    """'+0.12', '−0.03', '0.00'."""
    rounded = f"{value:+.2f}"
    return "0.00" if float(rounded) == 0 else rounded.replace("-", "−")


def faithfulness_figure(means: pd.DataFrame) -> go.Figure:
    """One panel a measure, one dot a map, with 95 % intervals.

    Args:
        means: of `analysis.faithfulness.mean_areas`.
    """
    figure = _panels()
    for column, measure in enumerate(MEASURES, start=1):
        rows = means[means["measure"] == measure]
        present = [name for name in MAPS if name in set(rows["map"])]
        rows = rows.set_index("map").loc[present]
        figure.add_trace(
            go.Scatter(
                x=rows["mean"],
                y=[MAP_LABELS[name] for name in present],
                mode="markers",
                marker={
                    "color": [_COLORS[name] for name in present],
                    "symbol": [_SYMBOLS[name] for name in present],
                    "size": 11,
                },
                error_x={
                    "array": rows["high"] - rows["mean"],
                    "arrayminus": rows["mean"] - rows["low"],
                    "color": MUTED,
                    "thickness": 1.5,
                    "width": 4,
                },
                customdata=np.column_stack([rows["low"], rows["high"]]),
                hovertemplate="%{y}: %{x:.3f} (%{customdata[0]:.3f} to %{customdata[1]:.3f})<extra></extra>",
            ),
            row=1,
            col=column,
        )
    figure.add_vline(0, line={"color": MUTED, "dash": "dot", "width": 1.5}, row=1, col=3)
    figure.update_xaxes(fixedrange=True, gridcolor=GRID, zeroline=False)
    figure.update_yaxes(
        autorange="reversed", type="category", fixedrange=True, gridcolor=GRID, ticks="", ticksuffix="  "
    )
    figure.update_yaxes(showticklabels=False, col=2)
    figure.update_yaxes(showticklabels=False, col=3)
    figure.update_layout(height=240, showlegend=False)
    return figure


def faithfulness_curves(curves: pd.DataFrame) -> go.Figure:
    """How the probability falls and rises with the share of the photo, one line a map.

    Args:
        curves: of `analysis.faithfulness.mean_curves`.
    """
    figure = _panels()
    for column, measure in enumerate(MEASURES, start=1):
        for name in MAPS:
            rows = curves[(curves["measure"] == measure) & (curves["map"] == name)]
            figure.add_trace(
                go.Scatter(
                    x=rows["share"],
                    y=rows["value"],
                    mode="lines",
                    name=MAP_LABELS[name],
                    legendgroup=name,
                    showlegend=column == 1,
                    line={"color": _COLORS[name], "dash": _DASHES[name], "width": 2.5 if name == OWN else 2},
                    hovertemplate=f"{MAP_LABELS[name]}, %{{x:.0%}}: %{{y:.3f}}<extra></extra>",
                ),
                row=1,
                col=column,
            )
    figure.update_xaxes(range=[0, 1], tickformat=".0%", fixedrange=True, gridcolor=GRID, zeroline=False)
    for column, title in enumerate(("hidden", "shown", "imputed"), start=1):
        figure.update_xaxes(title=f"share of the photo {title}", row=1, col=column)
    figure.update_yaxes(fixedrange=True, gridcolor=GRID, zeroline=False)
    figure.update_layout(height=340, legend={"orientation": "h", "y": 1.12, "yanchor": "bottom", "x": 0})
    return figure


def _panels() -> go.Figure:
    figure = make_subplots(
        rows=1, cols=len(MEASURES), subplot_titles=list(MEASURE_LABELS.values()), horizontal_spacing=0.06
    )
    figure.update_layout(margin={"l": 0, "r": 8, "t": 40, "b": 0})
    return figure
