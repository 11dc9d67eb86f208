"""`har-lens train` and `train.py`: flags for every value of a recipe, resuming, bad photos."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from har_core.cli import main
from har_core.cli.train import last_interrupted
from har_core.data.scan import LabeledPhotos
from har_core.errors import ConfigError, DataError
from har_core.runs.run import Run
from har_core.training.config import TrainConfig
from har_core.training.flags import flag
from har_core.training.pipeline import Callbacks
from har_core.training.state import STATE
from har_core.training.trainer import Step
from tests.conftest import ROOT
from tests.training.conftest import FLAGS, assert_same_result, baseline, run_command, run_training


def test_the_command_line_trains_as_the_library(
    reference: Run, kaggle_folder: Path, network_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(kaggle_folder, "--weights", network_weights, "--out", tmp_path / "run", *FLAGS) == 0
    run = Run.open(tmp_path / "run")
    assert_same_result(run, reference)
    assert run.manifest.config == reference.manifest.config
    said = capsys.readouterr().out
    assert all(name in said for name in run.classes) and str(run.folder) in said


def test_bad_photos_stop_training_unless_skipped_and_then_are_in_the_manifest(
    kaggle_folder: Path, network_weights: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(kaggle_folder, tmp_path / "data"))
    (data / "train" / "Image_7.jpg").write_bytes(b"broken")
    arguments = [data, "--weights", network_weights, "--out", tmp_path / "run", *FLAGS, "--epochs", "1"]
    with pytest.raises(DataError, match=r"Image_7\.jpg"):
        run_command(*arguments)
    assert run_command(*arguments, "--skip-bad") == 0
    (skipped,) = Run.open(tmp_path / "run").manifest.data.skipped
    assert skipped.startswith("Image_7.jpg")


def test_a_resumed_training_keeps_its_configuration(
    reference: Run, photos: LabeledPhotos, kaggle_folder: Path, network_weights: Path, tmp_path: Path
) -> None:
    def stop(step: Step) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run_training(photos, baseline(network_weights), out, save_every=0, callbacks=Callbacks(step=stop))
    resume = [kaggle_folder, "--resume", "--out", out, "--device", "cpu", "--workers", "0"]
    with pytest.raises(ConfigError, match="--lr"):
        run_command(*resume, "--lr", "1")
    with pytest.raises(ConfigError, match="--recipe"):
        run_command(*resume, "--recipe", "best")
    assert run_command(*resume) == 0
    assert_same_result(Run.open(out), reference)


def test_the_last_interrupted_training_is_found(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--out"):
        last_interrupted(tmp_path)
    for age, name in enumerate(["new", "old"]):
        (tmp_path / name).mkdir()
        (tmp_path / name / STATE).touch()
        os.utime(tmp_path / name / STATE, (1000 - age, 1000 - age))
    assert last_interrupted(tmp_path) == tmp_path / "new"


def test_every_value_of_a_recipe_has_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", "--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(flag(name) in said for name in TrainConfig.model_fields)


def test_a_wrong_value_is_one_line(kaggle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(kaggle_folder), "--out", str(tmp_path / "run"), "--lr", "0", "--device", "cpu"]) == 1
    said = capsys.readouterr().err
    assert "--lr" in said and len(said.splitlines()) == 1 and not (tmp_path / "run").exists()


@pytest.mark.slow
def test_train_py_is_the_same_command(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, ROOT / "train.py", tmp_path / "none", "--device", "cpu"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 1 and str(tmp_path / "none") in ended.stderr and "Traceback" not in ended.stderr
