"""The published runs are what their manifests say, and the shipped model gives anyone the same predictions."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from sklearn.metrics import accuracy_score, f1_score

from har_core.analysis import duplicate_groups, faithfulness
from har_core.analysis.answers import answer_rule
from har_core.analysis.calibration import calibration
from har_core.analysis.conformal import Method, reached
from har_core.analysis.label_suspects import suspects_schema
from har_core.analysis.temperature import fit_temperature, log_loss, rescale
from har_core.analysis.unknown import known_score, least_known
from har_core.data.labels_file import read_labels
from har_core.data.samples import Sample
from har_core.data.scan import scan
from har_core.data.split import stratified_split
from har_core.inference.calibrate import require_unseen
from har_core.inference.evaluate import evaluate
from har_core.inference.prediction import Prediction
from har_core.inference.predictor import Predictor
from har_core.media.images import open_photo
from har_core.models.registry import head
from har_core.runs.file_names import DUPLICATES, FAITHFULNESS, MODEL, ONNX_MODEL, SUSPECTS
from har_core.runs.run import SHIPPED, Run, assets_folder, shipped_run
from har_core.runs.tables import read_table
from har_core.training.config import RECIPES, TrainConfig
from tests.data.test_split import REPORT_TEST_SHA256, data_set_labels


@pytest.fixture(scope="module")
def run() -> Run:
    return shipped_run()


@pytest.fixture(params=[SHIPPED, "baseline", "edge", "edge-int8"])
def published(request: pytest.FixtureRequest) -> Run:
    return Run.open(assets_folder() / "runs" / request.param)


def test_its_scores_follow_from_its_predictions(published: Run) -> None:
    predictions, scores = published.predictions(), published.manifest.scores
    assert scores is not None and scores.n == len(predictions) == 1890
    assert scores.accuracy == accuracy_score(predictions.true, predictions.predicted) >= 0.79
    macro_f1 = f1_score(predictions.true, predictions.predicted, average="macro")
    assert scores.macro_f1 == pytest.approx(macro_f1, abs=1e-12)


def test_it_was_evaluated_on_the_reports_test_photos(published: Run) -> None:
    predictions = published.predictions()
    names = "\n".join(sorted(predictions.samples))
    assert hashlib.sha256(names.encode()).hexdigest() == REPORT_TEST_SHA256
    labels = {sample.name: sample.label for sample in data_set_labels()}
    assert [labels[name] for name in predictions.samples] == [published.classes[index] for index in predictions.true]


def test_its_arrays_belong_to_its_predictions(run: Run, shipped: Predictor) -> None:
    """Pooled maps plus bias, and embeddings through the last layer, give the stored probabilities again."""
    weight, bias = head(shipped.model).weight.numpy(), head(shipped.model).bias.numpy()
    assert run.class_maps().shape == (1890, 15, 14, 14) and run.embeddings().shape == (1890, 2048)
    for logits in (
        run.class_maps().astype(np.float32).mean(axis=(2, 3)) + bias,
        run.embeddings().astype(np.float32) @ weight.T + bias,
    ):
        logits = logits / shipped.spec.temperature
        exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = exponent / exponent.sum(axis=1, keepdims=True)
        assert np.abs(probabilities - run.predictions().probabilities).max() < 0.01


@pytest.mark.parametrize(
    ("name", "architecture", "tolerance"), [("edge", "timm/tf_efficientnet_lite2", 2e-3), ("edge-int8", "onnx", 0.05)]
)
def test_the_other_networks_answer_from_their_files_as_they_were_scored(
    real_photos: Path, name: str, architecture: str, tolerance: float
) -> None:
    """EfficientNet-Lite2, in 8 bits too: twelve of its test photos, predicted again.  Processors round 8 bits differently."""
    run = Run.open(assets_folder() / "runs" / name)
    predictions, predictor = run.predictions(), Predictor.from_run(run)
    rows = {str(name): row for row, name in enumerate(predictions.samples)}
    photos = sorted((real_photos / "train").iterdir())[::15]
    for path, outcome in predictor.predict_all(photos, open_photo, name=lambda path: path.name):
        assert isinstance(outcome, Prediction)
        assert np.abs(outcome.probabilities - predictions.probabilities[rows[path.name]]).max() < tolerance
    assert len(photos) == 12 and predictor.spec.architecture == architecture


def test_eight_bits_cost_no_accuracy() -> None:
    """What docs/edge.md says: how many answers change, and to what."""
    full, small = (Run.open(assets_folder() / "runs" / name).predictions() for name in ("edge", "edge-int8"))
    order = {str(name): row for row, name in enumerate(small.samples)}
    rows = [order[str(name)] for name in full.samples]
    correct = small.correct[rows]
    assert round(float((small.predicted[rows] == full.predicted).mean()), 3) == 0.969
    assert (int((correct & ~full.correct).sum()), int((~correct & full.correct).sum())) == (26, 21)


def test_two_kinds_of_network_together_are_no_better() -> None:
    """What docs/accuracy.md says of the mean of their probabilities."""
    first, second = (Run.open(assets_folder() / "runs" / name).predictions() for name in (SHIPPED, "edge"))
    assert (first.samples == second.samples).all()
    correct = (first.probabilities + second.probabilities).argmax(axis=1) == first.true
    assert round(float(correct.mean()), 4) == 0.8550
    assert (int((correct & ~first.correct).sum()), int((~correct & first.correct).sum())) == (38, 39)


def configs(run: Run) -> list[TrainConfig]:
    """Of the trainings that were averaged, one after the other; of the one, of others."""
    ingredients = (run.manifest.model_extra or {}).get("ingredients")
    return [TrainConfig.from_dict(each) for each in ingredients or [run.manifest.config]]


@pytest.mark.parametrize("published", [SHIPPED, "baseline", "edge"], indirect=True)
def test_its_history_and_manifest_agree(published: Run) -> None:
    history, training = published.history(), published.manifest.training
    config, *others = configs(published)
    assert training.epochs == len(history) == sum(each.total_epochs for each in (config, *others))
    assert training.checkpoint == config.checkpoint
    assert training.soup_size == sum(each.soup_size for each in (config, *others))
    last = config.checkpoint == "last"
    assert training.epoch == (len(history) if last else 1 + int(history["eval_accuracy"].argmax()))


def test_near_duplicates_of_test_photos_did_not_train(run: Run) -> None:
    """Those that were dropped are training photos, and the manifest counts so many less."""
    train, _ = stratified_split(data_set_labels(), fraction=0.15, seed=42)
    dropped = run.manifest.data.near_duplicates_dropped
    assert dropped and set(dropped) <= {sample.name for sample in train}
    assert run.manifest.data.train == len(train) - len(dropped)


def test_it_was_trained_by_the_best_recipe(run: Run) -> None:
    """By its parts: the trainings of a soup were made one after the other.  Its temperature was fitted on photos from elsewhere."""
    recipe = RECIPES["best"]
    assert run.manifest.training.soup_size == recipe.soup_size and run.manifest.model.views == recipe.views
    for config in configs(run):
        same = {"soup_size": recipe.soup_size, "soup_offset": 0, "views": recipe.views, "weights": recipe.weights}
        assert config.replace(**same, calibration_fraction=recipe.calibration_fraction) == recipe


def test_the_shipped_runs_that_predict_have_weights(published: Run) -> None:
    assert published.has(MODEL) == (published.name in {SHIPPED, "edge"})
    assert published.has(ONNX_MODEL) == (published.name == "edge-int8")


@pytest.mark.slow
def test_the_photos_give_the_same_predictions_again(run: Run, shipped: Predictor, real_photos: Path) -> None:
    """All 180 photos at hand in 32-bit arithmetic: predictions, probabilities and class maps."""
    stored = run.predictions()
    row = {name: number for number, name in enumerate(stored.samples)}
    samples = scan(real_photos, verify=False).samples
    found = evaluate(samples, shipped)
    assert len(samples) == len(found.predictions) == 180 and found.skipped == ()
    rows = [row[name] for name in found.predictions.samples]
    assert np.array_equal(found.predictions.true, stored.true[rows])
    assert np.array_equal(found.predictions.predicted, stored.predicted[rows])
    assert np.abs(found.predictions.probabilities - stored.probabilities[rows]).max() < 1e-3
    maps, expected = found.class_maps.astype(np.float32), run.class_maps()[rows].astype(np.float32)
    assert (
        np.abs(maps - expected).max(axis=(1, 2, 3)) < np.maximum(1e-2, 2e-3 * np.abs(maps).max(axis=(1, 2, 3)))
    ).all()


def test_a_photo_on_its_own_gives_the_same_as_in_a_batch(run: Run, shipped: Predictor, real_photos: Path) -> None:
    stored = run.predictions()
    row = {name: number for number, name in enumerate(stored.samples)}
    for path in sorted((real_photos / "train").iterdir())[:5]:
        found = shipped.predict(open_photo(path), path.name)
        assert np.abs(found.probabilities - stored.probabilities[row[path.name]]).max() < 1e-3


def test_its_probabilities_are_calibrated(run: Run, shipped: Predictor) -> None:
    """The figures of docs/trust.md, from the stored predictions, with the temperature and without."""
    predictions, model = run.predictions(), run.manifest.model
    assert shipped.spec.temperature == model.temperature == pytest.approx(0.863, abs=5e-4)
    assert model.calibrated_on is not None and model.calibrated_on.startswith("387 photos")
    found = calibration(predictions)
    assert found.ece == pytest.approx(0.026, abs=5e-4) and found.confidence == pytest.approx(0.838, abs=5e-4)
    assert log_loss(predictions.probabilities, predictions.true) == pytest.approx(0.500, abs=5e-4)
    plain = replace(predictions, probabilities=rescale(predictions.probabilities, 1 / model.temperature))
    assert calibration(plain).ece == pytest.approx(0.070, abs=5e-4) and (plain.predicted == predictions.predicted).all()


def test_what_it_is_calibrated_on_is_neither_trained_nor_scored_on(run: Run) -> None:
    """The names are those of another folder of the data set, which begins to count at 1 as well: labels tell them apart."""
    rows = [(name, label) for _, name, label in read_labels(assets_folder() / "calibration_labels.csv")]
    assert len(rows) == len({name for name, _ in rows}) == 387 and {label for _, label in rows} == set(run.classes)
    require_unseen(run, [Sample(name, Path(name), label) for name, label in rows])


def test_no_temperature_does_much_better(run: Run) -> None:
    """Not even the one that fits the photos that are scored, which must not be used; and chance alone is nearly as far off."""
    predictions = run.predictions()
    best = fit_temperature(predictions.probabilities, predictions.true)
    oracle = replace(predictions, probabilities=rescale(predictions.probabilities, best))
    assert calibration(oracle).ece == pytest.approx(0.021, abs=5e-4)
    assert calibration(predictions).chance_ece == pytest.approx(0.020, abs=5e-4)


@pytest.mark.parametrize(
    ("method", "coverage", "size", "least", "hardest"),
    [("LAC", 0.902, 1.16, 0.828, "texting"), ("RAPS", 0.901, 1.20, 0.822, "texting"),
     ("LAC per class", 0.911, 1.32, 0.890, "drinking")],
)  # fmt: skip
def test_its_prediction_sets(
    run: Run, method: Method, coverage: float, size: float, least: float, hardest: str
) -> None:
    """The table of docs/trust.md."""
    found = reached(run.predictions(), 0.1, method)
    assert (found.coverage, found.size) == pytest.approx((coverage, size), abs=6e-3)
    assert found.class_coverage.min() == pytest.approx(least, abs=6e-4) and run.classes[found.worst] == hardest


def test_its_answers_at_the_first_threshold(run: Run) -> None:
    rule = answer_rule(run.predictions())
    assert rule.threshold == pytest.approx(0.6)
    row = rule.outcomes[np.isclose(rule.outcomes["threshold"], 0.6)].iloc[0]
    assert row["two_right"] == pytest.approx(0.864, abs=5e-4)


def test_it_notices_one_of_the_portraits_that_show_no_action(run: Run, shipped: Predictor) -> None:
    """Shares of the test photos with less evidence, as in docs/trust.md: below 5 % "none of these?" is the answer."""
    known = known_score(shipped.logits(run.embeddings()))
    least = least_known(known)
    assert least is not None
    folder, shares = assets_folder() / "samples", {"astronaut": 0.002, "camera": 0.189, "grace_hopper": 0.272}
    for name, share in shares.items():
        path = next(folder.glob(f"{name}.*"))
        found = shipped.predict(open_photo(path), path.name)
        assert (known < found.known).mean() == pytest.approx(share, abs=2e-3)
        assert (found.known < least) == (share < 0.05)


def test_its_heatmaps_are_better_than_chance(run: Run) -> None:
    """The stored areas, by every measure of docs/trust.md."""
    table = read_table(run, FAITHFULNESS, faithfulness.SCHEMA)
    found = {(one.measure, one.other): one for one in faithfulness.compare(table)}
    assert all(one.low > 0 for one in found.values()) and {one.photos for one in found.values()} == {24}
    least = found["deletion", "random"]
    assert (least.gain, least.low, least.high) == pytest.approx((0.144, 0.087, 0.202), abs=6e-4)


def test_its_near_duplicates_and_suspects(run: Run) -> None:
    """The counts of docs/trust.md."""
    groups = duplicate_groups.from_table(read_table(run, DUPLICATES, duplicate_groups.SCHEMA))
    assert (len(groups), sum(group.across_split for group in groups)) == (167, 4)
    assert not any(group.labels_differ for group in groups)
    without, leaked = duplicate_groups.without_leaks(run.predictions(), groups)
    assert without is not None and leaked == 4 and without.accuracy == pytest.approx(0.855, abs=5e-4)
    suspects = read_table(run, SUSPECTS, suspects_schema(run.classes))
    assert suspects["split"].value_counts().to_dict() == {"training": 125, "test": 97}


def test_edge_has_a_fifth_of_the_weights() -> None:
    """As the README and the run's note say."""
    sizes = []
    for name in ("edge", "best"):
        with safe_open(shipped_run().folder.parent / name / MODEL, "numpy") as file:
            sizes.append(sum(math.prod(file.get_slice(key).get_shape()) for key in file.keys()))  # noqa: SIM118 - no mapping
    assert round(sizes[1] / sizes[0]) == 5
