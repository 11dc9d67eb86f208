"""A map of embeddings → its figure, and what it says in words."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from har_core.analysis.embedding_map import Gathering
from har_core.viz.colors import MUTED, SERIES
from har_core.viz.figures import axis_label, axis_labels
from har_core.viz.formats import capitalize, class_label, class_markdown, count_photos, percent

MOST_COLORED = 8
"""Kinds of points that are told apart.  Four colors, and a symbol for each: who sees no colors reads the symbols."""

_SYMBOLS = ("circle", "diamond", "x", "square", "triangle-up", "cross", "star", "triangle-down")
_HEIGHT = 560  # pixels
_MANY = 20_000  # points, of which each is drawn smaller
_LONGEST_NAME = 80  # characters of a file name
_LABEL = (7.5, 20.0)  # pixels: width of a character, and height


@dataclass(frozen=True)
class Group:
    """Points that are drawn alike: `points` (m,) int64, of the map."""

    name: str
    points: np.ndarray
    color: str
    symbol: str
    opacity: float
    training: bool

    @property
    def is_muted(self) -> bool:
        return self.color == MUTED


def point_groups(kinds: np.ndarray, names: Sequence[str], scored: np.ndarray, *, others: str) -> list[Group]:
    """The points by what they are drawn like, those without a kind first, so that the others lie on top.

    Args:
        kinds: (M,) index into `names`, -1 for points that are muted.
        names: at most `MOST_COLORED`, for the legend, as Plotly takes them.
        scored: (M,) bool; the other points are training photos, drawn fainter.
        others: what the muted scored points are called.
    """
    if len(names) > MOST_COLORED:
        raise ValueError(f"expected at most {MOST_COLORED} kinds of points, found {len(names)}")
    groups = [
        Group("training photos", np.flatnonzero(~scored & (kinds < 0)), MUTED, "circle", 0.3, True),
        Group(others, np.flatnonzero(scored & (kinds < 0)), MUTED, "circle", 0.55, False),
    ]
    for training in (True, False):
        layer = scored != training
        for kind, name in enumerate(names):
            style = SERIES[kind % len(SERIES)], _SYMBOLS[kind], 0.35 if training else 0.85
            groups.append(Group(name, np.flatnonzero(layer & (kinds == kind)), *style, training))
    return [group for group in groups if len(group.points)]


def embedding_figure(
    positions: np.ndarray,
    groups: Sequence[Group],
    hover: np.ndarray,
    labels: Iterable[tuple[str, float, float]] = (),
    *,
    selected: np.ndarray | None = None,
) -> go.Figure:
    """The map: one WebGL trace for each group, in their order.

    Args:
        positions: (M, 2).
        hover: (M,) texts, of `hover_texts`.
        labels: of `class_places`.
        selected: (m,) points that stand out; None if all do.
    """
    many = sum(len(group.points) for group in groups) > _MANY
    figure = go.Figure()
    named = {group.name for group in groups if not group.training}
    for group in groups:
        marker = {
            "color": group.color,
            "symbol": group.symbol,
            "size": (3 if many else 5) + (0 if group.is_muted or group.training else 2),
            "opacity": group.opacity,
        }
        chosen: dict[str, Any] = {}
        if selected is not None:
            chosen["selectedpoints"] = np.flatnonzero(np.isin(group.points, selected))
        figure.add_trace(
            go.Scattergl(
                x=positions[group.points, 0],
                y=positions[group.points, 1],
                mode="markers",
                name=group.name,
                legendgroup=group.name,
                showlegend=not group.training or group.name not in named,
                marker=marker,
                hovertext=hover[group.points],
                hoverinfo="text",
                selected={"marker": {"opacity": 1}},
                unselected={"marker": {"opacity": 0.1}},
                **chosen,
            )
        )
    for name, x, y in labels:
        figure.add_annotation(x=x, y=y, text=axis_label(name), showarrow=False, font={"size": 13}, captureevents=False)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x", scaleratio=1)
    figure.update_layout(
        height=_HEIGHT,
        dragmode="lasso",
        margin={"l": 0, "r": 0, "t": 36, "b": 0},
        legend={"orientation": "h", "y": 0, "yanchor": "top", "x": 0, "itemsizing": "constant"},
        newselection={"line": {"color": MUTED, "width": 2}},
    )
    return figure


def pixel_ratio(count: int) -> int:
    """Plotly's `plotGlPixelRatio`, whose default is 2: a canvas of four times the pixels that the screen has.

    Where a processor draws instead of a graphics card, these pixels take most of the time that many points take.
    """
    return 1 if count > _MANY else 2


def hover_texts(
    samples: np.ndarray, true: np.ndarray, predicted: np.ndarray, confidence: np.ndarray, classes: Sequence[str]
) -> np.ndarray:
    """(M,) what is said of a point: file name, true and predicted class, confidence.

    Args:
        samples: (M,) names.
        true, predicted: (M,) class indices; `predicted` is -1 for training photos.
        confidence: (M,) in [0, 1], NaN where it is not known; of no meaning for training photos.
    """
    names = pd.Series(samples, dtype=object).str.slice(0, _LONGEST_NAME)
    for sign, code in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        names = names.str.replace(sign, code, regex=False)
    labels = np.array(axis_labels(classes), dtype=object)
    shares = np.array([*(f" ({percent(value / 100)})" for value in range(101)), ""], dtype=object)
    number = np.where(np.isnan(confidence), 101, np.rint(np.clip(np.nan_to_num(confidence), 0, 1) * 100))
    answers = np.where(predicted == true, "predicted correctly", "predicted as " + labels[predicted])
    answers = answers.astype(object) + shares[number.astype(np.int64)]
    answers[predicted < 0] = "training photo"
    return np.asarray(names.to_numpy(dtype=object) + "<br>" + labels[true] + ", " + answers)


def class_places(positions: np.ndarray, true: np.ndarray, classes: Sequence[str]) -> list[tuple[str, float, float]]:
    """Where the names of the classes stand on the map: amid their photos.  A name that would cover another is left out."""
    if not len(positions):
        return []
    middles = pd.DataFrame(positions.astype(np.float64)).groupby(true).agg(["median", "size"])
    span = float(np.ptp(positions, axis=0).max()) or 1.0
    width, height = (pixels * span / _HEIGHT for pixels in _LABEL)
    placed: list[tuple[int, float, float]] = []
    by_size = middles.iloc[np.argsort(-middles[(0, "size")].to_numpy(), kind="stable")]
    for index, x, y in zip(by_size.index, by_size[(0, "median")], by_size[(1, "median")], strict=True):
        long = len(classes[index])
        if all(
            abs(y - b) >= height or abs(x - a) >= width * (long + len(classes[other])) / 2 for other, a, b in placed
        ):
            placed.append((int(index), float(x), float(y)))
    return [(classes[index], x, y) for index, x, y in placed]


def selected_points(points: Sequence[Mapping[str, Any]], groups: Sequence[Group]) -> np.ndarray:
    """The points of the map that a selection in its figure holds, each once.

    Args:
        points: `curve_number` of a trace and either `bits`, base64 of one bit for each of its points, the first one being the
            lowest of the first byte; or, as Streamlit reports them by itself, `point_index`, for each point.
        groups: that the figure was made of.
    """
    chosen = [np.empty(0, np.int64)]
    for point in points:
        curve = point.get("curve_number")
        if not isinstance(curve, int) or not 0 <= curve < len(groups):
            continue
        within = groups[curve].points
        indices = _set_bits(point["bits"]) if "bits" in point else np.array([point.get("point_index", -1)])
        chosen.append(within[indices[(indices >= 0) & (indices < len(within))]])
    return np.unique(np.concatenate(chosen))


def _set_bits(text: str) -> np.ndarray:
    packed = np.frombuffer(base64.b64decode(text), dtype=np.uint8)
    return np.flatnonzero(np.unpackbits(packed, bitorder="little"))


def errors_headline(found: Gathering | None, classes: Sequence[str], *, errors: int, photos: int) -> str:
    """Where the errors lie, in Markdown."""
    if not errors:
        return f"No errors on this map: all {count_photos(photos)} are predicted correctly"
    if found is None:
        return f"No pair of classes stands out among the {errors:,} misclassified of {count_photos(photos)}"
    return (
        f"Errors gather where {class_markdown(classes[found.first])} and {class_markdown(classes[found.second])} meet"
    )


def gathering_sentence(found: Gathering) -> str:
    """How dense the errors are there."""
    return (
        f"Among the nearest photos around the {found.photos:,} that are confused between the two, **{percent(found.density)}** "
        f"are misclassified; among all photos, {percent(found.overall)}."
    )


def selection_sentence(true: np.ndarray, predicted: np.ndarray, classes: Sequence[str], *, training: int) -> str:
    """What is selected, in Markdown.

    Args:
        true, predicted: (m,) class indices of the selected scored photos.
        training: how many training photos are selected besides.
    """
    if not len(true):
        return f"{count_photos(training).replace('photo', 'training photo')} selected"
    wrong = true != predicted
    sentence = f"{capitalize(count_photos(len(true)))} selected: {int(wrong.sum()):,} misclassified"
    if wrong.any():
        pairs, counts = np.unique(np.column_stack([true, predicted])[wrong], axis=0, return_counts=True)
        one, other = pairs[counts.argmax()]
        only = "" if len(counts) == 1 else "most often "
        sentence += f", {only}{class_markdown(classes[one])} predicted as {class_markdown(classes[other])}"
        sentence += f" ({int(counts.max()):,})" if len(counts) > 1 else ""
    return sentence + (f"; and {count_photos(training).replace('photo', 'training photo')}" if training else "")


def kinds_of_classes(values: np.ndarray, highlighted: Sequence[int], size: int) -> np.ndarray:
    """(M,) the place of each class index among the highlighted ones, -1 for the others.

    Args:
        values: (M,) class indices, -1 for none.
        size: number of classes.
    """
    places = np.full(size + 1, -1)  # the last one is that of -1
    places[list(highlighted)] = np.arange(len(highlighted))
    return np.asarray(places[values])


def class_names(classes: Sequence[str], highlighted: Sequence[int]) -> list[str]:
    """The legend's names of the highlighted classes, all different."""
    return axis_labels(classes[index] for index in highlighted)


def verdict_name(kind: str) -> str:
    return escape(capitalize(class_label(kind)), quote=False)
