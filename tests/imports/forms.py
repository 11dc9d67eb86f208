"""The predictions of four photos, in each form in which a cell can hold them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.imports.making import read, text

FILES, TRUE = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"], ["cat", "dog", "cow", "cat"]
CLASSES = ("cat", "cow", "dog")
CHANCES = np.array([[0.7, 0.1, 0.2], [0.15, 0.05, 0.8], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6]])
FORMS = ("lines", "list", "CSV of Python", "CSV of JSON", "Parquet", "Parquet of text", "inside")


def require(path: Path, chances: np.ndarray = CHANCES, **how: Any) -> None:
    found = read(path, **how).predictions
    assert list(found.samples) == FILES and found.classes == CLASSES
    assert [found.classes[number] for number in found.true] == TRUE
    np.testing.assert_allclose(found.probabilities, chances, atol=1e-6)


def written(cells: list[Any], form: str, folder: Path, true: list[Any], column: str = "predictions") -> Path:
    records = [{"file": f, "label": t, column: cell} for f, t, cell in zip(FILES, true, cells, strict=True)]
    if form == "list":
        return text(json.dumps(records), "t.json")(folder)
    if form == "lines":
        return text("\n".join(map(json.dumps, records)), "t.jsonl")(folder)
    if form == "inside":
        inside = [
            {
                "file": one["file"],
                "label": one["label"],
                "output": {"result" if column == "predictions" else column: one[column]},
            }
            for one in records
        ]
        return text("\n".join(map(json.dumps, inside)), "t.jsonl")(folder)
    if form.startswith("Parquet"):
        values = pa.array(list(map(str, cells))) if form.endswith("text") else pa.array(cells)
        pq.write_table(pa.table({"file": FILES, "label": true, column: values}), folder / "t.parquet")
        return folder / "t.parquet"
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["file", "label", column])
    write = json.dumps if form.endswith("JSON") else str
    rows.writerows((f, t, write(cell)) for f, t, cell in zip(FILES, true, cells, strict=True))
    return text(out.getvalue())(folder)
