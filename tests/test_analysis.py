"""The arithmetic of the dashboard against scikit-learn, SciPy, the published matrix, or by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import (
    accuracy_score,
    classification_report,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
    top_k_accuracy_score,
)

from har_core import analysis, words
from har_core.analysis import TOTAL, McNemar
from har_core.predictions import Predictions
from har_core.runs import HISTORY_COLUMNS, Run
from tests.conftest import ROOT
from tests.test_runs import table

CLASSES = ("blue", "green", "red", "white", "yellow")


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    return table(800, CLASSES, seed=4)


@pytest.fixture(scope="module")
def counts(predictions: Predictions) -> np.ndarray:
    return analysis.confusion(predictions)


def published() -> tuple[np.ndarray, tuple[str, ...]]:
    run = Run.open(ROOT / "assets" / "runs" / "published-report")
    return run.counts(), run.classes


def test_the_matrix_is_scikit_learns(predictions: Predictions, counts: np.ndarray) -> None:
    assert np.array_equal(counts, confusion_matrix(predictions.true, predictions.predicted, labels=range(5)))


def test_scores_are_scikit_learns(predictions: Predictions, counts: np.ndarray) -> None:
    true, predicted = predictions.true, predictions.predicted
    found = analysis.summary(counts)
    assert (found.n, found.accuracy) == (800, accuracy_score(true, predicted))
    assert found.macro_f1 == pytest.approx(f1_score(true, predicted, average="macro"), abs=1e-12)
    assert found.weighted_f1 == pytest.approx(f1_score(true, predicted, average="weighted"), abs=1e-12)
    assert analysis.log_loss(predictions) == pytest.approx(log_loss(true, predictions.probabilities), abs=1e-6)
    for k in (1, 3):
        assert analysis.top_accuracy(predictions, k) == top_k_accuracy_score(true, predictions.probabilities, k=k)


def test_classes_that_do_not_occur_do_not_count() -> None:
    """Photos of two classes, scored by a model of four: the macro mean is that of scikit-learn's default."""
    counts = np.zeros((4, 4), int)
    counts[:2, :3] = [[7, 2, 1], [0, 9, 0]]
    true, predicted = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
    assert analysis.summary(counts).macro_f1 == pytest.approx(f1_score(true, predicted, average="macro"), abs=1e-12)
    text, frame = analysis.report(counts, ("a", "b", "c", "d"))
    assert list(frame["class"])[:3] == ["a", "b", "c"] and "macro avg" in text


def test_classes_are_scored_as_by_scikit_learn(predictions: Predictions, counts: np.ndarray) -> None:
    rows = analysis.class_table(counts, CLASSES)
    expected = precision_recall_fscore_support(predictions.true, predictions.predicted)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert np.allclose(rows[name], values, rtol=0, atol=1e-12)
    for name in ("precision", "recall", "f1"):
        assert (rows[name + "_low"] < rows[name]).all() and (rows[name] < rows[name + "_high"]).all()
    mistakes = counts - np.diag(np.diag(counts))
    assert list(rows["taken_for"]) == [CLASSES[index] for index in mistakes.argmax(axis=1)]
    assert list(rows["times"]) == list(mistakes.max(axis=1))


def test_a_class_without_photos_or_mistakes() -> None:
    rows = analysis.class_table(np.array([[3, 0], [0, 0]]), ("a", "b"))
    assert list(rows["taken_for"]) == ["–", "–"] and list(rows["f1"]) == [1, 0]
    assert (rows["recall_low"][1], rows["recall_high"][1]) == (0, 1)


@pytest.mark.parametrize(("hits", "trials"), [(0, 7), (7, 7), (1, 126), (1549, 1890), (1, 1)])
def test_the_interval_is_wilsons(hits: int, trials: int) -> None:
    expected = binomtest(hits, trials).proportion_ci(method="wilson")
    assert analysis.interval(hits, trials) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_interval_of_no_trials_says_nothing() -> None:
    assert analysis.interval(0, 0) == (0, 1)


def test_the_interval_of_f1_covers_its_true_value() -> None:
    """Of 2,000 samples from a known matrix, about 95 % of the intervals hold the F1 score behind them."""
    random = np.random.default_rng(0)
    shares = np.array([[0.35, 0.05, 0.02], [0.06, 0.20, 0.04], [0.03, 0.05, 0.20]])
    true_f1 = 2 * np.diag(shares) / (shares.sum(axis=0) + shares.sum(axis=1))
    inside = []
    for _ in range(2000):
        rows = analysis.class_table(random.multinomial(300, shares.ravel()).reshape(3, 3), ("a", "b", "c"))
        inside.append((rows["f1_low"] <= true_f1) & (true_f1 <= rows["f1_high"]))
    assert 0.935 < np.mean(inside) < 0.975


def test_shares_of_rows_and_columns(counts: np.ndarray) -> None:
    assert np.allclose(analysis.normalised(counts, "recall").sum(axis=1), 1)
    assert np.allclose(analysis.normalised(counts, "precision").sum(axis=0), 1)
    assert np.array_equal(analysis.normalised(counts, "count"), counts)
    assert np.array_equal(analysis.normalised(np.zeros((2, 2), int), "recall"), np.zeros((2, 2)))


def test_similar_classes_stand_together() -> None:
    """Two pairs that are confused only within themselves, interleaved in the alphabet."""
    counts = np.diag([50, 50, 50, 50])
    counts[0, 2] = counts[2, 0] = counts[1, 3] = counts[3, 1] = 20
    order = analysis.ordering(counts, "similarity")
    assert sorted(order) == [0, 1, 2, 3]
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset({0, 2}), frozenset({1, 3})}
    assert analysis.ordering(np.array([[9, 1], [5, 5]]), "recall") == [0, 1]
    weakest_first = analysis.ordering(np.diag([1, 2, 3]) + np.array([[0, 5, 0], [0, 0, 5], [0, 1, 0]]), "recall")
    assert weakest_first == [0, 1, 2]


def test_confusions_are_ranked_with_their_shares() -> None:
    counts = np.array([[80, 12, 8], [5, 95, 0], [0, 0, 10]])
    found = analysis.confusions(counts)
    assert [(one.true, one.predicted, one.photos) for one in found] == [(0, 1, 12), (0, 2, 8), (1, 0, 5)]
    assert found[0].share == 0.12 and (found[0].low, found[0].high) == analysis.interval(12, 100)
    both = analysis.confusions(counts.T, directed=False)
    assert [(one.true, one.predicted, one.photos) for one in both] == [(1, 0, 17), (2, 0, 8)]
    assert both[0].share == pytest.approx(17 / counts.T.sum(axis=1)[:2].sum())
    assert analysis.confusions(np.diag([4, 5])) == []


def test_the_published_matrix_leads_with_what_it_says() -> None:
    """The report names other confusions than those that lead its own matrix."""
    counts, classes = published()
    both = [
        ({classes[one.true], classes[one.predicted]}, one.photos) for one in analysis.confusions(counts, directed=False)
    ]
    assert [number for _, number in both[:3]] == [17, 17, 16]
    assert ({"texting", "calling"}, 16) == both[2]
    assert {"using_laptop", "sitting"} in [pair for pair, _ in both[:2]]
    assert {"dancing", "fighting"} in [pair for pair, _ in both[:2]]
    assert {frozenset(pair): number for pair, number in both}[frozenset({"texting", "sitting"})] == 7
    assert analysis.summary(counts).right == 1546


def test_the_report_is_scikit_learns(predictions: Predictions, counts: np.ndarray) -> None:
    text, frame = analysis.report(counts, CLASSES)
    expected = classification_report(predictions.true, predictions.predicted, target_names=CLASSES, digits=4)
    assert text == expected
    assert list(frame["class"]) == [*CLASSES, "macro avg", "weighted avg", "accuracy"]
    assert frame.set_index("class").loc["accuracy", "recall"] == analysis.summary(counts).accuracy


def test_mcnemars_test() -> None:
    first = np.array([True] * 90 + [True] * 3 + [False] * 12)
    second = np.array([True] * 90 + [False] * 3 + [True] * 12)
    found = analysis.mcnemar(first, second)
    assert (found.broken, found.fixed) == (3, 12)
    assert found.p == pytest.approx(2 * sum([1, 15, 105, 455]) / 2**15)  # by hand: 2 · P(at most 3 of 15 heads)
    assert analysis.mcnemar(first, first) == McNemar(0, 0, 1.0)
    assert "more than chance" in words.comparison(found, "A", "B")


def history(train: list[float], accuracy: list[float], loss: list[float], rates: list[float]) -> pd.DataFrame:
    columns = [range(1, len(train) + 1), loss, train, loss, accuracy, rates, [1.0] * len(train)]
    return pd.DataFrame(dict(zip(HISTORY_COLUMNS, columns, strict=True)))


def test_what_the_curves_say() -> None:
    overfit = history([0.5, 0.8, 0.95], [0.6, 0.7, 0.7], [1.0, 0.8, 0.9], [1e-4, 1e-4, 1e-5])
    found = analysis.curves(overfit)
    assert (found.kept_epoch, found.lowest_loss_epoch, found.turned, found.reductions) == (2, 2, True, [3])
    assert found.gap == pytest.approx(0.1)
    assert "10.0 points above" in words.training_verdict(found) and "overfitting" in words.training_verdict(found)
    last = analysis.curves(overfit, keeps_last=True)
    assert (last.kept_epoch, last.kept_accuracy) == (3, 0.7) and last.gap == pytest.approx(0.25)
    assert "epoch 3, whose weights are kept" in words.training_verdict(last)
    falling = analysis.curves(history([0.5] * 4, [0.5] * 4, [1.0] * 4, [4e-4, 3e-4, 2e-4, 1e-4]))
    assert falling.reductions == []
    fine = analysis.curves(history([0.5, 0.6], [0.6, 0.7], [1.0, 0.8], [1e-4, 1e-4]))
    assert not fine.turned and fine.reductions == []
    assert "has not turned" in words.training_verdict(fine) and "below" in words.training_verdict(fine)


def test_cells_in_words() -> None:
    counts = np.array([[114, 12], [0, 126]])
    classes = ("dancing", "listening_to_music")
    said = {
        (0, 1): "12 dancing photos taken for listening to music: 9.5 % of dancing",
        (1, 1): "126 listening to music photos recognised: 100.0 % of listening to music",
        (0, TOTAL): "126 dancing photos, whatever they were taken for",
        (TOTAL, 1): "138 photos taken for listening to music",
        (TOTAL, TOTAL): "252 photos in all",
    }
    for (true, predicted), expected in said.items():
        assert words.cell(counts, classes, true, predicted) == expected
    assert words.worst_confusion(counts, classes) == (
        "Most frequent confusion: dancing taken for listening to music (12 photos)"
    )
    assert "confused" in words.worst_confusion(np.diag([1, 2]), classes)
