"""What a clip shows over time: probabilities stacked, its segments below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from har_core.analysis.timeline import UNSURE, Segment
from har_core.viz.colors import MUTED
from har_core.viz.figures import axis_label
from har_core.viz.formats import class_label, clock, percent

MOST_COLORED = 6
"""Classes with a color of their own; the others share one."""

_COLORS = ("#d9622b", "#3b7dd8", "#2a9d77", "#a05fc4", "#d9a514", "#5bb8d6")
_OTHERS = "rgba(143, 151, 166, 0.45)"
_NONE = "rgba(143, 151, 166, 0.18)"
_DARK = "#15171c"  # readable on all of the colors
_GRAY = "#7d8594"  # readable on light and dark pages
_HEIGHT = 240
_WIDE = 0.07  # of the clip: a shorter segment bears no name


def segment_words(segment: Segment, classes: Sequence[str]) -> str:
    """What a segment shows: the class, the two that it may be, 'unsure', or 'none of these'."""
    if segment.label >= len(classes):
        return "none of these"
    return " or ".join(class_label(classes[index]) for index in segment.named) or "unsure"


def colored_classes(probabilities: np.ndarray, segments: Sequence[Segment]) -> list[int]:
    """At most `MOST_COLORED` class indices: those that segments name, then the most probable ones over the whole clip.

    Args:
        probabilities: (T, K).
    """
    named = dict.fromkeys(index for segment in segments for index in segment.named)
    others = (int(index) for index in np.argsort(-probabilities.mean(axis=0), kind="stable"))
    chosen = list(dict.fromkeys([*named, *others]))[:MOST_COLORED]
    return [index for index in chosen if index in named or probabilities[:, index].max() >= 0.1] or chosen[:1]


def timeline_figure(
    times: np.ndarray,
    end: float,
    probabilities: np.ndarray,
    labels: np.ndarray,
    segments: Sequence[Segment],
    classes: Sequence[str],
    *,
    chosen: int | None = None,
    length: float | None = None,
) -> go.Figure:
    """Shares of the classes stacked over time, gray where a frame shows none of them; the segments as a band below.

    The last trace has one transparent marker for each frame, which a click selects.

    Args:
        times: (T,) seconds.
        end: seconds, until when the last frame is shown.
        probabilities: (T, K).
        labels: (T,) of `analysis.timeline.frame_labels`.
        chosen: the frame that is marked.
        length: seconds of the whole clip, if not all of it is answered yet.
    """
    none = labels == len(classes)
    moments = np.append(times, end)
    figure = go.Figure()
    shown = colored_classes(probabilities, segments)
    rest = np.where(none, 0.0, 1 - probabilities[:, shown].sum(axis=1)).clip(0, 1)
    layers = [
        (class_label(classes[index]), np.where(none, 0.0, probabilities[:, index]), _color(index, shown))
        for index in shown
    ]
    if len(classes) > len(shown):
        layers.append(("others", rest, _OTHERS))
    if none.any():
        layers.append(("none of these", none.astype(float), _NONE))
    for name, share, color in layers:
        figure.add_trace(
            go.Scatter(
                x=moments,
                y=np.append(share, share[-1]),
                name=axis_label(name),
                mode="lines",
                line={"width": 0, "shape": "hv"},
                fillcolor=color,
                stackgroup="shares",
                hoverinfo="skip",
            )
        )
    last = max(end, length or 0.0)
    for segment in segments:
        figure.add_trace(_band(segment, classes, shown, named=segment.end - segment.start >= _WIDE * last))
    if chosen is not None:
        figure.add_vline(x=float(times[chosen]), line={"color": MUTED, "width": 2, "dash": "dot"})
    figure.add_trace(
        go.Scatter(
            x=times,
            y=np.full(len(times), 0.5),
            mode="markers",
            marker={"opacity": 0, "size": 12},
            hovertext=_hover(times, probabilities, labels, classes),
            hoverinfo="text",
            showlegend=False,
            unselected={"marker": {"opacity": 0}},
            selected={"marker": {"opacity": 0}},
        )
    )
    figure.update_xaxes(anchor="y2", range=[0, last], fixedrange=True, showgrid=False, zeroline=False, **_ticks(last))
    figure.update_layout(
        height=_HEIGHT,
        hovermode="x",
        hoverdistance=-1,
        dragmode=False,
        bargap=0,
        barmode="overlay",
        margin={"l": 0, "r": 8, "t": 4, "b": 4},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        yaxis={"domain": [0.24, 1], "range": [0, 1], "fixedrange": True, "visible": False},
        yaxis2={"domain": [0.0, 0.17], "range": [0, 1], "fixedrange": True, "visible": False},
    )
    return figure


def chosen_frame(points: Sequence[Mapping[str, Any]], times: np.ndarray) -> int | None:
    """The frame that a click on the figure means, None for none."""
    found = [point["x"] for point in points if isinstance(point.get("x"), int | float)]
    return int(np.abs(times - found[-1]).argmin()) if found and len(times) else None


def _color(index: int, shown: Sequence[int]) -> str:
    return _COLORS[list(shown).index(index)] if index in shown else _OTHERS


def _band(segment: Segment, classes: Sequence[str], shown: Sequence[int], *, named: bool) -> go.Bar:
    found = segment.named
    marker: dict[str, Any] = {"color": _color(found[0], shown) if found else _NONE, "line": {"width": 0}}
    if len(found) != 1:  # two, or unsure, or none: hatched, which is seen without color
        marker["pattern"] = {
            "shape": "/",
            "bgcolor": marker["color"],
            "fgcolor": _color(found[1], shown) if len(found) > 1 else MUTED,
            "size": 7,
            "solidity": 0.25,
        }
    return go.Bar(
        x=[(segment.start + segment.end) / 2],
        width=[max(1e-6, segment.end - segment.start)],
        y=[1],
        yaxis="y2",
        marker=marker,
        text=[axis_label(segment_words(segment, classes)) if named else ""],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        insidetextfont={"size": 13, "color": _DARK if found else _GRAY},
        showlegend=False,
        hoverinfo="skip",
    )


def _hover(times: np.ndarray, probabilities: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> list[str]:
    texts = []
    for time, row, label in zip(times, probabilities, labels, strict=True):
        first, second = (*np.argsort(-row, kind="stable")[:2], 0)[:2]
        words = [
            f"{axis_label(classes[index])} {percent(float(row[index]))}" for index in dict.fromkeys((first, second))
        ]
        said = "none of these<br>" if label == len(classes) else "unsure<br>" if label == UNSURE else ""
        texts.append(f"{clock(float(time), tenths=True)}<br>{said}{'<br>'.join(words)}")
    return texts


def _ticks(last: float) -> dict[str, Any]:
    """At whole seconds, minutes or parts of them, as 0:05."""
    step = next((step for step in (1, 2, 5, 10, 15, 30, 60) if last / step <= 8), 120)
    places = np.arange(0, last + 1e-9, step)
    return {"tickvals": places, "ticktext": [clock(float(place)) for place in places]}
