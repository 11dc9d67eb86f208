"""A list of names, one a line or a CSV → the photos that it names, line by line."""

from __future__ import annotations

import csv
import io
import itertools
import os
from collections.abc import Iterator

from har_core.data.labels_file import FILE_COLUMNS, LABEL_COLUMNS, places_of
from har_core.errors import DataError
from har_core.files import printable, reason_of
from har_core.scoring import places
from har_core.scoring.photos import Entry


def listed(place: str) -> Iterator[Entry]:
    """The photos of a list, line by line.

    Raises:
        DataError: if it is not in UTF-8, or its first line has two columns of names.
    """
    called = printable(places.base_name(place))[:80]
    try:
        with places.open_file(place) as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as lines:
            first = lines.readline()
            delimiter = next((one for one in "\t,;" if one in first), ",")
            columns = _columns(first.strip().split(delimiter), called)
            if columns is None:
                for line in itertools.chain([first], lines):
                    if line := line.rstrip("\r\n"):
                        yield named(line, place)
                return
            for row in csv.reader(lines, delimiter=delimiter):
                name = row[columns[0]] if columns[0] < len(row) else ""
                label = row[columns[1]] if columns[1] is not None and columns[1] < len(row) else ""
                if name:
                    yield named(name, place, label or None)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"expected names in UTF-8, one a line or a column filename, in {called}, found something else; save it so"
        ) from error
    except OSError as error:
        raise DataError(f"expected a list that can be read, found {called} ({reason_of(error)}); check it") from error


def named(name: str, table: str, true: str | None = None) -> Entry:
    """A photo that a list or table names.  One from a bucket names photos of buckets alone."""
    if "\0" in name:
        return Entry(
            shown(name.replace("\0", "\\x00")), table, true=true, problem=f"{printable(name)[:80]} is no file name."
        )
    if places.is_url(table):
        whole = name if name.startswith(("s3://", "gs://")) else places.join(places.parent(table), name)
        outside = name.startswith("/") or ".." in name.split("/")
        problem = f"{printable(name)[:80]} leads out of the folder of the list." if outside else None
        return Entry(name, whole, true=true, problem=problem)
    whole = name if name.startswith(("s3://", "gs://", "/")) else places.join(places.parent(table), name)
    return Entry(name, whole, true=true)


def _columns(header: list[str], called: str) -> tuple[int, int | None] | None:
    """The places of the names and of the labels; None if the first line is a name itself."""
    bare = [name.strip('" ') for name in header]
    names, labels = places_of(bare, FILE_COLUMNS), places_of(bare, LABEL_COLUMNS)
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
