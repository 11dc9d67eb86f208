"""JSON lines, a JSON list of records, and FiftyOne's exports."""

from __future__ import annotations

import codecs
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from har_core.errors import DataError
from har_core.imports.named_scores import have_own_classes, ranked
from har_core.imports.tables import HEAD_ROWS, MAX_COLUMNS, Chunk, Table, head_of, memory_table, shown
from har_core.imports.text_numbers import NULLS

T = TypeVar("T")
_LABEL_KEYS, _SCORE_KEYS = ("label", "class", "class_name", "name"), ("score", "confidence", "probability", "prob")
_MAX_LINE, _MAX_FILE, _PIECE, _START = 2**20, 2**29, 5000, 4096
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
    first = next(_lines_of(path, place), (1, ""))[1]
    if first.startswith("{"):
        try:
            record = json.loads(first)
        except (ValueError, RecursionError):
            record = None
        if (
            isinstance(record, dict)
            and not isinstance(record.get("labels"), dict)
            and not isinstance(record.get("samples"), list)
        ):
            return _lines(path, place)
    return _whole(path, place)


def _lines(path: Path, place: str) -> Table:
    pairs = head_of(_records(path, place, lambda value: (value, _flat(value))), lambda pair: _filled(pair[1]))
    named = _of_own_classes([raw for raw, _ in pairs])
    head = [_flat(raw, named) for raw, _ in pairs] if named else [flat for _, flat in pairs]
    names = _keys(head, place)
    columns = _columns(head[: max(HEAD_ROWS, _HEAD_CELLS // max(len(names), 1))], names)

    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        wanted = dict.fromkeys([*texts, *numbers])
        records, done = _records(path, place, lambda value: _flat(value, named)), 0
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
    form = "a JSON list of records"
    try:
        value = json.loads(path.read_bytes())
        if isinstance(value, dict) and isinstance(value.get("labels"), dict):
            form = "FiftyOne's labels.json"
            classes = _names(value.get("classes"))
            records = list(_fiftyone_labels(value["labels"], classes, place))
        elif isinstance(value, dict) and isinstance(value.get("samples"), list):
            form = "FiftyOne's samples.json"
            classes = _fiftyone_classes(path.with_name("metadata.json"))
            records = _all_flat(value["samples"])
        elif isinstance(value, list):
            records = _all_flat(value)
        elif isinstance(value, dict):
            raise DataError(
                f"expected JSON lines, a list of records, or FiftyOne's labels.json or samples.json in {place}, found an object "
                f"with {shown(', '.join(value) or 'nothing', 80)}; save one record a photo"
            )
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

    return replace(table, read=read)


def _fiftyone_labels(
    labels: Mapping[str, Any], classes: tuple[str, ...] | None, place: str
) -> Iterator[dict[str, Any]]:
    """Records of FiftyOne's `FiftyOneImageClassificationDataset`; the labels are indices into its classes."""

    def named(label: object) -> object:
        if classes is None or isinstance(label, bool) or not isinstance(label, int):
            return label
        if not 0 <= label < len(classes):
            raise DataError(
                f"expected labels from 0 to {len(classes) - 1} in {place}, as it has {len(classes)} classes, found {label}; export "
                "it again"
            )
        return classes[label]

    for name, given in labels.items():
        record: dict[str, Any] = {"filename": name}
        if isinstance(given, dict):
            attributes = given.get("attributes") or {}
            record |= {"predicted": named(given.get("label")), "confidence": given.get("confidence")}
            if "ground_truth" in attributes:
                record["true"] = named(attributes["ground_truth"])
        else:
            record["predicted"] = named(given)
        yield {key: value for key, value in record.items() if value is not None}


def _fiftyone_classes(path: Path) -> tuple[str, ...] | None:
    """The classes that the metadata beside FiftyOne's samples.json names; None if it names none, or several lists."""
    try:
        if path.stat().st_size > _MAX_LINE:
            return None
        info = json.loads(path.read_bytes())
        lists = [info.get("default_classes"), *(info.get("classes") or {}).values()]
    except (OSError, ValueError, RecursionError, AttributeError):
        return None
    found = {names for one in lists if (names := _names(one))}
    return found.pop() if len(found) == 1 else None


def _names(value: object) -> tuple[str, ...] | None:
    return tuple(map(str, value)) if isinstance(value, list) and value else None


def _all_flat(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    named = _of_own_classes(records)
    return [_flat(one, named) for one in records]


def _of_own_classes(records: list[dict[str, Any]]) -> frozenset[str]:
    """Where in the records probabilities stand of which each record names classes of its own."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)

    def walk(value: Mapping[str, Any], name: str, depth: int) -> None:
        for key, inner in value.items():
            if isinstance(inner, dict) and depth < 5:
                place = f"{name}.{key}" if name else str(key)
                found[place].append(inner)
                walk(inner, place, depth + 1)

    for record in records:
        walk(record, "", 1)
    return frozenset(name for name, rows in found.items() if have_own_classes(rows))


def _flat(record: Mapping[str, Any], named: Collection[str] = ()) -> dict[str, Any]:
    """
    Args:
        named: see `_of_own_classes`.
    """
    found: dict[str, Any] = {}
    _flatten(record, "", found, 0, named)
    return found


def _flatten(value: Any, name: str, found: dict[str, Any], depth: int, named: Collection[str]) -> None:
    if isinstance(value, dict) and name in named and "top1_label" not in found:
        found |= ranked(value.items())
    elif isinstance(value, dict) and depth < 5:
        for key, inner in value.items():
            if not str(key).startswith("_"):  # FiftyOne's own
                _flatten(inner, f"{name}.{key}" if name else str(key), found, depth + 1, named)
    elif "top1_label" not in found and (answers := _answers(value)):
        found |= ranked(answers)
    elif (
        isinstance(value, list) and depth < 5 and all(isinstance(one, int | float | str | dict | None) for one in value)
    ):
        for number, inner in enumerate(value):
            _flatten(inner, f"{name}_{number}", found, depth + 1, named)
    else:
        found[name] = str(value) if isinstance(value, dict | list) else value
    if len(found) > MAX_COLUMNS:
        raise ValueError(f"more than {MAX_COLUMNS:,} values in a record")


def _answers(value: Any) -> list[tuple[str, float]]:
    """(class, score) of '[{"label": "cat", "score": 0.9}, …]', as pipelines of Hugging Face answer; empty if it is something else."""
    if not isinstance(value, list) or not all(isinstance(one, dict) and 2 <= len(one) <= 3 for one in value):
        return []
    found = []
    for one in value:
        named = [inner for key, inner in one.items() if key in _LABEL_KEYS and isinstance(inner, str)]
        scored = [inner for key, inner in one.items() if key in _SCORE_KEYS and type(inner) in (int, float)]
        if len(named) != 1 or len(scored) != 1:
            return []
        found.append((named[0], float(scored[0])))
    return found


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
