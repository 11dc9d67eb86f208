"""Names as people have them: what is written can be read again, and what cannot be a class is refused by name."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from har_core.errors import RunError
from har_core.files import printable
from har_core.runs.class_names import check_class_names, class_key
from har_core.runs.file_names import MATRIX
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run
from har_core.runs.writing import require_no_run, write_manifest
from tests.helpers import random_predictions

ODD = ("NA", "None", "true", "1e3", "-1", "1", "a,b", "坐着", "<b>x</b>", "nan", '"', "a/b", "x" * 60)


@pytest.mark.parametrize(
    "name",
    [
        "Screenshot 9.41\u202fAM.png",
        "a\u00a0b.jpg",
        "\U0001f468\u200d\U0001f466.jpg",
        "\u200fשלום.jpg",
        "a\x1b[2J",
        "\n",
    ],
)
def test_every_name_of_a_file_system_can_be_read_again(tmp_path: Path, name: str) -> None:
    table = random_predictions()
    table.samples[3] = name
    table.write(tmp_path / "p.parquet")
    assert Predictions.read(tmp_path / "p.parquet", table.classes).samples[3] == name


@pytest.mark.parametrize("name", ["", "a\0b", "caf\udce9.jpg", 3, None])
def test_what_could_not_be_written_is_refused_when_it_is_made(name: object) -> None:
    good = random_predictions()
    samples = good.samples.copy()
    samples[3] = name
    with pytest.raises(RunError, match="UTF-8"):
        Predictions(good.classes, samples, good.true, good.probabilities)


def test_odd_class_names_survive_the_table_and_the_matrix(tmp_path: Path) -> None:
    table = random_predictions(200, ODD)
    table.write(tmp_path / "p.parquet")
    assert np.array_equal(Predictions.read(tmp_path / "p.parquet", ODD).true, table.true)
    matrix = table.confusion_matrix()
    quoted = ['"' + name.replace('"', '""') + '"' for name in ODD]
    rows = [
        ",".join(["true", *quoted]),
        *(",".join([name, *map(str, row)]) for name, row in zip(quoted, matrix, strict=True)),
    ]
    (tmp_path / MATRIX).write_text("\n".join(rows), encoding="utf-8")
    write_manifest(tmp_path, Manifest(status=COMPLETE, classes=ODD))
    assert np.array_equal(Run.open(tmp_path).confusion_matrix(), matrix)


@pytest.mark.parametrize("count", ["1" + "0" * 30, "-1", "1.5", "x", "", "٣", str(2**63)])
@pytest.mark.parametrize("row", ["b,{},1", "b,1", "b,1,{},1", ""])
def test_a_matrix_that_lies_is_refused_in_a_sentence(tmp_path: Path, count: str, row: str) -> None:
    (tmp_path / MATRIX).write_text(f"true,a,b\na,1,{count}\n" + row.format(count), encoding="utf-8")
    write_manifest(tmp_path, Manifest(status=COMPLETE, classes=("a", "b")))
    with pytest.raises(RunError, match=r"matrix\.csv: expected counts"):
        Run.open(tmp_path).confusion_matrix()


@pytest.mark.parametrize(
    ("one", "other"),
    [("a_b", "a b"), ("Using_Laptop", "using laptop"), ("T-shirt", "tshirt"), ("é", unicodedata.normalize("NFD", "É"))],
)
def test_two_names_that_are_too_much_alike_are_named(one: str, other: str) -> None:
    assert class_key(one) == class_key(other)
    with pytest.raises(RunError) as refusal:
        check_class_names([one, "c", other])
    assert f"'{one}' and '{other}'" in str(refusal.value)


def test_numbers_are_told_apart() -> None:
    check_class_names(["-1", "0", "1", "10", "1-0", "1e3", "2.0", "20"])


@pytest.mark.parametrize("name", ["", "x" * 101, "a\u202eb", "a\u200bb", "a\n", "\u200d", "\u202f", "caf\udce9"])
def test_a_class_name_that_cannot_be_shown(name: str) -> None:
    with pytest.raises(RunError, match="printable") as refusal:
        check_class_names(["a", name])
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    "name", ["a\u202fb", "می\u200cخواهم", "क\u094d\u200dष", "\U0001f468\u200d\U0001f466", "\u2764\ufe0f", " "]
)
def test_a_class_name_of_any_script(tmp_path: Path, name: str) -> None:
    check_class_names(["a", name])
    table = random_predictions(20, ("a", name))
    table.write(tmp_path / "p.parquet")
    write_manifest(tmp_path, Manifest(status=COMPLETE, classes=("a", name)))
    classes = Run.open(tmp_path).classes
    assert classes == ("a", name) and np.array_equal(Predictions.read(tmp_path / "p.parquet", classes).true, table.true)


@pytest.mark.parametrize("plain", ["میخواهم", "\u2764", "a b"])
def test_names_that_look_alike_are_one(plain: str) -> None:
    other = {"میخواهم": "می\u200cخواهم", "\u2764": "\u2764\ufe0f", "a b": "a\u202fb"}[plain]
    with pytest.raises(RunError, match="differ") as refusal:
        check_class_names([plain, other])
    assert str(refusal.value).isprintable()


def test_what_cannot_be_printed_is_escaped() -> None:
    assert printable("a\u202fb\udce9 ü坐") == "a\\u202fb\\udce9 ü坐"


def test_a_folder_that_holds_a_run_is_refused(tmp_path: Path) -> None:
    require_no_run(tmp_path / "nowhere")
    require_no_run(tmp_path)
    write_manifest(tmp_path, Manifest(status=COMPLETE, classes=("a", "b")))
    with pytest.raises(RunError, match="another folder"):
        require_no_run(tmp_path)
