"""CSV and its kin, streamed: the separator, the encoding and the decimal point are told from the content."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from har_core.errors import DataError
from har_core.imports.headers import FILE, plain
from har_core.imports.lists import with_lists
from har_core.imports.tables import HEAD_ROWS, MAX_COLUMNS, Chunk, Table, not_a_number, shown

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_START, _MAX_LINE, _BLOCK = 4 * 2**20, 2**20, 8 * 2**20
_NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "None", "-nan"]
_PERCENT = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?\s*%")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?")


class _Layout(NamedTuple):
    """`skipped`: lines up to the first row.  `percent`: the columns whose values end with that sign."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    skipped: int
    decimal: str
    percent: frozenset[str]


def csv_table(path: Path, place: str) -> Table:
    """Open a text table with a header.

    Raises:
        DataError: if it is no text, or has no header, or rows of another length.
    """
    with path.open("rb") as file:
        start = file.read(_START)
        more = bool(file.read(1))
    encoding, text = _decoded(start, place, more=more)
    lines = text.splitlines(keepends=True)
    if more:
        lines = lines[:-1]  # cut
    longest = max((len(line) for line in lines[: HEAD_ROWS + 1]), default=len(text))
    if longest > _MAX_LINE:
        raise DataError(
            f"expected lines of less than 1 MB in {place}, found a longer one; save the table with one row a line"
        )
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise DataError(f"expected a table in {place}, found blank lines alone; export the predictions again")
    said = re.fullmatch(r'"?sep=(.)"?', lines[first].strip("\r\n"))
    first += said is not None  # as spreadsheets write it
    body = "".join(lines[first : first + HEAD_ROWS + 1])
    try:
        parsed = {
            one: list(csv.reader(io.StringIO(body, newline=""), delimiter=one, skipinitialspace=True))
            for one in _DELIMITERS
        }
    except csv.Error as error:
        raise DataError(
            f"expected a table in {place}, found what cannot be read ({shown(str(error), 100)}); save it as CSV again"
        ) from error
    delimiter = said[1] if said and said[1] in _DELIMITERS else max(_DELIMITERS, key=lambda one: _fitness(parsed[one]))
    header, *rows = parsed[delimiter] or [[""]]
    names = _header(header, place)
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if rows and more and len(rows) > 1 and len(rows[-1]) != len(names):
        rows.pop()  # a quoted line break may have cut it
    if not rows:
        raise DataError(f"expected rows below the header of {place}, found none; export the predictions again")
    _check_lengths(rows, names, delimiter, place)
    columns = {name: [row[number] for row in rows] for number, name in enumerate(names)}
    percent = frozenset(name for name, cells in columns.items() if _has_percents(cells))
    for name in percent:
        columns[name] = [cell.replace("%", "").strip() for cell in columns[name]]
    decimal = "," if delimiter != "," and any(map(_has_decimal_commas, columns.values())) else "."
    layout = _Layout(encoding, delimiter, tuple(names), first + 1, decimal, percent)
    head = {
        name: pa.array(
            [cell.replace(",", ".") for cell in cells] if decimal == "," and _has_decimal_commas(cells) else cells,
            pa.string(),
        )
        for name, cells in columns.items()
    }

    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        return _stream(path, place, layout, texts, numbers)

    form = f"text with {_DELIMITERS[delimiter]} between the columns"
    return with_lists(Table(place, form, head, read, guarded=True))


def _decoded(start: bytes, place: str, *, more: bool) -> tuple[str, str]:
    utf16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if utf16 else "utf-8-sig"
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(start, final=not more)
    except UnicodeDecodeError as error:
        _not_text(place, str(error.reason), error)
    if "\0" in text:
        _not_text(place, "it has NUL characters", None)
    return "utf-16" if utf16 else "utf-8", text


def _not_text(place: str, reason: str, error: Exception | None) -> NoReturn:
    raise DataError(
        f"expected a table in UTF-8 in {place}, found something else ({reason}); save it as CSV UTF-8, or as Parquet"
    ) from error


def _fitness(rows: list[list[str]]) -> tuple[bool, bool, int]:
    """How well a separator fits: a file column in the header, rows as long as it, many columns."""
    header = rows[0] if rows else []
    known = any(plain(name.strip()) in FILE for name in header)
    even = all(len(row) == len(header) for row in rows if row)
    return len(header) > 1 and known, len(header) > 1 and even, len(header)


def _header(cells: list[str], place: str) -> list[str]:
    if len(cells) > MAX_COLUMNS:
        raise DataError(
            f"expected at most {MAX_COLUMNS:,} columns in {place}, found {len(cells):,}; keep those of the predictions"
        )
    names = [cell.strip() or f"column {number}" for number, cell in enumerate(cells, start=1)]
    if len(names) < 2:
        raise DataError(
            f"expected columns separated by commas, semicolons, tabs or bars in {place}, found one column "
            f"({shown(names[0])!r}); export the file names, labels and predictions together"
        )
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(
                f"expected columns of different names in {place}, found two called {shown(name)!r}; rename one"
            )
        seen.add(name)
    return names


def _check_lengths(rows: list[list[str]], names: list[str], delimiter: str, place: str) -> None:
    for number, row in enumerate(rows, start=1):
        if len(row) == len(names):
            continue
        other = next((one for one in _DELIMITERS if len(row) == 1 and one != delimiter and one in row[0]), None)
        if other is not None:
            raise DataError(
                f"expected one separator in all of {place}, found {_DELIMITERS[delimiter]} in its header and "
                f"{_DELIMITERS[other]} in row {number:,}; save it as CSV again"
            )
        _ragged(place, number, len(names), len(row))


def _ragged(place: str, row: int | None, expected: int, found: int) -> NoReturn:
    where = f"in row {row:,}" if row is not None else "in a row"
    raise DataError(
        f"expected {expected:,} values {where} of {place}, as in its header, found {found:,}; mend the row (a value that "
        "contains the separator needs quotes)"
    ) from None


def _has_decimal_commas(cells: list[str]) -> bool:
    """Whether a column holds numbers as 0,25."""
    some = [cell.strip() for cell in cells if cell.strip()]
    return any("," in cell for cell in some) and all(
        _DECIMAL_COMMA.fullmatch(cell) or re.fullmatch(r"[+-]?[0-9]+([eE][+-]?[0-9]+)?", cell) for cell in some
    )


def _has_percents(cells: list[str]) -> bool:
    """Whether a column holds numbers as 45.9 % or 45,9%."""
    some = [cell.strip() for cell in cells if cell.strip()]
    return bool(some) and all(map(_PERCENT.fullmatch, some))


def _stream(
    path: Path, place: str, layout: _Layout, texts: Collection[str], numbers: Collection[str]
) -> Iterator[Chunk]:
    # Threads lose the numbers of rows: what cannot be read is read once more without them, for the error.
    try:
        yield from _pieces(path, layout, texts, numbers, threads=True)
        return
    except pa.ArrowException as error:
        failure: Exception = error
    try:
        for _ in _pieces(path, layout, texts, numbers, threads=False):
            pass
    except pa.ArrowException as error:
        failure = error
    _explain(failure, place, layout)


def _pieces(
    path: Path, layout: _Layout, texts: Collection[str], numbers: Collection[str], *, threads: bool
) -> Iterator[Chunk]:
    place = {name: str(number) for number, name in enumerate(layout.header)}
    wanted = dict.fromkeys([*texts, *numbers])
    reader = pa_csv.open_csv(
        path,
        read_options=pa_csv.ReadOptions(
            use_threads=threads,
            block_size=_BLOCK,
            skip_rows=layout.skipped,
            column_names=list(place.values()),
            encoding=layout.encoding,
        ),
        parse_options=pa_csv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            include_columns=[place[name] for name in wanted],
            column_types={
                place[name]: pa.float64() if name in numbers and name not in layout.percent else pa.string()
                for name in wanted
            },
            null_values=_NULLS,
            strings_can_be_null=False,
            decimal_point=layout.decimal,
        ),
    )
    with reader:
        for batch in reader:
            chunk = dict(zip(wanted, batch.columns, strict=True))
            yield {
                name: _without_percent(name, values, layout) if name in numbers and name in layout.percent else values
                for name, values in chunk.items()
            }


def _without_percent(name: str, texts: pa.Array, layout: _Layout) -> pa.Array:
    """Numbers that end with the sign → float64; empty cells and words for nothing → null.

    Raises:
        pa.ArrowInvalid: as Arrow's reader of CSV words it, if one is no number.
    """
    texts = pc.utf8_trim_whitespace(pc.replace_substring(texts, "%", "", max_replacements=1))
    texts = pc.if_else(pc.is_in(texts, value_set=pa.array(_NULLS)), pa.scalar(None, pa.string()), texts)
    try:
        return pc.cast(pc.replace_substring(texts, ",", ".") if layout.decimal == "," else texts, pa.float64())
    except pa.ArrowInvalid as error:
        found = re.search(r"string: '(.*)'", str(error), re.DOTALL)
        number, value = layout.header.index(name), found[1] if found else ""
        raise pa.ArrowInvalid(f"column #{number}: conversion error to double: invalid value '{value}'") from error


def _explain(error: Exception, place: str, layout: _Layout) -> NoReturn:
    """One sentence for what Arrow's reader of CSV says."""
    said = str(error)
    row = int(found[1]) - layout.skipped if (found := re.search(r"Row #(\d+)", said)) else None
    if found := re.search(r"Expected (\d+) columns, got (\d+)", said):
        _ragged(place, row, int(found[1]), int(found[2]))
    if found := re.search(r"column #(\d+).*conversion error to double: invalid value '(.*)'", said, re.DOTALL):
        not_a_number(place, layout.header[int(found[1])], row, found[2])
    if "UTF8" in said or "UTF-8" in said:
        _not_text(place, "invalid characters", error)
    if "straddling" in said:
        raise DataError(
            f"expected lines of less than 1 MB in {place}, found a longer one, or a quotation mark that is never closed; save "
            "the table as CSV again"
        ) from error
    raise DataError(
        f"expected a table in {place}, found what cannot be read ({shown(said, 120)}); save it as CSV again"
    ) from error
