"""Parquet and NPZ: damaged files, cells without a value, decimal numbers."""

from __future__ import annotations

import decimal
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from har_core.errors import DataError
from har_core.imports.opening import open_table
from har_core.imports.tables import texts_of
from tests.imports.damaging import flipped, outcome, written
from tests.imports.making import frame, read

ROOT = Path(__file__).parents[2]
FILES, LABELS = ["a.jpg", "b.jpg", "c.jpg"], ["cat", "dog", "dog"]
CHANCES = [[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]]


@pytest.mark.timeout(120)
def test_damaged_parquet_is_read_or_refused_and_never_ends_the_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.imports.damaging", str(tmp_path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = dict(zip(done.stdout.split()[::2], map(int, done.stdout.split()[1::2]), strict=True))
    assert found.keys() == {"read", "refused"} and min(found.values()) > 50 and sum(found.values()) > 500


def test_places_outside_a_dictionary_are_refused(tmp_path: Path) -> None:
    """Of three labels, places take two bits, and the fourth is none.  The last bytes of the values are places."""
    labels = ["cat", "dog", "owl"] * 20
    whole = written(pa.table({"file": FILES * 20, "label": labels, "pred": labels}))
    path, end = tmp_path / "table.parquet", len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    refused = 0
    for place, bit in ((end - back, bit) for back in range(1, 11) for bit in (0, 1)):
        path.write_bytes(flipped(whole, place, bit))
        try:
            for chunk in open_table(path).read(("label", "pred"), ()):
                for values in chunk.values():
                    assert set(texts_of(values, guarded=False).to_pylist()) <= set(labels)
        except DataError as error:
            refused += "damaged" in str(error)
    assert refused > 0


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_arrays_are_read_or_refused(packing: int, tmp_path: Path) -> None:
    arrays = {"labels": np.arange(20) % 2, "pred_probs": np.tile([[0.75, 0.25], [0.25, 0.75]], (10, 1))}
    path = tmp_path / "table.npz"
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, values)
    whole = path.read_bytes()
    assert outcome(path) == "read"
    found = []
    for place in range(30, len(whole) - 200, 3):
        path.write_bytes(flipped(whole, place, place % 8))
        found.append(outcome(path))
    assert found.count("refused") > 20


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float32(), 2)])
def test_a_row_whose_list_is_missing_is_left_out(kind: pa.DataType, tmp_path: Path) -> None:
    probs = pa.array([CHANCES[0], None, CHANCES[2]], kind)
    pq.write_table(pa.table({"file": FILES, "label": LABELS, "probs": probs}), tmp_path / "t.parquet")
    found = read(tmp_path / "t.parquet", classes=("cat", "dog"))
    assert found.kept.tolist() == [0, 2] and FILES[1] in found.skipped[0]
    np.testing.assert_allclose(found.predictions.probabilities, [CHANCES[0], CHANCES[2]], atol=1e-6)


@pytest.mark.parametrize(
    "columns",
    [
        {"p:cat": pa.array([row[0] for row in CHANCES]), "p:dog": pa.array([row[1] for row in CHANCES])},
        {"probs": pa.array(CHANCES)},
        {"probs": pa.StructArray.from_arrays(list(map(pa.array, np.transpose(CHANCES))), ["cat", "dog"])},
    ],
    ids=["columns", "lists", "records"],
)
@pytest.mark.parametrize("digits", [9, 30, 60])
def test_decimal_scores_are_numbers(digits: int, columns: dict[str, pa.Array], tmp_path: Path) -> None:
    wide: Any = pa.decimal128 if digits < 39 else pa.decimal256
    path = tmp_path / "t.parquet"
    table = pa.table(
        {"file": FILES, "label": LABELS} | {name: _cast(each, wide(digits, 6)) for name, each in columns.items()}
    )
    pq.write_table(table, path)
    assert "decimal" in str(pq.read_schema(path))
    made = read(path, classes=("cat", "dog"))
    np.testing.assert_array_equal(made.predictions.probabilities, np.array(CHANCES, np.float32))


def _cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """The same values as decimals, also in lists and records."""

    def exact(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: exact(one) for name, one in value.items()}
        return [exact(one) for one in value] if isinstance(value, list) else decimal.Decimal(str(value))

    if pa.types.is_struct(values.type):
        kind = pa.struct([(field.name, kind) for field in values.type])
    elif pa.types.is_list(values.type):
        kind = pa.list_(kind)
    return pa.array(exact(values.to_pylist()), kind)


def test_infinity_is_text_as_any_number() -> None:
    values = pa.array([1.0, np.inf, -np.inf, 0.5, np.nan, None])
    assert texts_of(values, guarded=False).to_pylist() == ["1", "inf", "-inf", "0.5", "", ""]


def test_photos_in_a_table_do_not_count(tmp_path: Path) -> None:
    """As data sets have them: the pictures beside the predictions, which are not read."""
    photos = pa.array([{"bytes": os.urandom(2**20), "path": name} for name in FILES * 10])
    table = pa.table(
        {"file": [f"{n}.jpg" for n in range(30)], "label": LABELS * 10, "pred": LABELS * 10, "image": photos}
    )
    pq.write_table(table, tmp_path / "t.parquet")
    assert len(read(tmp_path / "t.parquet").predictions) == 30


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_table_that_goes_while_it_is_read(name: str, tmp_path: Path) -> None:
    path = frame({"file": FILES, "label": LABELS, "pred": LABELS}, name)(tmp_path)
    table = open_table(path)
    path.unlink()
    with pytest.raises(DataError, match=r"cannot be read|damaged") as caught:
        list(table.read(table.columns, ()))
    assert str(tmp_path) not in str(caught.value)
