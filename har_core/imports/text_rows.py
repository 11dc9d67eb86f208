"""The rows of a text table, streamed: by Arrow's reader of CSV, and by Python's from where Arrow's would read another table."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from har_core.data.labels_file import DELIMITERS
from har_core.errors import DataError
from har_core.imports.repeats import named
from har_core.imports.tables import Chunk, chunk_rows, not_a_number, shown
from har_core.imports.text_numbers import NULLS, as_numbers, first_fault

MAX_LINE = 2**20

_BLOCK, _OVERLAP = 8 * 2**20, 4096
_END = "the end of the table"
_BOLD = re.compile(r"\s*(?P<mark>\*{1,3})(?P<inside>[^\s*](?:[^*]*[^\s*])?)(?P=mark)\s*")
_CODE = re.compile(r"\s*(?P<mark>`+)\s*(?P<inside>[^`]+|(?<=``).+?)\s*(?P=mark)\s*")
_LINK = re.compile(r"\s*!?\[(?P<text>[^\[\]]*)\]\((?P<target>[^()\s]+)\)\s*")


class Layout(NamedTuple):
    """`start`: the byte at which the line after the header begins.  `spaced`: see `is_spaced`.  `markdown`: see `unmarked`.

    `repeated`: whether rows repeat the header, as where tables were put together; they are left out.
    """

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    start: int
    spaced: bool
    decimal: str
    markdown: bool = False
    repeated: bool = False


def csv_rows(lines: Iterable[str], delimiter: str, *, spaced: bool, partial: bool = False) -> Iterator[list[str]]:
    """Rows as Python's csv module reads them, without those whose cells are all empty, as spreadsheets leave them.

    Args:
        lines: with their ends, split where `newline=""` splits them.
        spaced: whether spaces after a separator belong to no value.
        partial: whether the lines are the first of a file: a row that they cut is left out.

    Raises:
        csv.Error: as the csv module does, and if a quotation mark is never closed.
    """
    ended = False

    def fed() -> Iterator[str]:
        nonlocal ended
        yield from lines
        ended = True
        yield _END  # the csv module takes the end of a file for a closing quotation mark

    for row in csv.reader(fed(), delimiter=delimiter, skipinitialspace=spaced):
        if ended:
            if row != [_END] and not partial:
                raise csv.Error("a quotation mark is never closed")
            return
        if any(map(str.strip, row)):
            yield row


def unmarked(cells: Sequence[str]) -> list[str]:
    """Cells of Markdown without what makes them bold, italic, code, a link or a picture.

    Underscores stay: classes are called __background__.
    """
    found = []
    for cell in cells:
        if (bold := _BOLD.fullmatch(cell)) is not None:
            cell = bold["inside"]
        if (link := _LINK.fullmatch(cell)) is not None:
            cell = link["text"] or link["target"]
        code = _CODE.fullmatch(cell)
        found.append(code["inside"] if code is not None else cell)
    return found


def is_spaced(path: Path, encoding: str, delimiter: str, start: int) -> bool:
    """Whether a quotation mark stands behind a separator and spaces.

    People and some programs write `a, "b, c"`.  The csv module can read it so, Arrow takes the marks for a part of the value.
    """
    space, mark = " ".encode(encoding), '"'.encode(encoding)
    ends = b"|".join(re.escape(one.encode(encoding)) for one in (delimiter, "\r", "\n"))
    # Two marks before a letter are one mark inside a quoted value.
    pattern = re.compile(b"(?:%b)(?:%b)+%b(?!%b(?!%b|%b|$))" % (ends, space, mark, mark, ends, mark))
    with path.open("rb") as file:
        file.seek(start)
        data = "\n".encode(encoding)
        while block := file.read(_BLOCK):
            data += block
            # Single bytes are found at once.
            if mark in data and space in data and space + mark in data and pattern.search(data):
                return True
            data = data[-_OVERLAP:]
    return False


def stream(path: Path, place: str, layout: Layout, texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
    """The rows of some columns.

    Raises:
        DataError: in one sentence, naming a row that cannot be read.
    """
    done, ended = 0, False
    if not (layout.spaced or layout.markdown or layout.repeated):
        try:
            for chunk in _by_arrow(path, layout, texts, numbers):
                if ended:  # a row that looks like it
                    ended = False
                    break
                if ended := _is_end(chunk, numbers):
                    chunk = {name: values[:-1] for name, values in chunk.items()}
                if _has_blank_row(chunk):  # whether it is blank, the other columns tell as well
                    ended = False
                    break
                if count := len(next(iter(chunk.values()))):
                    yield chunk
                done += count
        except (pa.ArrowException, UnicodeError):
            ended = False  # Arrow's threads lose the numbers of rows: the csv module finds out what is wrong, and where
    if not ended:
        yield from _by_csv(path, place, layout, texts, numbers, done)


def _by_arrow(path: Path, layout: Layout, texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
    place = {name: str(number) for number, name in enumerate(layout.header)}
    wanted = dict.fromkeys([*texts, *numbers])
    last = layout.delimiter.join("" if name in numbers else _END for name in layout.header)
    with path.open("rb") as file:
        file.seek(layout.start)
        reader = pa_csv.open_csv(
            _Ended(file, f"\n{last}\n".encode(layout.encoding)),
            read_options=pa_csv.ReadOptions(
                block_size=_BLOCK, column_names=list(place.values()), encoding=layout.encoding
            ),
            parse_options=pa_csv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                include_columns=[place[name] for name in wanted],
                column_types={place[name]: pa.float64() if name in numbers else pa.string() for name in wanted},
                null_values=NULLS,
                strings_can_be_null=False,
                decimal_point=layout.decimal,
            ),
        )
        with reader:
            for batch in reader:
                yield dict(zip(wanted, batch.columns, strict=True))


class _Ended(io.BufferedIOBase):
    """A file with a row more: Arrow, too, takes the end of a file for a closing quotation mark."""

    def __init__(self, file: IO[bytes], row: bytes) -> None:
        self._parts = (file, io.BytesIO(row))

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._parts[0].read(size or 0) or self._parts[1].read(size)


def _is_end(chunk: Chunk, numbers: Collection[str]) -> bool:
    """Whether the last row is the one that was added."""
    return all(
        len(values) and values[-1].as_py() == (None if name in numbers else _END) for name, values in chunk.items()
    )


def _has_blank_row(chunk: Chunk) -> bool:
    """Whether a row has no value in any of these columns."""
    blank: pa.Array | None = None
    for values in chunk.values():
        own = pc.is_null(values)
        if pa.types.is_string(values.type):
            own = pc.equal(pc.utf8_trim_whitespace(values), "")
        blank = own if blank is None else pc.and_(blank, own)
        if not pc.any(blank).as_py():
            return False
    return True


def _by_csv(
    path: Path, place: str, layout: Layout, texts: Collection[str], numbers: Collection[str], done: int
) -> Iterator[Chunk]:
    """The rows after the first `done`."""
    wanted = {name: layout.header.index(name) for name in dict.fromkeys([*texts, *numbers])}
    step = chunk_rows(len(layout.header))
    with path.open("rb") as binary:
        binary.seek(layout.start)
        lines = _lines(io.TextIOWrapper(binary, layout.encoding, newline=""), place)
        rows = csv_rows(lines, layout.delimiter, spaced=layout.spaced)
        if layout.repeated:
            header = list(layout.header)
            rows = (row for row in rows if named(row) != header)
        rows = islice(rows, done, None)
        while piece := _some(rows, step, place):
            check_lengths(piece, layout.header, layout.delimiter, place, done)
            if layout.markdown:
                piece = [unmarked(row) for row in piece]
            columns = {name: pa.array([row[number] for row in piece], pa.string()) for name, number in wanted.items()}
            yield {
                name: _checked(values, name, layout, place, done) if name in numbers else values
                for name, values in columns.items()
            }
            done += len(piece)


def _some(rows: Iterator[list[str]], count: int, place: str) -> list[list[str]]:
    try:
        return list(islice(rows, count))
    except csv.Error as error:
        not_a_table(place, error)
    except UnicodeDecodeError:
        not_text(place, "invalid characters", None)


def _lines(file: IO[str], place: str) -> Iterator[str]:
    while line := file.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            too_long(place)
        yield line


def check_lengths(rows: list[list[str]], names: Sequence[str], delimiter: str, place: str, done: int = 0) -> None:
    """Stop at a row of another length than the header's.

    Args:
        done: the number of rows before them.
    """
    for number, row in enumerate(rows, start=done + 1):
        if len(row) == len(names):
            continue
        other = next((one for one in DELIMITERS if len(row) == 1 and one != delimiter and one in row[0]), None)
        if other is not None:
            raise DataError(
                f"expected one separator in all of {place}, found {DELIMITERS[delimiter]} in its header and "
                f"{DELIMITERS[other]} in row {number:,}; save it as CSV again"
            )
        raise DataError(
            f"expected {len(names):,} values in row {number:,} of {place}, as in its header, found {len(row):,}; mend the row (a "
            "value that contains the separator needs quotes)"
        )


def _checked(texts: pa.Array, name: str, layout: Layout, place: str, done: int) -> pa.Array:
    convert = partial(as_numbers, decimal=layout.decimal)
    try:
        return convert(texts)
    except pa.ArrowInvalid:
        row = first_fault(texts, convert)
    not_a_number(place, name, done + row + 1, texts[row].as_py())


def too_long(place: str) -> NoReturn:
    raise DataError(
        f"expected lines of less than 1 MB in {place}, found a longer one; save the table with one row a line"
    )


def not_text(place: str, reason: str, error: Exception | None) -> NoReturn:
    raise DataError(
        f"expected a table in UTF-8 in {place}, found something else ({reason}); save it as CSV UTF-8, or as Parquet"
    ) from error


def not_a_table(place: str, error: csv.Error) -> NoReturn:
    reason = shown(str(error), 100)
    if "field limit" in reason:
        reason = "a value of more than 130,000 characters, or a quotation mark that is never closed"
    raise DataError(
        f"expected a table in {place}, found what cannot be read ({reason}); save it as CSV again"
    ) from error
