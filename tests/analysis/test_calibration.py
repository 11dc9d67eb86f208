"""Calibration and coverage against scikit-learn and the definitions, photo by photo."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from har_core.analysis.calibration import (
    answered,
    area_under_coverage,
    brier_score,
    calibration,
    class_calibration_errors,
    coverage_curve,
    expected_calibration_error,
    reliability,
)
from har_core.analysis.scores import wilson_interval
from har_core.runs.predictions import Predictions
from har_core.runs.run import shipped_run
from har_core.viz.text import calibration_sentence
from tests.helpers import random_predictions


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    return random_predictions(500, ("a", "b", "c", "d"))


def by_hand(confidence: np.ndarray, correct: np.ndarray, bins: int) -> float:
    """Naeini et al. 2015, bin by bin."""
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = (confidence >= low) & ((confidence < high) | (number == bins - 1))
        if inside.any():
            total += inside.mean() * abs(confidence[inside].mean() - correct[inside].mean())
    return total


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_the_calibration_error_is_that_of_the_definition(predictions: Predictions, bins: int) -> None:
    confidence, correct = predictions.confidence.astype(float), predictions.correct
    found = expected_calibration_error(confidence, correct, bins=bins)
    assert found == pytest.approx(by_hand(confidence, correct, bins), abs=1e-9)
    of_classes = class_calibration_errors(predictions, bins=bins)
    for number in range(4):
        column = predictions.probabilities[:, number].astype(float)
        assert of_classes[number] == pytest.approx(by_hand(column, predictions.true == number, bins), abs=1e-6)


def test_what_is_known_of_the_shipped_run() -> None:
    found, run = calibration(shipped_run().predictions()), shipped_run()
    assert run.manifest.scores is not None and found.accuracy == pytest.approx(run.manifest.scores.accuracy)
    assert (
        0.02 < found.ece < 0.15 and found.confidence < found.accuracy
    )  # not calibrated yet: less sure than it could be


def test_the_brier_score_is_scikit_learns(predictions: Predictions) -> None:
    truth = np.eye(4)[predictions.true]
    expected = sum(brier_score_loss(truth[:, k], predictions.probabilities[:, k]) for k in range(4))
    assert brier_score(predictions) == pytest.approx(expected, abs=1e-6)
    assert calibration(predictions).brier == brier_score(predictions)


def test_the_reliability_diagram_is_scikit_learns(predictions: Predictions) -> None:
    table = reliability(predictions, bins=5)
    confidence, correct = predictions.confidence.astype(float), predictions.correct
    accuracy, mean = calibration_curve(correct, confidence, n_bins=5, strategy="quantile")
    assert table["accuracy"].to_numpy() == pytest.approx(accuracy, abs=0.011)  # a photo on an edge may be in either bin
    assert table["confidence"].to_numpy() == pytest.approx(mean, abs=0.011)
    assert table["photos"].sum() == 500 and table["photos"].between(95, 105).all()
    row = table.iloc[2]
    assert (row["low"], row["high"]) == wilson_interval(round(row["accuracy"] * row["photos"]), int(row["photos"]))


def test_photos_of_one_confidence_stay_together() -> None:
    probabilities = np.array([[0.75, 0.25]] * 7 + [[1.0, 0.0]] * 3, dtype=np.float32)
    predictions = Predictions(
        ("a", "b"), np.array([f"{n}.jpg" for n in range(10)], dtype=object), np.array([0] * 9 + [1]), probabilities
    )
    table = reliability(predictions)
    assert table["photos"].tolist() == [7, 3] and table["accuracy"].tolist() == pytest.approx([1, 2 / 3])
    curve = coverage_curve(predictions)
    assert curve["threshold"].tolist() == [1.0, 0.75] and curve["coverage"].tolist() == [0.3, 1.0]
    assert curve["accuracy"].tolist() == pytest.approx([2 / 3, 0.9])
    assert answered(predictions, 0.8) == (3, 2) and answered(predictions, 0.0) == (10, 9)


def test_the_coverage_curve_is_that_of_every_threshold(predictions: Predictions) -> None:
    curve = coverage_curve(predictions, points=1000)
    for row in curve.iloc[:: len(curve) // 7].itertuples():
        count, correct = answered(predictions, np.float32(row.threshold))
        assert row.coverage == pytest.approx(count / 500) and row.accuracy == pytest.approx(correct / count)
    assert curve["coverage"].is_monotonic_increasing and curve["coverage"].iloc[-1] == 1
    assert curve["accuracy"].iloc[-1] == pytest.approx(predictions.correct.mean())
    assert len(coverage_curve(predictions, points=20)) <= 20
    assert coverage_curve(predictions, points=20)["coverage"].iloc[-1] == 1


def test_sure_and_right_is_best() -> None:
    names = np.array([f"{n}.jpg" for n in range(4)], dtype=object)
    perfect = Predictions(("a", "b"), names, np.array([0, 1, 0, 1]), np.eye(2, dtype=np.float32)[[0, 1, 0, 1]])
    found = calibration(perfect)
    assert (found.ece, found.class_wise_ece, found.brier) == (0, 0, 0) and area_under_coverage(perfect) == 1
    wrong = Predictions(("a", "b"), names, np.array([1, 0, 1, 0]), perfect.probabilities)
    assert calibration(wrong).ece == 1 and calibration(wrong).brier == 2 and area_under_coverage(wrong) == 0


def test_a_million_photos_of_a_hundred_classes() -> None:
    """In memory that hardly grows, and in a time that a visitor waits."""
    stream = np.random.default_rng(0)
    probabilities = stream.random((200_000, 100), dtype=np.float32)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    names = np.char.add("p", np.arange(200_000).astype(str)).astype(object)
    predictions = Predictions(
        tuple(f"c{k}" for k in range(100)), names, stream.integers(0, 100, 200_000), probabilities
    )
    started = time.process_time()
    calibration(predictions), reliability(predictions), coverage_curve(predictions)
    assert time.process_time() - started < 5  # about a second where nothing else runs


def test_no_photos() -> None:
    empty = Predictions(
        ("a", "b"), np.empty(0, dtype=object), np.empty(0, dtype=np.int64), np.empty((0, 2), np.float32)
    )
    assert len(reliability(empty)) == len(coverage_curve(empty)) == 0
    with pytest.raises(ValueError, match="at least one"):
        calibration(empty)


@pytest.mark.parametrize("count", [20, 200, 2000])
def test_chance_alone_is_not_taken_for_a_finding(count: int) -> None:
    """Of answers that are right as often as they say."""
    stream = np.random.default_rng(1)
    names = np.char.add("p", np.arange(count).astype(str)).astype(object)
    said: Counter[str] = Counter()
    errors, expected = [], []
    for _ in range(100):
        first = stream.uniform(0.5, 1, count)
        probabilities = np.stack([first, 1 - first], axis=1).astype(np.float32)
        true = (stream.random(count) >= first).astype(np.int64)
        found = calibration(Predictions(("a", "b"), names, true, probabilities))
        said[calibration_sentence(found).split("**")[1]] += 1
        errors.append(found.ece)
        expected.append(found.chance_ece)
    assert np.mean(errors) == pytest.approx(np.mean(expected), rel=0.25)
    wrong = sum(times for sentence, times in said.items() if sentence.startswith(("No", "On average")))
    assert wrong <= 12 and said.most_common(1)[0][0].startswith("Yes" if count == 2000 else "There are too few")
