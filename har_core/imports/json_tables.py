"""JSON lines, and a JSON value of any of the usual shapes, as a table."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from har_core.errors import DataError
from har_core.imports.fiftyone import class_names, labels_records, samples_classes
from har_core.imports.json_flat import flat, shapes_of
from har_core.imports.json_shapes import shaped
from har_core.imports.tables import HEAD_ROWS, MAX_COLUMNS, Chunk, Table, head_of, memory_table, shown
from har_core.imports.text_numbers import NULLS

T = TypeVar("T")
_MAX_LINE, _MAX_FILE, _PIECE, _START = 2**20, 2**29, 5000, 4096
_FIFTYONE = {"classes", "labels", "info", "version"}
_CELLS, _HEAD_CELLS = 5 * 10**8, 2 * 10**7


def encoding_of(start: bytes) -> str | None:
    """The encoding of a JSON text, told by its first bytes; None if these begin neither an object nor a list."""
    encoding = json.detect_encoding(start)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(start)
    return encoding if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[") else None


def json_table(path: Path, place: str) -> Table:
    """Open a file whose first character is a brace or a bracket; nested values become columns `outer.inner`, `list_0`.

    Raises:
        DataError: if it is damaged, or no table.
    """
    return _lines(path, place) if is_in_lines(path, place) else _whole(path, place)


def is_in_lines(path: Path, place: str) -> bool:
    """Whether JSON is read a line at a time: not one value, which is read as a whole and takes many times its size in memory.

    Raises:
        DataError: if it is damaged.
    """
    first, *more = [line for _, line in islice(_lines_of(path, place), 2)] or [""]
    try:
        record = json.loads(first) if first.startswith("{") else None
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and not _is_fiftyone(record) and (bool(more) or _is_one_record(record, place))


def _is_fiftyone(value: Mapping[str, Any]) -> bool:
    return (isinstance(value.get("labels"), dict) and bool(value.keys() <= _FIFTYONE)) or isinstance(
        value.get("samples"), list
    )


def _is_one_record(value: Mapping[str, Any], place: str) -> bool:
    """Whether the only object of a file is the record of one photo."""
    try:
        return shaped(value, place).form == "a JSON record"
    except DataError:
        return False


def _lines(path: Path, place: str) -> Table:
    pairs = head_of(_records(path, place, lambda value: (value, flat(value))), lambda pair: _filled(pair[1]))
    shapes = shapes_of([raw for raw, _ in pairs])
    head = [flat(raw, shapes) for raw, _ in pairs]
    names = _keys(head, place)
    columns = _columns(head[: max(HEAD_ROWS, _HEAD_CELLS // max(len(names), 1))], names)

    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        wanted = dict.fromkeys([*texts, *numbers])
        records, done = _records(path, place, lambda value: flat(value, shapes)), 0
        while piece := list(islice(records, _PIECE)):
            for name in wanted:
                _require_utf8([one.get(name) for one in piece], name, place, done)
            yield _columns(piece, wanted)
            done += len(piece)

    return Table(place, "JSON lines", columns, read)


def _keys(records: list[dict[str, Any]], place: str) -> dict[str, None]:
    """What the records have values of, in the order in which they come."""
    names = dict.fromkeys(name for one in records for name in one)
    if len(names) > MAX_COLUMNS:
        raise DataError(
            f"expected at most {MAX_COLUMNS:,} different keys in the records of {place}, found {len(names):,}; keep those of the "
            "predictions"
        )
    return names


def _filled(record: Mapping[str, Any]) -> Iterator[str]:
    return (name for name, value in record.items() if value == value and value is not None and value not in NULLS)


def _lines_of(path: Path, place: str) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, without spaces around, and their numbers from 1."""
    with path.open("rb") as start:
        encoding = encoding_of(start.read(_START)) or "utf-8"
    with path.open(encoding=encoding) as file:
        number = 0
        try:
            while line := file.readline(_MAX_LINE):
                number += 1
                if len(line) == _MAX_LINE or (line := line.strip("\ufeff \t\r\n")):
                    yield number, line
        except UnicodeDecodeError as error:
            raise DataError(
                f"expected JSON in UTF-8 in {place}, found something else after line {number:,} ({error.reason}); save it again"
            ) from error


def _records(path: Path, place: str, convert: Callable[[dict[str, Any]], T]) -> Iterator[T]:
    for number, line in _lines_of(path, place):
        if len(line) == _MAX_LINE:
            raise DataError(
                f"expected lines of less than 1 MB in {place}, found a longer one in line {number:,}; save the table with "
                "one record a line"
            )
        try:
            value = json.loads(line)
            if not isinstance(value, dict):
                raise ValueError(f"{type(value).__name__} instead of an object")
            yield convert(value)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"expected a JSON object in line {number:,} of {place}, found what cannot be read "
                f"({shown(str(error), 100)}); mend or remove the line"
            ) from error


def _whole(path: Path, place: str) -> Table:
    if (size := path.stat().st_size) > _MAX_FILE:
        raise DataError(
            f"expected at most {_MAX_FILE / 2**20:.0f} MB of JSON in {place}, found {size / 2**20:,.0f}; save it as JSON lines, CSV "
            "or Parquet"
        )
    classes = None
    try:
        value = json.loads(path.read_bytes())
        if isinstance(value, dict) and isinstance(value.get("labels"), dict) and _is_fiftyone(value):
            form = "FiftyOne's labels.json"
            classes = class_names(value.get("classes"))
            raw = list(labels_records(value["labels"], classes, place))
        elif isinstance(value, dict) and isinstance(value.get("samples"), list):
            form = "FiftyOne's samples.json"
            classes = samples_classes(path.with_name("metadata.json"))
            raw = value["samples"]
        else:
            form, raw, classes = shaped(value, place)
        shapes = shapes_of(raw)
        records = [flat(one, shapes) for one in raw]
    except (ValueError, RecursionError, TypeError, AttributeError) as error:
        raise DataError(
            f"expected JSON in {place}, found what cannot be read ({shown(str(error), 100)}); save it again, or copy it again"
        ) from error
    if not records:
        raise DataError(f"expected records in {place}, found none; export the predictions again")
    names = _keys(records, place)
    if len(records) * len(names) > _CELLS:
        raise DataError(
            f"expected at most {_CELLS:,} values in {place}, found {len(records):,} records of {len(names):,}; save it as JSON "
            "lines, CSV or Parquet"
        )
    table = memory_table(place, form, _columns(records, names), classes)
    faults: dict[str, DataError] = {}
    for name in names:
        try:
            _require_utf8([one.get(name) for one in records], name, place, 0)
        except DataError as error:
            faults[name] = error

    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        if (fault := next((faults[name] for name in (*texts, *numbers) if name in faults), None)) is not None:
            raise fault
        return table.read(texts, numbers)

    return replace(table, read=read, classes_from=f"{place} itself" if classes else None)


def _columns(records: list[dict[str, Any]], names: Iterable[str]) -> dict[str, pa.Array]:
    return {name: _array([one.get(name) for one in records]) for name in names}


def _array(values: list[Any]) -> pa.Array:
    """Numbers as float64 or int64 where all are, else text, in which what UTF-8 cannot encode is escaped."""
    try:
        kinds = {type(one) for one in values} - {type(None)}
        if kinds and kinds <= {int, float}:
            return pa.array(values, pa.float64() if float in kinds else pa.int64())
    except (pa.ArrowException, OverflowError):
        pass  # numbers beyond 64 bits stay text
    texts = [None if one is None else one if isinstance(one, str) else json.dumps(one) for one in values]
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array([one if one is None else one.encode("utf-8", "backslashreplace") for one in texts]).cast(
            pa.string()
        )


def _require_utf8(values: list[Any], name: str, place: str, done: int) -> None:
    """Stop at half a character, such as the escaped bytes of a file name in Latin-1: it can be neither shown nor found.

    Args:
        done: the number of rows before these.
    """
    for number, value in enumerate(values, start=done + 1):
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise DataError(
                    f"expected text in UTF-8 in the column {shown(name)} of {place}, found {shown(value)!r} in row {number:,}; "
                    "rename it"
                ) from error
