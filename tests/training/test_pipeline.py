"""A training leaves a run that anyone can recompute; what stands in its way is said plainly, and nothing is lost."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from har_core.data.scan import LabeledPhotos, scan
from har_core.errors import CheckpointError, DataError, ImageError, RunError
from har_core.inference.evaluate import evaluate
from har_core.inference.predictor import Predictor
from har_core.runs.file_names import DROPPED, MANIFEST
from har_core.runs.manifest import COMPLETE, TRAINING
from har_core.runs.run import Run
from har_core.training.config import TrainConfig
from har_core.training.folder import LOCK
from har_core.training.pipeline import Callbacks
from har_core.training.state import STATE, read_state
from har_core.training.trainer import Step
from tests.conftest import ROOT
from tests.training.conftest import ENVIRONMENT, assert_same_result, baseline, best, run_training


def stop(step: Step) -> None:
    raise KeyboardInterrupt


def test_a_complete_run(reference: Run, photos: LabeledPhotos) -> None:
    manifest = reference.manifest
    assert manifest.status == COMPLETE and manifest.classes == ("blue", "green", "red")
    assert sorted(path.name for path in reference.folder.iterdir()) == sorted([MANIFEST, *manifest.files])
    history = reference.history()
    assert list(history["epoch"]) == [1, 2] and (history["seconds"] > 0).all()
    predictions = reference.predictions()
    assert len(predictions) == 3
    assert reference.class_maps().shape == (3, 3, 2, 2) and reference.embeddings().shape == (3, 32)
    assert (manifest.data.train, manifest.data.test, manifest.data.eval_split) == (33, 3, "test")
    assert manifest.scores is not None and manifest.scores.n == 3
    assert manifest.scores.accuracy == (predictions.true == predictions.predicted).mean()
    assert manifest.scores.accuracy == pytest.approx(history["eval_accuracy"].max())
    training = manifest.training
    assert training.epoch == 1 + int(history["eval_accuracy"].argmax())
    assert (training.epochs, training.soup_size, training.checkpoint, training.selected_on) == (2, 1, "best", "test")
    assert TrainConfig.from_dict(manifest.config).architecture == "tiny" and manifest.machine["precision"] == "float32"

    samples = {sample.name: sample for sample in photos.samples}
    again = evaluate([samples[name] for name in predictions.samples], Predictor.from_run(reference))
    assert np.array_equal(again.predictions.probabilities, predictions.probabilities)


def test_it_learns(photos: LabeledPhotos, network_weights: Path, tmp_path: Path) -> None:
    """Three plain colors, random starting weights: a few epochs must do."""
    config = baseline(network_weights, epochs=6, lr=1e-2, test_fraction=0.5)
    run = run_training(photos, config, tmp_path / "run")
    assert run.manifest.scores is not None and run.manifest.scores.accuracy >= 0.9
    history = run.history()
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]
    assert np.allclose(history["learning_rate"], [1e-2] * 5 + [1e-3])


def test_the_last_epochs_weights_are_shipped(photos: LabeledPhotos, network_weights: Path, tmp_path: Path) -> None:
    run = run_training(photos, best(network_weights, eval_split="dev"), tmp_path / "run")
    training = run.manifest.training
    assert (training.epoch, training.epochs, training.checkpoint, training.selected_on) == (4, 4, "last", None)
    assert run.manifest.data.eval_split == "dev" and (run.manifest.data.train, run.manifest.data.test) == (30, 3)
    rate = run.history()["learning_rate"].to_numpy()
    assert rate[0] == pytest.approx(1.5e-4, rel=0.12) and (np.diff(rate[1:]) < 0).all() and 0 < rate[-1] < 1e-6


def test_near_duplicates_are_dropped_and_named(photos: LabeledPhotos, network_weights: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(photos.samples[0].path.parents[1], data)
    config = best(network_weights, drop_near_duplicates=True, epochs=1)
    test_name = run_training(photos, config, tmp_path / "before").predictions().samples[0]
    trained = next(sample.name for sample in photos.samples if sample.name != test_name)
    shutil.copyfile(data / "train" / test_name, data / "train" / trained)
    progress: list[tuple[int, int]] = []
    callbacks = Callbacks(near_duplicates=lambda *step: progress.append(step))
    run = run_training(scan(data), config, tmp_path / "run", callbacks=callbacks)
    assert run.manifest.data.near_duplicates_dropped == (trained,) and run.manifest.data.train == 32
    assert run.manifest.data.near_duplicates_dropped_count == 1
    assert (run.folder / DROPPED).read_text() == f"{trained}\n"
    assert progress[-1] == (36, 36)


@pytest.fixture
def interrupted(photos: LabeledPhotos, network_weights: Path, tmp_path: Path) -> Path:
    """The folder of a training that was stopped in its second epoch."""

    def stop_later(step: Step) -> None:
        if step.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_training(photos, baseline(network_weights), tmp_path / "run", callbacks=Callbacks(step=stop_later))
    assert read_state(tmp_path / "run")["progress"]["epoch"] == 2
    return tmp_path / "run"


@pytest.mark.slow
def test_a_full_disk_keeps_the_last_good_state(
    interrupted: Path, photos: LabeledPhotos, kaggle_folder: Path, network_weights: Path
) -> None:
    before = (interrupted / STATE).read_bytes()
    limit = len(before) // 2  # bytes beyond which no file may grow
    arguments = [kaggle_folder, "--resume", "--out", interrupted, "--weights", network_weights, "--workers", "0"]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.training.train_tiny", *arguments, "--device", "cpu", "--save-every", "0"],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert ended.returncode == 1 and "Traceback" not in ended.stderr, ended.stderr
    assert str(interrupted) in ended.stderr and "--resume" in ended.stderr
    assert (interrupted / STATE).read_bytes() == before and not list(interrupted.glob(".*.partial"))
    run = run_training(photos, baseline(network_weights), interrupted, resume=True)  # with room again
    assert len(run.history()) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that nobody can write to")
def test_a_read_only_folder_is_named(photos: LabeledPhotos, network_weights: Path) -> None:
    with pytest.raises(RunError, match=r"/sys/run could not be written \([^\[]+\);"):
        run_training(photos, baseline(network_weights), Path("/sys/run"))


def test_a_second_training_into_the_same_folder_is_refused(
    photos: LabeledPhotos, network_weights: Path, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    with FileLock(tmp_path / "run" / LOCK), pytest.raises(RunError, match="another training"):
        run_training(photos, baseline(network_weights), tmp_path / "run")
    run = run_training(photos, baseline(network_weights, epochs=1), tmp_path / "run")
    assert not (run.folder / LOCK).exists()


def test_a_training_killed_before_its_first_state_begins_anew(
    photos: LabeledPhotos, network_weights: Path, tmp_path: Path
) -> None:
    """Its manifest is there, nothing to go on from: neither --resume nor the same command may be refused for good."""
    out, config = tmp_path / "run", baseline(network_weights)
    with pytest.raises(KeyboardInterrupt):
        run_training(photos, config, out, callbacks=Callbacks(step=stop))
    assert Run.open(out).manifest.status == TRAINING and not (out / STATE).exists()
    with pytest.raises(CheckpointError, match="without --resume"):
        run_training(photos, config, out, resume=True)
    assert len(run_training(photos, config, out).history()) == 2
    with pytest.raises(RunError, match="--resume"):
        run_training(photos, config, out)


def test_a_run_of_an_earlier_version_is_not_overwritten(
    photos: LabeledPhotos, network_weights: Path, tmp_path: Path
) -> None:
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(RunError, match="--out"):
        run_training(photos, baseline(network_weights), tmp_path)


@pytest.mark.parametrize("workers", [0, 1])
def test_photos_that_vanish_while_it_trains(
    kaggle_folder: Path, network_weights: Path, tmp_path: Path, workers: int
) -> None:
    data, out = Path(shutil.copytree(kaggle_folder, tmp_path / "data")), tmp_path / "run"
    photos = scan(data)

    def remove(row: dict[str, float], is_best: bool) -> None:
        shutil.rmtree(data)

    with pytest.raises(ImageError, match=r"^Image_\d+\.jpg") as caught:
        run_training(photos, baseline(network_weights), out, workers=workers, callbacks=Callbacks(epoch=remove))
    assert "\n" not in str(caught.value)
    assert read_state(out)["progress"]["epoch"] == 2
    shutil.copytree(kaggle_folder, data)
    assert len(run_training(photos, baseline(network_weights), out, workers=workers, resume=True).history()) == 2


def test_photos_that_vanish_before_the_final_evaluation(
    kaggle_folder: Path, network_weights: Path, tmp_path: Path, reference: Run
) -> None:
    data, out = Path(shutil.copytree(kaggle_folder, tmp_path / "data")), tmp_path / "run"
    photos, gone = scan(data), reference.predictions().samples[1]

    def remove(row: dict[str, float], is_best: bool) -> None:
        if row["epoch"] == 2:
            (data / "train" / gone).unlink()

    with pytest.raises(DataError, match=gone) as caught:
        run_training(photos, baseline(network_weights), out, callbacks=Callbacks(epoch=remove))
    assert [problem.name for problem in caught.value.problems] == [gone] and (out / STATE).exists()
    shutil.copyfile(kaggle_folder / "train" / gone, data / "train" / gone)
    assert_same_result(run_training(photos, baseline(network_weights), out, resume=True), reference)
