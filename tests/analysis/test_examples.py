"""Measures of photos, by hand and against scikit-learn."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, top_k_accuracy_score

from har_core.analysis.examples import example_table, to_csv
from har_core.runs.predictions import Predictions
from har_core.runs.verdicts import Verdict
from tests.helpers import random_predictions

CLASSES = ("a", "b", "c", "d", "e")


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    return random_predictions(600, CLASSES, seed=7)


@pytest.fixture(scope="module")
def examples(predictions: Predictions) -> pd.DataFrame:
    return example_table(predictions)


def test_measures_photo_by_photo(predictions: Predictions, examples: pd.DataFrame) -> None:
    for row in range(0, 600, 37):
        probabilities, true = predictions.probabilities[row], predictions.true[row]
        ranking = np.argsort(-probabilities)
        found = examples.iloc[row]
        assert (found["sample"], found["true"], found["predicted"]) == (predictions.samples[row], true, ranking[0])
        assert found["second"] == ranking[1]
        assert found["true_rank"] == 1 + list(ranking).index(true)
        assert found["true_probability"] == probabilities[true] and found["confidence"] == probabilities.max()
        assert found["margin"] == pytest.approx(probabilities[ranking[0]] - probabilities[ranking[1]])
        assert found["loss"] == pytest.approx(-np.log(probabilities[true]), rel=1e-5)


def test_log_loss_and_top_k_are_scikit_learns(predictions: Predictions, examples: pd.DataFrame) -> None:
    true, probabilities = predictions.true, predictions.probabilities
    assert examples["loss"].to_numpy().mean(dtype=np.float64) == pytest.approx(log_loss(true, probabilities), abs=1e-6)
    for k in (1, 3):
        assert (examples["true_rank"] <= k).mean() == top_k_accuracy_score(true, probabilities, k=k)


def test_ties_count_against_the_true_class() -> None:
    names = np.array(["a", "b"], dtype=object)
    tied = Predictions(CLASSES[:3], names, np.array([1, 0]), np.array([[0.4, 0.4, 0.2]] * 2, np.float32))
    assert list(example_table(tied)["true_rank"]) == [2, 1] and list(example_table(tied)["second"]) == [1, 1]


def test_the_list_as_a_csv_file(predictions: Predictions) -> None:
    rows = np.array([5, 2])
    judged = {predictions.samples[2]: Verdict("label is wrong", 'she says "hello", waves', "b")}
    lines = list(csv.DictReader(io.StringIO(to_csv(predictions, rows, judged).decode())))
    assert [line["sample"] for line in lines] == ["Image_5.jpg", "Image_2.jpg"]
    assert lines[1]["verdict"] == "label is wrong" and lines[1]["note"] == 'she says "hello", waves'
    assert (lines[0]["right_label"], lines[1]["right_label"]) == ("", "b")
    assert [float(lines[0]["p:" + name]) for name in CLASSES] == pytest.approx(predictions.probabilities[5], rel=1e-5)
    assert lines[0]["predicted"] == CLASSES[predictions.predicted[5]] and lines[0]["verdict"] == ""
