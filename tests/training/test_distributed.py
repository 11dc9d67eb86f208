"""Several processes compute what one computes: no photo twice, none lost, one that writes."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from har_core.data.scan import LabeledPhotos
from har_core.runs.file_names import MANIFEST, MODEL
from har_core.runs.run import Run
from har_core.training.distributed import SINGLE, Processes, joined
from har_core.training.state import read_state
from tests.conftest import ROOT
from tests.training.conftest import ENVIRONMENT, best, history, run_training

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
TINY = ["--module", "tests.training.train_tiny"]
FLAGS = ["--architecture", "tiny", "--crop-size", "32", "--resize", "36", "--precision", "fp32", "--device", "cpu",
         "--train-crop-size", "24", "--soup-size", "1", "--full-crop-epochs", "1", "--epochs", "3", "--batch-size", "5",
         "--no-drop-near-duplicates", "--workers", "0"]  # fmt: skip


def torchrun(script: list[str], *arguments: object, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Train in two processes, with `path` before what Python searches for modules."""
    environment = ENVIRONMENT | ({"PYTHONPATH": str(path)} if path else {})
    return subprocess.run(
        [*TORCHRUN, *script, *map(str, arguments)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240,
    )  # fmt: skip


@pytest.fixture(scope="module")
def single(photos: LabeledPhotos, network_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run of the same training in one process."""
    config = best(network_weights, epochs=3, batch_size=5)
    return run_training(photos, config, tmp_path_factory.mktemp("single") / "run")


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(
    single: Run, kaggle_folder: Path, network_weights: Path, tmp_path: Path
) -> None:
    """33 photos in batches of 5: unequal shares of every batch."""
    out = tmp_path / "run"
    ended = torchrun(TINY, kaggle_folder, "--weights", network_weights, "--out", out, *FLAGS)
    assert ended.returncode == 0, ended.stderr
    pd.testing.assert_frame_equal(history(out), history(single.folder), rtol=0, atol=1e-3)
    assert ended.stdout.count(str(out)) == 1 and "2 processes" in ended.stdout
    expected, found = load_file(single.folder / MODEL), load_file(out / MODEL)
    assert all(torch.allclose(found[name].float(), expected[name].float(), atol=1e-3) for name in expected)
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in single.folder.iterdir())


@pytest.mark.slow
def test_several_processes_resume(single: Run, kaggle_folder: Path, network_weights: Path, tmp_path: Path) -> None:
    """The first process is killed in the second epoch; torchrun ends the other; both go on from its last state."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, torch\n"
        "save, calls = torch.save, []\n"
        "def saving(value, path):\n"
        "    save(value, path)\n"
        "    calls.append(path)\n"
        "    if len(calls) == 12: os.kill(os.getpid(), signal.SIGKILL)\n"
        "torch.save = saving\n"
    )
    out = tmp_path / "run"
    start = [kaggle_folder, "--weights", network_weights, "--out", out]
    killed = torchrun(TINY, *start, "--save-every", "0", *FLAGS, path=tmp_path)
    assert killed.returncode != 0 and read_state(out)["progress"]["epoch"] == 2

    ended = torchrun(TINY, *start, "--resume", "--workers", "0", "--device", "cpu")
    assert ended.returncode == 0, ended.stderr
    pd.testing.assert_frame_equal(history(out), history(single.folder), rtol=0, atol=1e-3)


@pytest.mark.slow
def test_an_error_of_the_first_process_ends_all(kaggle_folder: Path, tmp_path: Path) -> None:
    """By train.py itself, as torchrun starts it."""
    (tmp_path / MANIFEST).write_text("{}")
    ended = torchrun(["train.py"], kaggle_folder, "--out", tmp_path, "--device", "cpu")
    assert ended.returncode != 0 and str(tmp_path) in ended.stderr and "--resume" in ended.stderr
    assert str(ROOT / "train.py") not in ended.stderr  # said in one line, without a traceback


def test_shares_are_disjoint_and_complete() -> None:
    parts = [Processes(rank, 3).share(range(10)) for rank in range(3)]
    assert sorted(number for part in parts for number in part) == list(range(10))


def test_processes_wait_while_the_first_scans_a_large_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, timedelta] = {}
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda *kind, **options: given.update(options))
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)
    monkeypatch.setattr(torch.distributed, "destroy_process_group", lambda: None)
    with joined(torch.device("cpu")) as (processes, _):
        assert processes == Processes(0, 2)
    assert given["timeout"] >= timedelta(hours=12)


def test_a_single_process_exchanges_nothing() -> None:
    module = torch.nn.Linear(1, 1)
    assert SINGLE.sum(1.5, 2.0) == [1.5, 2.0] and SINGLE.from_first(lambda: 7) == 7 and SINGLE.share([1, 2]) == [1, 2]
    assert SINGLE.first and SINGLE.synchronized(module, torch.device("cpu")) is module
