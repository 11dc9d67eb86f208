"""Disks that are full or read-only, photos that vanish, two trainings into one folder: said plainly, nothing lost."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from har_core.data import scan
from har_core.errors import CheckpointError, ImageError, RunError
from har_core.experiment import LOCK, Reports
from har_core.experiment import train as run_training
from har_core.training import STATE, Step, read_state
from tests.conftest import ROOT
from tests.test_training import command, config

CPU = torch.device("cpu")


@pytest.fixture
def interrupted(kaggle_folder: Path, tiny_weights: Path, tmp_path: Path) -> Path:
    """A training that was stopped in its second epoch."""

    def stop(step: Step) -> None:
        if step.epoch == 2:
            raise KeyboardInterrupt

    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run_training(scan(kaggle_folder), config(tiny_weights), out, device=CPU, workers=0, reports=Reports(step=stop))
    assert read_state(out)["progress"]["epoch"] == 2
    return out


def test_a_full_disk_keeps_the_last_good_state(interrupted: Path, kaggle_folder: Path, tiny_weights: Path) -> None:
    """No file may grow beyond 20 MB, a state has 80."""
    before = (interrupted / STATE).read_bytes()
    resume = [
        str(kaggle_folder),
        "--resume",
        "--out",
        str(interrupted),
        "--weights",
        str(tiny_weights),
        "--workers",
        "0",
    ]
    limit = 20 * 2**20
    ended = subprocess.run(
        [sys.executable, "train.py", *resume, "--device", "cpu", "--save-every", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert "could not be written" in ended.stderr and "go on with --resume" in ended.stderr
    assert (interrupted / STATE).read_bytes() == before and not list(interrupted.glob(".*.partial"))

    run = run_training(
        scan(kaggle_folder), config(tiny_weights), interrupted, device=CPU, workers=0, resume=True
    )  # with room again
    assert run is not None and len(run.history()) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that nobody can write to")
def test_a_read_only_folder_is_named(kaggle_folder: Path, tiny_weights: Path) -> None:
    with pytest.raises(RunError, match=r"/sys/run could not be written"):
        run_training(scan(kaggle_folder), config(tiny_weights), Path("/sys/run"), device=CPU, workers=0)


def test_a_second_training_into_the_same_folder_is_refused(
    kaggle_folder: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    with FileLock(out / LOCK):
        ended = subprocess.run(
            [sys.executable, "train.py", *command(kaggle_folder, tiny_weights, out)],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
    assert ended.returncode == 1 and "another training writes into" in ended.stderr
    run = run_training(scan(kaggle_folder), config(tiny_weights, epochs=1), out, device=CPU, workers=0)
    assert run is not None and not (out / LOCK).exists()


def test_a_training_killed_before_its_first_state_begins_anew(
    kaggle_folder: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    """Its card is there, nothing to go on from: neither --resume nor the same command again may be refused for good."""
    out = tmp_path / "run"

    def stop(step: Step) -> None:
        raise KeyboardInterrupt

    photos = scan(kaggle_folder)
    with pytest.raises(KeyboardInterrupt):
        run_training(photos, config(tiny_weights), out, device=CPU, workers=0, reports=Reports(step=stop))
    assert (out / "card.json").exists() and not (out / STATE).exists()
    with pytest.raises(CheckpointError, match="train without --resume"):
        run_training(photos, config(tiny_weights), out, device=CPU, workers=0, resume=True)
    run = run_training(photos, config(tiny_weights), out, device=CPU, workers=0)
    assert run is not None and len(run.history()) == 2
    with pytest.raises(RunError, match="pass --resume"):
        run_training(photos, config(tiny_weights), out, device=CPU, workers=0)


@pytest.mark.parametrize("workers", [0, 1])
def test_photos_that_vanish_while_it_trains(
    kaggle_folder: Path, tiny_weights: Path, tmp_path: Path, workers: int
) -> None:
    data, out = Path(shutil.copytree(kaggle_folder, tmp_path / "data")), tmp_path / "run"
    photos = scan(data)

    def remove(row: dict[str, float], best: bool) -> None:
        shutil.rmtree(data)

    with pytest.raises(ImageError, match=r"^Image_\d+\.jpg cannot be read \(No such file") as caught:
        run_training(photos, config(tiny_weights), out, device=CPU, workers=workers, reports=Reports(epoch=remove))
    assert "\n" not in str(caught.value)
    assert read_state(out)["progress"]["epoch"] == 2
    shutil.copytree(kaggle_folder, data)
    run = run_training(photos, config(tiny_weights), out, device=CPU, workers=workers, resume=True)
    assert run is not None and len(run.history()) == 2
