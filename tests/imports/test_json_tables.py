"""JSON in every encoding, and text that UTF-8 cannot hold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from har_core.errors import DataError
from har_core.imports.opening import open_table
from tests.imports.making import read, text

RECORDS = [
    {"file": "ä.jpg", "true": "cat", "predicted": "dog"},
    {"file": "b c.jpg", "true": "dog", "predicted": "dog"},
]
LINES = "\n".join(map(json.dumps, RECORDS))
FORMS = {
    "lines": LINES,
    "lines below blank ones": "\n \n" + LINES + "\n\n",
    "lines far below": "\n" * 1000 + LINES,
    "lines with Windows ends": LINES.replace("\n", "\r\n"),
    "lines with the ends of old Macs": LINES.replace("\n", "\r"),
    "unescaped": "\n".join(json.dumps(one, ensure_ascii=False) for one in RECORDS),
    "a list": json.dumps(RECORDS),
    "a list over several lines": json.dumps(RECORDS, indent=1, ensure_ascii=False),
    "FiftyOne labels": json.dumps(
        {
            "classes": ["cat", "dog"],
            "labels": {
                one["file"]: {"label": one["predicted"], "attributes": {"ground_truth": one["true"]}} for one in RECORDS
            },
        }
    ),
    "FiftyOne samples": json.dumps(
        {
            "samples": [
                {
                    "filepath": one["file"],
                    "ground_truth": {"label": one["true"]},
                    "predictions": {"label": one["predicted"]},
                }
                for one in RECORDS
            ]
        }
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be with a mark", "utf-16-be", "utf-32"]
)
def test_the_encoding_is_told_from_the_content(form: str, encoding: str, tmp_path: Path) -> None:
    name, _, mark = encoding.partition(" ")
    found = read(text((("\ufeff" if mark else "") + FORMS[form]).encode(name), "t.json")(tmp_path)).predictions
    assert list(found.samples) == ["ä.jpg", "b c.jpg"] and found.classes == ("cat", "dog")
    assert found.true.tolist() == [0, 1] and found.predicted.tolist() == [1, 1]


@pytest.mark.parametrize("count", [0, 1500])
@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("column", ["file", "true", "predicted"])
def test_half_a_character_is_refused(column: str, as_list: bool, count: int, tmp_path: Path) -> None:
    """As Python writes the name of a file whose bytes are no UTF-8."""
    rows = [{"file": f"{n}.jpg", "true": "cat", "predicted": "dog"} for n in range(count)]
    rows.append({"file": "x.jpg", "true": "cat", "predicted": "dog"} | {column: "caf\udce9"})
    content = json.dumps(rows) if as_list else "\n".join(map(json.dumps, rows))
    with pytest.raises(DataError, match=f"UTF-8.*row {count + 1:,};") as caught:
        read(text(content, "t.json")(tmp_path))
    assert str(caught.value).isprintable() and "caf" in str(caught.value)


@pytest.mark.parametrize("as_list", [True, False])
def test_half_a_character_in_another_column_is_no_matter(as_list: bool, tmp_path: Path) -> None:
    """As JavaScript leaves it of an emoji at the end of a text that it cut."""
    rows = [one | {"caption": "a\ud83d", "\ud83d": 1} for one in RECORDS]
    content = json.dumps(rows) if as_list else "\n".join(map(json.dumps, rows))
    assert len(read(text(content, "t.json")(tmp_path)).predictions) == 2


@pytest.mark.parametrize(
    "data",
    [
        LINES.encode() + b'\n{"file": "\xe4.jpg"}\n',
        b'{"file": "\xe4.jpg", "true": "a", "predicted": "b"}\n',
        b'[{"file": "\xe4.jpg", "true": "a", "predicted": "b"}]',
        LINES.encode("utf-16") + b"\n",
        '{"file": "a.jpg"'.encode("utf-16"),
    ],
)
def test_bytes_of_another_encoding(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="JSON") as caught:
        read(text(data, "t.json")(tmp_path))
    assert str(caught.value).isprintable() and ";" in str(caught.value)


def test_a_table_that_begins_otherwise_is_no_json(tmp_path: Path) -> None:
    table = open_table(text("file,true,pred\na.jpg,{,}\nb.jpg,[,}\n".encode("utf-16"))(tmp_path))
    assert "commas" in table.form and len(table.head["file"]) == 2


@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize(("kept", "known"), [(3, "all"), (2, "top")])
def test_answers_of_a_pipeline(kept: int, known: str, as_list: bool, tmp_path: Path) -> None:
    """As Hugging Face's image classification gives them: the most probable classes, each with its score."""
    chances = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.25, 0.5, 0.25]])
    classes = ("bird", "cat", "dog 2")
    records = [
        {
            "image": f"{row}.jpg",
            "label": classes[row],
            "scores": [
                {"score": float(values[index]), "label": classes[index]} for index in np.argsort(-values)[:kept]
            ],
        }
        for row, values in enumerate(chances)
    ]
    content = json.dumps(records) if as_list else "\n".join(map(json.dumps, records))
    found = read(text(content, "t.json")(tmp_path))
    assert found.predictions.classes == classes and found.predictions.true.tolist() == [0, 1, 2]
    assert found.predictions.predicted.tolist() == [0, 2, 1]
    np.testing.assert_allclose(found.predictions.confidence, chances.max(axis=1), atol=1e-6)
    if known == "all":
        np.testing.assert_allclose(found.predictions.probabilities, chances, atol=1e-6)


def test_a_list_of_other_objects_is_no_answer(tmp_path: Path) -> None:
    records = [
        {
            "file": f"{row}.jpg",
            "true": "a",
            "predicted": "b",
            "boxes": [{"label": "a", "score": 0.5, "x": 1, "y": 2}] * 2,
        }
        for row in range(3)
    ]
    columns = open_table(text("\n".join(map(json.dumps, records)), "t.json")(tmp_path)).columns
    assert "boxes_0.x" in columns and "top1_label" not in columns
