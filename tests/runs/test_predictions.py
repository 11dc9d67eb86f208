"""The table of predictions: checked when it is made and when it is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from har_core.errors import RunError
from har_core.runs.predictions import Predictions, evenly_spaced
from tests.helpers import random_predictions


def test_what_is_written_is_read(tmp_path: Path) -> None:
    table = random_predictions(100)
    table.write(tmp_path / "p.parquet")
    found = Predictions.read(tmp_path / "p.parquet", table.classes)
    pd.testing.assert_frame_equal(found.frame(), table.frame())
    assert found.probabilities.dtype == np.float32 and len(found) == 100


def test_what_follows_from_the_probabilities() -> None:
    table = random_predictions(800, ("a", "b", "c", "d", "e"), seed=4)
    assert np.array_equal(table.confidence, table.probabilities[range(800), table.predicted])
    matrix = table.confusion_matrix()
    assert matrix.dtype == np.int64
    assert np.array_equal(matrix, confusion_matrix(table.true, table.predicted, labels=range(5)))
    assert table.correct.dtype == np.bool_ and table.correct.sum() == np.trace(matrix)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"probabilities": np.full((40, 3), 0.5, np.float32)}, "sum to 1"),
        ({"probabilities": np.full((40, 3), np.nan, np.float32)}, "sum to 1"),
        ({"probabilities": np.full((40, 3), [1.5, -0.5, 0], np.float32)}, "sum to 1"),
        ({"probabilities": np.full((40, 2), 0.5, np.float32)}, r"\(40, 3\)"),
        ({"true": np.full(40, 3)}, "class indices from 0 to 2"),
        ({"samples": np.array(["a"] * 40, dtype=object)}, "39 repeated"),
    ],
    ids=["sum", "nan", "negative", "shape", "true", "samples"],
)
def test_a_table_that_cannot_be_right_is_refused(change: dict[str, np.ndarray], reason: str) -> None:
    good = random_predictions()
    values = {"samples": good.samples, "true": good.true, "probabilities": good.probabilities} | change
    with pytest.raises(RunError, match=reason):
        Predictions(good.classes, **values)


@pytest.mark.parametrize("change", ["columns", "true", "predicted", "name", "text"])
def test_a_file_that_cannot_be_right_is_refused_by_name(tmp_path: Path, change: str) -> None:
    table = random_predictions()
    frame = table.frame()
    if change == "columns":
        frame = frame.rename(columns={"p:red": "p:yellow"})
    elif change == "name":
        frame.loc[3, "sample"] = "a\0b.jpg"
    elif change == "predicted":
        frame["predicted"] = "red"
    elif change == "true":
        frame.loc[3, "true"] = "yellow"
    else:
        frame["p:red"] = "x"
    frame.to_parquet(tmp_path / "p.parquet", index=False)
    with pytest.raises(RunError, match=r"p\.parquet"):
        Predictions.read(tmp_path / "p.parquet", table.classes)


@pytest.mark.parametrize(
    ("count", "most"), [(0, 5), (1, 1), (1, 9), (9, 1), (7, 0), (10, 10), (1890, 16), (1890, 500), (999_983, 997)]
)
def test_rows_are_spaced_evenly(count: int, most: int) -> None:
    rows = evenly_spaced(count, most)
    assert len(rows) == min(count, most) and rows.dtype == np.int64
    assert rows.tolist() == [number * (count - 1) // max(1, len(rows) - 1) for number in range(len(rows))]
