"""Calibration from counts against calibration from every prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from har_core.analysis.binned_calibration import binned_calibration, binned_coverage, binned_reliability
from har_core.analysis.calibration import Calibration, calibration, coverage_curve, reliability
from har_core.analysis.scores import wilson_interval
from har_core.runs.predictions import Predictions
from tests.helpers import random_predictions

OF = 300


def binned(predictions: Predictions, of: int = OF) -> Any:
    confidence = predictions.confidence.astype(np.float64)
    table = pd.DataFrame(
        {
            "bin": np.minimum((confidence * of).astype(np.int64), of - 1),
            "photos": 1,
            "correct": predictions.correct.astype(np.int64),
            "confidence": confidence,
            "variance": confidence * (1 - confidence),
        }
    )
    return table.groupby("bin", as_index=False, sort=True).sum()


def made(confidence: list[float], correct: list[bool]) -> Predictions:
    first = np.array(confidence, np.float32)
    names = np.array([f"{number}.jpg" for number in range(len(first))], dtype=object)
    return Predictions(("a", "b"), names, 1 - np.array(correct, np.int64), np.stack([first, 1 - first], axis=1))


def figures(found: Calibration) -> list[float]:
    return [found.confidence, found.accuracy, found.ece, found.margin, found.chance_ece]


CASES = {
    **{f"random {count}": random_predictions(count, ("a", "b", "c", "d"), seed=count) for count in (1, 2, 40, 5000)},
    "two classes": random_predictions(3000, ("a", "b")),
    "100 classes": random_predictions(3000, tuple(f"c{number}" for number in range(100))),
    "one bin": made([0.9001, 0.9002, 0.9003], [True, False, True]),
    "certain": made([1.0] * 7, [True] * 6 + [False]),
    "on edges": made([number / 15 for number in range(8, 16)] * 3, [True, False, True, True] * 6),
    "all wrong": made([0.6, 0.8, 1.0], [False] * 3),
}


@pytest.mark.parametrize("predictions", CASES.values(), ids=CASES)
@pytest.mark.parametrize("of", [15, 300, 3000])
def test_the_figures_are_those_of_every_prediction(predictions: Predictions, of: int) -> None:
    found, expected = binned_calibration(binned(predictions, of), of=of), calibration(predictions)
    assert figures(found) == pytest.approx(figures(expected), abs=1e-12)
    assert found.brier is None and found.class_wise_ece is None


@pytest.mark.parametrize("predictions", CASES.values(), ids=CASES)
def test_every_photo_is_in_the_diagram_and_the_curve(predictions: Predictions) -> None:
    table: Any = binned_reliability(binned(predictions))
    curve: Any = binned_coverage(binned(predictions), of=OF)
    assert table.columns.tolist() == reliability(predictions).columns.tolist()
    assert curve.columns.tolist() == coverage_curve(predictions).columns.tolist()
    assert table["photos"].sum() == len(predictions) and len(table) <= 15
    weighted = (table["accuracy"] * table["photos"]).sum()
    assert weighted == pytest.approx(predictions.correct.sum()) and table["confidence"].is_monotonic_increasing
    for row in table.itertuples():
        assert (row.low, row.high) == pytest.approx(wilson_interval(round(row.accuracy * row.photos), int(row.photos)))
    assert curve["coverage"].iloc[-1] == 1 and curve["coverage"].is_monotonic_increasing
    for row in curve.itertuples():
        inside = predictions.confidence.astype(float) >= row.threshold - 1e-12
        assert row.coverage == pytest.approx(inside.mean())
        assert row.accuracy == pytest.approx(predictions.correct[inside].mean())


def test_the_diagram_is_nearly_that_of_every_prediction() -> None:
    predictions = random_predictions(20_000, ("a", "b", "c"))
    found, expected = binned_reliability(binned(predictions)), reliability(predictions)
    assert len(found) == len(expected) == 15
    for name, far in (("confidence", 0.01), ("accuracy", 0.05), ("low", 0.05), ("high", 0.05)):
        assert found[name].to_numpy() == pytest.approx(expected[name].to_numpy(), abs=far), name
    assert found["photos"].between(1000, 1700).all()


def test_the_curve_is_nearly_that_of_every_prediction() -> None:
    predictions = random_predictions(20_000, ("a", "b", "c"))
    found: Any = binned_coverage(binned(predictions), of=OF)
    expected = coverage_curve(predictions, points=2000)
    for row in found[found["coverage"] > 0.05].itertuples():
        near = expected.iloc[(expected["threshold"] - row.threshold).abs().argmin()]
        assert row.coverage == pytest.approx(near["coverage"], abs=0.005)
        assert row.accuracy == pytest.approx(near["accuracy"], abs=0.02)


def test_one_photo() -> None:
    predictions = made([0.75], [True])
    assert binned_reliability(binned(predictions))["photos"].tolist() == [1]
    assert binned_coverage(binned(predictions), of=OF)[["threshold", "accuracy"]].to_numpy().tolist() == [[0.75, 1.0]]


def test_certain_answers_belong_to_the_last_bin() -> None:
    table = binned(made([1.0, 1.0], [True, False]))
    assert table["bin"].tolist() == [OF - 1] and binned_calibration(table, of=OF).ece == 0.5


def test_no_photos() -> None:
    empty = binned(made([0.5], [True])).iloc[:0]
    with pytest.raises(ValueError, match="at least one"):
        binned_calibration(empty, of=OF)
    assert len(binned_reliability(empty)) == len(binned_coverage(empty, of=OF)) == 0
