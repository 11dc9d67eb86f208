"""A killed training on clips ends as if nothing had happened, and goes on with its own clips alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from har_core.data.clip_split import ClipSplit, split_clips
from har_core.data.samples import Sample
from har_core.errors import CheckpointError, RunError
from har_core.runs.file_names import CLIP_MODEL
from har_core.runs.run import Run
from har_core.training.state import STATE, read_state
from har_core.training.temporal_pipeline import ClipCallbacks
from tests.conftest import ROOT
from tests.training.moving_squares import make_clips
from tests.training.temporal_runs import trained
from tests.training.tiny_resnet import photo_run

_KILL = """
import os, signal, sys
from pathlib import Path
import torch
import har_core.training.temporal as temporal
from tests.training.test_temporal_resume import continue_training

torch.set_num_threads(1)
save, calls = temporal.ClipTrainer.save, []

def saving(self):
    save(self)
    calls.append(self)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

temporal.ClipTrainer.save = saving
continue_training(Path(sys.argv[1]), Path(sys.argv[2]), resume=False)
"""


def continue_training(root: Path, folder: Path, *, resume: bool) -> Run:
    """A training with dropout, on what lies in `root`: clips/, photo/ and cache/."""
    from tests.training.tiny_resnet import photo_model

    photo_model()  # registers the network
    paths = sorted((root / "clips").rglob("*.mkv"))
    samples = [Sample(f"{path.parent.name}/{path.name}", path, path.parent.name) for path in paths]
    split = split_clips(samples, dev_fraction=0.2, test_fraction=0.25, seed=0)
    return trained(
        split, "convlstm", folder, Run.open(root / "photo"), root / "cache",
        resume=resume, changes={"dropout": 0.3, "epochs": 4},
    )  # fmt: skip


@pytest.mark.slow
def test_a_killed_training_resumes_to_bit_identical_weights(tmp_path: Path) -> None:
    make_clips(tmp_path / "clips", 10)
    photo_run(tmp_path / "photo")
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_KILL), tmp_path, tmp_path / "killed"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert (tmp_path / "killed" / STATE).exists() and not (tmp_path / "killed" / CLIP_MODEL).exists()
    assert read_state(tmp_path / "killed")["progress"]["epoch"] == 3  # two are done
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole = continue_training(tmp_path, tmp_path / "whole", resume=False)
        resumed = continue_training(tmp_path, tmp_path / "killed", resume=True)
    finally:
        torch.set_num_threads(threads)
    first, second = (load_file(run.file(CLIP_MODEL)) for run in (whole, resumed))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    columns = ["train_loss", "eval_loss", "eval_accuracy", "learning_rate"]
    assert whole.history()[columns].equals(resumed.history()[columns])
    assert np.array_equal(whole.predictions().probabilities, resumed.predictions().probabilities)


def test_a_state_of_other_clips_is_refused(split: ClipSplit, base: Run, cache: Path, tmp_path: Path) -> None:
    def stop(row: dict[str, float], best: bool) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(split, "frames", tmp_path / "run", base, cache, callbacks=ClipCallbacks(epoch=stop))
    fewer = ClipSplit(split.classes, split.train[2:], split.dev, split.test, split.sources, split.description)
    with pytest.raises(CheckpointError, match="clips"):
        trained(fewer, "frames", tmp_path / "run", base, cache, resume=True)
    with pytest.raises(RunError, match="--resume"):
        trained(split, "frames", tmp_path / "run", base, cache)
    shutil.copytree(tmp_path / "run", tmp_path / "other")
    assert trained(split, "frames", tmp_path / "run", base, cache, resume=True).manifest.status == "complete"
