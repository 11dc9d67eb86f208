"""JSON of every shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from har_core.errors import DataError
from har_core.imports.columns import Chosen
from har_core.imports.json_shapes import ADVICE, shaped
from tests.imports.forms import CHANCES, CLASSES, FILES, TRUE, require
from tests.imports.making import read, text

RECORDS = [
    {"file": file, "label": true, **dict(zip(CLASSES, row, strict=True))}
    for file, true, row in zip(FILES, TRUE, CHANCES.tolist(), strict=True)
]
FRAME = pd.DataFrame(RECORDS)
SHAPES: dict[str, Any] = {
    "default": FRAME.to_json(),
    "split": FRAME.to_json(orient="split"),
    "split by file": FRAME.set_index("file").to_json(orient="split"),
    "index": FRAME.to_json(orient="index"),
    "index by file": FRAME.set_index("file").to_json(orient="index"),
    "columns by file": FRAME.set_index("file").to_json(),
    "table": FRAME.to_json(orient="table"),
    "records": FRAME.to_json(orient="records"),
    "some rows": FRAME.set_index(np.array([7, 3, 12, 100])).to_json(),
    "columns of lists": FRAME.to_dict("list"),
    "W&B": {"columns": list(FRAME), "data": FRAME.to_numpy().tolist()},
    "results": {"model": "x", "results": RECORDS},
    "results with other lists": {"epochs": [1, 2], "categories": [{"id": 0, "name": "cat"}], "predictions": RECORDS},
    "results two levels down": {"run": {"name": "x", "results": RECORDS}},
    "a list in a list": [RECORDS],
    "by file": {one["file"]: {key: value for key, value in one.items() if key != "file"} for one in RECORDS},
    "named run": {"name": "run 1", "id": "7", "data": RECORDS},
    "table in an object": {"name": "x", "table": {"columns": list(FRAME), "data": FRAME.to_numpy().tolist()}},
}


def made(value: Any, indent: int | None, folder: Path) -> Path:
    value = json.loads(value) if isinstance(value, str) else value
    return text(json.dumps(value, indent=indent), "t.json")(folder)


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_the_same_table(shape: str, indent: int | None, tmp_path: Path) -> None:
    require(made(SHAPES[shape], indent, tmp_path))


@pytest.mark.parametrize("shape", ["default", "index", "split", "results", "columns of lists", "records", "by file"])
def test_one_photo(shape: str, tmp_path: Path) -> None:
    one = FRAME.iloc[:1]
    value = {
        "default": one.to_json(), "index": one.to_json(orient="index"), "split": one.to_json(orient="split"),
        "results": {"results": RECORDS[:1]}, "columns of lists": one.to_dict("list"), "records": RECORDS[0],
        "by file": {"a.jpg": {key: value for key, value in RECORDS[0].items() if key != "file"}},
    }[shape]  # fmt: skip
    found = read(made(value, None, tmp_path)).predictions
    assert list(found.samples) == ["a.jpg"] and set(found.classes) == set(CLASSES)


@pytest.mark.parametrize(
    "value",
    [
        {"cat/a.jpg": {"cat": 0.9, "dog": 0.1}, "dog/b.jpg": {"cat": 0.2, "dog": 0.8}},
        {"cat/a.jpg": [["cat", 0.9], ["dog", 0.1]], "dog/b.jpg": [["dog", 0.8], ["cat", 0.2]]},
        {"cat/a.jpg": [{"label": "cat", "score": 0.9}], "dog/b.jpg": [{"label": "dog", "score": 0.8}]},
        {"cat/a.jpg": {"label": "cat", "score": 0.9}, "dog/b.jpg": {"label": "dog", "score": 0.8}},
        {"cat/a.jpg": "cat", "dog/b.jpg": "dog"},
    ],
)
def test_predictions_by_the_names_of_photos(value: dict[str, Any], tmp_path: Path) -> None:
    """The true labels are in the names."""
    predicted = None
    if isinstance(value["cat/a.jpg"], dict) and "label" in value["cat/a.jpg"]:
        predicted = "label"
    found = read(made(value, None, tmp_path), chosen=Chosen(folders=True, predicted=predicted)).predictions
    assert found.classes == ("cat", "dog") and found.predicted.tolist() == found.true.tolist() == [0, 1]


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"accuracy": 0.5, "epochs": 3},
        FRAME.to_numpy().tolist(),
        [1, 2],
        {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "category_id": 2}]},
        {"train": RECORDS, "test": RECORDS},
        {"columns": ["file", "label"], "data": [["a.jpg"]]},
        {"0": {"0": 0.5, "1": 0.5}, "1": {"0": 0.1, "1": 0.9}},
        {"class_scores": [[0.1, 0.9]], "pred_label": [1]},
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_what_is_no_table_is_refused_with_the_way_out(value: Any, indent: int | None, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(made(value, indent, tmp_path))
    assert ADVICE in str(caught.value)


def test_classes_beside_the_records_are_told() -> None:
    assert shaped({"classes": ["cat", "dog"], "results": [{"file": "a.jpg"}]}, "t").classes == ("cat", "dog")
