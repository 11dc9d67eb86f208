"""Characters that cannot be seen, as texts have them that were copied from elsewhere: around a label and a name they are nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import har_core
from har_core.imports.class_lists import class_list
from tests.imports.making import KINDS, frame, read

UNSEEN = ("\u200b", "\ufeff", "\u2060", "\u00ad", "\u200e", "\u00a0")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mark", UNSEEN)
def test_labels_are_one_class(mark: str, kind: str, tmp_path: Path) -> None:
    columns = {
        "file": ["a.jpg", "b.jpg", "c.jpg", "d.jpg"],
        "true": [f"dog{mark}", "dog", "big\u00a0cat", "big cat"],
        "pred": [f"{mark}dog", "big cat", f"{mark}big\u202fcat", "dog"],
    }
    found = read(frame(columns, f"t.{kind}")(tmp_path)).predictions
    assert found.classes == ("big cat", "dog")
    assert found.true.tolist() == [1, 1, 0, 0] and found.predicted.tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mark", ["\u200b", "\ufeff", "\u2060"])
def test_names_of_files(mark: str, kind: str, tmp_path: Path) -> None:
    files = [f"{mark}a.jpg", f"b.jpg{mark}", f"c.jpg {mark}\u00a0", "d\u00a0e.jpg", "\u200ff.jpg"]
    labels = ["cat", "dog", "cat", "dog", "cat"]
    found = read(frame({"file": files, "true": labels, "pred": labels}, f"t.{kind}")(tmp_path)).predictions
    assert found.samples.tolist() == ["a.jpg", "b.jpg", "c.jpg", "d\u00a0e.jpg", "\u200ff.jpg"]


def test_joiners_are_letters(tmp_path: Path) -> None:
    word = "می\u200cخواهم"
    found = read(frame({"file": ["a.jpg", "b.jpg"], "true": [word, "cat"], "pred": [word, "cat"]})(tmp_path))
    assert word in found.predictions.classes


def test_arrays_of_a_notebook(tmp_path: Path) -> None:
    run = har_core.from_arrays(
        ["dog\u200b", "dog", "big\u00a0cat"], predicted=["dog", "\ufeffdog", "big cat"], out=tmp_path / "run"
    )
    assert run.predictions().classes == ("big cat", "dog") and run.predictions().predicted.tolist() == [1, 1, 0]


def test_lists_of_classes() -> None:
    assert class_list("dog\u200b\nbig\u00a0cat\n\ufeffowl\n").names == ("dog", "big cat", "owl")
