"""Runs and classes whose names have 80 letters: a page's title names them in short, and in full to those who point at it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from har_core.runs.file_names import MATRIX
from har_core.runs.manifest import COMPLETE, Manifest, ModelInfo
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run
from har_core.runs.writing import write_manifest, write_results
from tests.helpers import random_predictions
from tests.pages.conftest import opened, text, write_run

CLASSES = tuple(first * 40 + last * 40 for first, last in ("ab", "cd", "ef"))


@pytest.fixture
def long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run whose first two classes overlap, and of whose first class a group of its own is always wrong."""
    random, count = np.random.default_rng(0), 400
    true = np.arange(count) % 3
    apart = (true == 0) & (np.arange(count) % 2 == 0)
    embeddings = random.normal(size=(count, 8))
    embeddings[:, 0] += np.array([0, 2, 30])[true]
    embeddings[apart, 1] += 30
    predicted = np.where(true == 2, 2, embeddings[:, 0] > 1)
    predicted[apart] = 1
    probabilities = np.full((count, 3), 0.1, np.float32)
    probabilities[np.arange(count), predicted] = 0.8
    names = np.array([f"{number}.jpg" for number in range(count)], dtype=object)
    folder = tmp_path / "runs" / "long"
    folder.mkdir(parents=True)
    manifest = Manifest(status=COMPLETE, classes=CLASSES, model=ModelInfo(crop_size=64, resize=72))
    write_results(
        folder, Predictions(CLASSES, names, true, probabilities), None, embeddings.astype(np.float16), manifest
    )
    monkeypatch.setenv("HAR_RUNS", str(folder.parent))
    monkeypatch.setitem(sys.modules, "umap", None)
    return folder.name


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("map", {}),
        ("data", {"part": "slices"}),
        ("confusions", {"true": CLASSES[0], "predicted": CLASSES[1]}),
        ("errors", {"show": "all", "photo": "0.jpg"}),
    ],
)
def test_titles_are_short(long: str, page: str, query: dict[str, str]) -> None:
    app = opened(page, long, **query)
    assert not app.exception
    (title,) = app.title
    assert "…" in title.value and CLASSES[0] not in title.value.lower() and CLASSES[0] in title.proto.help.lower()


@pytest.mark.parametrize("ends", [("a" * 80, "b" * 80), ("a" * 79 + "1", "a" * 79 + "2"), ("a" * 80, "a" * 80)])
def test_runs_with_long_names_are_compared(
    ends: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also such as begin alike, or have the same title: they have columns of their own."""
    for name, title in zip(("first", "second"), ends, strict=True):
        folder = write_run(tmp_path / "runs" / name, random_predictions(40, ("blue", "red")))
        manifest = Run.open(folder).manifest.model_copy(update={"title": title})
        write_manifest(folder, manifest)
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("compare", "second", **{"with": "first"})
    assert not app.exception
    shown, full = app.title[0].value, app.title[0].proto.help
    assert all(title in full and title not in shown + text(app) for title in ends)
    scores = next(frame.value for frame in app.table if "macro F1" in frame.value.index)
    assert len(set(scores.columns)) == 3 and max(map(len, scores.columns)) < 40
    every = next(frame.value for frame in app.dataframe if "f1, difference" in frame.value.columns)
    assert len(every.columns) == 10


@pytest.mark.parametrize("page", ["map", "errors", "training", "compare"])
def test_what_a_run_with_a_long_name_has_not(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "runs" / "long"
    folder.mkdir(parents=True)
    (folder / MATRIX).write_text("true,blue,red\nblue,3,1\nred,0,4\n")
    write_manifest(folder, Manifest(status=COMPLETE, title="a" * 80, classes=("blue", "red"), model=ModelInfo()))
    monkeypatch.setenv("HAR_RUNS", str(folder.parent))
    app = opened(page, "long")
    assert not app.exception
    (title,) = app.title
    assert "…" in title.value and "a" * 80 not in title.value and "a" * 80 in title.proto.help
