"""The run that the app opens with is what its card says, and anyone gets the same from it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from har_core.data import scan
from har_core.images import open_photo
from har_core.recogniser import Recogniser, shipped_run
from har_core.runs import Run
from tests.conftest import ROOT
from tests.test_data import REPORT_VALIDATION, data_set_labels


@pytest.fixture(scope="module")
def run() -> Run:
    return shipped_run(ROOT)


def test_its_scores_follow_from_its_predictions(run: Run) -> None:
    table, said = run.predictions(), run.card["scores"]
    assert said["n"] == len(table) == 1890
    assert said["accuracy"] == accuracy_score(table.true, table.predicted) >= 0.79
    assert said["macro_f1"] == pytest.approx(f1_score(table.true, table.predicted, average="macro"), abs=1e-12)


def test_it_was_scored_on_the_reports_validation_photos(run: Run) -> None:
    table = run.predictions()
    names = "\n".join(sorted(table.samples))
    assert hashlib.sha256(names.encode()).hexdigest() == REPORT_VALIDATION
    labels = {sample.name: sample.label for sample in data_set_labels()}
    assert [labels[name] for name in table.samples] == [run.classes[index] for index in table.true]


def test_its_arrays_belong_to_its_predictions(run: Run, shipped: Recogniser) -> None:
    """Pooled maps plus bias, and embeddings through the last layer, give the stored probabilities again."""
    table = run.predictions()
    weight = shipped.model.get_parameter("fc.weight").numpy()
    bias = shipped.model.get_parameter("fc.bias").numpy()
    assert run.heatmaps().shape == (1890, 15, 7, 7) and run.embeddings().shape == (1890, 2048)
    for logits in (
        run.heatmaps().astype(np.float32).mean(axis=(2, 3)) + bias,
        run.embeddings().astype(np.float32) @ weight.T + bias,
    ):
        exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
        assert np.abs(exponent / exponent.sum(axis=1, keepdims=True) - table.probabilities).max() < 0.01


def test_its_history_and_card_agree(run: Run) -> None:
    history, trained = run.history(), run.card["training"]
    assert trained["epochs"] == len(history)
    assert trained["best_epoch"] == 1 + int(history["validation_accuracy"].argmax())
    assert run.card["config"]["epochs"] == len(history)


def test_the_photos_give_the_same_predictions_again(run: Run, shipped: Recogniser, real_photos: Path) -> None:
    """All 180 photos at hand in 32-bit arithmetic: predictions, and the class maps of the first 20."""
    table, maps = run.predictions(), run.heatmaps()
    row = {name: number for number, name in enumerate(table.samples)}
    samples = scan(real_photos, verify=False).samples
    assert len(samples) == 180
    for number, sample in enumerate(samples):
        seen = shipped.recognise(open_photo(sample.path), sample.name)
        stored = row[sample.name]
        assert run.classes[table.true[stored]] == sample.label
        assert seen.predicted == run.classes[table.predicted[stored]]
        assert np.abs(seen.probabilities - table.probabilities[stored]).max() < 1e-3
        if number < 20:
            assert np.abs(seen.maps - maps[stored]).max() < max(1e-2, 1e-3 * np.abs(seen.maps).max())
