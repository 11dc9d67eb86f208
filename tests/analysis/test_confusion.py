"""Shares, orders and confusions of a matrix, by hand and against the published matrix."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from har_core.analysis.confusion import TOTAL, class_order, confused_pairs, normalize, with_totals
from har_core.analysis.scores import summarize, wilson_interval
from har_core.runs.run import Run, assets_folder
from tests.helpers import random_predictions


@pytest.mark.parametrize(("by", "sklearn"), [("true", "true"), ("pred", "pred"), ("none", None)])
def test_shares_are_scikit_learns(by: str, sklearn: str | None) -> None:
    predictions = random_predictions(800, ("a", "b", "c", "d", "e"), seed=4)
    expected = confusion_matrix(predictions.true, predictions.predicted, normalize=sklearn)
    found = normalize(predictions.confusion_matrix(), by)  # type: ignore[arg-type]
    assert found.dtype == np.float64 and np.allclose(found, expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("by", ["true", "pred", "none"])
def test_shares_of_nothing_are_zero(by: str) -> None:
    assert np.array_equal(normalize(np.zeros((2, 2), int), by), np.zeros((2, 2)))  # type: ignore[arg-type]


def test_totals_are_at_their_index() -> None:
    wide = with_totals(np.array([[3, 1], [2, 4]]))
    assert list(wide[:, TOTAL]) == [4, 6, 10] and list(wide[TOTAL]) == [5, 5, 10]


def test_confused_classes_stand_together() -> None:
    """Two pairs that are confused only within themselves, interleaved in the alphabet."""
    matrix = np.diag([50, 50, 50, 50])
    matrix[0, 2] = matrix[2, 0] = matrix[1, 3] = matrix[3, 1] = 20
    order = class_order(matrix, "similarity")
    assert sorted(order) == [0, 1, 2, 3]
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset({0, 2}), frozenset({1, 3})}


def test_the_weakest_class_comes_first() -> None:
    matrix = np.array([[9, 1, 0], [5, 5, 0], [0, 3, 7]])
    assert class_order(matrix, "recall") == [1, 2, 0]
    assert class_order(matrix, "alphabetical") == [0, 1, 2]


def test_confusions_are_ranked_with_their_shares() -> None:
    matrix = np.array([[80, 12, 8], [5, 95, 0], [0, 0, 10]])
    found = confused_pairs(matrix)
    assert [(pair.true, pair.predicted, pair.count) for pair in found] == [(0, 1, 12), (0, 2, 8), (1, 0, 5)]
    assert found[0].share == 0.12 and (found[0].low, found[0].high) == wilson_interval(12, 100)
    assert confused_pairs(np.diag([4, 5])) == []


def test_both_directions_together() -> None:
    matrix = np.array([[80, 5, 0], [12, 95, 0], [8, 0, 10]])
    found = confused_pairs(matrix, directed=False)
    assert [(pair.true, pair.predicted, pair.count) for pair in found] == [(1, 0, 17), (2, 0, 8)]
    assert found[0].share == pytest.approx(17 / matrix[:2].sum())


def test_the_published_matrix_leads_with_other_confusions_than_its_report_names() -> None:
    run = Run.open(assets_folder() / "runs" / "published-report")
    matrix = run.confusion_matrix()
    pairs = [
        (frozenset({run.classes[pair.true], run.classes[pair.predicted]}), pair.count)
        for pair in confused_pairs(matrix, directed=False)
    ]
    assert [count for _, count in pairs[:3]] == [17, 17, 16]
    assert {pair for pair, _ in pairs[:2]} == {
        frozenset({"using_laptop", "sitting"}),
        frozenset({"dancing", "fighting"}),
    }
    assert dict(pairs)[frozenset({"texting", "calling"})] == 16
    assert dict(pairs)[frozenset({"texting", "sitting"})] == 7
    assert summarize(matrix).correct == 1546
