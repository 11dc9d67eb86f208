"""Run folders: what was written is read back, what is damaged is refused by name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from har_core.errors import RunError
from har_core.files import atomic_path
from har_core.runs.file_names import CLASS_MAPS, EMBEDDINGS, HISTORY, MANIFEST, MATRIX, MODEL, PREDICTIONS
from har_core.runs.manifest import COMPLETE, TRAINING, Manifest
from har_core.runs.run import HISTORY_COLUMNS, SHIPPED, Run, assets_folder, find_runs, shipped_run
from har_core.runs.writing import write_history, write_manifest, write_results
from tests.conftest import ROOT
from tests.helpers import random_predictions


def test_a_run_is_read_back(complete_run: Path) -> None:
    run = Run.open(complete_run)
    assert (run.name, run.title, run.classes) == ("one", "One", ("blue", "green", "red"))
    assert run.manifest.status == COMPLETE and run.is_scored
    pd.testing.assert_frame_equal(run.predictions().frame(), random_predictions().frame())
    assert run.class_maps().shape == (40, 3, 2, 2) and isinstance(run.class_maps(), np.memmap)
    assert run.embeddings().dtype == np.float16
    assert tuple(run.history().columns) == HISTORY_COLUMNS and list(run.history()["epoch"]) == [1, 2]
    matrix = run.confusion_matrix()
    assert np.array_equal(matrix, random_predictions().confusion_matrix()) and matrix.sum() == 40


@pytest.mark.parametrize("name", [MODEL, HISTORY, PREDICTIONS, CLASS_MAPS, EMBEDDINGS])
@pytest.mark.parametrize("damage", ["missing", "cut", "flipped"])
def test_a_damaged_file_is_refused_by_name(folder: Path, name: str, damage: str) -> None:
    path = folder / name
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        path.write_bytes(content[:-1] if damage == "cut" else flipped)
    with pytest.raises(RunError, match=re.escape(f"one/{name}")) as caught:
        Run.open(folder).file(name)
    assert str(folder.parent) not in str(caught.value)


def test_an_absent_file_is_named(folder: Path) -> None:
    (folder / MODEL).unlink()
    run = write_manifest(folder, Run.open(folder).manifest)
    assert not run.has(MODEL) and run.has(CLASS_MAPS)
    with pytest.raises(RunError, match="has no model"):
        run.file(MODEL)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        (CLASS_MAPS, np.zeros((40, 3, 2), np.float16)),
        (EMBEDDINGS, np.zeros((40, 8), np.float32)),
        (EMBEDDINGS, np.array([["a"]], dtype=object)),
    ],
    ids=["dimensions", "precision", "pickle"],
)
def test_an_array_of_another_kind_is_refused(folder: Path, name: str, array: np.ndarray) -> None:
    np.save(folder / name, array, allow_pickle=True)
    run = write_manifest(folder, Run.open(folder).manifest)
    with pytest.raises(RunError, match=name):
        run.class_maps() if name == CLASS_MAPS else run.embeddings()


@pytest.mark.parametrize(
    ("class_maps", "embeddings", "classes"),
    [
        (np.zeros((40, 3, 2, 2), np.float32), np.zeros((40, 8), np.float16), ("blue", "green", "red")),
        (np.zeros((40, 4, 2, 2), np.float16), np.zeros((40, 8), np.float16), ("blue", "green", "red")),
        (np.zeros((40, 3, 2, 2), np.float16), np.zeros((39, 8), np.float16), ("blue", "green", "red")),
        (np.zeros((40, 3, 2, 2), np.float16), np.zeros((40, 8), np.float16), ("a", "b", "c")),
    ],
    ids=["precision", "classes of maps", "photos", "classes"],
)
def test_results_that_do_not_fit_are_not_written(
    tmp_path: Path, class_maps: np.ndarray, embeddings: np.ndarray, classes: tuple[str, ...]
) -> None:
    with pytest.raises(RunError, match="expected"):
        write_results(
            tmp_path, random_predictions(), class_maps, embeddings, Manifest(status=TRAINING, classes=classes)
        )
    assert list(tmp_path.iterdir()) == []


def test_a_training_shows_the_epochs_that_are_done(tmp_path: Path) -> None:
    run = write_manifest(tmp_path, Manifest(status=TRAINING, classes=("a", "b")))
    assert not run.is_scored and not run.has(HISTORY)
    with pytest.raises(RunError, match=HISTORY):
        run.history()
    for count in (1, 2):
        write_history(tmp_path, [dict.fromkeys(HISTORY_COLUMNS, 0.5)] * count)
        assert len(run.history()) == count


@pytest.mark.parametrize(
    "text",
    ["", "epoch\n1\n", ",".join(HISTORY_COLUMNS) + "\n=1+1,1,1,1,1,1,1\n", ",".join(HISTORY_COLUMNS) + "\n1,nan"],
)
def test_a_history_of_other_things_than_numbers_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / HISTORY).write_text(text)
    with pytest.raises(RunError, match=HISTORY):
        write_manifest(tmp_path, Manifest(status=TRAINING, classes=("a", "b"))).history()


def test_a_run_may_be_a_matrix_alone(tmp_path: Path) -> None:
    classes = ("calling", "texting")
    matrix = pd.DataFrame([[5, 1], [2, 4]], index=classes, columns=classes)
    manifest = Manifest(status=COMPLETE, classes=classes, title="Published")
    matrix.to_csv(tmp_path / MATRIX, index_label="true")
    run = write_manifest(tmp_path, manifest)
    assert np.array_equal(run.confusion_matrix(), matrix) and run.title == "Published" and run.is_scored
    with pytest.raises(RunError, match=PREDICTIONS):
        run.predictions()
    for wrong in (matrix.rename(columns={"texting": "text"}), matrix - 3, matrix.astype(str) + "x", matrix + 0.5):
        wrong.to_csv(tmp_path / MATRIX, index_label="true")
        with pytest.raises(RunError, match=MATRIX):
            write_manifest(tmp_path, manifest).confusion_matrix()


def test_a_broken_run_does_not_hide_the_others(folder: Path) -> None:
    broken = folder.parent / "another"
    broken.mkdir()
    (broken / MANIFEST).write_text("{")
    (folder.parent / "no-run").mkdir()
    found, refused = find_runs([folder.parent, folder / "nowhere"])
    assert [run.name for run in found] == ["one"] and [path for path, _ in refused] == [broken]
    assert isinstance(refused[0][1], RunError)


def test_the_shipped_runs_open() -> None:
    assert assets_folder() == ROOT / "assets" and shipped_run().name == SHIPPED
    found, broken = find_runs([assets_folder() / "runs"])
    assert {run.name for run in found} == {SHIPPED, "baseline", "published-report", "edge", "edge-int8"} and not broken
    for run in found:
        assert run.manifest.scores is not None
        matrix = run.confusion_matrix()
        assert run.manifest.scores.n == run.manifest.data.test == matrix.sum() == 1890
        assert run.manifest.scores.accuracy == np.trace(matrix) / 1890


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(path) as partial:
        partial.write_text("ne")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with atomic_path(path) as partial:
        partial.write_text("new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_neither_runs_nor_analysis_import_torch() -> None:
    code = (
        "import importlib, pkgutil, sys, har_core.runs, har_core.analysis\n"
        "for package in (har_core.runs, har_core.analysis):\n"
        "    for module in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
        "assert 'har_core.runs.legacy' in sys.modules and 'har_core.analysis.examples' in sys.modules\n"
        "assert not {'torch', 'streamlit'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
