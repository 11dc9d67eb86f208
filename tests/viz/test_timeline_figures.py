"""The picture of a clip's timeline, and the way back from a click."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from har_core.analysis.timeline import UNSURE, Segment
from har_core.viz.timeline_figures import (
    MOST_COLORED,
    chosen_frame,
    colored_classes,
    segment_words,
    timeline_figure,
)

CLASSES = ("calling", "using_laptop", "sitting", "running")
TIMES = np.array([0.0, 0.25, 0.5, 1.5])
CHANCES = np.array([[0.7, 0.1, 0.1, 0.1], [0.3, 0.3, 0.2, 0.2], [0.1, 0.8, 0.1, 0.0], [0.1, 0.1, 0.1, 0.7]])
LABELS = np.array([0, UNSURE, 1, 4])
SEGMENTS = (
    Segment(0.0, 0.5, 0, 0.5, 0, 1, 0, (0,)),
    Segment(0.5, 1.5, 1, 0.8, 2, 2, 2, (1, 2)),
    Segment(1.5, 2.0, 4, 1.0, 3, 3, 3, ()),
)


def layers_of(figure: go.Figure) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.type == "scatter" and trace.stackgroup]


def test_words_of_segments() -> None:
    assert [segment_words(one, CLASSES) for one in SEGMENTS] == ["calling", "using laptop or sitting", "none of these"]
    assert segment_words(Segment(0, 1, 2, 0.3, 0, 0, 0, ()), CLASSES) == "unsure"


def test_the_shares_of_every_frame_add_up_to_one() -> None:
    figure = timeline_figure(TIMES, 2.0, CHANCES, LABELS, SEGMENTS, CLASSES, chosen=2)
    layers = layers_of(figure)
    np.testing.assert_allclose(sum(np.asarray(layer.y) for layer in layers), 1.0)
    none = next(layer for layer in layers if layer.name == "none of these")
    assert np.asarray(none.y).tolist() == [0, 0, 0, 1, 1] and np.asarray(none.x).tolist() == [*TIMES, 2.0]
    assert figure.layout.shapes[0].x0 == TIMES[2]


def test_the_band_holds_every_segment_from_its_start_to_its_end() -> None:
    figure = timeline_figure(TIMES, 2.0, CHANCES, LABELS, SEGMENTS, CLASSES)
    bars = [trace for trace in figure.data if trace.type == "bar"]
    ends = [(bar.x[0] - bar.width[0] / 2, bar.x[0] + bar.width[0] / 2) for bar in bars]
    np.testing.assert_allclose(ends, [(one.start, one.end) for one in SEGMENTS], atol=1e-9)
    assert [bar.marker.pattern.shape for bar in bars] == [None, "/", "/"]
    layers = {trace.name: trace.fillcolor for trace in layers_of(figure)}
    assert bars[0].marker.color == layers["calling"] and len(set(layers.values())) == len(layers)


@pytest.mark.parametrize(("count", "frames"), [(2, 1), (15, 3), (100, 2400)])
def test_any_number_of_classes_and_frames(count: int, frames: int) -> None:
    chances = np.random.default_rng(0).dirichlet(np.ones(count), frames)
    names = [f"class <b>{number}</b>" for number in range(count)]
    segments = [
        Segment(0.0, float(frames), int(chances[0].argmax()), 0.5, 0, frames - 1, 0, (int(chances[0].argmax()),))
    ]
    figure = timeline_figure(
        np.arange(frames, dtype=float), float(frames), chances, chances.argmax(axis=1), segments, names
    )
    layers = layers_of(figure)
    assert 1 <= len(layers) <= MOST_COLORED + 1 and len(figure.data[-1].x) == frames
    np.testing.assert_allclose(sum(np.asarray(layer.y) for layer in layers), 1.0)
    assert "<b>" not in figure.to_json()


def test_the_classes_of_the_segments_have_colors_first() -> None:
    chances = np.tile([0.3, 0.3, 0.3, 0.05, 0.05], (4, 1))
    assert colored_classes(chances, [Segment(0, 1, 4, 0.4, 0, 3, 0, (4,))])[0] == 4
    assert colored_classes(np.array([[1.0, 0, 0]]), []) == [0]


def test_a_click_means_the_nearest_frame() -> None:
    assert chosen_frame([{"x": 0.26, "y": 0.5}], TIMES) == 1
    assert chosen_frame([], TIMES) is None and chosen_frame([{"y": 1}], TIMES) is None
