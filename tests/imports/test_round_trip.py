"""Every form that is exported is imported again, with equal predictions."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from har_core.imports.columns import recognize
from har_core.imports.opening import open_table
from har_core.runs.exports import (
    cleanlab_bytes,
    fiftyone_bytes,
    write_predictions_csv,
    write_predictions_jsonl,
    write_predictions_parquet,
)
from har_core.runs.manifest import Probabilities
from har_core.runs.predictions import Predictions
from har_core.runs.run import shipped_run
from tests.helpers import random_predictions
from tests.imports.making import read, store, text

ODD = ("=SUM(A1)", "-1 b", 'ä, "ö"', "p:x", "None", "0.5", "top_1_class", "'quoted", "@x")
NAMES = ["=1.jpg", "+2.jpg", "a,b.jpg", 'say "x".jpg', "ä/ö.jpg", "NA", "-4", "7", "'=x", "nan"]


def odd(count: int = 10) -> Predictions:
    plain = random_predictions(count, ODD, 3)
    return Predictions(ODD, np.array(NAMES[:count], dtype=object), plain.true, plain.probabilities)


def partly_known(level: Probabilities) -> Predictions:
    """As an import makes them."""
    plain = random_predictions(30, ("a", "b", "c", "d", "e"), 2)
    size = len(plain.classes)
    if level == "none":
        chances = np.eye(size, dtype=np.float32)[plain.predicted]
    else:
        ranks = 1 if level == "confidence" else 2
        chances = plain.probabilities.copy()
        order = np.argsort(-chances, axis=1)
        known = np.take_along_axis(chances, order[:, :ranks], 1)
        chances[:] = ((1 - known.sum(axis=1)) / (size - ranks))[:, None]
        np.put_along_axis(chances, order[:, :ranks], known, 1)
    return Predictions(plain.classes, plain.samples, plain.true, chances)


WRITERS = {"csv": write_predictions_csv, "parquet": write_predictions_parquet, "jsonl": write_predictions_jsonl}


def written(folder: Path, kind: str, predictions: Predictions, level: Probabilities = "all") -> Path:
    with (folder / f"t.{kind}").open("wb") as file:
        WRITERS[kind](predictions, level, file)
    return folder / f"t.{kind}"


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize(
    "make", [random_predictions, odd, lambda: shipped_run().predictions()], ids=["plain", "odd", "shipped"]
)
def test_tables(kind: str, make: Callable[[], Predictions], tmp_path: Path) -> None:
    before = make()
    found = read(written(tmp_path, kind, before))
    after = found.predictions
    if make is odd and kind == "csv":  # what begins as a guard does is taken for one
        before.samples[NAMES.index("'=x")] = "=x"
    assert found.probabilities == "all" and after.classes == before.classes
    assert after.samples.tolist() == before.samples.tolist()
    assert np.array_equal(after.true, before.true) and np.array_equal(after.probabilities, before.probabilities)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("level", ["top", "confidence", "none"])
def test_what_is_partly_known(kind: str, level: Probabilities, tmp_path: Path) -> None:
    before = partly_known(level)
    found = read(written(tmp_path, kind, before, level), classes=before.classes)
    assert found.probabilities == level
    assert np.array_equal(found.predictions.predicted, before.predicted)
    np.testing.assert_allclose(found.predictions.probabilities, before.probabilities, atol=1e-6)


@pytest.mark.parametrize("kind", WRITERS)
def test_names_of_every_file_system_come_back(kind: str, tmp_path: Path) -> None:
    names = [
        "Screenshot 3.04.05\u202fPM.png",
        "a\u00a0b.jpg",
        "\u200fשלום.jpg",
        "\U0001f468\u200d\U0001f466.jpg",
        "a\x1b[2J",
        "a\nb",
    ]
    plain = random_predictions(len(names), ("a\u202fb", "می\u200cخواهم", "c"), 2)
    before = Predictions(plain.classes, np.array(names, dtype=object), plain.true, plain.probabilities)
    after = read(written(tmp_path, kind, before)).predictions
    assert (
        after.classes == before.classes and after.samples.tolist() == names and np.array_equal(after.true, before.true)
    )


def test_cells_that_spreadsheets_would_run_are_guarded(tmp_path: Path) -> None:
    with written(tmp_path, "csv", odd()).open(newline="") as file:
        header, *rows = csv.reader(file)
    assert [row[0] for row in rows[:2]] == ["'=1.jpg", "'+2.jpg"] and rows[6][0] == "-4"
    assert not any(cell.startswith(("=", "@", "+")) for row in rows for cell in row[:3])
    assert header[3] == "p:=SUM(A1)"


def test_cleanlab(tmp_path: Path) -> None:
    before = shipped_run().predictions()
    (tmp_path / "t.npz").write_bytes(cleanlab_bytes(before, {}, {"Image_1.jpg"}))
    found = read(tmp_path / "t.npz")
    after = found.predictions
    assert after.classes == before.classes and after.samples.tolist() == before.samples.tolist()
    assert np.array_equal(after.true, before.true) and np.array_equal(after.probabilities, before.probabilities)
    assert "is_label_issue" in recognize(open_table(tmp_path / "t.npz")).ignored


@pytest.mark.parametrize("with_photos", [False, True])
def test_fiftyone(with_photos: bool, tmp_path: Path) -> None:
    """It holds the confidence alone, and names without their ending, which the photos tell."""
    before = shipped_run().predictions()
    (tmp_path / "labels.json").write_bytes(fiftyone_bytes(before, {}, set()))
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in before.samples:
        (folder / name).touch()
    found = read(tmp_path / "labels.json", folder=folder if with_photos else None)
    after = found.predictions
    assert found.probabilities == "confidence" and after.classes == before.classes
    assert np.array_equal(after.true, before.true) and np.array_equal(after.predicted, before.predicted)
    np.testing.assert_allclose(after.confidence, before.confidence, atol=1e-7)
    names = before.samples.tolist() if with_photos else [name.removesuffix(".jpg") for name in before.samples]
    assert after.samples.tolist() == names and found.missing == (0 if with_photos else None)


def test_the_table_of_a_run_itself(tmp_path: Path) -> None:
    before = random_predictions(25)
    before.write(tmp_path / "predictions.parquet")
    assert np.array_equal(read(tmp_path / "predictions.parquet").predictions.probabilities, before.probabilities)


def test_embeddings_and_maps_follow_the_rows(tmp_path: Path) -> None:
    """Also past a row that was skipped."""
    rows = "filename,true,p:a,p:b\n1.jpg,a,1,0\n2.jpg,z,0,1\n3.jpg,b,0,1\n"
    np.save(tmp_path / "e.npy", np.arange(6, dtype=np.float32).reshape(3, 2))
    np.save(tmp_path / "m.npy", np.arange(24, dtype=np.float64).reshape(3, 2, 2, 2))
    how = {"embeddings": tmp_path / "e.npy", "maps": tmp_path / "m.npy"}
    run = store(text(rows)(tmp_path), tmp_path / "run", unknown="skip", **how)
    assert (
        run.embeddings().tolist() == [[0, 1], [4, 5]]
        and run.class_maps()[1].tolist() == np.arange(16, 24).reshape(2, 2, 2).tolist()
    )
    assert len(run.manifest.data.skipped) == 1 and run.manifest.data.test == 2
    counted = store(text(rows)(tmp_path), tmp_path / "counted", unknown="error", **how)
    assert counted.class_maps().shape == (3, 3, 2, 2) and counted.classes == ("a", "b", "z")
    assert not counted.class_maps()[:, 2].any()


def test_skipped_rows_are_named_up_to_a_hundred(tmp_path: Path) -> None:
    rows = "filename,true,p:a,p:b\nx.jpg,a,1,0\n" + "".join(f"{n}.jpg,z,0,1\n" for n in range(150))
    data = store(text(rows)(tmp_path), tmp_path / "run", unknown="skip").manifest.data
    assert len(data.skipped) == 100 and data.skipped_count == 150
