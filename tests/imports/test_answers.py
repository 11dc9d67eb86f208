"""Answers however programs list them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from har_core.errors import DataError
from har_core.imports.answers import form_of, normalized
from har_core.imports.headers import prefixed
from har_core.imports.literals import literal
from har_core.imports.opening import open_table
from tests.imports.forms import CHANCES, CLASSES, FILES, FORMS, TRUE, require, written
from tests.imports.making import read, text


def answers(row: np.ndarray, part: Callable[[str, int, float], Any]) -> list[Any]:
    return [part(CLASSES[place], int(place), float(row[place])) for place in np.argsort(-row)]


PARTS: dict[str, Callable[[str, int, float], Any]] = {
    "Hugging Face": lambda name, place, p: {"label": name, "score": p},
    "Azure": lambda name, place, p: {"tagName": name, "tagId": "x", "probability": p},
    "id": lambda name, place, p: {"id": name, "score": p},
    "tag": lambda name, place, p: {"tag": name, "p": p},
    "category": lambda name, place, p: {"category": name, "prob": p},
    "name and value": lambda name, place, p: {"name": name, "value": p},
    "MediaPipe": lambda name, place, p: {"index": place, "score": p, "categoryName": name, "displayName": ""},
    "Rekognition": lambda name, place, p: {"Name": name, "Confidence": 100 * p, "Instances": [], "Parents": []},
    "Google Vision": lambda name, place, p: {"mid": f"/m/0{place}", "description": name, "score": p, "topicality": p},
    "Clarifai": lambda name, place, p: {"id": f"ai_{place}", "name": name, "value": p, "app_id": "main"},
    "Roboflow": lambda name, place, p: {"class": name, "class_id": place, "confidence": p},
    "text as number": lambda name, place, p: {"label": name, "score": f"{p:.6f}"},
    "unknown keys": lambda name, place, p: {"art": name, "wert": p},
    "pairs": lambda name, place, p: [name, p],
    "pairs the other way": lambda name, place, p: [p, name],
    "triples": lambda name, place, p: [place, name, p],
    "Keras": lambda name, place, p: [f"n0000000{place}", name, p],
}  # fmt: skip
NUMBERED: dict[str, Callable[[str, int, float], Any]] = {
    "class_id": lambda name, place, p: {"class_id": place, "probability": p},
    "label": lambda name, place, p: {"label": place, "score": p, "rank": 1},
    "pairs": lambda name, place, p: [place, p],
    "pairs the other way": lambda name, place, p: [p, place],
    "pairs of floats": lambda name, place, p: [float(place), p],
}

_LISTS = {
    name for name, part in PARTS.items() if isinstance(part("cat", 0, 0.5), list)
}  # of several types: Arrow has none


@pytest.mark.parametrize(
    ("part", "form"), [(part, form) for part in PARTS for form in FORMS if form != "Parquet" or part not in _LISTS]
)
def test_answers_with_names(part: str, form: str, tmp_path: Path) -> None:
    cells = [answers(row, PARTS[part]) for row in CHANCES]
    require(written(cells, form, tmp_path, TRUE))


@pytest.mark.parametrize("form", [form for form in FORMS if form != "Parquet"])  # Arrow fills the other keys
def test_mappings_of_one_class_each(form: str, tmp_path: Path) -> None:
    require(written([[{name: p} for name, p in zip(CLASSES, row, strict=True)] for row in CHANCES.tolist()], form, tmp_path, TRUE))  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("part", NUMBERED)
def test_answers_with_numbers(part: str, form: str, tmp_path: Path) -> None:
    cells = [answers(row, NUMBERED[part]) for row in CHANCES]
    if form == "Parquet" and isinstance(cells[0][0], list):
        cells = [[list(map(float, one)) for one in cell] for cell in cells]
    true = [CLASSES.index(name) for name in TRUE]
    found = read(written(cells, form, tmp_path, true)).predictions
    assert found.classes == ("0", "1", "2") and found.true.tolist() == true
    np.testing.assert_allclose(found.probabilities, CHANCES, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_parallel_lists(form: str, tmp_path: Path) -> None:
    """As Vertex AI gives them, with identifiers beside."""
    cells = [
        {"ids": ["8", "9", "7"], "displayNames": [CLASSES[n] for n in order], "confidences": row[order].tolist()}
        for row, order in ((row, np.argsort(-row)) for row in CHANCES)
    ]
    require(written(cells, form, tmp_path, TRUE))


@pytest.mark.parametrize("key", ["score", "confidence"])
@pytest.mark.parametrize("form", [form for form in FORMS if form != "Parquet"])  # whose columns would be records
def test_scores_inside_the_mapping_of_classes(form: str, key: str, tmp_path: Path) -> None:
    cells = [{name: {key: p, "class_id": n} for n, (name, p) in enumerate(zip(CLASSES, row.tolist(), strict=True))} for row in CHANCES]  # fmt: skip
    require(written(cells, form, tmp_path, TRUE))


def test_a_map_of_parquet(tmp_path: Path) -> None:
    cells = [list(zip(CLASSES, row.tolist(), strict=True)) for row in CHANCES]
    kind = pa.map_(pa.string(), pa.float64())
    pq.write_table(pa.table({"file": FILES, "label": TRUE, "scores": pa.array(cells, kind)}), tmp_path / "t.parquet")
    require(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    "cell",
    [
        "[('cat', np.float32({})), ('cow', np.float32({})), ('dog', np.float32({}))]",
        "[('cat', tensor({})), ('cow', tensor({}, device='cuda:0')), ('dog', tensor({}))]",
        "{{'cat': np.float64({}), 'cow': np.float64({}), 'dog': np.float64({})}}",
        "OrderedDict([('cat', {}), ('cow', {}), ('dog', {})])",
        "OrderedDict({{'cat': {}, 'cow': {}, 'dog': {}}})",
        "defaultdict(<class 'float'>, {{'cat': {}, 'cow': {}, 'dog': {}}})",
        "[[('n1', 'cat', {}), ('n2', 'cow', {}), ('n3', 'dog', {})]]".replace("'n", "'n0000000"),
    ],
)
def test_cells_in_the_words_of_programs(cell: str, tmp_path: Path) -> None:
    lines = [["file", "label", "scores"]] + [
        [file, true, cell.format(*row)] for file, true, row in zip(FILES, TRUE, CHANCES.tolist(), strict=True)
    ]
    out = io.StringIO()
    csv.writer(out).writerows(lines)
    require(text(out.getvalue())(tmp_path))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "cell",
    [
        [[0.3, 0.3, 0.4], [0.2, 0.3, 0.5]],
        [[0.3, 0.7], [0.2, 0.8]],
        [[10.0, 20.5], [30.0, 41.5], [22.0, 12.25]],
        [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
    ],
)
def test_other_lists_of_lists_are_no_scores(cell: Any, form: str, tmp_path: Path) -> None:
    path = written([cell] * 4, form, tmp_path, TRUE, "about")
    with pytest.raises(DataError, match="found the columns"):
        read(path)
    assert not any(name.endswith("_0") or name.startswith("top1") for name in open_table(path).columns)


@pytest.mark.parametrize("form", FORMS)
def test_a_row_that_has_no_answers_is_left_out(form: str, tmp_path: Path) -> None:
    cells = [answers(row, PARTS["Hugging Face"]) for row in CHANCES]
    cells[1] = []
    assert list(read(written(cells, form, tmp_path, TRUE)).predictions.samples) == ["a.jpg", "c.jpg", "d.jpg"]


@pytest.mark.parametrize("form", ["lines", "list", "CSV of JSON", "Parquet"])
def test_a_list_of_one_value_is_that_value(form: str, tmp_path: Path) -> None:
    """As MMPretrain writes labels."""
    path = written([[CLASSES.index(name)] for name in TRUE], form, tmp_path, [0, 2, 1, 0], "pred_label")
    columns = open_table(path).columns
    assert columns == ("file", "label", "pred_label")
    records = [
        {"img_path": f, "gt_label": [CLASSES.index(t)], "pred_label": [int(row.argmax())], "pred_score": row.tolist()}
        for f, t, row in zip(FILES, TRUE, CHANCES, strict=True)
    ]
    require(text(json.dumps(records), "mm.json")(tmp_path), classes=CLASSES)


def test_lists_of_one_value_and_of_more_keep_apart(tmp_path: Path) -> None:
    records = [{"file": "a.jpg", "labels": ["cat"], "scores": [0.9]}, {"file": "b.jpg", "labels": ["cat", "dog"], "scores": [0.6, 0.4]}]  # fmt: skip
    columns = open_table(text(json.dumps(records), "t.json")(tmp_path)).columns
    assert "labels" not in columns and {"labels_0", "scores_0", "labels_1", "scores_1"} <= set(columns)


@pytest.mark.parametrize(
    "image",
    [
        {"_type": "image-file", "path": "{}", "width": 3},
        {"bytes": None, "path": "{}"},
    ],
)
@pytest.mark.parametrize("form", ["lines", "list", "CSV of Python", "CSV of JSON"])
def test_a_record_of_a_photo_is_its_path(image: dict[str, Any], form: str, tmp_path: Path) -> None:
    cells = [{**image, "path": file} for file in FILES]
    path = written(cells, form, tmp_path, TRUE, "image")
    assert open_table(path).head["image"].to_pylist() == FILES


@pytest.mark.parametrize(
    "place", ["output.probs", "result.scores", "predictions.probabilities", "a.b.class_scores", "my model.logits"]
)
def test_the_names_of_classes_are_the_innermost_keys(place: str) -> None:
    for name in ("cat", "St. Bernard", "v1.0", "a_b", "3"):
        assert prefixed(f"{place}.{name}") == (f"{place}.", name)
    assert prefixed(f"{place}_3") == (f"{place}_", "3")


def test_prefixes() -> None:
    assert prefixed("P (class=cat)") == ("P (class=", "cat") and prefixed("P(my label = big cat)") is not None
    assert prefixed("P(y=cat|x)") == ("P(y=", "cat") and prefixed("P(cat)") == ("P(", "cat")
    assert prefixed("pred_score_2") == ("pred_score_", "2") and prefixed("predictions_0.probability") is None
    assert prefixed("prob_001.Laysan Albatross") == ("prob_", "001.Laysan Albatross")


def test_literals() -> None:
    assert literal("{'a': nan, \"it's\": np.float32(.5)}") == {"a": None, "it's": 0.5}
    assert literal("[[2. 0.7]\n [0. 0.3]]") == [[2.0, 0.7], [0.0, 0.3]]
    assert literal("array([[2. , 0.7],\n [0., 0.3]], dtype=float32)") == [[2.0, 0.7], [0.0, 0.3]]
    assert literal("{'a': __import__('os')}") is None and literal("cat") is None and literal("") is None
    assert literal("['np.float32(3)']") == ["np.float32(3)"]


def test_what_is_no_answer() -> None:
    assert form_of([[{"iso": 100, "f": 2.8}]], "exif") is None
    assert form_of([[["iso", 100.5], ["f", 2.8]]], "exif") is None
    assert form_of([[{"label": "a", "score": 0.5, "bbox": [1, 2, 3, 4]}]], "predictions") is None
    assert form_of([[[1, 1.0], [2, 0.0]], [[1, 0.5], [1, 0.5]]], "predictions") is None
    assert normalized({"a": {"width": 3}, "b": {"width": 4}}) == {"a": {"width": 3}, "b": {"width": 4}}
