"""Prediction sets against MAPIE and the definition, and what they reach; answers against a loop over photos."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from har_core.analysis.answers import STEP, answer_rule, named, named_in_order, outcomes, unsure_threshold
from har_core.analysis.calibration import answered
from har_core.analysis.conformal import (
    ALPHAS,
    METHODS,
    fewest,
    lac_threshold,
    prediction_sets,
    raps_scores,
    reached,
    reached_all,
    set_thresholds,
)
from har_core.analysis.scores import wilson_interval
from har_core.runs.predictions import Predictions
from har_core.runs.run import shipped_run
from tests.helpers import random_predictions


class Given(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that answers a row's number with given probabilities."""

    def __init__(self, probabilities: np.ndarray) -> None:
        self.probabilities = probabilities
        self.classes_ = np.arange(probabilities.shape[1])
        self.is_fitted_ = True

    def fit(self, x: np.ndarray, y: np.ndarray) -> Given:
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.probabilities[np.asarray(x)[:, 0].astype(int)])

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.predict_proba(x).argmax(axis=1))


class Constant(np.random.RandomState):
    """Draws the same number for every photo, and splits at random."""

    value = 0.0

    def uniform(self, *args: Any, size: Any = None, **options: Any) -> Any:
        return np.full(size, self.value)


def classes(count: int) -> tuple[str, ...]:
    return tuple(f"class {index}" for index in range(count))


def made(count: int, size: int, seed: int = 0) -> Predictions:
    """Photos whose true classes are drawn with the probabilities themselves, sharpened to be wrong."""
    predictions, random = random_predictions(count, classes(size), seed), np.random.default_rng(seed)
    true = (predictions.probabilities.cumsum(axis=1) > random.random((count, 1))).argmax(axis=1)
    sharp = predictions.probabilities.astype(np.float64) ** 2
    return Predictions(
        predictions.classes,
        predictions.samples,
        true.astype(np.int64),
        (sharp / sharp.sum(axis=1, keepdims=True)).astype(np.float32),
    )


def part(predictions: Predictions, rows: slice | np.ndarray) -> Predictions:
    return Predictions(
        predictions.classes, predictions.samples[rows], predictions.true[rows], predictions.probabilities[rows]
    )


def mapie(predictions: Predictions, score: str, *, drawn: float = 0.0, **options: Any) -> tuple[Any, np.ndarray]:
    """MAPIE's calibrated classifier, and its sets at 80, 90 and 95 % for the second half of the photos, (N / 2, K, 3)."""
    found = pytest.importorskip("mapie.classification", reason="needs MAPIE: pip install mapie")
    random = Constant(7)
    random.value = drawn
    levels = [1 - alpha for alpha in ALPHAS]
    rows, half = np.arange(len(predictions))[:, None], len(predictions) // 2
    classifier = found.SplitConformalClassifier(
        Given(predictions.probabilities.astype(np.float64)), levels, score, prefit=True, random_state=random
    )
    classifier.conformalize(rows[:half], predictions.true[:half])
    return classifier, np.asarray(classifier.predict_set(rows[half:], conformity_score_params=options)[1])


def raps_threshold(scores: np.ndarray, true: np.ndarray, alpha: float) -> float:
    """The score up to which a class is in a photo's set."""
    return float(-set_thresholds(-scores[np.arange(len(true)), true], true, scores.shape[1], alpha, "RAPS")[0])


@pytest.mark.parametrize(("count", "size"), [(600, 2), (601, 3), (600, 15), (400, 100)])
def test_lac_is_mapies_to_the_bit(count: int, size: int) -> None:
    predictions = made(count, size)
    known, asked = part(predictions, slice(0, count // 2)), predictions.probabilities[count // 2 :]
    expected = mapie(predictions, "lac")[1]
    for place, alpha in enumerate(ALPHAS):
        assert np.array_equal(prediction_sets(asked, known, alpha, empty=True), expected[..., place])
        filled = prediction_sets(asked, known, alpha)
        assert filled.any(axis=1).all() and np.array_equal(
            filled[expected[..., place].any(axis=1)], expected[..., place][expected[..., place].any(axis=1)]
        )


def test_lac_is_mapies_on_the_shipped_run() -> None:
    predictions = shipped_run().predictions()
    half = len(predictions) // 2
    expected = mapie(predictions, "lac")[1]
    for place, alpha in enumerate(ALPHAS):
        found = prediction_sets(predictions.probabilities[half:], part(predictions, slice(0, half)), alpha, empty=True)
        assert np.array_equal(found, expected[..., place])


def test_without_a_penalty_adaptive_sets_are_mapies() -> None:
    """Its "aps", which includes the class that exceeds the sum, with 1 drawn for every photo: the class's own is left out."""
    predictions = made(600, 15)
    classifier, expected = mapie(predictions, "aps", drawn=1.0, include_last_label=True)
    scores = raps_scores(predictions.probabilities, penalty=0)
    for place, alpha in enumerate(ALPHAS):
        threshold = raps_threshold(scores[:300], predictions.true[:300], alpha)
        assert threshold == pytest.approx(classifier._mapie_classifier.conformity_score_function_.quantiles_[place])
        assert np.array_equal(scores[300:] <= threshold, expected[..., place])


@pytest.mark.parametrize("own", [0.0, 1.0])
def test_regularized_sets_are_mapies_as_far_as_definitions_agree(own: float) -> None:
    """MAPIE chooses penalty and rank on a fifth of the photos; with these, thresholds agree.

    Where a class's own probability counts in full, its sets are ours (it always keeps the likeliest).  Where it does not,
    MAPIE compares a class with the penalty of the rank before, so that its sets are never smaller than ours.
    """
    predictions = made(1000, 15)
    classifier, expected = mapie(predictions, "raps", drawn=1 - own, include_last_label=own == 0.0)
    fitted = classifier._mapie_classifier.conformity_score_function_
    known = np.setdiff1d(np.arange(500), fitted.X_raps[:, 0])
    for place, alpha in enumerate(ALPHAS):
        options = {"penalty": float(np.ravel(fitted.lambda_star)[place]), "free_ranks": int(fitted.k_star[place])}
        scores = raps_scores(predictions.probabilities, own=own, **options)  # type: ignore[arg-type]
        threshold = raps_threshold(scores[known], predictions.true[known], alpha)
        assert threshold == pytest.approx(fitted.quantiles_[place])
        sets = scores[500:] <= threshold + 1e-8
        sets[np.arange(500), predictions.predicted[500:]] = True
        if own == 1.0:
            assert np.array_equal(sets, expected[..., place])
        else:
            assert (sets <= expected[..., place]).all()


def test_the_papers_random_scores_reach_the_stated_coverage_exactly() -> None:
    """Angelopoulos et al. 2021, with a number drawn for each photo."""
    predictions, random, coverage = made(2000, 10), np.random.default_rng(0), []
    for _ in range(20):
        scores = raps_scores(predictions.probabilities, own=random.random(2000))
        order = random.permutation(2000)
        known, asked = order[:1000], order[1000:]
        threshold = raps_threshold(scores[known], predictions.true[known], 0.1)
        coverage.append((scores[asked, predictions.true[asked]] <= threshold).mean())
    assert np.mean(coverage) == pytest.approx(0.9, abs=0.01)


def test_scores_by_hand_with_ties() -> None:
    probabilities = np.array([[0.2, 0.4, 0.4], [0.6, 0.1, 0.3]], dtype=np.float32)
    expected = np.array([[0.8 + 0.2, 0.0, 0.4 + 0.1], [0.0, 0.9 + 0.2, 0.6 + 0.1]])
    assert raps_scores(probabilities, penalty=0.1, free_ranks=1) == pytest.approx(expected)
    whole = expected + probabilities * [[1.0], [0.5]]
    assert raps_scores(probabilities, penalty=0.1, free_ranks=1, own=np.array([1.0, 0.5])) == pytest.approx(whole)


@pytest.mark.parametrize(("alpha", "needed"), [(0.1, 9), (0.2, 4), (0.05, 19), (0.3, 3)])
def test_too_few_photos_put_every_class_into_every_set(alpha: float, needed: int) -> None:
    assert fewest(alpha) == needed
    for count in (0, 1, needed - 1, needed):
        known = made(count, 4)
        full = prediction_sets(made(20, 4, seed=1).probabilities, known, alpha).all()
        assert full == (count < needed or known.probabilities[np.arange(count), known.true].min() == 0)
        assert (lac_threshold(known.probabilities, known.true, alpha) == 0) == full
    assert ceil((needed + 1) * (1 - alpha) - 1e-9) <= needed


def test_alpha_is_a_share() -> None:
    for alpha in (0.0, 1.0, -0.1):
        with pytest.raises(ValueError, match="alpha"):
            fewest(alpha)


def test_class_thresholds_are_those_of_each_class_alone() -> None:
    predictions = made(300, 5)
    predictions = part(predictions, predictions.true != 2)  # does not occur
    of_true = predictions.probabilities[np.arange(len(predictions)), predictions.true]
    found = set_thresholds(of_true, predictions.true, 5, 0.1, "LAC per class")
    for index in (0, 1, 3, 4):
        own = predictions.true == index
        assert found[index] == lac_threshold(predictions.probabilities[own], predictions.true[own], 0.1)
    assert found[2] == -np.inf
    asked = made(50, 5, seed=3).probabilities
    sets = prediction_sets(asked, predictions, 0.1, method="LAC per class")
    assert sets[:, 2].all() and np.array_equal(sets, asked >= found)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alpha", ALPHAS)
def test_stated_coverage_is_reached(method: Any, alpha: float) -> None:
    """For each class too, with thresholds of its own."""
    predictions = made(4000, 6)
    found = reached(predictions, alpha, method)
    assert found.stated == 1 - alpha
    assert found.coverage == pytest.approx(1 - alpha, abs=0.015)
    assert found.class_coverage[found.worst] == np.nanmin(found.class_coverage)
    if method == "LAC per class":
        assert found.class_coverage == pytest.approx(1 - alpha, abs=0.025)


def test_what_is_reached_is_the_mean_of_halves() -> None:
    predictions = made(400, 5)
    for found in reached_all(predictions, seed=3):
        random, sizes, hits = np.random.default_rng(3), [], []
        for _ in range(20):
            order = random.permutation(400)
            known, asked = part(predictions, order[:200]), part(predictions, order[200:])
            sets = prediction_sets(asked.probabilities, known, 1 - found.stated, method=found.method)
            sizes.append(sets.sum(axis=1))
            hits.append(sets[np.arange(200), asked.true])
        assert found.coverage == pytest.approx(np.mean(hits)) and found.size == pytest.approx(np.mean(sizes))
        assert found.singles == pytest.approx(np.mean(np.array(sizes) == 1))


@pytest.mark.parametrize(("count", "size"), [(1, 2), (2, 3), (30, 100), (25_000, 3)])
def test_few_photos_many_classes_and_many_photos(count: int, size: int) -> None:
    for found in reached_all(random_predictions(count, classes(size))):
        assert 0 <= found.coverage <= 1 and 1 <= found.size <= size and 0 <= found.singles <= 1
        assert not np.isnan(found.class_coverage[found.worst])
        if count < 4:
            assert found.coverage == 1 and found.size == size


def test_a_class_of_few_photos_is_not_called_the_worst() -> None:
    probabilities = np.full((101, 3), 0.05, np.float32)
    true = np.arange(101) % 2
    probabilities[np.arange(101), true] = 0.9
    true[100] = 2
    names = np.array([f"{number}.jpg" for number in range(101)], dtype=object)
    found = reached(Predictions(("a", "b", "c"), names, true, probabilities), 0.1)
    assert found.class_coverage[2] == 0 and found.worst in (0, 1)


def test_without_predictions_there_is_nothing_to_say() -> None:
    with pytest.raises(ValueError, match="at least one"):
        reached_all(random_predictions(0))


def test_the_threshold_is_the_lowest_that_is_accurate_enough() -> None:
    predictions, accurate = shipped_run().predictions(), []
    steps = np.round(np.arange(0, 1.01, STEP), 2)
    for threshold in steps:
        count, correct = answered(predictions, float(threshold))
        if count and wilson_interval(correct, count)[0] >= 0.9:
            accurate.append(threshold)
    assert unsure_threshold(predictions) == accurate[0]
    assert unsure_threshold(predictions, accuracy=0.5) == 0
    assert unsure_threshold(predictions, accuracy=0.9999) is None
    assert unsure_threshold(random_predictions(5)) is None and unsure_threshold(random_predictions(0)) is None


def test_what_an_answer_names() -> None:
    probabilities = np.array(
        [[0.7, 0.2, 0.1], [0.48, 0.41, 0.11], [0.34, 0.33, 0.33], [0.45, 0.28, 0.27], [0.29, 0.355, 0.355]]
    )
    sets = [[0], [0, 1], [], [0], [1, 2]]
    assert [list(np.flatnonzero(row)) for row in named(probabilities, 0.3, 0.4)] == sets
    assert [list(np.flatnonzero(row)) for row in named(probabilities, 0.3, 0.71)] == [[], [0, 1], [], [], [1, 2]]
    ordered = [
        tuple(sorted(each, key=lambda index, row=row: -row[index]))
        for each, row in zip(sets, probabilities, strict=True)
    ]
    assert named_in_order(probabilities, 0.3, 0.4) == ordered
    assert named(probabilities, np.inf, 0.0).sum(axis=1).tolist() == [1] * 5
    assert not named(probabilities[:, :2] / probabilities[:, :2].sum(axis=1, keepdims=True), 0.1, 0.0).any()


@pytest.mark.parametrize(("count", "size"), [(0, 3), (1, 3), (200, 2), (500, 4)])
def test_outcomes_count_what_is_named(count: int, size: int) -> None:
    predictions = made(count, size)
    rule = answer_rule(predictions)
    assert np.isinf(rule.lowest) == (count < 9)
    table = outcomes(predictions, rule.lowest)
    assert table.equals(rule.outcomes) and len(table) == 21
    for row in table.to_dict("records"):
        sets = named(predictions.probabilities, rule.lowest, row["threshold"])
        hit = sets[np.arange(count), predictions.true]
        for name, many in (("one", 1), ("two", 2)):
            chosen = sets.sum(axis=1) == many
            assert row[name] == pytest.approx(chosen.mean() if count else 0)
            if chosen.any():
                assert row[name + "_right"] == pytest.approx(hit[chosen].mean())
            else:
                assert np.isnan(row[name + "_right"])


def test_many_photos_are_sampled() -> None:
    predictions = random_predictions(120_000)
    table, sure = outcomes(predictions, np.inf), answered(predictions, 0.5)
    row = table[table["threshold"] == 0.5].iloc[0]
    assert row["one"] == pytest.approx(sure[0] / 120_000, abs=0.01)
    assert row["one_right"] == pytest.approx(sure[1] / sure[0], abs=0.01)
