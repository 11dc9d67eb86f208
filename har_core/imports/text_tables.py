"""CSV and its kin, streamed: the separator, the encoding and the decimal point are told from the content."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa

from har_core.data.labels_file import DELIMITERS, SEPARATOR_LINE
from har_core.errors import DataError
from har_core.imports.headers import FILE, plain
from har_core.imports.missing_header import require_header
from har_core.imports.repeats import count_repeats, named
from har_core.imports.tables import HEAD_ROWS, MAX_COLUMNS, Chunk, Table, head_of, shown
from har_core.imports.text_numbers import NULLS, has_decimal_commas
from har_core.imports.text_rows import (
    MAX_LINE,
    Layout,
    check_lengths,
    csv_rows,
    is_spaced,
    not_a_table,
    not_text,
    stream,
    too_long,
    unmarked,
)
from har_core.media.texts import decode

_START = 4 * 2**20
_MOST_ABOVE = 30  # lines
_RULE = re.compile(r"\s*(:?-+:?)?\s*")
_RULE_LINE = re.compile(r"\|?(\s*:?-+:?\s*\|)+(\s*:?-+:?\s*)?")
"""Below the header of a Markdown table."""


def csv_table(path: Path, place: str) -> Table:
    """Open a text table with a header.

    Raises:
        DataError: if it is no text, or has no header, or rows of another length.
    """
    with path.open("rb") as file:
        start = file.read(_START)
        more = bool(file.read(1))
    try:
        told = decode(start, more=more)
    except ValueError as error:
        not_text(place, str(error), error)
    encoding, mark = told.encoding, told.mark
    lines = list(io.StringIO(told.text, newline=""))
    if more:
        lines = lines[:-1]  # cut
    if max((len(line) for line in lines[: HEAD_ROWS + 1]), default=len(told.text)) > MAX_LINE:
        too_long(place)
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise DataError(f"expected a table in {place}, found blank lines alone; export the predictions again")
    said = SEPARATOR_LINE.match(lines[first].strip().strip('"'))
    first += said is not None  # as spreadsheets write it
    above = 0 if said else _lines_above(lines[first:])
    first += above
    delimiter = said[1] if said and said[1] in DELIMITERS else _delimiter(lines[first:], place, partial=more)
    try:
        spaced = is_spaced(path, encoding, delimiter, mark)
        (header, *rows), count = _parsed(lines[first:], delimiter, spaced=spaced, partial=more)
    except csv.Error as error:
        not_a_table(place, error)
    markdown = delimiter == "|" and bool(rows) and all(map(_RULE.fullmatch, rows[0]))
    if markdown:
        header, rows, count = unmarked(header), [*map(unmarked, rows[1:])], count + 1
    names = named(header)
    others = rows if markdown else [row for row in rows if named(row) != names]
    repeated, rows = len(rows) - len(others), others
    require_header(header, rows, delimiter, place)
    _check_header(names, place)
    if not rows:
        raise DataError(f"expected rows below the header of {place}, found none; export the predictions again")
    check_lengths(rows[:HEAD_ROWS], names, delimiter, place)
    rows = [row for row in rows if len(row) == len(names)]
    begin = mark + len("".join(lines[: first + count]).encode(encoding))
    if not markdown:
        repeated = max(repeated, count_repeats(path, encoding, "".join(lines[first : first + count]), begin))
    columns = {name: [row[number] for row in rows] for number, name in enumerate(names)}
    decimal = "," if delimiter != "," and any(map(has_decimal_commas, columns.values())) else "."
    layout = Layout(encoding, delimiter, tuple(names), begin, spaced, decimal, markdown, repeated > 0)
    head = {}
    for name, cells in columns.items():
        if decimal == "," and has_decimal_commas(cells):
            cells = [cell.replace(",", ".") for cell in cells]
        head[name] = pa.array(cells, pa.string())

    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        return stream(path, place, layout, texts, numbers)

    form = f"text with {DELIMITERS[delimiter]} between the columns"
    notes = [told.note] if told.note else []
    notes += [f"lines above the header, left out: {above:,}"] if above else []
    notes += [f"rows that repeat the header, left out: {repeated:,}"] if repeated else []
    return Table(place, form, head, read, guarded=True, notes=tuple(notes))


def _parsed(lines: list[str], delimiter: str, *, spaced: bool, partial: bool) -> tuple[list[list[str]], int]:
    """(header and first rows, lines up to the end of the header)."""
    read = 0

    def counted() -> Iterator[str]:
        nonlocal read
        for line in lines:
            read += 1
            yield line

    rows = csv_rows(counted(), delimiter, spaced=spaced, partial=partial)
    header = next(rows, [""])
    count = read

    def filled(row: list[str]) -> list[int]:
        if len(row) != len(header):
            return []
        return [number for number, cell in enumerate(row) if cell and cell.strip() not in NULLS]

    return [header, *head_of(rows, filled)], count


def _lines_above(lines: list[str]) -> int:
    """How many lines, a title or comments, stand above a header that names the files, where the first line is no header."""
    for skipped in range(min(_MOST_ABOVE, len(lines))):
        if not lines[skipped].strip():
            continue
        some = lines[skipped : skipped + 50]
        try:
            tables = [_parsed(some, one, spaced=True, partial=True)[0] for one in DELIMITERS]
        except csv.Error:
            return 0
        fits = [_fitness(rows)[:2] for rows in tables]
        full = [
            known or (even and all(map(str.strip, rows[0]))) for (known, even), rows in zip(fits, tables, strict=True)
        ]
        if (True, True) in fits or (not skipped and any(full)):
            return skipped
    rule = next((number for number, line in enumerate(lines[:_MOST_ABOVE]) if _RULE_LINE.fullmatch(line.strip())), 0)
    return max(rule - 1, 0)


def _delimiter(lines: list[str], place: str, *, partial: bool) -> str:
    parsed, failure = {}, None
    for one in DELIMITERS:
        try:
            parsed[one], _ = _parsed(lines, one, spaced=True, partial=partial)
        except csv.Error as error:
            failure = failure or error
    found = max(parsed, key=lambda one: _fitness(parsed[one]), default="")
    if failure is not None and (not found or len(parsed[found][0]) < 2):
        not_a_table(place, failure)
    return found


def _fitness(rows: list[list[str]]) -> tuple[bool, bool, int]:
    """How well a separator fits: a file column in the header, rows as long as it, many columns."""
    header = rows[0] if rows else []
    known = any(plain(name.strip()) in FILE for name in unmarked(header))
    even = all(len(row) == len(header) for row in rows if row)
    return len(header) > 1 and known, len(header) > 1 and even, len(header)


def _check_header(names: list[str], place: str) -> None:
    if len(names) > MAX_COLUMNS:
        raise DataError(
            f"expected at most {MAX_COLUMNS:,} columns in {place}, found {len(names):,}; keep those of the predictions"
        )
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
