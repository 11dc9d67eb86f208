"""A training that was interrupted, however hard, ends as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch

from har_core.data.scan import LabeledPhotos
from har_core.errors import CheckpointError, RunError
from har_core.runs.file_names import MODEL
from har_core.runs.run import Run
from har_core.training.pipeline import Callbacks
from har_core.training.state import STATE, read_state
from har_core.training.trainer import Step
from tests.conftest import ROOT
from tests.training.conftest import ENVIRONMENT, FLAGS, assert_same_result, baseline, best, run_training

MOMENTS = ("mid-epoch", "mid-save", "between-best-and-state")
_KILL = """
import os, signal, sys
import torch
from har_core.cli import main
from har_core.training.state import BEST
from tests.training.tiny_network import register

def train_and_die(moment, arguments):
    save, calls = torch.save, []

    def saving(value, path):
        calls.append(path)
        if moment == "mid-save" and len(calls) == 6:
            path.write_bytes(b"half a state")
            os.kill(os.getpid(), signal.SIGKILL)
        save(value, path)
        if moment == "mid-epoch" and len(calls) == 12:
            os.kill(os.getpid(), signal.SIGKILL)
        if moment == "between-best-and-state" and f".{BEST}" in path.name:
            path.replace(path.parent / BEST)
            os.kill(os.getpid(), signal.SIGKILL)

    torch.save = saving
    main(["train", *arguments])
    os._exit(1)

register()
out, arguments, moments = sys.argv[1], sys.argv[2:-1], sys.argv[-1].split(",")
for moment in moments:
    child = os.fork()  # each begins with what is imported already
    if child == 0:
        train_and_die(moment, [*arguments, "--out", f"{out}/{moment}"])
    print(moment, -os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def killed(kaggle_folder: Path, network_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of trainings that were killed: after some batch, with a state half written, or between the two files of an
    epoch's end."""
    folder = tmp_path_factory.mktemp("killed")
    arguments = [kaggle_folder, "--weights", network_weights, *FLAGS, "--workers", "1", "--save-every", "0"]
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_KILL), folder, *arguments, ",".join(MOMENTS)],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=180,
    )
    signals = [line.split() for line in ended.stdout.splitlines() if line.startswith(MOMENTS)]
    assert signals == [[moment, str(int(signal.SIGKILL))] for moment in MOMENTS], ended.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_training_resumes_to_bit_identical_weights(
    reference: Run, killed: Path, photos: LabeledPhotos, network_weights: Path, moment: str
) -> None:
    out = killed / moment
    assert read_state(out)["progress"]["batch"] > 0 and not (out / MODEL).exists()
    assert bool(list(out.glob(".*.partial"))) == (moment != "between-best-and-state")
    run = run_training(photos, baseline(network_weights), out, resume=True)
    assert_same_result(run, reference)
    assert not list(out.glob(".*.partial"))


def stop_at(epoch: int, photos: int = 0) -> Callbacks:
    def stop(step: Step) -> None:
        if step.epoch == epoch and step.photos >= photos:
            raise KeyboardInterrupt

    return Callbacks(step=stop)


@pytest.fixture(scope="module")
def soup(photos: LabeledPhotos, network_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run of an uninterrupted soup of two trainings of three epochs, with cosine and moving average."""
    folder = tmp_path_factory.mktemp("soup") / "run"
    return run_training(photos, best(network_weights, soup_size=2, epochs=3), folder)


@pytest.mark.parametrize(("epoch", "seen"), [(2, 16), (3, 0), (4, 0), (5, 16)])
def test_an_interrupted_soup_goes_on_as_if_nothing_had_happened(
    soup: Run, photos: LabeledPhotos, network_weights: Path, tmp_path: Path, epoch: int, seen: int
) -> None:
    config = best(network_weights, soup_size=2, epochs=3)
    options: dict[str, Any] = {"save_every": 0} if seen else {}
    with pytest.raises(KeyboardInterrupt):
        run_training(photos, config, tmp_path / "run", callbacks=stop_at(epoch, seen), **options)
    progress = read_state(tmp_path / "run")["progress"]
    assert progress["epoch"] == epoch and (progress["batch"] > 0) == (seen > 0)
    run = run_training(photos, config, tmp_path / "run", resume=True)
    assert run.manifest.training.soup_size == 2 and run.manifest.training.epochs == 6
    assert_same_result(run, soup)


def test_a_training_on_mixed_photos_goes_on_with_the_same_mixtures(
    photos: LabeledPhotos, network_weights: Path, tmp_path: Path
) -> None:
    config = best(network_weights, epochs=2, mixup=0.2, cutmix=1.0)
    with pytest.raises(KeyboardInterrupt):
        run_training(photos, config, tmp_path / "run", callbacks=stop_at(2, 16), save_every=0)
    assert_same_result(
        run_training(photos, config, tmp_path / "run", resume=True), run_training(photos, config, tmp_path / "whole")
    )


def test_a_state_of_another_training_is_refused(photos: LabeledPhotos, network_weights: Path, tmp_path: Path) -> None:
    out, config = tmp_path / "run", baseline(network_weights)
    with pytest.raises(KeyboardInterrupt):
        run_training(photos, config, out, save_every=0, callbacks=stop_at(1))
    with pytest.raises(RunError, match="--resume"):
        run_training(photos, config, out)
    with pytest.raises(CheckpointError, match="configuration"):
        run_training(photos, config.replace(lr=1e-3), out, resume=True)
    fewer = LabeledPhotos(photos.samples[:-3], photos.classes, ())
    with pytest.raises(CheckpointError, match="photos"):
        run_training(fewer, config, out, resume=True)
    assert len(run_training(photos, config.replace(epochs=1), out, resume=True).history()) == 1  # steps can be cut


def test_states_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="without --resume"):
        read_state(tmp_path)
    torch.save({"format": "har-lens-state/1", "members": []}, tmp_path / STATE)
    with pytest.raises(CheckpointError, match="har-lens-state/1") as caught:
        read_state(tmp_path)
    assert "\n" not in str(caught.value)
    torch.save([1], tmp_path / STATE)
    with pytest.raises(CheckpointError, match="list"):
        read_state(tmp_path)
    (tmp_path / STATE).write_bytes((tmp_path / STATE).read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged"):
        read_state(tmp_path)
