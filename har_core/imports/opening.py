"""A file of predictions, in any of the usual forms → a table."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from har_core.errors import DataError
from har_core.imports.binary_tables import npz_table, parquet_table
from har_core.imports.json_tables import json_table
from har_core.imports.tables import MAX_COLUMNS, Table, shown
from har_core.imports.text_tables import csv_table

METADATA: Final = ("metadata.csv", "metadata.jsonl", "metadata.parquet", "samples.json", "labels.json")
"""What a folder of an export holds its table in: Hugging Face's `imagefolder`, FiftyOne."""


def open_table(path: Path) -> Table:
    """Open a file and read its first rows: CSV, TSV or other separators, JSON or JSON lines, Parquet, NPZ.

    The content decides, not the ending.  A folder stands for the table in it (see `METADATA`).

    Raises:
        DataError: in one sentence, if it is none of these, or larger than any such table.
    """
    if path.is_dir():
        inside = [path / name for name in METADATA if (path / name).is_file()]
        if len(inside) != 1:
            found = ", ".join(one.name for one in inside) or "none"
            raise DataError(
                f"expected one of {', '.join(METADATA)} in the folder {shown(path.name)}, found {found}; name the table itself"
            )
        path = inside[0]
    place = shown(path.name)
    try:
        with path.open("rb") as file:
            start = file.read(16)
        if not start:
            raise DataError(f"expected a table in {place}, found an empty file; export the predictions again")
        if start.startswith(b"PAR1"):
            table = parquet_table(path, place)
        elif start.startswith(b"PK\x03\x04"):
            table = npz_table(path, place)
        elif start.startswith((b"\x93NUMPY", b"\x89HDF", b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"ARROW1", b"\x80")):
            raise DataError(
                f"expected CSV, TSV, JSON lines, Parquet or NPZ in {place}, found another kind of file; save the table as one "
                "of these"
            )
        elif start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
            table = json_table(path, place)
        else:
            table = csv_table(path, place)
    except OSError as error:
        raise DataError(
            f"expected a table in {place}, found what cannot be read ({error.strerror or 'damaged'}); check the path"
        ) from error
    if not 1 <= len(table.head) <= MAX_COLUMNS:
        raise DataError(
            f"expected 1 to {MAX_COLUMNS:,} columns in {place}, found {len(table.head):,}; keep those of the predictions"
        )
    return table
