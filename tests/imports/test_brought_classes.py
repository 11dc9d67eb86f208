"""Class names that a file brings beside its numbers: those of Hugging Face's data sets, and id2label beside rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.imports.making import Make, read, text

FILES, NUMBERS = ["a.jpg", "b.jpg", "c.jpg"], [0, 1, 1]
CHANCES = [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]


def data_set(features: Any, columns: dict[str, Any], whole: Any = None) -> Make:
    """A Parquet table with the metadata of `datasets`."""

    def make(folder: Path) -> Path:
        metadata = {"info": {"features": features}} if whole is None else whole
        made = pa.table(columns).replace_schema_metadata({"huggingface": json.dumps(metadata)})
        pq.write_table(made, folder / "t.parquet")
        return folder / "t.parquet"

    return make


def labels(*names: str) -> dict[str, Any]:
    return {"names": list(names), "_type": "ClassLabel"}


def beside(key: str, value: Any, **more: Any) -> Make:
    rows = [
        {"file": file, "label": number, **{name: values[place] for name, values in more.items()}}
        for place, (file, number) in enumerate(zip(FILES, NUMBERS, strict=True))
    ]
    return text(json.dumps({key: value, "predictions": rows}), "t.json")


LABELED = {"file": FILES, "label": NUMBERS}
CAT_DOG = labels("cat", "dog")
FORMS: dict[str, Make] = {
    "labels": data_set({"label": CAT_DOG}, {**LABELED, "pred": NUMBERS}),
    "scores": data_set({"label": CAT_DOG}, {**LABELED, "probs": CHANCES}),
    "both labels": data_set({"label": CAT_DOG, "pred": CAT_DOG}, {**LABELED, "pred": NUMBERS}),
    "other numbers": data_set({"label": CAT_DOG, "camera": labels("x", "y", "z")}, {**LABELED, "camera": [2, 1, 0], "pred": NUMBERS}),
    "id2label": beside("id2label", {"0": "cat", "1": "dog"}, pred=NUMBERS),
    "id2label, scores": beside("id2label", {"0": "cat", "1": "dog"}, probs=CHANCES),
    "label2id": beside("label2id", {"dog": 1, "cat": 0}, pred=NUMBERS),
    "class_to_idx": beside("class_to_idx", {"cat": 0, "dog": 1}, probs=CHANCES),
    "classes": beside("classes", ["cat", "dog"], pred=NUMBERS),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_they_are_used_and_told(form: str, tmp_path: Path) -> None:
    path = FORMS[form](tmp_path)
    found = read(path)
    assert found.predictions.classes == ("cat", "dog")
    assert found.predictions.true.tolist() == found.predictions.predicted.tolist() == NUMBERS
    assert [note for note in found.notes if note.endswith("cat, dog")]
    other = read(path, classes=("no", "yes"))
    assert other.predictions.classes == ("no", "yes") and not any("cat, dog" in note for note in other.notes)


@pytest.mark.parametrize(
    "make",
    [
        data_set({"label": CAT_DOG, "pred": labels("dog", "cat")}, {**LABELED, "pred": NUMBERS}),
        data_set({"label": {"dtype": "int64", "_type": "Value"}}, {**LABELED, "pred": NUMBERS}),
        *(data_set(None, {**LABELED, "pred": NUMBERS}, whole) for whole in ([], {"info": None}, {"info": {"features": []}})),
        data_set({"label": {"names": 3, "_type": "ClassLabel"}}, {**LABELED, "pred": NUMBERS}),
        beside("id2label", {"1": "cat", "2": "dog"}, pred=NUMBERS),
        beside("id2label", {"0": ["cat"]}, pred=NUMBERS),
    ],
)  # fmt: skip
def test_others_are_not(make: Make, tmp_path: Path) -> None:
    assert read(make(tmp_path)).predictions.classes == ("0", "1")


def test_labels_that_are_texts_need_none(tmp_path: Path) -> None:
    columns = {"file": FILES, "label": ["elk", "owl", "owl"], "pred": ["elk", "owl", "elk"]}
    assert read(data_set({"label": CAT_DOG}, columns)(tmp_path)).predictions.classes == ("elk", "owl")
