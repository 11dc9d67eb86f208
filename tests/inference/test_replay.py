"""Some photos of a table, predicted once more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from har_core.data.scan import scan
from har_core.errors import DataError
from har_core.inference.evaluate import evaluate
from har_core.inference.predictor import Predictor
from har_core.inference.replay import replay
from har_core.runs.predictions import Predictions


@pytest.fixture(scope="module")
def predictions(kaggle_folder: Path, tiny: Predictor) -> Predictions:
    return evaluate(scan(kaggle_folder, verify=False).samples, tiny).predictions


def test_a_model_agrees_with_itself(predictions: Predictions, kaggle_folder: Path, tiny: Predictor) -> None:
    found = replay(predictions, kaggle_folder, tiny)
    assert found.count == 16 and found.difference < 1e-4 and found.disagree == 0 and found.name in predictions.samples
    assert replay(predictions, kaggle_folder, tiny, count=100).count == 36


def test_the_order_of_the_classes_may_be_another(
    predictions: Predictions, kaggle_folder: Path, tiny: Predictor
) -> None:
    order = [2, 0, 1]
    classes = tuple(predictions.classes[n].upper() for n in order)
    other = Predictions(
        classes, predictions.samples, np.argsort(order)[predictions.true], predictions.probabilities[:, order]
    )
    assert replay(other, kaggle_folder, tiny).difference < 1e-4


def test_another_models_predictions_differ(predictions: Predictions, kaggle_folder: Path, tiny: Predictor) -> None:
    chances = predictions.probabilities.copy()
    chances[0] = [1, 0, 0]
    other = Predictions(predictions.classes, predictions.samples, predictions.true, chances)
    found = replay(other, kaggle_folder, tiny)
    expected = np.abs(chances[0] - predictions.probabilities[0]).max()
    assert found.name == predictions.samples[0] and found.difference == pytest.approx(expected, abs=1e-4)


def test_what_is_known_is_compared(predictions: Predictions, kaggle_folder: Path, tiny: Predictor) -> None:
    certain = np.eye(3, dtype=np.float32)[predictions.predicted]
    other = Predictions(predictions.classes, predictions.samples, predictions.true, certain)
    assert replay(other, kaggle_folder, tiny, known="none").difference == 0
    least = 1 - predictions.confidence.max()
    assert replay(other, kaggle_folder, tiny, known="confidence").difference > least


def test_photos_that_are_not_there_are_passed_over(
    predictions: Predictions, kaggle_folder: Path, tiny: Predictor
) -> None:
    names = predictions.samples.copy()
    names[:30] = [f"lost/{n}.jpg" for n in range(30)]
    found = replay(
        Predictions(predictions.classes, names, predictions.true, predictions.probabilities), kaggle_folder, tiny
    )
    assert found.count == 6 and found.difference < 1e-4


def test_what_cannot_be_compared(
    predictions: Predictions, kaggle_folder: Path, tiny: Predictor, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="--photos"):
        replay(predictions, tmp_path, tiny)
    other = Predictions(("blue", "green", "cat"), predictions.samples, predictions.true, predictions.probabilities)
    with pytest.raises(DataError, match="cat"):
        replay(other, kaggle_folder, tiny)
