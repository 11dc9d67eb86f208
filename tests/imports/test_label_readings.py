"""Labels that could be read in two ways: each is read in the one that its source means, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import har_core
from har_core.errors import DataError
from har_core.imports.columns import Chosen
from har_core.runs.exports import cleanlab_bytes, write_predictions_csv
from har_core.runs.predictions import Predictions
from tests.helpers import random_predictions
from tests.imports.making import KINDS, frame, read, text

FOLDERS = tuple(sorted(map(str, range(12))))
"""As ImageFolder sorts folders that are called by numbers: '10' is at place 2."""

PLACES = np.arange(12)
CHANCES = np.eye(12) * 0.5 + 0.5 / 12
FILES = [f"{number}.jpg" for number in PLACES]


def table(**columns: Any) -> dict[str, Any]:
    return {"file": FILES, **columns}


@pytest.mark.parametrize(
    "labels",
    [
        PLACES,
        PLACES.tolist(),
        PLACES.astype(float),
        pd.Series(PLACES, dtype="Int64"),
        [*PLACES.tolist()[:-1], np.int8(11)],
    ],
    ids=["array", "list", "floats", "pandas", "mixed"],
)
@pytest.mark.parametrize("form", [np.asarray, pd.DataFrame], ids=["array", "frame"])
def test_numbers_of_arrays_are_places(labels: Any, form: Callable[[Any], Any], tmp_path: Path) -> None:
    run = har_core.from_arrays(labels, probabilities=form(CHANCES), classes=FOLDERS, out=tmp_path / "run")
    assert run.classes == FOLDERS and run.confusion_matrix().tolist() == np.eye(12).tolist()
    alone = har_core.from_arrays(labels, predicted=PLACES, classes=FOLDERS, out=tmp_path / "alone")
    assert alone.predictions().true.tolist() == PLACES.tolist() and alone.predictions().correct.all()


def test_names_of_arrays_are_names(tmp_path: Path) -> None:
    """Texts are, and numbers where the classes are numbers, as scikit-learn's `classes_` can be."""
    named = har_core.from_arrays(list(FOLDERS), probabilities=CHANCES, classes=FOLDERS, out=tmp_path / "a")
    assert named.predictions().correct.all()
    for number, given in enumerate([np.array([1, 2]), [1.0, 2.0], ["1", "2"]]):
        run = har_core.from_arrays([2, 1], predicted=[2, 2], classes=given, out=tmp_path / f"b{number}")
        assert run.classes == ("1", "2") and run.confusion_matrix().tolist() == [[0, 1], [0, 1]]
    columns = pd.DataFrame(np.eye(3), columns=[3, 5, 7])
    run = har_core.from_arrays([3, 5, 7], probabilities=columns, out=tmp_path / "c")
    assert run.classes == ("3", "5", "7") and run.predictions().correct.all()
    with pytest.raises(DataError, match="'10'"):
        har_core.from_arrays(PLACES, probabilities=pd.DataFrame(CHANCES, columns=FOLDERS), out=tmp_path / "d")


def test_a_table_of_places_that_does_not_begin_at_0(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="number them from 0"):
        har_core.from_arrays([1, 1], predicted=[1, 1], classes={1: "a", 2: "b"}, out=tmp_path / "a")
    run = har_core.from_arrays(["a", "b"], predicted=["a", "a"], classes={1: "a", 2: "b"}, out=tmp_path / "b")
    assert run.confusion_matrix().tolist() == [[1, 0], [1, 0]]


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize(
    "columns",
    [
        {"true": PLACES, "predicted": PLACES},
        {"true": PLACES, **{f"p_{number}": CHANCES[:, number] for number in PLACES}},
        {"true": PLACES, "probs": CHANCES.tolist()},
    ],
    ids=["labels", "columns", "lists"],
)
def test_numbers_that_may_be_both_are_refused(kind: str, columns: dict[str, Any], tmp_path: Path) -> None:
    path = frame(table(**columns), f"t.{kind}")(tmp_path)
    with pytest.raises(DataError, match="place of '10'; sort --classes"):
        read(path, classes=FOLDERS)


def test_the_ways_out_of_it(tmp_path: Path) -> None:
    path = frame(table(true=PLACES, predicted=PLACES))(tmp_path)
    rising = read(path, classes=list(map(str, PLACES))).predictions
    assert [rising.classes[label] for label in rising.true] == list(map(str, PLACES))
    words = read(path, classes=[f"class {name}" for name in FOLDERS]).predictions
    assert words.classes[words.true[2]] == "class 10"
    alone = read(path).predictions
    assert alone.classes == tuple(map(str, PLACES)) and alone.correct.all()


def test_names_that_rise_are_names(tmp_path: Path) -> None:
    """Also where the last of them does not occur, so that all could be places."""
    found = read(text("file,true,predicted\n1.jpg,1,2\n2.jpg,2,2\n")(tmp_path), classes=("1", "2", "3")).predictions
    assert found.true.tolist() == [0, 1] and found.predicted.tolist() == [1, 1]


def test_all_columns_are_read_alike(tmp_path: Path) -> None:
    """True labels of 0 alone are no places where the predicted ones are names."""
    with pytest.raises(DataError, match="'0'"):
        read(text("file,true,predicted\n1.jpg,0,2\n2.jpg,0,1\n")(tmp_path), classes=("1", "2", "3"))


def test_text_of_parquet_is_a_name(tmp_path: Path) -> None:
    path = frame(table(true=list(map(str, PLACES)), predicted=list(map(str, PLACES))), "t.parquet")(tmp_path)
    found = read(path, classes=FOLDERS).predictions
    assert [found.classes[label] for label in found.true] == list(map(str, PLACES))


def test_exports_of_classes_that_are_numbers_come_back(tmp_path: Path) -> None:
    plain = random_predictions(40, FOLDERS, 5)
    before = Predictions(FOLDERS, plain.samples, plain.true, plain.probabilities)
    (tmp_path / "t.npz").write_bytes(cleanlab_bytes(before, {}, None))
    with (tmp_path / "t.csv").open("wb") as file:
        write_predictions_csv(before, "all", file)
    for path, classes in (("t.npz", None), ("t.csv", None), ("t.csv", FOLDERS)):
        after = read(tmp_path / path, classes=classes).predictions
        assert after.classes == FOLDERS and np.array_equal(after.true, before.true)
        assert np.array_equal(after.probabilities, before.probabilities)


@pytest.mark.parametrize(
    ("rows", "classes", "true"),
    [
        ("1,1.0\n0,0.0\n", ("0", "1"), [1, 0]),
        ("1.0,1\n0.0,0\n", ("0", "1"), [1, 0]),
        ("01,1\n02,2\n10,10\n", ("01", "02", "10"), [0, 1, 2]),
        ("1.0,1\nnone,none\n", ("1", "none"), [0, 1]),
        ("-1,1\n1,1\n", ("-1", "1"), [0, 1]),
        ("-1,-1\n0,0\n1,1\n", ("-1", "0", "1"), [0, 1, 2]),
    ],
)
def test_a_number_is_one_class_in_every_spelling(
    rows: str, classes: tuple[str, ...], true: list[int], tmp_path: Path
) -> None:
    numbered = "".join(f"{number}.jpg,{row}\n" for number, row in enumerate(rows.splitlines()))
    chosen = Chosen(true="true", predicted="predicted")
    found = read(text("file,true,predicted\n" + numbered)(tmp_path), chosen=chosen).predictions
    assert found.classes == classes and found.true.tolist() == true


def test_a_true_label_of_minus_one_is_none(tmp_path: Path) -> None:
    path = text("file,true,predicted\n1.jpg,-1,1\n2.jpg,0,0\n3.jpg,1,1\n")(tmp_path)
    with pytest.raises(DataError, match="'-1' in row 1"):
        read(path)
    assert read(path, unknown="skip").predictions.classes == ("0", "1")
    assert read(path, unknown="error").predictions.classes == ("0", "1", "-1")
    assert len(read(path, classes=("cat", "dog"), unknown="skip").predictions) == 2


@pytest.mark.parametrize("rows", ["cat,0\ndog,1\n", "True,1\nFalse,0\n", "cat,3\ncat,3\n", "cat,Katze\ndog,Hund\n"])
@pytest.mark.parametrize("kind", ["table", "arrays", "ranks"])
def test_labels_without_anything_in_common_are_refused(kind: str, rows: str, tmp_path: Path) -> None:
    pairs = [row.split(",") for row in rows.splitlines()]
    true, predicted = zip(*pairs, strict=True)
    with pytest.raises(DataError, match="none in both"):
        if kind == "arrays":
            har_core.from_arrays(true, predicted=predicted, out=tmp_path / "run")
        elif kind == "table":
            read(frame({"file": ["1.jpg", "2.jpg"], "true": true, "predicted": predicted})(tmp_path))
        else:
            ranks = {"top1": predicted, "top1_prob": [0.9, 0.9], "top2": predicted[::-1], "top2_prob": [0.1, 0.1]}
            read(frame({"file": ["1.jpg", "2.jpg"], "true": true, **ranks})(tmp_path))


def test_numbers_and_one_word(tmp_path: Path) -> None:
    """Digits and "none", as of house numbers; a column that is mostly "NA"."""
    lines = "".join(f"{n}.jpg,{n % 10},{n % 10}\n" for n in range(30)) + "x.jpg,none,3\n"
    for header, chosen in (("file,label,pred\n", None), ("file,x,y\n", Chosen(true="x", predicted="y"))):
        found = read(text(header + lines)(tmp_path), chosen=chosen).predictions
        assert found.classes == (*map(str, range(10)), "none") and found.correct.sum() == 30
    lines = "1.jpg,NA,0.9,0.1\n2.jpg,NA,0.9,0.1\n3.jpg,b,0.2,0.8\n"
    found = read(text("file,label,p_a,p_b\n" + lines)(tmp_path), unknown="skip").predictions
    assert found.classes == ("a", "b") and found.samples.tolist() == ["3.jpg"]


MISSING = [None, float("nan"), np.nan, pd.NA, pd.NaT]


@pytest.mark.parametrize("missing", MISSING, ids=map(repr, MISSING))
@pytest.mark.parametrize(
    "form", [list, pd.Series, lambda cells: np.array(cells, dtype=object)], ids=["list", "series", "array"]
)
@pytest.mark.parametrize("cells", [["cat", "dog"], [0, 1]], ids=["names", "places"])
def test_a_missing_value_is_no_class(
    missing: Any, form: Callable[[Any], Any], cells: list[Any], tmp_path: Path
) -> None:
    with pytest.warns(UserWarning, match="row_1"):
        run = har_core.from_arrays(
            form([cells[0], missing, cells[1]]),
            predicted=[*cells, cells[0]],
            classes=["cat", "dog"],
            out=tmp_path / "run",
        )
    assert run.classes == ("cat", "dog") and run.predictions().samples.tolist() == ["row_0", "row_2"]


def test_masked_values_are_missing(tmp_path: Path) -> None:
    labels = np.ma.array([0, 1, 0], mask=[False, True, False])
    with pytest.warns(UserWarning, match="row_1"):
        run = har_core.from_arrays(labels, predicted=[0, 1, 0], classes=["a", "b"], out=tmp_path / "run")
    assert run.predictions().true.tolist() == [0, 0]


def test_bytes_are_text(tmp_path: Path) -> None:
    run = har_core.from_arrays(
        np.array([b"cat", b"dog"]), predicted=[b"cat", b"cat"], samples=[b"a.jpg", "b.jpg"], out=tmp_path / "run"
    )
    assert run.classes == ("cat", "dog") and run.predictions().samples.tolist() == ["a.jpg", "b.jpg"]
    np.savez(tmp_path / "t.npz", labels=[0, 1], pred_probs=np.eye(2), classes=np.array([b"a", "ü".encode()]))
    assert read(tmp_path / "t.npz").predictions.classes == ("a", "ü")
    wrong: list[dict[str, Any]] = [
        {"true": [b"caf\xe9", b"a"]},
        {"true": ["\udce9", "a"]},
        {"samples": ["\udce9", "a"]},
    ]
    for number, given in enumerate(wrong):
        how = {"true": ["b", "a"], "predicted": ["a", "a"], "out": tmp_path / f"x{number}", **given}
        with pytest.raises(DataError, match="UTF-8"):
            har_core.from_arrays(**how)


def test_a_place_beyond_the_classes_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="from 0 to 11"):
        har_core.from_arrays([*PLACES, 12], predicted=[*PLACES, 0], classes=FOLDERS, out=tmp_path / "run")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("true", "told"), [("cat dog dog cat", True), ("dog cat cat dog", False), ("x y y x", False)])
def test_folders_that_are_called_as_other_classes_are_told(true: str, told: bool, kind: str, tmp_path: Path) -> None:
    """As where the order of the files is not that of the labels."""
    files = ["val/dog/1.jpg", "val/cat/2.jpg", "val\\cat\\3.jpg", "val/Dog/4.jpg"]
    columns = {"file": files, "true": true.split(), "pred": true.split()}
    assert any("folders of files" in note for note in read(frame(columns, f"t.{kind}")(tmp_path)).notes) == told


def test_a_class_of_a_mark_alone_is_no_folder(tmp_path: Path) -> None:
    columns = {"file": [f"{n}.jpg" for n in range(6)], "true": [*"++++--"], "pred": [*"++--++"]}
    found = read(frame(columns)(tmp_path))
    assert set(found.predictions.classes) == {"+", "-"} and not found.notes
