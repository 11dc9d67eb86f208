"""The figure of a map holds every point once; a selection in it is told in words."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from har_core.analysis.embedding_map import Gathering
from har_core.viz import map_figures as figures

CLASSES = ("using_laptop", "<b>x</b>", "[c](d)")
RANDOM = np.random.default_rng(0)
POSITIONS = RANDOM.normal(size=(60, 2)).astype(np.float32)
SCORED = np.arange(60) < 40
HOVER = np.array([str(number) for number in range(60)], dtype=object)


def groups(kinds: np.ndarray, names: list[str]) -> list[figures.Group]:
    return figures.point_groups(kinds, names, SCORED, others="others")


@pytest.mark.parametrize("count", [0, 1, 8])
def test_every_point_is_drawn_once(count: int) -> None:
    kinds = RANDOM.integers(-1, count, 60)
    made = groups(kinds, [f"kind {number}" for number in range(count)])
    figure = figures.embedding_figure(POSITIONS, made, HOVER)
    drawn = np.concatenate([group.points for group in made])
    assert sorted(drawn) == list(range(60)) and len(figure.data) == len(made)
    for trace, group in zip(figure.data, made, strict=True):
        assert trace.type == "scattergl" and np.array_equal(trace.x, POSITIONS[group.points, 0])
        assert list(trace.hovertext) == [str(point) for point in group.points]
        assert (kinds[group.points] == kinds[group.points[0]]).all() and len(set(SCORED[group.points])) == 1
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert len(shown) == len(set(shown)) == len({trace.name for trace in figure.data})
    looks = {(group.color, group.symbol, group.training) for group in made}
    assert len(looks) == len(made), "two groups look alike"


def test_more_kinds_than_can_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 8"):
        groups(np.zeros(60, int), list("abcdefghi"))


def test_a_selection_comes_back_as_it_was_drawn() -> None:
    made = groups(RANDOM.integers(-1, 2, 60), ["a", "b"])
    chosen = np.array([3, 17, 41, 59])
    figure = figures.embedding_figure(POSITIONS, made, HOVER, selected=chosen)
    reported: list[dict[str, Any]] = [
        {"curve_number": curve, "point_index": int(index)}
        for curve, trace in enumerate(figure.data)
        for index in trace.selectedpoints
    ]
    assert figures.selected_points(reported * 2, made).tolist() == chosen.tolist()
    assert all(trace.selectedpoints is None for trace in figures.embedding_figure(POSITIONS, made, HOVER).data)


@pytest.mark.parametrize("seed", range(3))
def test_bits_select_the_same_points_as_the_points_themselves(seed: int) -> None:
    random = np.random.default_rng(seed)
    made = groups(random.integers(-1, 2, 60), ["a", "b"])
    inside = random.random(60) < 0.4
    one_by_one, in_bits = [], []
    for curve, group in enumerate(made):
        picked = np.flatnonzero(inside[group.points])
        one_by_one += [{"curve_number": curve, "point_index": int(index)} for index in picked]
        packed = bytearray((len(group.points) + 7) // 8)
        for index in picked:
            packed[index >> 3] |= 1 << (index & 7)
        in_bits.append({"curve_number": curve, "bits": base64.b64encode(packed).decode()})
    expected = np.flatnonzero(inside).tolist()
    assert figures.selected_points(in_bits, made).tolist() == expected
    assert figures.selected_points(one_by_one, made).tolist() == expected
    late = [{"curve_number": 0, "bits": base64.b64encode(b"\xff" * 99).decode()}]
    assert figures.selected_points(late, made).tolist() == made[0].points.tolist()


def test_a_point_takes_few_bytes_besides_its_text() -> None:
    """Places are sent as arrays of 32-bit numbers, not as text."""
    count = 20_000
    positions = RANDOM.normal(size=(count, 2)).astype(np.float32)
    made = figures.point_groups(np.full(count, -1), [], np.ones(count, bool), others="correct")
    figure = figures.embedding_figure(positions, made, np.full(count, "", dtype=object))
    assert len(figure.to_json(validate=False)) < 20 * count + 20_000
    assert figures.pixel_ratio(1_890) == figures.pixel_ratio(12_562) == 2 and figures.pixel_ratio(100_000) == 1


def test_points_that_are_not_there_are_no_selection() -> None:
    """A late report may be of a chart that is gone."""
    made = groups(np.full(60, -1), [])
    odd = [{"curve_number": 9, "point_index": 0}, {"curve_number": 0, "point_index": 999}, {"x": 1}]
    assert len(figures.selected_points(odd, made)) == len(figures.selected_points([], made)) == 0


def test_hover_tells_of_each_point() -> None:
    samples = np.array(["a.jpg", "<img src=x>&", "x" * 500], dtype=object)
    texts = figures.hover_texts(samples, np.array([0, 1, 2]), np.array([0, 2, -1]), np.array([1.0, 0.5, 0.0]), CLASSES)
    assert texts[0] == "a.jpg<br>using laptop, predicted correctly (>\u00a099\u00a0%)"
    assert texts[1] == "&lt;img src=x&gt;&amp;<br>&lt;b&gt;x&lt;/b&gt;, predicted as [c](d) (50\u00a0%)"
    assert texts[2].endswith("training photo") and len(texts[2]) < 120


def test_names_stand_amid_their_photos_and_do_not_cover_each_other() -> None:
    true = np.repeat([0, 1, 2], 20)
    positions = np.array([[0, 0], [0.01, 0], [10, 10]])[true] + RANDOM.normal(scale=0.001, size=(60, 2))
    placed = {name: (x, y) for name, x, y in figures.class_places(positions, true, ("one", "two", "three"))}
    assert set(placed) == {"one", "three"}
    assert placed["three"] == pytest.approx(tuple(np.median(positions[true == 2], axis=0)))
    assert len(figures.class_places(positions[:1], true[:1], CLASSES)) == 1
    assert figures.class_places(positions[:0], true[:0], CLASSES) == []


@pytest.mark.parametrize(
    ("true", "predicted", "training", "expected"),
    [
        ([], [], 1, "1 training photo selected"),
        ([0], [0], 0, "1 photo selected: 0 misclassified"),
        ([0, 0, 0, 1], [1, 1, 2, 1], 20,
         r"4 photos selected: 3 misclassified, most often using laptop predicted as \<b\>x\</b\> (2); and 20 training photos"),
        ([2], [0], 0, r"1 photo selected: 1 misclassified, \[c\](d) predicted as using laptop"),
    ],
)  # fmt: skip
def test_a_selection_in_words(true: list[int], predicted: list[int], training: int, expected: str) -> None:
    found = figures.selection_sentence(np.array(true, int), np.array(predicted, int), CLASSES, training=training)
    assert found == expected


def test_the_headline_tells_where_errors_lie() -> None:
    gathering = Gathering(0, 1, 12, 0.4, 0.144)
    assert r"using laptop and \<b\>x\</b\> meet" in figures.errors_headline(gathering, CLASSES, errors=20, photos=90)
    assert "40\u00a0%" in figures.gathering_sentence(gathering) and "14\u00a0%" in figures.gathering_sentence(gathering)
    nothing, nowhere = (figures.errors_headline(None, CLASSES, errors=errors, photos=90) for errors in (0, 20))
    assert "90 photos" in nothing and "20" not in nothing and "20 misclassified" in nowhere


def test_classes_that_are_not_highlighted_have_no_kind() -> None:
    values = np.array([0, 1, 2, -1, 2])
    assert figures.kinds_of_classes(values, [2, 0], 3).tolist() == [1, -1, 0, -1, 0]
    assert figures.kinds_of_classes(values, [], 3).tolist() == [-1] * 5
    names = figures.class_names(("a_b", "a b", "<i>"), [0, 1, 2])
    assert len(set(names)) == 3 and "<i>" not in names
