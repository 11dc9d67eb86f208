"""Numbers with percent signs, in tables of every kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from har_core.errors import DataError
from har_core.imports.opening import open_table
from tests.imports.forms import CHANCES, CLASSES, FILES, FORMS, TRUE, require, written
from tests.imports.making import read

KINDS = ("csv", "jsonl", "json", "parquet", "large.parquet", "npz")
SIGNED = [[f"{100 * p:g}%" for p in row] for row in CHANCES]
_ARABIC = str.maketrans("0123456789.", "٠١٢٣٤٥٦٧٨٩٫")
_WIDE = str.maketrans("0123456789.", "０１２３４５６７８９．")
SCORES = {f"p_{name}": [row[place] for row in SIGNED] for place, name in enumerate(CLASSES)}


def table(columns: dict[str, list[Any]], kind: str, folder: Path) -> Path:
    path, frame = folder / f"t.{kind}", pd.DataFrame(columns)
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind.startswith("json"):
        frame.to_json(path, orient="records", lines=kind == "jsonl")
    elif kind == "npz":
        np.savez(path, **{"names" if name == "file" else name: np.array(one) for name, one in columns.items()})
    else:
        text = pa.large_string() if kind.startswith("large") else pa.string()
        pq.write_table(pa.table({name: pa.array(one, text) for name, one in columns.items()}), path)
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["{:g}%", "{:g} %", "+{:.1f}%", "{:.1f}\u00a0%", "comma", "share"])
def test_columns_of_scores(form: str, kind: str, tmp_path: Path) -> None:
    write = {"comma": lambda p: f"{100 * p:.1f}%".replace(".", ","), "share": str}.get(
        form, lambda p: form.format(100 * p)
    )
    scores = {f"p_{name}": [write(float(p)) for p in CHANCES[:, place]] for place, name in enumerate(CLASSES)}
    path = table({"file": FILES, "label": TRUE, **scores}, kind, tmp_path)
    require(path)
    assert any("percent signs" in note for note in read(path).notes) == (form != "share")
    if form != "share":
        require(path, scores="percentages")


@pytest.mark.parametrize("kind", KINDS)
def test_confidences(kind: str, tmp_path: Path) -> None:
    """0.5 % is said, and is too little."""
    for signs, wanted in ((["70%", "80%", "65.5%", None], [0.7, 0.8, 0.655]), (["0.7%"] * 4, None)):
        if kind == "npz":
            signs = ["" if one is None else one for one in signs]
        path = table({"file": FILES, "label": TRUE, "pred": TRUE, "conf": signs}, kind, tmp_path)
        if wanted is None:
            with pytest.raises(DataError, match=r"0\.7%"):
                read(path)
        else:
            values = [chunk["conf"].to_pylist() for chunk in open_table(path).read(["label"], ["conf"])]
            np.testing.assert_allclose(values[0][:3], wanted)
            assert values[0][3] is None


@pytest.mark.parametrize("kind", KINDS)
def test_classes_may_be_called_so(kind: str, tmp_path: Path) -> None:
    true, pred = ["10%", "20%", "10%", "20%"], ["10%", "20%", "20%", "20%"]
    conf = ["90%", "75%", "80%", "61%"]
    found = read(table({"file": FILES, "label": true, "pred": pred, "conf": conf}, kind, tmp_path)).predictions
    assert found.classes == ("10%", "20%") and found.true.tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(found.confidence, [0.9, 0.75, 0.8, 0.61], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("odd", ["0.9", "much", "9.9.9%", "%"])
def test_the_row_without_one_is_named(odd: str, kind: str, tmp_path: Path) -> None:
    """Below 90%, 0.9 would be less than one."""
    count = 3100
    columns = {"file": [f"{n}.jpg" for n in range(count + 1)], "label": ["a", "b"] * (count // 2) + ["a"]}
    path = table({**columns, "pred": columns["label"], "conf": ["90%"] * count + [odd]}, kind, tmp_path)
    with pytest.raises(DataError, match=f"numbers.*conf.*row {count + 1:,}"):
        read(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "odd", ["%12.5", "% 12.5", "12.5％", "１２.５％", "١٢٫٥٪", "12,5 %", "NaN%", "nan %", "", "0", "0.0"]
)
def test_odd_cells_that_say_a_number(odd: str, kind: str, tmp_path: Path) -> None:
    """Among others with a percent sign: also the first of them."""
    wanted = np.nan if odd[:1] in ("", "N", "n") else 0 if odd[:1] == "0" else 0.125
    for place in (0, 3):
        conf = ["90%", "75%", "80%", "61%"]
        conf[place] = odd
        path = table({"file": FILES, "label": TRUE, "pred": TRUE, "conf": conf}, kind, tmp_path)
        values = [one.as_py() for chunk in open_table(path).read((), ["conf"]) for one in chunk["conf"]]
        expected = [wanted if number == place else one for number, one in enumerate([0.9, 0.75, 0.8, 0.61])]
        np.testing.assert_allclose(np.array(values, dtype=float), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("odd", ["<1%", ">99%", "-", "~50%", "0.5107", "51.07", "5 to 6%", "%5%"])
@pytest.mark.parametrize("form", ["conf", "scores"])
def test_odd_cells_that_may_say_anything(form: str, odd: str, kind: str, tmp_path: Path) -> None:
    """One cell hides no column."""
    columns = {"file": FILES, "label": TRUE, **{name: list(one) for name, one in SCORES.items()}}
    name = "p_dog"
    if form == "conf":
        name, columns = "conf", {"file": FILES, "label": TRUE, "pred": TRUE, "conf": ["90%", "75%", "80%", "61%"]}
    columns[name][2] = odd
    with pytest.raises(DataError, match=f"numbers.*{name}.*{odd}.*row 3"):
        read(table(columns, kind, tmp_path))


@pytest.mark.parametrize("kind", KINDS)
def test_signs_in_half_of_the_cells(kind: str, tmp_path: Path) -> None:
    path = table({"file": FILES, "label": TRUE, "pred": TRUE, "conf": ["0.9", "75%", "0.8", "61%"]}, kind, tmp_path)
    with pytest.raises(DataError, match=r"percent signs.*conf.*0\.9.*row 1"):
        read(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "write",
    [lambda p: f"{p:.4f}".replace(".", ","), lambda p: str(p).translate(_ARABIC), lambda p: str(p).translate(_WIDE)],
)
@pytest.mark.parametrize("form", ["conf", "scores"])
def test_decimal_commas_and_other_digits(form: str, write: Any, kind: str, tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {
        f"p_{name}": list(map(write, CHANCES[:, place])) for place, name in enumerate(CLASSES)
    }
    if form == "conf":
        columns = {"pred": TRUE, "conf": list(map(write, (0.9, 0.75, 0.8, 0.61)))}
    found = read(table({"file": FILES, "label": TRUE, **columns}, kind, tmp_path)).predictions
    wanted = [0.9, 0.75, 0.8, 0.61] if form == "conf" else CHANCES.max(axis=1)
    np.testing.assert_allclose(found.confidence, wanted, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_commas_between_thousands_are_not_decimal(kind: str, tmp_path: Path) -> None:
    columns = {
        "file": FILES,
        "label": ["1,000", "2,000"] * 2,
        "pred": ["1,000", "2,000", "2,000", "2,000"],
        "size": ["1,000", "12,500"] * 2,
    }
    found = read(table(columns, kind, tmp_path)).predictions
    assert found.classes == ("1,000", "2,000") and found.predicted.tolist() == [0, 1, 1, 1]
    assert open_table(table(columns, kind, tmp_path)).head["size"].to_pylist() == columns["size"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("odd", ["145%", "-3%"])
def test_a_percentage_that_is_none_is_named(odd: str, kind: str, tmp_path: Path) -> None:
    conf = ["90%", "75%", odd, "61%"]
    with pytest.raises(DataError, match=f"{odd}.*row 3.*c.jpg"):
        read(table({"file": FILES, "label": TRUE, "pred": TRUE, "conf": conf}, kind, tmp_path))


CELLS: dict[str, Any] = {
    "list": lambda row: [row[0], row[1], row[2]],
    "mapping": lambda row: dict(zip(CLASSES, row, strict=True)),
    "records": lambda row: [{"label": name, "score": one} for name, one in zip(CLASSES, row, strict=True)],
    "pairs": lambda row: [[name, one] for name, one in zip(CLASSES, row, strict=True)],
    "parallel lists": lambda row: {"labels": list(CLASSES), "scores": row},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_inside_cells(cell: str, form: str, tmp_path: Path) -> None:
    column = "scores" if cell == "list" else "predictions"
    path = written([CELLS[cell](row) for row in SIGNED], form, tmp_path, TRUE, column)
    require(path, classes=CLASSES)


def test_mappings_of_the_most_probable_classes(tmp_path: Path) -> None:
    tops = [{"cat": "70%", "dog": "20%"}, {"dog": "80%"}, {"cow": "70%", "cat": "20%"}, {"dog": "60%", "cow": "30%"}]
    for path in (
        written(tops, "lines", tmp_path, TRUE),
        written(tops, "CSV of JSON", tmp_path, TRUE),
    ):
        found = read(path)
        np.testing.assert_allclose(found.predictions.confidence, [0.7, 0.8, 0.7, 0.6], atol=1e-6)
        assert found.probabilities == "top"


def test_a_label_inside_a_record_stays(tmp_path: Path) -> None:
    records = [
        {"file": file, "label": true, "answer": {"pred": pred, "confidence": "80%"}}
        for file, true, pred in zip(FILES, ["10%", "20%"] * 2, ["10%", "20%", "20%", "20%"], strict=True)
    ]
    (tmp_path / "t.json").write_text(json.dumps(records))
    head = open_table(tmp_path / "t.json").head
    assert head["answer.pred"].to_pylist() == ["10%", "20%", "20%", "20%"]
    assert head["answer.confidence"].to_pylist() == [0.8] * 4
