"""Cells that map classes to scores, as pandas, Python and JSON write them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from har_core.errors import DataError
from tests.imports.making import Make, frame, read, text

FILES, TRUE = ["a.jpg", "b.jpg", "c.jpg"], ["cat", "dog", "cat"]
DENSE = [{"cat": 0.9, "dog": 0.1}, {"cat": 0.2, "dog": 0.8}, {"cat": 0.4, "dog": 0.6}]
SPARSE = [{"cat": 0.9, "St. Bernard": 0.1}, {"dog": 0.8, "cat": 0.15}, {"cat": 1.0}]
LOGITS = [{"cat": 3.0, "dog": -1.0}, {"cat": -2.0, "dog": 5.0}, {"cat": 0.5, "dog": 1.5}]


def table(cells: list[Any], write: Any, delimiter: str = ",") -> Make:
    out = io.StringIO()
    rows = csv.writer(out, delimiter=delimiter)
    rows.writerow(["file", "label", "scores"])
    rows.writerows((file, true, write(cell)) for file, true, cell in zip(FILES, TRUE, cells, strict=True))
    return text(out.getvalue())


def forms(cells: list[Any]) -> dict[str, Make]:
    records = [
        {"file": file, "label": true, "scores": cell} for file, true, cell in zip(FILES, TRUE, cells, strict=True)
    ]
    return {
        "CSV of Python": table(cells, str),
        "CSV of JSON": table(cells, json.dumps),
        "TSV of JSON": table(cells, json.dumps, "\t"),
        "semicolons": table(cells, str, ";"),
        "Parquet": frame({"file": FILES, "label": TRUE, "scores": list(map(str, cells))}, "t.parquet"),
        "JSON lines": text("\n".join(map(json.dumps, records)), "t.jsonl"),
        "JSON": text(json.dumps(records), "t.json"),
        "JSON lines of text": text("\n".join(json.dumps(one | {"scores": str(one["scores"])}) for one in records), "t.jsonl"),
    }  # fmt: skip


FORMS = tuple(forms(DENSE))


@pytest.mark.parametrize("form", FORMS)
def test_a_value_for_every_class(form: str, tmp_path: Path) -> None:
    found = read(forms(DENSE)[form](tmp_path))
    assert found.predictions.classes == ("cat", "dog") and found.predictions.true.tolist() == [0, 1, 0]
    assert np.allclose(found.predictions.probabilities, [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    assert found.probabilities == "all"


@pytest.mark.parametrize(
    "name", ["out", "results", "predicted", "answer", "model", "json", "distribution", "all_probs", "prob_dict", "1"]
)
@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet"])
@pytest.mark.parametrize("keys", [("cat", "dog"), ("0", "1")])
def test_whatever_the_column_is_called(keys: tuple[str, str], kind: str, name: str, tmp_path: Path) -> None:
    cells = [str(dict(zip(keys, row.values(), strict=True))) for row in DENSE]
    true = [keys[("cat", "dog").index(one)] for one in TRUE]
    found = read(frame({"file": FILES, "true": true, name: cells}, f"t.{kind}")(tmp_path)).predictions
    assert found.classes == keys and np.allclose(found.probabilities, [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])


@pytest.mark.parametrize("form", FORMS)
def test_logits(form: str, tmp_path: Path) -> None:
    found = read(forms(LOGITS)[form](tmp_path))
    odds = np.exp([[3.0, -1.0], [-2.0, 5.0], [0.5, 1.5]])
    assert np.allclose(found.predictions.probabilities, odds / odds.sum(axis=1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("whole", [1, 100])
def test_each_row_names_classes_of_its_own(form: str, whole: int, tmp_path: Path) -> None:
    """What is left of a row goes to the classes that it does not name."""
    cells = [{name: whole * value for name, value in one.items()} for one in SPARSE]
    found = read(forms(cells)[form](tmp_path))
    assert found.predictions.classes == ("St. Bernard", "cat", "dog") and found.probabilities == "top"
    assert np.allclose(found.predictions.probabilities, [[0.1, 0.9, 0], [0.05, 0.15, 0.8], [0, 1, 0]])


@pytest.mark.parametrize("blank", ["", "NaN", "None", "{}"])
@pytest.mark.parametrize("cells", [DENSE, SPARSE])
def test_rows_without_scores_are_left_out(blank: str, cells: list[Any], tmp_path: Path) -> None:
    found = read(
        table([cells[0], blank, cells[2]], lambda cell: cell if isinstance(cell, str) else str(cell))(tmp_path)
    )
    assert list(found.predictions.samples) == ["a.jpg", "c.jpg"]


@pytest.mark.parametrize(
    "cell", ["{'cat': 0.9, 'bird': 0.1}", "[0.9, 0.1]", "{'cat': 'much'}", "{'cat': __import__('os')}", "{"]
)
def test_a_cell_of_another_kind_is_refused(cell: str, tmp_path: Path) -> None:
    """Far down, where it did not tell what the column holds."""
    rows = "".join(f"{number}.jpg,cat,\"{{'cat': 0.6, 'dog': 0.4}}\"\n" for number in range(1500))
    path = text(f'file,label,scores\n{rows}last.jpg,dog,"{cell}"\n')(tmp_path)
    with pytest.raises(DataError, match=r"row 1,501"):
        read(path)


def test_other_mappings_are_no_scores(tmp_path: Path) -> None:
    """Of settings, sizes or places nothing is read."""
    rows = ["{'width': 640, 'height': 480}", "{'width': 320, 'height': 200}", "{'left': 'top'}"]
    lines = [
        "file,label,predicted,about",
        *(f'{file},{true},cat,"{row}"' for file, true, row in zip(FILES, TRUE, rows, strict=True)),
    ]
    found = read(text("\n".join(lines))(tmp_path))
    assert found.predictions.predicted.tolist() == [0, 0, 0] and found.probabilities == "none"
