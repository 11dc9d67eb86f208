"""A temperature is fitted, stored with the model, and undone from the predictions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from har_core.analysis.temperature import rescale
from har_core.cli import main
from har_core.data.samples import Sample
from har_core.data.scan import scan
from har_core.errors import DataError, RunError
from har_core.inference.calibrate import calibrate, fit
from har_core.inference.evaluate import evaluate, write_evaluation
from har_core.inference.predictor import Predictor
from har_core.media.images import open_photo
from har_core.models.checkpoint import load_checkpoint, save_checkpoint
from har_core.runs.file_names import MODEL
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.run import Run
from har_core.runs.writing import write_manifest
from tests.conftest import COLORS, picture


@pytest.fixture
def run(tmp_path: Path, tiny: Predictor, kaggle_folder: Path) -> Run:
    """A run with a model and predictions."""
    by = tmp_path / "by"
    by.mkdir()
    save_checkpoint(tiny.model, tiny.spec, by / MODEL)
    made = Run.open(write_manifest(by, Manifest(status=COMPLETE, classes=tiny.spec.classes)).folder)
    scored = write_evaluation(
        tmp_path / "run", evaluate(scan(kaggle_folder).samples, Predictor.from_run(made)), made, title="t"
    )
    save_checkpoint(tiny.model, tiny.spec, scored.folder / MODEL)
    return write_manifest(scored.folder, scored.manifest)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """60 photos that no run has seen."""
    folder = tmp_path_factory.mktemp("others")
    samples = []
    for number in range(60):
        label = sorted(COLORS)[number % 3]
        path = folder / f"Image_{number}.jpg"
        picture(COLORS[label], seed=1000 + number).save(path)
        samples.append(Sample(path.name, path, sorted(COLORS)[(number + number // 12) % 3]))
    return samples


def test_model_manifest_and_predictions_go_together(run: Run, others: list[Sample]) -> None:
    before, plain = run.predictions(), Predictor.from_run(run)
    written, found = calibrate(run, others, title="others")
    assert found.photos == 60 and found.after < found.before and found.temperature != 1
    assert (
        load_checkpoint(written.file(MODEL))[1].temperature == found.temperature == written.manifest.model.temperature
    )
    assert written.manifest.model.calibrated_on == "60 photos: others"
    after = written.predictions()
    assert np.allclose(after.probabilities, rescale(before.probabilities, found.temperature), atol=1e-6)
    assert (after.predicted == before.predicted).all()
    photo = open_photo(others[0].path)
    scaled = Predictor.from_run(Run.open(written.folder))
    assert np.allclose(
        scaled.predict(photo, "a").probabilities,
        rescale(plain.predict(photo, "a").probabilities[None], found.temperature / plain.spec.temperature)[0],
        atol=1e-5,
    )
    again, twice = calibrate(written, others, title="others")
    assert twice.temperature == pytest.approx(found.temperature, rel=1e-3)
    assert np.allclose(again.predictions().probabilities, after.probabilities, atol=1e-4)


def test_photos_that_were_scored_on_and_too_few_are_refused(
    run: Run, others: list[Sample], kaggle_folder: Path, tiny: Predictor
) -> None:
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    with pytest.raises(DataError, match="neither trained nor scored"):
        calibrate(run, scan(kaggle_folder).samples, title="own")
    with pytest.raises(DataError, match="50 labeled photos"):
        fit(tiny, others[:49])
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


def test_the_command(run: Run, others: list[Sample], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("filename,label\n" + "".join(f"{one.name},{one.label}\n" for one in others))
    arguments = ["calibrate", str(others[0].path.parent), "--labels", str(labels), "--run", str(run.folder)]
    assert main(arguments) == 0
    told = json.loads((run.folder / "run.json").read_text())["model"]
    assert f"{told['temperature']:.3f}" in capsys.readouterr().out and told["calibrated_on"].startswith("60 photos")


def test_the_spec_refuses_other_temperatures(tiny: Predictor) -> None:
    for value in (0.0, -1.0, float("nan"), 1e9):
        with pytest.raises(Exception, match="temperature"):
            replace(tiny.spec, temperature=value)


def test_two_temperatures_are_one_too_many(run: Run, others: list[Sample]) -> None:
    """As a kill between two files could leave them: what the predictions were made with is then not certain."""
    model, spec = load_checkpoint(run.file(MODEL))
    save_checkpoint(model, replace(spec, temperature=0.5), run.folder / MODEL)
    changed = write_manifest(run.folder, run.manifest)
    with pytest.raises(RunError, match="one temperature"):
        calibrate(changed, others, title="others")
