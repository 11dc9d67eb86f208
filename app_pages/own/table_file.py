"""An uploaded file → a table of predictions, or one sentence that says what was expected; within limits for a shared server."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path, PurePath
from typing import IO

import numpy as np
import pyarrow as pa

from har_core.errors import DataError
from har_core.files import printable, reason_of
from har_core.imports.json_tables import encoding_of, is_in_lines
from har_core.imports.opening import open_table
from har_core.imports.packed import unpacked
from har_core.imports.tables import Table, shown

MAX_BYTES = 200 * 10**6
"""Of a table; more than the server's `maxUploadSize` cannot come."""
MAX_ROWS, MAX_VALUES = 2_000_000, 10**8
"""Rows, and rows times classes, of a table that is read beside other visitors."""

_MAX_JSON, _MAX_ARRAYS, _MAX_ENTRIES, _MAX_UNPACKED = 50 * 10**6, 2**30, 10_000, 10**9
_CHUNK = 2**22


def stored(file: IO[bytes], name: str, folder: Path) -> Path:
    """Write an upload into a folder, which is created, once and a piece at a time; returns its path, of a packed table that of the
    table.

    Args:
        name: as the visitor's computer calls it; the path ends with what of it can be a name.
    """
    last = printable(PurePath(name.replace("\\", "/")).name)[-60:].strip(". ") or "table"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / last
    file.seek(0)
    try:
        with path.open("wb") as output:
            shutil.copyfileobj(file, output, _CHUNK)
    except OSError as error:  # its words name the server's folder
        raise DataError(f"expected room for {shown(last)}, found none; try a smaller one") from error
    if _entries(path) > _MAX_ENTRIES:
        return path
    table = unpacked(path, folder, most=_MAX_UNPACKED)
    if table != path:
        path.unlink()
    return table


def opened(path: Path) -> Table:
    """Open a table that a visitor brought.

    Raises:
        DataError: in one sentence, if it is another kind of file, damaged, or too large for a page.
    """
    _require_small(path)
    try:
        return open_table(path)
    except MemoryError as error:
        raise DataError(
            f"expected a table that fits into memory in {shown(path.name)}, found a larger one; split it"
        ) from error


def light(table: Table) -> Table:
    """The same table with its first rows copied: of arrays that are in memory, the others are let go.

    It cannot be read; open the file again for that.
    """
    rows = {name: values.take(pa.array(np.arange(len(values)))) for name, values in table.head.items()}

    def read(*_: object) -> object:
        raise AssertionError("open the file again")

    return replace(table, head=rows, read=read)  # type: ignore[arg-type]


def require_size(rows: int, classes: int, place: str) -> None:
    """Stop before more is read than a page may hold.

    Raises:
        DataError: if it is more.
    """
    if rows > MAX_ROWS or rows * max(classes, 1) > MAX_VALUES:
        raise DataError(
            f"expected at most {MAX_ROWS:,} rows, and {MAX_VALUES:,} rows times classes, in {place}, found more; import it on the "
            "command line with har-lens import"
        )


def _require_small(path: Path) -> None:
    place = shown(path.name)
    try:
        with path.open("rb") as file:
            start = file.read(4096)
        if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            _require_few_arrays(path, place)
        elif encoding_of(start) is not None:
            _require_small_json(path, place)
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise DataError(
            f"expected a table of predictions in {place}, found a damaged file ({shown(reason_of(error), 80)}); save it again"
        ) from error


def _require_few_arrays(path: Path, place: str) -> None:
    if _entries(path) > _MAX_ENTRIES:
        raise DataError(
            f"expected a table in {place}, found a zip of more than {_MAX_ENTRIES:,} files; bring the table"
        )
    with zipfile.ZipFile(path) as archive:
        arrays = [one.file_size for one in archive.infolist() if one.filename.endswith(".npy")]
    if sum(arrays) > _MAX_ARRAYS:
        raise DataError(f"expected arrays of at most 1 GB in {place}, found more; import them with har-lens import")


def _entries(path: Path) -> int:
    """How many entries a zip seems to have, before its directory is read into memory."""
    mark, count, tail = b"PK\x01\x02", 0, b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            seen = tail + chunk
            count += seen.count(mark)
            tail = seen[1 - len(mark) :]
    return count


def _require_small_json(path: Path, place: str) -> None:
    if path.stat().st_size > _MAX_JSON and not is_in_lines(path, place):
        raise DataError(
            f"expected at most {_MAX_JSON // 10**6} MB of JSON in {place}, found more; save it as JSON lines, CSV or Parquet"
        )
