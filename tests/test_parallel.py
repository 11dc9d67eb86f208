"""Several processes compute what one computes: no photo twice, none lost, one that writes."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from har_core import runs
from har_core.dataset import EpochBatches, InOrder
from har_core.parallel import ALONE, Processes
from har_core.training import read_state
from tests.conftest import ROOT

FLAGS = ["--architecture", "resnet18", "--crop-size", "32", "--resize", "36", "--precision", "fp32", "--device", "cpu",
         "--train-size", "24", "--members", "1", "--full-size-epochs", "1", "--epochs", "3", "--batch-size", "5", "--no-leave-out-twins",
         "--workers", "0"]  # fmt: skip


def run(data: Path, weights: Path, out: Path, *more: str, processes: int = 1) -> subprocess.CompletedProcess[str]:
    start = [sys.executable]
    if processes > 1:
        start += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    arguments = [str(data), "--weights", str(weights), "--out", str(out), *more]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run([*start, "train.py", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


def history(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / runs.HISTORY).drop(columns="seconds")


@pytest.fixture(scope="module")
def alone(kaggle_folder: Path, tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("alone") / "run"
    assert run(kaggle_folder, tiny_weights, out, *FLAGS).returncode == 0
    return out


def test_two_processes_learn_what_one_learns(
    alone: Path, kaggle_folder: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    """33 photos in batches of 5: unequal shares of every batch."""
    ended = run(kaggle_folder, tiny_weights, tmp_path / "run", *FLAGS, processes=2)
    assert ended.returncode == 0, ended.stderr
    pd.testing.assert_frame_equal(history(tmp_path / "run"), history(alone), rtol=0, atol=1e-3)
    assert ended.stdout.count("Validation accuracy") == 1 and "2 processes" in ended.stdout
    expected, found = load_file(alone / runs.MODEL), load_file(tmp_path / "run" / runs.MODEL)
    assert all(torch.allclose(found[name].float(), expected[name].float(), atol=1e-3) for name in expected)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(path.name for path in alone.iterdir())


def test_several_processes_resume(alone: Path, kaggle_folder: Path, tiny_weights: Path, tmp_path: Path) -> None:
    """The first process is killed in the second epoch; torchrun ends the other; both go on from its last state."""
    kill = tmp_path / "sitecustomize.py"
    kill.write_text(
        "import os, signal, torch\n"
        "save, calls = torch.save, []\n"
        "def saving(value, path):\n"
        "    save(value, path)\n"
        "    calls.append(path)\n"
        "    if len(calls) == 12: os.kill(os.getpid(), signal.SIGKILL)\n"
        "torch.save = saving\n"
    )
    out = tmp_path / "run"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(tmp_path)}
    arguments = [str(kaggle_folder), "--weights", str(tiny_weights), "--out", str(out), "--save-every", "0", *FLAGS]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    killed = subprocess.run([*torchrun, "train.py", *arguments], cwd=ROOT, env=environment, capture_output=True)
    assert killed.returncode != 0 and read_state(out)["progress"]["epoch"] == 2

    ended = run(kaggle_folder, tiny_weights, out, "--resume", "--workers", "0", "--device", "cpu", processes=2)
    assert ended.returncode == 0, ended.stderr
    pd.testing.assert_frame_equal(history(out), history(alone), rtol=0, atol=1e-3)


def test_an_error_of_the_first_process_ends_all(kaggle_folder: Path, tiny_weights: Path, tmp_path: Path) -> None:
    (tmp_path / runs.CARD).write_text("{}")
    ended = run(kaggle_folder, tiny_weights, tmp_path, *FLAGS, processes=2)
    assert ended.returncode != 0 and "expected an empty folder, found a run" in ended.stderr
    assert str(ROOT / "train.py") not in ended.stderr  # said in one line, without a traceback


@pytest.mark.parametrize(("size", "batch", "count"), [(33, 5, 2), (10, 4, 3), (9, 4, 8), (64, 16, 4)])
def test_shares_are_disjoint_and_complete(size: int, batch: int, count: int) -> None:
    whole = EpochBatches(size, batch, seed=1)
    parts = [list(EpochBatches(size, batch, seed=1, processes=Processes(rank, count))) for rank in range(count)]
    assert {len(part) for part in parts} == {len(whole)}
    for number, indices in enumerate(whole.indices()):
        photos = whole.photos(number)
        assert photos == len(indices)
        own = [
            [draw.sample for draw in part[number]][: len(Processes(rank, count).share(range(photos)))]
            for rank, part in enumerate(parts)
        ]
        assert sorted(chain.from_iterable(own)) == sorted(indices)
        assert all(part[number] for part in parts)  # no process sits a step out

    ordered = [list(InOrder(size, batch, processes=Processes(rank, count))) for rank in range(count)]
    assert sorted(draw.sample for part in ordered for draws in part for draw in draws) == list(range(size))


def test_alone_nothing_is_exchanged() -> None:
    assert ALONE.sum(1.5, 2.0) == [1.5, 2.0] and ALONE.from_first(lambda: 7) == 7 and ALONE.share([1, 2]) == [1, 2]
