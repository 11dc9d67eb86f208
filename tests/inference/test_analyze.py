"""What is computed once is stored with the run, and what later steps need is taken from earlier ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from har_core.analysis import duplicate_groups
from har_core.analysis.label_suspects import suspects_schema
from har_core.cli import main
from har_core.data.photo_properties import read_photo_properties
from har_core.data.scan import scan
from har_core.errors import RunError
from har_core.inference.analyze import Photos
from har_core.inference.evaluate import evaluate, write_evaluation
from har_core.inference.predictor import Predictor
from har_core.models.checkpoint import save_checkpoint
from har_core.runs.file_names import (
    DUPLICATES,
    EMBEDDING_MAP,
    EMBEDDINGS,
    FAITHFULNESS,
    MODEL,
    PHOTO_PROPERTIES,
    SUSPECTS,
    TRAINING_PHOTOS,
)
from har_core.runs.manifest import COMPLETE, DataInfo, Manifest
from har_core.runs.run import Run
from har_core.runs.tables import TRAINING, read_table, training_schema, write_table
from har_core.runs.training_embeddings import read_training_embeddings
from har_core.runs.writing import write_manifest


@pytest.fixture
def data(kaggle_folder: Path, tmp_path: Path) -> Path:
    """The photos of `kaggle_folder`; the first is there once more, as the last, with another label."""
    folder = Path(shutil.copytree(kaggle_folder, tmp_path / "data"))
    shutil.copy(folder / "train" / "Image_0.jpg", folder / "train" / "Image_99.jpg")
    with (folder / "Training_set.csv").open("a") as file:
        file.write("Image_99.jpg,red\n")
    return folder


@pytest.fixture
def run(data: Path, tmp_path: Path, tiny: Predictor) -> Run:
    """Evaluated on the first half of the photos, as if it had learned from the others."""
    by = tmp_path / "by"
    by.mkdir()
    save_checkpoint(tiny.model, tiny.spec, by / MODEL)
    made = write_manifest(by, Manifest(status=COMPLETE, classes=tiny.spec.classes))
    found = evaluate(scan(data, verify=False).samples[:18], tiny)
    scored = write_evaluation(tmp_path / "run", found, made, title="t")
    save_checkpoint(tiny.model, tiny.spec, scored.folder / MODEL)
    return write_manifest(scored.folder, scored.manifest.model_copy(update={"data": DataInfo(train=19, test=18)}))


def test_all_steps(run: Run, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(run.folder), str(data), "--device", "cpu"]) == 0
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert list(lines) == ["photos", "embeddings", "near-duplicates", "suspects", "map", "faithfulness"]
    after = Run.open(run.folder)
    training = read_training_embeddings(after)
    assert set(training.samples) == {f"Image_{number}.jpg" for number in (*range(18, 36), 99)}
    groups = duplicate_groups.from_table(read_table(after, DUPLICATES, duplicate_groups.SCHEMA))
    copies = next(one for one in groups if "Image_99.jpg" in {member.sample for member in one.members})
    assert copies.across_split and copies.labels_differ
    assert set(read_table(after, SUSPECTS, suspects_schema(run.classes))["sample"]) <= {
        *after.predictions().samples,
        *training.samples,
    }
    assert np.isfinite(read_photo_properties(after, after.predictions().samples)["brightness"]).all()
    placed = after.file(EMBEDDING_MAP).read_text().splitlines()
    assert len(placed) == 1 + 37 and sum(f",{TRAINING}," in line for line in placed) == 19
    assert after.has(FAITHFULNESS)
    assert np.array_equal(after.predictions().probabilities, run.predictions().probabilities)


def test_one_step_and_unknown_ones(run: Run, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(run.folder), str(data), "--only", "photos"]) == 0
    assert not Run.open(run.folder).has(SUSPECTS)
    assert main(["analyze", str(run.folder), str(data), "--only", "fotos"]) == 1
    assert "fotos" in capsys.readouterr().err


def test_a_run_without_training_photos_is_analyzed_by_its_own(run: Run, data: Path) -> None:
    write_manifest(run.folder, run.manifest.model_copy(update={"data": DataInfo(test=18)}))
    assert main(["analyze", str(run.folder), str(data), "--only", "embeddings,near-duplicates,suspects,map"]) == 0
    after = Run.open(run.folder)
    assert after.has(SUSPECTS) and len(after.file(EMBEDDING_MAP).read_text().splitlines()) == 1 + 18


@pytest.mark.parametrize("layout", ["flat", "Kaggle's", "one of more"])
def test_an_imported_run_and_its_photos_in_any_folder(
    data: Path, tmp_path: Path, layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No labels and no class folders are needed: the run's table has the names and labels."""
    photos = data / "train" if layout != "Kaggle's" else data
    if layout == "one of more":
        (photos / "Image_3.jpg").unlink()
    rows = "".join(f"Image_{number}.jpg,{'red' if number % 2 else 'blue'},red\n" for number in range(8))
    (tmp_path / "table.csv").write_text(f"file,true,predicted\n{rows}")
    made = tmp_path / "imported"
    assert main(["import", str(tmp_path / "table.csv"), "--photos", str(photos), "--out", str(made)]) == 0
    assert main(["analyze", str(made), str(photos), "--only", "photos,near-duplicates"]) == 0
    missing = layout == "one of more"
    measured = Run.open(made).file(PHOTO_PROPERTIES)
    assert len(measured.read_text().splitlines()) == 1 + 8 - missing
    assert ("left out: 1 photos" in capsys.readouterr().err) == missing
    (tmp_path / "empty").mkdir()
    assert main(["analyze", str(made), str(tmp_path / "empty")]) == 1
    assert "found none" in capsys.readouterr().err


def test_photos_that_are_not_the_runs(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other" / "blue"
    other.mkdir(parents=True)
    shutil.copy(tmp_path / "data" / "train" / "Image_0.jpg", other / "else.jpg")
    assert main(["analyze", str(run.folder), str(other.parent)]) == 1
    assert "found none" in capsys.readouterr().err


def test_a_run_without_model_and_one_without_embeddings(
    run: Run, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be had is said, and the other steps are made."""
    (run.folder / MODEL).unlink()
    write_manifest(run.folder, run.manifest)
    assert main(["analyze", str(run.folder), str(data)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("no model" in line for line in lines) == 2 and Run.open(run.folder).has(EMBEDDING_MAP)
    (run.folder / EMBEDDINGS).unlink()
    write_manifest(run.folder, run.manifest)
    assert main(["analyze", str(run.folder), str(data), "--only", "near-duplicates,suspects,map"]) == 0
    assert "no embeddings" in capsys.readouterr().out and Run.open(run.folder).has(SUSPECTS)


def test_what_a_run_says_it_learned_from_counts(run: Run, data: Path) -> None:
    """Not the labels that lie in the folder now, nor photos that it was calibrated on or that came later."""
    rows = [
        ("Image_20.jpg", "train", "red"),
        ("Image_21.jpg", "train", "blue"),
        ("Image_22.jpg", "calibration", "blue"),
    ]
    table = pd.DataFrame(rows, columns=["sample", "used", "label"])
    written = write_table(run, TRAINING_PHOTOS, table, training_schema(run.classes))
    found = Photos.of(written, scan(data, verify=False).samples)
    assert [(one.name, one.label) for one in found.training] == [("Image_20.jpg", "red"), ("Image_21.jpg", "blue")]
    assert len(found.test) == 18 and not found.left_out


def test_a_table_that_is_added_does_not_vouch_for_other_files(run: Run, data: Path) -> None:
    (run.folder / EMBEDDINGS).write_bytes(b"damaged")
    assert main(["analyze", str(run.folder), str(data), "--only", "photos"]) == 0
    with pytest.raises(RunError, match=EMBEDDINGS.replace(".", r"\.")):
        Run.open(run.folder).embeddings()
