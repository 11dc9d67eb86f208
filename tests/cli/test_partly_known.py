"""Commands on runs whose probabilities are not all known: what needs them is refused or left out, in one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from har_core.cli import main
from har_core.runs.file_names import MODEL, SUSPECTS
from har_core.runs.manifest import COMPLETE, Manifest, Probabilities
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run
from har_core.runs.writing import write_manifest
from tests.helpers import filled_in

CLASSES = ("blue", "green", "red")


def write_imported(folder: Path, kind: Probabilities) -> Path:
    """Predictions of the photos of `kaggle_folder`, some of them wrong."""
    names = np.array([f"Image_{number}.jpg" for number in range(36)], dtype=object)
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), 36).astype(np.float32)
    predictions = Predictions(CLASSES, names, np.arange(36) % 3, probabilities)
    folder.mkdir(exist_ok=True)
    filled_in(predictions, kind, top=1).write(folder / "predictions.parquet")
    write_manifest(folder, Manifest(status=COMPLETE, classes=CLASSES, probabilities=kind))
    return folder


def test_nothing_is_calibrated_that_was_filled_in(
    tiny_run: Path, kaggle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_imported(tmp_path / "imported", "confidence")
    assert main(["calibrate", str(kaggle_folder), "--run", str(folder)]) == 1
    without_model = capsys.readouterr().err
    assert MODEL in without_model and len(without_model.splitlines()) == 1
    shutil.copy(tiny_run / MODEL, folder / MODEL)
    before = (write_imported(folder, "confidence") / "predictions.parquet").read_bytes()
    assert main(["calibrate", str(kaggle_folder), "--run", str(folder)]) == 1
    refused = capsys.readouterr().err
    assert "filled in" in refused and len(refused.splitlines()) == 1
    assert (folder / "predictions.parquet").read_bytes() == before


@pytest.mark.parametrize("kind", ["none", "confidence", "all"])
def test_suspects_are_not_sought_in_what_was_filled_in(
    kind: Probabilities, kaggle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_imported(tmp_path / "imported", kind)
    assert main(["analyze", str(folder), str(kaggle_folder), "--only", "photos,suspects,map,faithfulness"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["photos", "suspects", "map", "faithfulness"]
    assert ("skipped" in lines[1]) == (kind != "all") and Run.open(folder).has(SUSPECTS) == (kind == "all")


@pytest.mark.parametrize(("form", "kind"), [("cleanlab", "confidence"), ("cleanlab", "none"), ("fiftyone", "none")])
def test_no_tool_is_given_what_was_filled_in(
    form: str, kind: Probabilities, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = write_imported(tmp_path / "imported", kind), tmp_path / "file"
    assert main(["export", str(folder), "--to", form, "--out", str(out)]) == 1
    assert "predictions-csv" in capsys.readouterr().err and not out.exists()
    assert main(["export", str(folder), "--to", "predictions-csv", "--out", str(out)]) == 0


def test_fiftyone_is_given_the_confidences_that_are_known(tmp_path: Path) -> None:
    folder, out = write_imported(tmp_path / "imported", "confidence"), tmp_path / "labels.json"
    assert main(["export", str(folder), "--to", "fiftyone", "--out", str(out)]) == 0
    assert "suspect" not in out.read_text()
