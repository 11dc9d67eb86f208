"""Tables that are packed by themselves, as pandas writes `table.csv.gz`."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Any

from har_core.errors import DataError
from har_core.imports.tables import reason_shown, shown
from har_core.media.layout import is_system_file

_OPENERS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
_SUFFIXES = (".gz", ".gzip", ".bz2", ".xz", ".zip")
_CHUNK = 2**22
_TABLES = (".csv", ".tsv", ".txt", ".tab", ".json", ".jsonl", ".ndjson", ".parquet", ".pq", ".npz")
_HEAD = 6


def unpacked(path: Path, folder: Path, *, most: int) -> Path:
    """The table that a file of gzip, bzip2, xz or zip packs, written into a folder; the file itself if it packs none.

    Args:
        folder: for what is unpacked; it must exist.
        most: the bytes that a table may have.

    Raises:
        DataError: if it is damaged, unpacks to more, or a zip holds several tables.
    """
    place, target = shown(path.name), folder / unpacked_name(path.name)
    if target == path:  # packed under the name of a table
        target = folder / f"unpacked {path.name}"
    with path.open("rb") as file:
        start = file.read(_HEAD)
    opener = next((one for magic, one in _OPENERS.items() if start.startswith(magic)), None)
    try:
        if opener is not None:
            with opener(path) as packed:
                return _written(packed, target, place, most)
        if not start.startswith(b"PK\x03\x04") or (member := _only_table(path, place)) is None:
            return path
        with zipfile.ZipFile(path) as archive, archive.open(member) as packed:
            return _written(packed, target, place, most)
    except (
        EOFError,
        ValueError,
        lzma.LZMAError,
        zlib.error,
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise _damaged(place, error) from error
    except OSError as error:
        if error.errno is None:  # of gzip and bzip2
            raise _damaged(place, error) from error
        raise DataError(f"expected room to unpack {place}, found none; unpack it yourself") from error


def unpacked_name(name: str) -> str:
    """'table.csv.gz' → 'table.csv', of any other name the name itself."""
    suffix = next((one for one in _SUFFIXES if name.lower().endswith(one)), "")
    return name[: len(name) - len(suffix)] or name


def _only_table(path: Path, place: str) -> zipfile.ZipInfo | None:
    """The one table of a zip; None where there is something else, as the arrays of NumPy."""
    with zipfile.ZipFile(path) as archive:
        members = [one for one in archive.infolist() if not one.is_dir() and not _is_of_system(one.filename)]
    tables = [one for one in members if PurePosixPath(one.filename).suffix.lower() in _TABLES]
    if len(tables) < len(members) or not tables:
        return None
    if len(tables) > 1:
        raise DataError(
            f"expected one table in {place}, found {len(tables):,} ({shown(tables[0].filename)}, {shown(tables[1].filename)}"
            f"{' and more' if len(tables) > 2 else ''}); bring one of them"
        )
    if tables[0].flag_bits & 1:
        raise DataError(
            f"expected a table in {place}, found a zip with a password; unpack it, and bring the table in it"
        )
    return tables[0]


def _is_of_system(name: str) -> bool:
    return any(map(is_system_file, PurePosixPath(name.replace("\\", "/")).parts))


def _written(packed: IO[bytes], path: Path, place: str, most: int) -> Path:
    size = 0
    with path.open("xb") as output:
        while chunk := packed.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise DataError(
                    f"expected at most {most / 10**6:,.0f} MB of table in {place}, found more once it was unpacked; split it"
                )
            output.write(chunk)
    return path


def _damaged(place: str, error: Exception) -> DataError:
    return DataError(
        f"expected a packed table in {place}, found a damaged file ({reason_shown(error)}); pack it again, or copy it again"
    )
