"""Tables of a run: what is written is read again, and what does not fit is refused on both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from har_core.errors import RunError
from har_core.runs.file_names import SUSPECTS
from har_core.runs.run import Run
from har_core.runs.tables import Number, OneOf, Schema, Text, read_table, write_table

SCHEMA: Schema = {
    "sample": Text(20),
    "note": Text(20, empty=True),
    "split": OneOf(("test", "training")),
    "near": Number(0, 10, whole=True),
    "share": Number(0, 1, missing=True),
}


def made(**changes: Any) -> pd.DataFrame:
    columns = {
        "sample": ["NA", "None", 'a,b "c"\n=1+1 ü'],
        "note": ["", "nan", "null"],
        "split": ["test", "training", "test"],
        "near": [0, 10, 3],
        "share": [0.1, np.nan, 1 / 3],
    }
    return pd.DataFrame(columns | changes)


def test_there_and_back(folder: Path) -> None:
    """No text is taken for a missing one, no number loses a digit, and the manifest lists the file."""
    run = write_table(Run.open(folder), SUSPECTS, made(), SCHEMA)
    assert run.has(SUSPECTS)
    found = read_table(Run.open(folder), SUSPECTS, SCHEMA)
    pd.testing.assert_frame_equal(found, made(), check_exact=True, check_dtype=False)
    assert [str(kind) for kind in found.dtypes] == ["object", "object", "object", "int64", "float64"]


def test_a_table_of_no_rows(folder: Path) -> None:
    run = write_table(Run.open(folder), SUSPECTS, made().iloc[:0], SCHEMA)
    found = read_table(run, SUSPECTS, SCHEMA)
    assert len(found) == 0 and list(found.columns) == list(SCHEMA)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("sample", ["a", "b", ""]),
        ("sample", ["a", "b", "x" * 21]),
        ("split", ["test", "training", "dev"]),
        ("near", [0, 1, 11]),
        ("near", [0, 1, 1.5]),
        ("near", [0, 1, np.nan]),
        ("share", [0, 1, -0.1]),
        ("share", [0, 1, np.inf]),
    ],
)
def test_what_does_not_fit_is_refused(folder: Path, column: str, values: list[Any]) -> None:
    run = Run.open(folder)
    with pytest.raises(RunError, match=f"expected {column} to be"):
        write_table(run, SUSPECTS, made(**{column: values}), SCHEMA)
    assert not (folder / SUSPECTS).exists(), "nothing is written"
    run = write_table(run, SUSPECTS, made(), SCHEMA)
    made(**{column: values}).to_csv(folder / SUSPECTS, index=False)
    with pytest.raises(RunError, match=r"expected|damaged"):
        read_table(run, SUSPECTS, SCHEMA)


def test_other_columns_are_refused(folder: Path) -> None:
    with pytest.raises(RunError, match="expected the columns"):
        write_table(Run.open(folder), SUSPECTS, made().rename(columns={"near": "far"}), SCHEMA)


def test_a_missing_table_is_named(folder: Path) -> None:
    with pytest.raises(RunError, match=r"suspects\.csv"):
        read_table(Run.open(folder), SUSPECTS, SCHEMA)
