"""A list of names, one a line or a CSV → the photos that it names, line by line."""

from __future__ import annotations

import csv
import io
import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

from har_core.data.labels_file import (
    DELIMITERS,
    LABEL_COLUMNS,
    best_delimiter,
    file_places,
    places_of,
    without_separator_line,
)
from har_core.data.listed_names import without_scheme
from har_core.errors import ConfigError, DataError
from har_core.files import printable, reason_of
from har_core.media.layout import PHOTO_SUFFIXES, TABLE_SUFFIXES
from har_core.media.texts import decode_certain
from har_core.scoring import places
from har_core.scoring.photos import Entry

_BUCKETS = ("s3://", "gs://")
_TABLES = tuple(TABLE_SUFFIXES)
_NAME_AND_MORE = re.compile(r".*\.(?:jpe?g|png|webp)[\"']?\s*[ \t,;|]\s*\S.*", re.IGNORECASE)
"""The name of a photo and a label, without a line that names the columns."""

_START = 1 << 16  # bytes that tell the encoding


def listed(place: str) -> Iterator[Entry]:
    """The photos of a list, line by line.

    It is in UTF-8, UTF-16, or a code page that its begin tells with certainty.  Its first line names the columns, separated by commas, semicolons, tabs or
    bars; without them it has one name a line.

    Raises:
        DataError: if it is not in UTF-8, its first line has two columns of names, or its lines have more than a name and no first
            line says what.
    """
    called = printable(places.base_name(place))[:80]
    try:
        with places.open_file(place) as file:
            start = file.read(_START)
            told = decode_certain(start, more=len(start) == _START)
            file.seek(told.mark)
            with io.TextIOWrapper(file, told.encoding, newline="") as lines:
                first = next((line for line in lines if without_separator_line(line).strip()), "")
                headers = {each: next(csv.reader([first], delimiter=each), []) for each in DELIMITERS}
                delimiter = best_delimiter(headers)
                columns = _columns(headers[delimiter], called)
                if columns is None:
                    _require_name(first.rstrip("\r\n"), headers[delimiter], place, called)
                    for line in itertools.chain([first], lines):
                        if (line := line.rstrip("\r\n")).strip():
                            yield named(line, place)
                    return
                spaced = f"{delimiter} " in first
                for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=spaced):
                    name = row[columns[0]] if columns[0] < len(row) else ""
                    label = row[columns[1]].strip() if columns[1] is not None and columns[1] < len(row) else ""
                    if name.strip():
                        yield named(name, place, label or None)
    except (UnicodeError, csv.Error) as error:
        raise DataError(
            f"expected names in UTF-8, one a line or a column filename, in {called}, found something else; save it so"
        ) from error
    except OSError as error:
        raise DataError(f"expected a list that can be read, found {called} ({reason_of(error)}); check it") from error


def _require_name(line: str, values: list[str], place: str, called: str) -> None:
    """Refuse a list whose first line is neither that of columns nor one name.

    Raises:
        DataError: saying what the line is to be.
    """
    parts = not _has_photo_suffix(line) and _NAME_AND_MORE.fullmatch(line.strip())
    is_table = called.lower().endswith(_TABLES) and (
        len(values) > 1 or not _has_photo_suffix(values[0] if values else "")
    )
    if not (is_table or parts) or not line or is_there(_whole(line, place)):
        return
    raise DataError(
        f"expected a first line with a column filename, and perhaps one label, in {called}, found {printable(line)[:80]}; name "
        "these columns so, separated by commas"
    )


def named(name: str, table: str, true: str | None = None) -> Entry:
    """A photo that a list or table names.  One from a bucket names photos of buckets alone.

    Backslashes, `file://`, and quotes and spaces around a name are understood where there is no photo of the name as it is written.
    """
    if "\0" in name:
        return Entry(
            shown(name.replace("\0", "\\x00")), table, true=true, problem=f"{printable(name)[:80]} is no file name."
        )
    if name != (plain := _plain(name)) and (places.is_url(table) or not is_there(_whole(name, table))):
        name = plain
    whole = _whole(name, table)
    if places.is_url(table):
        outside = name.startswith("/") or ".." in name.split("/")
        problem = f"{printable(name)[:80]} leads out of the folder of the list." if outside else None
        return Entry(name, whole, true=true, problem=problem)
    return Entry(name, whole, true=true)


def _whole(name: str, table: str) -> str:
    if name.startswith(_BUCKETS) or (name.startswith("/") and not places.is_url(table)):
        return name
    return places.join(places.parent(table), name)


def _plain(name: str) -> str:
    name = name.strip()
    if len(name) > 2 and name[0] == name[-1] == '"':
        name = name[1:-1].replace('""', '"')
    name = without_scheme(name)
    return name if name.startswith(_BUCKETS) else name.replace("\\", "/")


def is_there(place: str) -> bool:
    """Whether there is a file on this machine; not of a bucket."""
    try:
        return not places.is_url(place) and Path(place).is_file()
    except (ConfigError, OSError, ValueError):
        return False


def _has_photo_suffix(name: str) -> bool:
    return name.strip().lower().endswith(tuple(PHOTO_SUFFIXES))


def _columns(header: list[str], called: str) -> tuple[int, int | None] | None:
    """The places of the names and of the labels; None if the first line is a name itself."""
    bare = [name.strip('" \r\n') for name in header]
    names, labels = file_places(bare), places_of(bare, LABEL_COLUMNS)
    if not names:
        return None
    if len(names) > 1 or len(labels) > 1:
        raise DataError(
            f"expected one column filename and at most one column label in {called}, found more; rename the others"
        )
    return names[0], labels[0] if labels else None


def shown(name: str) -> str:
    """A name as text that UTF-8 can encode, whatever bytes are in it."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
