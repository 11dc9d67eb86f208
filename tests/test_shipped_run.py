"""The runs that are published with the app are what their cards say, and anyone gets the same from the model."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from har_core.config import RECIPES, TrainConfig
from har_core.data import scan, split
from har_core.images import open_photo
from har_core.recogniser import SHIPPED, Recogniser, shipped_run
from har_core.runs import MODEL, Run
from tests.conftest import ROOT
from tests.test_data import REPORT_VALIDATION, data_set_labels


@pytest.fixture(scope="module")
def run() -> Run:
    return shipped_run(ROOT)


@pytest.fixture(params=[SHIPPED, "report-recipe"])
def published(request: pytest.FixtureRequest) -> Run:
    return Run.open(ROOT / "assets" / "runs" / request.param)


def test_its_scores_follow_from_its_predictions(published: Run) -> None:
    table, said = published.predictions(), published.card["scores"]
    assert said["n"] == len(table) == 1890
    assert said["accuracy"] == accuracy_score(table.true, table.predicted) >= 0.79
    assert said["macro_f1"] == pytest.approx(f1_score(table.true, table.predicted, average="macro"), abs=1e-12)


def test_it_was_scored_on_the_reports_validation_photos(published: Run) -> None:
    table = published.predictions()
    names = "\n".join(sorted(table.samples))
    assert hashlib.sha256(names.encode()).hexdigest() == REPORT_VALIDATION
    labels = {sample.name: sample.label for sample in data_set_labels()}
    assert [labels[name] for name in table.samples] == [published.classes[index] for index in table.true]


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


def test_its_history_and_card_agree(published: Run) -> None:
    history, trained = published.history(), published.card["training"]
    config = published.card["config"]
    assert trained["epochs"] == len(history) == config["epochs"] * config.get("members", 1)
    last = config.get("selection") == "last"
    assert trained["best_epoch"] == (len(history) if last else 1 + int(history["validation_accuracy"].argmax()))


def test_no_photo_it_trained_on_is_nearly_identical_to_a_scored_one(run: Run) -> None:
    """The names that were left out are training photos, and as many as the card counts less."""
    training, _ = split(data_set_labels(), fraction=0.15, seed=42)
    left_out = run.card["data"]["left_out_of_training"]
    assert left_out and set(left_out) <= {sample.name for sample in training}
    assert run.card["data"]["training"] == len(training) - len(left_out)
    assert TrainConfig.from_dict(run.card["config"]) == RECIPES["best"].replace(weights=run.card["config"]["weights"])


def test_only_the_model_that_is_opened_has_weights(published: Run) -> None:
    assert published.has(MODEL) == (published.name == SHIPPED)


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
