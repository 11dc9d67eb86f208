"""Runs of format har-lens-run/1: read as they are, and converted to this version's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from har_core.errors import RunError
from har_core.runs.file_names import HISTORY, LEGACY_MANIFEST, MANIFEST, MODEL, PREDICTIONS
from har_core.runs.legacy import convert
from har_core.runs.run import HISTORY_COLUMNS, Run, checksum, find_runs
from tests.helpers import random_predictions

LEGACY_COLUMNS = "epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,learning_rate,seconds"
CARD: dict[str, Any] = {
    "format": "har-lens-run/1",
    "status": "complete",
    "classes": ["blue", "green", "red"],
    "model": {"classes": 3, "architecture": "resnet18", "stride_placement": "3x3", "crop_size": 64, "resize": 72},
    "data": {
        "training": 200,
        "soft_labels": 5,
        "validation": 40,
        "left_out_of_training": ["a.jpg"],
        "validation_names_sha256": "0" * 64,
        "skipped": ["b.jpg: broken"],
    },
    "training": {"best_epoch": 2, "epochs": 2, "seconds": 9, "members": 1, "chosen_on": "the validation photos"},
    "config": {
        "recipe": "report",
        "trainable": ["fc"],
        "frozen_norms": True,
        "train_size": 32,
        "full_size_epochs": 1,
        "min_area": 0.5,
        "epochs": 2,
        "members": 1,
        "warmup": 1.0,
        "soft_labels": "",
        "average": 0.9,
        "selection": "best",
        "scored": "tuning",
        "leave_out_twins": True,
        "validation_fraction": 0.2,
        "views": 0,
        "lr": 0.1,
    },
    "own": {"kept": [1]},
}


def card_with(folder: Path, **changes: object) -> None:
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": checksum(path)}
        for path in folder.iterdir()
        if path.name not in (MANIFEST, LEGACY_MANIFEST)
    }
    (folder / LEGACY_MANIFEST).write_text(json.dumps({**CARD, "files": files, **changes}))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    folder.mkdir()
    random_predictions().write(folder / PREDICTIONS)
    (folder / MODEL).write_bytes(b"weights")
    (folder / HISTORY).write_text(f"{LEGACY_COLUMNS}\n1,2,0.50,4,0.5,0.1,7\n2,1,0.6,3,0.75,0.1,7.25\n")
    card_with(folder)
    return folder


def same_content(run: Run) -> None:
    manifest = run.manifest
    assert (manifest.model.architecture, manifest.model.crop_size, manifest.model.resize) == ("resnet18", 64, 72)
    data = manifest.data
    assert (data.train, data.test, data.eval_split, data.test_names_sha256) == (200, 40, "dev", "0" * 64)
    assert (data.near_duplicates_dropped, data.skipped) == (("a.jpg",), ("b.jpg: broken",))
    training = manifest.training
    assert (training.epoch, training.epochs, training.seconds, training.soup_size) == (2, 2, 9, 1)
    assert (training.checkpoint, training.selected_on) == ("best", "dev")
    assert manifest.config == {
        "recipe": "baseline",
        "unfreeze": ["fc"],
        "freeze_bn": True,
        "train_crop_size": 32,
        "full_crop_epochs": 1,
        "min_crop_scale": 0.5,
        "epochs": 2,
        "soup_size": 1,
        "warmup_epochs": 1.0,
        "ema_decay": 0.9,
        "checkpoint": "best",
        "eval_split": "dev",
        "drop_near_duplicates": True,
        "test_fraction": 0.2,
        "lr": 0.1,
    }
    assert manifest.model_extra == {"own": {"kept": [1]}} and not data.model_extra and not training.model_extra
    assert tuple(run.history().columns) == HISTORY_COLUMNS and list(run.history()["eval_accuracy"]) == [0.5, 0.75]
    assert np.array_equal(run.confusion_matrix(), random_predictions().confusion_matrix())


def test_an_old_run_is_read(old: Path) -> None:
    same_content(Run.open(old))
    assert [run.name for run in find_runs([old.parent])[0]] == ["old"]


def test_an_old_run_is_converted(old: Path) -> None:
    kept = {name: (old / name).read_bytes() for name in (PREDICTIONS, MODEL)}
    numbers = (old / HISTORY).read_text().partition("\n")[2]
    same_content(convert(old))
    same_content(Run.open(old))
    assert {path.name for path in old.iterdir()} == {MANIFEST, HISTORY, *kept}
    assert {name: (old / name).read_bytes() for name in kept} == kept
    assert (old / HISTORY).read_text() == ",".join(HISTORY_COLUMNS) + "\n" + numbers
    before = (old / MANIFEST).read_bytes()
    same_content(convert(old))
    assert (old / MANIFEST).read_bytes() == before


def killed_after_the_history(folder: Path) -> None:
    text = (folder / HISTORY).read_text()
    (folder / HISTORY).write_text(text.replace("validation_", "eval_"))


def killed_before_the_card_is_removed(folder: Path) -> None:
    card = (folder / LEGACY_MANIFEST).read_bytes()
    convert(folder)
    (folder / LEGACY_MANIFEST).write_bytes(card)


@pytest.mark.parametrize("killed", [killed_after_the_history, killed_before_the_card_is_removed])
def test_a_killed_conversion_is_repeated(old: Path, killed: Callable[[Path], None]) -> None:
    killed(old)
    same_content(convert(old))
    assert not (old / LEGACY_MANIFEST).exists()


@pytest.mark.parametrize("name", [MODEL, PREDICTIONS, HISTORY])
def test_a_damaged_run_is_not_converted(old: Path, name: str) -> None:
    (old / name).write_bytes((old / name).read_bytes()[:-1] + b"?")
    with pytest.raises(RunError, match=name):
        convert(old)
    assert (old / LEGACY_MANIFEST).is_file() and not (old / MANIFEST).exists()


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        ("format", "har-lens-run/0", "format"),
        ("classes", ["a", "a"], "classes"),
        ("files", {MODEL: 3}, "files"),
        ("model", "resnet50", "model"),
        ("data", {"validation": 0}, "data.test"),
        ("data", 3, "data"),
        ("training", {"best_epoch": -1}, "training.epoch"),
        ("training", [1], "training"),
        ("config", {"members": 10**30}, "config"),
        ("config", {"scored": "everything"}, "data.eval_split"),
        ("config", {"selection": {"a": 1}}, "training.checkpoint"),
        ("title", ["a"], "title"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_card_that_lies_is_refused(old: Path, place: str, value: object, named: str) -> None:
    card_with(old, **{place: value})
    with pytest.raises(RunError, match=rf"old/card\.json: expected {named}"):
        Run.open(old)


def test_a_run_that_was_evaluated_only(old: Path) -> None:
    """Somebody's own photos: no training, no configuration."""
    card = {"data": {"left_out": ["c.jpg: unknown"]}, "training": {}, "config": {}}
    card_with(old, **card)
    manifest = convert(old).manifest
    assert manifest.data.skipped == ("c.jpg: unknown",) and manifest.data.test is None
    assert manifest.training.checkpoint is None and manifest.config == {}


def test_a_training_that_was_interrupted(old: Path) -> None:
    card_with(old, status="training", files={}, training={})
    run = convert(old)
    assert not run.has(HISTORY)
    pd.testing.assert_series_equal(
        run.history()["eval_loss"], pd.Series([4.0, 3.0], name="eval_loss"), check_dtype=False
    )
