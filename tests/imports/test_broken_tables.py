"""Tables that cannot be used: each ends in one sentence, and leaves nothing behind."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from har_core.errors import HarError
from tests.imports.broken_cases import BROKEN, HEADER
from tests.imports.making import CSV, store, text


@pytest.mark.timeout(60)
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_table_ends_in_one_sentence(case: str, tmp_path: Path) -> None:
    make, fragment, how = BROKEN[case]
    (tmp_path / "in").mkdir()
    path = make(tmp_path / "in")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(HarError) as caught:
        store(path, tmp_path / "out" / "run", **how)
    said = str(caught.value)
    assert fragment in said, said
    assert 20 < len(said) < 500 and said.isprintable() and said.startswith(("expected", path.name)), said
    assert ";" in said and "found" in said and str(tmp_path) not in said, said
    assert sorted(tmp_path.rglob("*")) == before


def array(folder: Path, values: np.ndarray | bytes) -> Path:
    path = folder / "array.npy"
    if isinstance(values, bytes):
        path.write_bytes(values)
    else:
        np.save(path, values)
    return path


@pytest.mark.parametrize(
    ("role", "values", "fragment"),
    [
        ("embeddings", np.zeros((2, 8)), "3 rows"),
        ("embeddings", np.zeros(3), "(rows, D)"),
        ("embeddings", np.zeros((3, 0)), "(rows, D)"),
        ("embeddings", np.full((3, 8), np.nan), "finite"),
        ("embeddings", np.full((3, 8), 1e6), "finite"),
        ("embeddings", np.array([["a"]] * 3), "numbers"),
        ("embeddings", pickle.dumps([1, 2]), "numpy.save"),
        ("embeddings", b"", "numpy.save"),
        ("maps", np.zeros((3, 3, 2, 2)), "2 classes"),
        ("maps", np.zeros((3, 1, 2, 2)), "2 classes"),
        ("maps", np.zeros((3, 2, 4)), "(rows, K, h, w)"),
        ("maps", np.zeros((4, 2, 2, 2)), "3 rows"),
    ],
)
def test_arrays_that_do_not_fit(role: str, values: np.ndarray | bytes, fragment: str, tmp_path: Path) -> None:
    path = text(CSV)(tmp_path)
    how: dict[str, Any] = {role: array(tmp_path, values)}
    with pytest.raises(HarError) as caught:
        store(path, tmp_path / "run", **how)
    said = str(caught.value)
    assert fragment in said and len(said) < 500 and "\n" not in said
    assert {one.name for one in tmp_path.iterdir()} == {"table.csv", "array.npy"}


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        ("blue\nred\nBlue\n", "differ"),
        ("blue\n", "green"),
        ("", "empty"),
        ("\n".join(f"class {n}" for n in range(1001)), "1,001"),
        (b"c\x9cur\nred\n", "not certain"),
        (b"x" * (2 * 2**20), "1 MB"),
        ("a\x00b\nred\n", "NUL characters"),
        (None, "one class name a line"),
    ],
)
def test_files_of_classes_that_cannot_be_used(content: str | bytes | None, fragment: str, tmp_path: Path) -> None:
    path = text(CSV.replace("red", "green"))(tmp_path)
    classes = tmp_path / "classes.txt"
    if content is not None:
        text(content, "classes.txt")(tmp_path)
    with pytest.raises(HarError) as caught:
        store(path, tmp_path / "run", classes=classes)
    assert fragment in str(caught.value) and len(str(caught.value)) < 500 and not (tmp_path / "run").exists()


def test_a_run_is_not_replaced(tmp_path: Path) -> None:
    path = text(CSV)(tmp_path)
    store(path, tmp_path / "run")
    before = {one.name: one.read_bytes() for one in (tmp_path / "run").iterdir()}
    with pytest.raises(HarError, match="without a run"):
        store(path, tmp_path / "run")
    assert {one.name: one.read_bytes() for one in (tmp_path / "run").iterdir()} == before


def test_a_title_that_cannot_be_one(tmp_path: Path) -> None:
    with pytest.raises(HarError, match="title"):
        store(text(CSV)(tmp_path), tmp_path / "run", title="a\nb")
    assert not (tmp_path / "run").exists()


def test_what_is_written_is_a_frame_of_the_runs_form(tmp_path: Path) -> None:
    """The table of a broken file in a folder that exists leaves it as it was."""
    out = tmp_path / "run"
    out.mkdir()
    (out / "own.txt").write_text("mine")
    with pytest.raises(HarError):
        store(text(HEADER)(tmp_path), out)
    assert [one.name for one in out.iterdir()] == ["own.txt"]
    run = store(text(CSV)(tmp_path), out)
    assert (out / "own.txt").read_text() == "mine"
    pd.testing.assert_frame_equal(
        run.predictions().frame()[["sample"]], pd.DataFrame({"sample": ["a.jpg", "b.jpg", "c.jpg"]})
    )
