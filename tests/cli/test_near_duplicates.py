"""`har-lens near-duplicates`: pairs as a table, and the score without them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from har_core.cli import main
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.predictions import Predictions
from har_core.runs.writing import write_results

CLASSES = ("blue", "red")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six photos that differ, and a copy of the first under another name."""
    random = np.random.default_rng(0)
    for number in range(6):
        folder = tmp_path / "data" / CLASSES[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        tiles = Image.fromarray(random.integers(0, 255, (8, 8, 3), dtype=np.uint8))
        tiles.resize((64, 64)).save(folder / f"{number}.png")
    shutil.copy(tmp_path / "data" / "blue" / "0.png", tmp_path / "data" / "blue" / "copy.png")
    return tmp_path / "data"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Tested on three of the photos; the first, which has a copy, is the only one that it got right."""
    names = np.array(["blue/0.png", "red/1.png", "blue/2.png"], dtype=object)
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]], np.float32)
    predictions = Predictions(CLASSES, names, np.array([0, 1, 0]), probabilities)
    (tmp_path / "run").mkdir()
    maps, embeddings = np.zeros((3, 2, 1, 1), np.float16), np.zeros((3, 4), np.float16)
    return write_results(
        tmp_path / "run", predictions, maps, embeddings, Manifest(status=COMPLETE, classes=CLASSES)
    ).folder


def test_pairs_and_scores(data: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["near-duplicates", str(data), "--run", str(run)]) == 0
    said = capsys.readouterr()
    header, *rows = [line.split("\t") for line in said.out.splitlines()]
    assert header == ["test", "train", "distance", "identical"]
    assert rows == [["blue/0.png", "blue/copy.png", "0", "yes"]]
    assert "0.3333" in said.err and "0.0000" in said.err  # of all three, and of the two without


def test_a_folder_that_holds_no_test_photos(run: Path, kaggle_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["near-duplicates", str(kaggle_folder), "--run", str(run)]) == 1
    assert "whole data set" in capsys.readouterr().err
