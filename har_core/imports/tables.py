"""An opened table of predictions: its first rows, a way to read the others in bounded pieces, and what cells say."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import NoReturn, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from har_core.errors import DataError
from har_core.files import printable, reason_of
from har_core.imports.text_numbers import NULLS

MAX_ROWS, MAX_COLUMNS, HEAD_ROWS = 10**7, 10**4, 1000
FURTHER_ROWS, FOLLOWING_ROWS = 50_000, 100
MAX_TEXT = 4096
"""Characters of a cell with a name."""

_UNSEEN = "[\u00ad\u200b\u200e\u200f\u2060\ufeff]"
"""Characters without width that come along when texts are copied; joiners, which Persian and emoji are written with, are none."""

_AROUND = "^[\u200b\u2060\ufeff]+|[\\s\u00a0\u200b\u2060\ufeff]+$"
"""Those around the names of files, in which marks of direction may stand."""

_SPACES = "[\u00a0\u2007\u202f]"

T = TypeVar("T")
Chunk = Mapping[str, pa.Array]
"""Some rows: an array of one length for each column."""

Reader = Callable[[Collection[str], Collection[str]], Iterator[Chunk]]
"""(columns that hold text, columns that hold numbers) → the rows of these columns, in their order."""


@dataclass(frozen=True)
class Table:
    """An opened file.

    `form`: what it is, in words.  `head`: of each column, the first rows (see `head_of`), as text or numbers.
    `classes`: their names in the order of the file's own numbers, where it brings them.  `percent`: columns of numbers with percent
    signs, which are divided by 100 (`percents`).  `guarded`: whether spreadsheets may have been kept from reading its texts as
    formulas (`files.csv_bytes`).  `notes`: what was understood in a way that one should know.  `classes_from`: where `classes` are
    from, if that is to be told.  `summaries`: the names of rows that were left out so far (`summaries`).
    """

    place: str
    form: str
    head: Mapping[str, pa.Array]
    read: Reader
    classes: tuple[str, ...] | None = None
    guarded: bool = False
    percent: frozenset[str] = frozenset()
    rows: int | None = field(default=None)
    notes: tuple[str, ...] = ()
    classes_from: str | None = None
    summaries: dict[str, None] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.head)


def head_of(rows: Iterable[T], filled: Callable[[T], Iterable[object]]) -> list[T]:
    """The first `HEAD_ROWS` rows, and further down those that first fill a column, with some of the rows that follow.

    What a column is, is told by its values: predictions may begin below thousands of rows that have none.

    Args:
        filled: the columns in which a row has a value.
    """
    rows = iter(rows)
    head = list(islice(rows, HEAD_ROWS))
    seen = {column for row in head for column in filled(row)}
    following = 0
    for row in islice(rows, FURTHER_ROWS):
        first = set(filled(row)) - seen
        seen |= first
        following = FOLLOWING_ROWS if first else following - 1
        if first or (following > 0 and len(head) < 2 * HEAD_ROWS):
            head.append(row)
    return head


def memory_table(
    place: str, form: str, columns: Mapping[str, pa.Array], classes: tuple[str, ...] | None = None
) -> Table:
    """A table of columns that are in memory, all of one length.

    Raises:
        DataError: if they are not.
    """
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        (one, first), (other, second) = next((a, b) for a in lengths.items() for b in lengths.items() if a[1] != b[1])
        raise DataError(
            f"expected columns of one length in {place}, found {first:,} values of {shown(one)} and {second:,} of "
            f"{shown(other)}; save them together again"
        )
    count = next(iter(lengths.values()), 0)

    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        names = dict.fromkeys([*texts, *numbers])
        step = chunk_rows(len(names))
        for start in range(0, count, step):
            yield {name: columns[name].slice(start, step) for name in names}

    return Table(
        place, form, {name: values.slice(0, HEAD_ROWS) for name, values in columns.items()}, read, classes, rows=count
    )


def chunk_rows(columns: int) -> int:
    """How many rows of so many columns are held at once: some tens of megabytes."""
    return max(500, min(2**16, 4_000_000 // max(columns, 1)))


def texts_of(values: pa.Array, *, guarded: bool, names: bool = False) -> pa.Array:
    """Cells as text: without spaces around, whole numbers without a point, an empty text where there is none.

    Args:
        guarded: take away the apostrophe that `files.csv_bytes` puts before what looks like a formula, and no other.
        names: whether they are names of files, which may begin with a space (see `names.unpadded`).
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_floating(values.type):
        numbers = values.to_numpy(zero_copy_only=False)
        return pa.array(
            ["" if one != one else f"{one:.0f}" if one.is_integer() else repr(float(one)) for one in numbers.tolist()],
            pa.string(),
        )
    try:
        text = values if pa.types.is_string(values.type) else values.cast(pa.string())
    except pa.ArrowException:
        text = pa.array([None if one is None else str(one) for one in values.to_pylist()], pa.string())
    text = pc.fill_null(text, "")
    if not pc.all(pc.string_is_ascii(text)).as_py():
        text = pc.replace_substring_regex(text, _AROUND if names else _UNSEEN, "")
        text = text if names else pc.replace_substring_regex(text, _SPACES, " ")
    text = pc.utf8_rtrim_whitespace(text) if names else pc.utf8_trim_whitespace(text)
    if guarded:
        # As in files.csv_bytes: cells that begin as formulas do and are no numbers.
        is_guarded = pc.match_substring_regex(text, r"(?s)^'[=+\-@\t\r\n]")
        if pc.any(is_guarded).as_py():
            bare = pc.utf8_slice_codeunits(text, 1)
            number = pc.match_substring_regex(bare, r"^[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?$")
            text = pc.if_else(pc.and_(is_guarded, pc.invert(number)), bare, text)
    return text


def visible(text: str) -> str:
    """A text without characters that cannot be seen, and with plain spaces, as `texts_of` reads it."""
    return text if text.isascii() else re.sub(_SPACES, " ", re.sub(_UNSEEN, "", text))


def numbers_of(values: pa.Array, table: Table, column: str, row: int) -> np.ndarray:
    """Cells as float64, NaN where there is none.

    Args:
        row: the number of the first, for the error.

    Raises:
        DataError: naming the first that is no number.
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    try:
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            text = pc.utf8_trim_whitespace(values)
            values = pc.if_else(pc.is_in(text, value_set=pa.array(NULLS, text.type)), None, text)
        return np.asarray(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
    except (pa.ArrowException, TypeError, ValueError):
        for place, one in enumerate(values.to_pylist(), start=row):
            try:
                float(one if one is not None else "nan")
            except (TypeError, ValueError):
                not_a_number(table.place, column, place, str(one))
        raise DataError(
            f"expected numbers in the column {shown(column)} of {table.place}, found {values.type}; name another column"
        ) from None


def not_a_number(place: str, column: str, row: int | None, value: str, what: str = "numbers") -> NoReturn:
    """Stop at a cell that should hold a number."""
    where = f" in row {row:,}" if row is not None else ""
    raise DataError(
        f"expected {what} in the column {shown(column)} of {place}, found {shown(value)!r}{where}; mend the table, or name "
        "another column"
    ) from None


def reason_shown(error: Exception) -> str:
    """What a library says of a damaged file, short.  What Arrow says of a file that is not there names the server's folder."""
    of_system = isinstance(error, OSError) and error.errno
    return os.strerror(of_system) if of_system else shown(reason_of(error), 120)


def shown(text: str, length: int = 60) -> str:
    """A name from a file as an error shows it: printable and short."""
    text = printable(text[: length + 1])
    return text if len(text) <= length else text[: length - 1] + "…"
