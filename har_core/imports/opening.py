"""A file of predictions, in any of the usual forms → a table."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from har_core.errors import DataError
from har_core.imports.binary_tables import npz_table, parquet_table
from har_core.imports.json_tables import encoding_of, json_table
from har_core.imports.kinds import other_kind
from har_core.imports.lists import with_lists
from har_core.imports.named_scores import with_named_scores
from har_core.imports.percents import with_percents
from har_core.imports.summaries import without_summaries
from har_core.imports.tables import MAX_COLUMNS, Chunk, Reader, Table, reason_shown, shown
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
    with _readable(place):
        with path.open("rb") as file:
            start = file.read(4096)
        if not start:
            raise DataError(f"expected a table in {place}, found an empty file; export the predictions again")
        if (kind := other_kind(path, start)) is not None:
            raise DataError(
                f"expected CSV, TSV, JSON lines, Parquet or NPZ in {place}, found {kind.found}; {kind.remedy}"
            )
        if start.startswith(b"PAR1"):
            table = parquet_table(path, place)
        elif start.startswith(b"PK\x03\x04"):
            table = npz_table(path, place)
        elif encoding_of(start) is not None:
            table = json_table(path, place)
        else:
            table = csv_table(path, place)
        table = without_summaries(with_percents(with_lists(with_named_scores(table))))
    if not 1 <= len(table.head) <= MAX_COLUMNS:
        raise DataError(
            f"expected 1 to {MAX_COLUMNS:,} columns in {place}, found {len(table.head):,}; keep those of the predictions"
        )
    return replace(table, read=_checked(table))


def _checked(table: Table) -> Reader:
    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        with _readable(table.place):
            yield from table.read(texts, numbers)

    return read


@contextmanager
def _readable(place: str) -> Iterator[None]:
    """What libraries raise over a damaged file → DataError."""
    try:
        yield
    except (OSError, ValueError, TypeError, OverflowError, zipfile.BadZipFile, pa.ArrowException) as error:
        raise DataError(
            f"expected a table in {place}, found what cannot be read ({reason_shown(error)}); save it again, or check "
            "the path"
        ) from error
