"""Scores and intervals against scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics

from har_core.analysis.scores import (
    class_scores,
    classification_report,
    scores_of,
    summarize,
    wilson_interval,
    wilson_intervals,
)
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run, assets_folder
from tests.helpers import random_predictions

CLASSES = ("blue", "green", "red", "white", "yellow")


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    return random_predictions(800, CLASSES, seed=4)


@pytest.fixture(scope="module")
def matrix(predictions: Predictions) -> np.ndarray:
    return predictions.confusion_matrix()


def test_the_summary_is_scikit_learns(predictions: Predictions, matrix: np.ndarray) -> None:
    true, predicted = predictions.true, predictions.predicted
    found = summarize(matrix)
    assert (found.n, found.correct) == (800, int(predictions.correct.sum()))
    assert found.accuracy == metrics.accuracy_score(true, predicted)
    assert found.macro_f1 == pytest.approx(metrics.f1_score(true, predicted, average="macro"), abs=1e-12)
    assert found.weighted_f1 == pytest.approx(metrics.f1_score(true, predicted, average="weighted"), abs=1e-12)
    assert found.interval == wilson_interval(found.correct, 800)


def test_no_photos_have_no_scores() -> None:
    with pytest.raises(ValueError, match="at least one"):
        summarize(np.zeros((2, 2), int))


def test_what_a_manifest_says_follows_from_the_predictions(predictions: Predictions, matrix: np.ndarray) -> None:
    scores, summary = scores_of(predictions), summarize(matrix)
    assert (scores.n, scores.accuracy, scores.macro_f1) == (summary.n, summary.accuracy, summary.macro_f1)
    assert scores.accuracy_interval == summary.interval


@pytest.mark.parametrize("name", ["best", "baseline", "edge", "edge-int8"])
def test_the_shipped_runs_say_their_scores(name: str) -> None:
    run = Run.open(assets_folder() / "runs" / name)
    found, said = scores_of(run.predictions()), run.manifest.scores
    assert said is not None and (found.n, found.accuracy) == (said.n, said.accuracy)
    assert found.macro_f1 == pytest.approx(said.macro_f1, abs=1e-12)
    assert found.accuracy_interval == pytest.approx(said.accuracy_interval, abs=1e-12)


def test_classes_that_do_not_occur_do_not_count() -> None:
    """Photos of two classes, scored by a model of four: the macro mean is that of scikit-learn's default."""
    matrix = np.zeros((4, 4), int)
    matrix[:2, :3] = [[7, 2, 1], [0, 9, 0]]
    true, predicted = (np.repeat(index.ravel(), matrix.ravel()) for index in np.indices(matrix.shape))
    expected = metrics.f1_score(true, predicted, average="macro")
    assert summarize(matrix).macro_f1 == pytest.approx(expected, abs=1e-12)
    _, frame = classification_report(matrix, ("a", "b", "c", "d"))
    assert list(frame["class"])[:4] == ["a", "b", "c", "macro avg"]


def test_classes_are_scored_as_by_scikit_learn(predictions: Predictions, matrix: np.ndarray) -> None:
    rows = class_scores(matrix, CLASSES)
    expected = metrics.precision_recall_fscore_support(predictions.true, predictions.predicted)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert np.allclose(rows[name], values, rtol=0, atol=1e-12)
    for name in ("precision", "recall", "f1"):
        assert (rows[name + "_low"] < rows[name]).all() and (rows[name] < rows[name + "_high"]).all()
    errors = matrix - np.diag(np.diag(matrix))
    assert list(rows["predicted_as"]) == [CLASSES[index] for index in errors.argmax(axis=1)]
    assert list(rows["times"]) == list(errors.max(axis=1))


def test_a_class_without_photos_or_errors() -> None:
    rows = class_scores(np.array([[3, 0], [0, 0]]), ("a", "b"))
    assert list(rows["predicted_as"]) == ["–", "–"] and list(rows["times"]) == [0, 0] and rows["f1"][0] == 1
    shares = [f"{name}{end}" for name in ("precision", "recall", "f1") for end in ("", "_low", "_high")]
    assert rows[shares].isna().all(axis=1).tolist() == rows[shares].isna().any(axis=1).tolist() == [False, True]
    assert list(rows.sort_values("f1")["class"]) == ["a", "b"] and list(rows["support"]) == [3, 0]
    assert summarize(np.array([[3, 0], [0, 0]])).macro_f1 == 1


def test_a_class_that_is_only_predicted_or_only_a_label_has_scores() -> None:
    rows = class_scores(np.array([[3, 1, 0], [0, 0, 0], [1, 0, 0]]), ("a", "b", "c"))
    assert list(rows["f1"][1:]) == list(rows["recall"][1:]) == [0, 0]
    assert (rows["recall_low"][1], rows["recall_high"][1]) == (0, 1)


@pytest.mark.parametrize(("successes", "trials"), [(0, 7), (7, 7), (1, 126), (1549, 1890), (1, 1)])
def test_the_interval_is_wilsons(successes: int, trials: int) -> None:
    expected = binomtest(successes, trials).proportion_ci(method="wilson")
    assert wilson_interval(successes, trials) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_interval_of_no_trials_is_everything() -> None:
    assert wilson_interval(0, 0) == (0, 1)
    low, high = wilson_intervals(np.array([0, 1]), np.array([0, 2]))
    assert (low[0], high[0]) == (0, 1) and (low[1], high[1]) == wilson_interval(1, 2)


def test_the_interval_of_f1_covers_its_true_value() -> None:
    """Of 1,000 samples from a known matrix, about 95 % of the intervals hold the F1 score behind them."""
    random = np.random.default_rng(0)
    shares = np.array([[0.35, 0.05, 0.02], [0.06, 0.20, 0.04], [0.03, 0.05, 0.20]])
    true_f1 = 2 * np.diag(shares) / (shares.sum(axis=0) + shares.sum(axis=1))
    inside = []
    for sample in random.multinomial(300, shares.ravel(), size=1000).reshape(-1, 3, 3):
        rows = class_scores(sample, ("a", "b", "c"))
        inside.append((rows["f1_low"] <= true_f1) & (true_f1 <= rows["f1_high"]))
    assert 0.935 < np.mean(inside) < 0.975


def test_the_report_is_scikit_learns(predictions: Predictions, matrix: np.ndarray) -> None:
    text, frame = classification_report(matrix, CLASSES)
    true, predicted = predictions.true, predictions.predicted
    assert text == metrics.classification_report(true, predicted, target_names=CLASSES, digits=4)
    assert list(frame["class"]) == [*CLASSES, "macro avg", "weighted avg", "accuracy"]
    assert frame.set_index("class").loc["accuracy", "recall"] == summarize(matrix).accuracy
