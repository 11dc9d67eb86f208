"""Tables as other programs write them: an index before the columns, numbers as labels, R's points, a Mac's letters."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from har_core.errors import DataError
from tests.imports.making import read, text

ROWS = [
    ("cat/a.jpg", 0.7, 0.2, 0.1),
    ("dog/b.jpg", 0.1, 0.8, 0.1),
    ("cow/c.jpg", 0.2, 0.1, 0.7),
    ("cat/d.jpg", 0.6, 0.3, 0.1),
]


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "index", "rownames", '""'])
@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("labeled", [False, True])
def test_an_index_is_no_score(name: str, start: int, labeled: bool, tmp_path: Path) -> None:
    header = f"{name},file,cat,dog,cow" + ",label" * labeled
    lines = [
        ",".join(map(str, (number, *row))) + f",{row[0].split('/')[0]}" * labeled
        for number, row in enumerate(ROWS, start)
    ]
    found = read(text("\n".join([header, *lines]) + "\n")(tmp_path)).predictions
    assert found.classes == ("cat", "dog", "cow") and found.correct.all()
    assert np.allclose(found.probabilities, [row[1:] for row in ROWS])


def test_numbers_as_labels_ask_for_the_order_of_the_classes(tmp_path: Path) -> None:
    path = text("file,label,cat,dog\na.jpg,0,0.7,0.3\nb.jpg,1,0.2,0.8\n")(tmp_path)
    with pytest.raises(DataError, match="pass --classes FILE"):
        read(path)
    with pytest.raises(DataError, match="pass --classes FILE"):
        read(path, unknown="error")
    assert read(path, classes=("cat", "dog")).predictions.correct.all()


@pytest.mark.parametrize("unknown", [None, "skip", "error"])
def test_labels_of_other_classes_make_no_run(unknown: str | None, tmp_path: Path) -> None:
    """Whatever was said of single ones."""
    path = text("file,label,p:x1,p:x2\na.jpg,cat,0.7,0.3\nb.jpg,dog,0.2,0.8\n")(tmp_path)
    with pytest.raises(DataError, match="found none"):
        read(path, unknown=unknown)  # type: ignore[arg-type]


def test_the_points_of_r_stand_for_spaces(tmp_path: Path) -> None:
    path = text("file,label,sitting,using.laptop\na.jpg,sitting,0.9,0.1\nb.jpg,using laptop,0.2,0.8\n")(tmp_path)
    found = read(path).predictions
    assert found.classes == ("sitting", "using.laptop") and found.true.tolist() == [0, 1]


def test_points_that_tell_classes_apart_stay(tmp_path: Path) -> None:
    path = text("file,label,p:v1.0,p:v10\na.jpg,v1.0,0.9,0.1\nb.jpg,v10,0.2,0.8\n")(tmp_path)
    assert read(path).predictions.true.tolist() == [0, 1]


def test_one_name_in_two_forms_of_unicode_is_one_class(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "Käfer") for form in ("NFC", "NFD")]
    assert names[0] != names[1]
    path = text(f"file,label,pred\na.jpg,{names[0]},{names[1]}\nb.jpg,{names[1]},Biene\nc.jpg,Biene,{names[0]}\n")(
        tmp_path
    )
    found = read(path).predictions
    assert found.classes == ("Biene", names[0]) and found.true.tolist() == [1, 1, 0]
