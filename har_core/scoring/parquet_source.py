"""A Parquet table with a column of photos, or of their paths → the photos, row group by row group."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from har_core.data.labels_file import FILE_COLUMNS, LABEL_COLUMNS, places_of, plain_name
from har_core.errors import DataError
from har_core.files import printable, reason_of
from har_core.scoring import places
from har_core.scoring.lists import named
from har_core.scoring.photos import ARROW_ERRORS, Entry, Kind

_ROWS = 1000
_MAX_FOOTER = 2**26  # bytes; pyarrow takes twenty times as many to read one


@dataclass
class ParquetSource:
    """One table.

    `before`: what comes before the names of photos that have none of their own.  `column`: of photos or paths; None: the only one
    that can be.  `kind` says which it is.

    Raises:
        DataError: if the file is damaged, describes too many row groups and columns, has no such column, or several.
    """

    place: str
    before: str
    column: str | None = None
    kind: Kind = "bytes"

    def __post_init__(self) -> None:
        self._called = printable(places.base_name(self.place))[:80]
        try:
            with closing(places.open_file(self.place)) as opened:
                self._check_footer(opened)
                schema = pq.ParquetFile(opened).schema_arrow
        except ARROW_ERRORS as error:
            raise self._damaged(error) from error
        held = [one.name for one in schema if _holds_photos(one.type)]
        texts = [one.name for one in schema if _is_text(one.type)]
        named = [name for name in texts if plain_name(name) in FILE_COLUMNS]
        if self.column is None:
            fitting = held or named or (texts if len(texts) == 1 else [])
            if len(fitting) != 1:
                raise DataError(
                    f"expected one column of photos (bytes) or of paths (filename) in {self._called}, found "
                    f"{printable(', '.join(fitting or schema.names))[:200] or 'none'}; name it: --column NAME"
                )
            self.column = fitting[0]
        elif self.column not in (*held, *texts) or schema.names.count(self.column) > 1:
            raise DataError(
                f"expected a column {printable(self.column)[:80]} of bytes or of text in {self._called}, found "
                f"{printable(', '.join(schema.names))[:200]}; check --column"
            )
        self.kind = "bytes" if self.column in held else "files"
        own = schema.field(self.column).type
        self._inner = pa.types.is_struct(own) and own.get_field_index("path") >= 0
        others = [name for name in named if name != self.column]
        self._names = others[0] if self.kind == "bytes" and len(others) == 1 else None
        self._classes = _class_names(schema)
        labels = [name for name in (*texts, *self._classes) if name != self.column and schema.names.count(name) == 1]
        found = [labels[place] for place in places_of(labels, LABEL_COLUMNS)]
        if not found:
            numbers = [one.name for one in schema if _is_number(one.type) and schema.names.count(one.name) == 1]
            found = [numbers[place] for place in places_of(numbers, LABEL_COLUMNS)]
        self._label = found[0] if len(found) == 1 else None

    def groups(self) -> Iterator[list[Entry]]:
        """Of bytes, the photos of each row group together: its rows are read from its start.

        Raises:
            DataError: if the file is damaged.
        """
        wanted = [self.column] if self.kind == "files" else [f"{self.column}.path"] if self._inner else []
        columns = [name for name in (*wanted, self._names, self._label) if name]
        try:
            with closing(places.open_file(self.place)) as opened:
                file = pq.ParquetFile(opened, buffer_size=2**20)
                row = 0
                for group in range(file.num_row_groups):
                    found: list[Entry] = []
                    count = file.metadata.row_group(group).num_rows
                    batches = file.iter_batches(_ROWS, row_groups=[group], columns=columns, use_threads=False)
                    for batch in batches if columns else [_rows_alone(count)]:
                        found += self._entries(batch, row + len(found))
                        if self.kind == "files":
                            row += len(found)
                            yield from ([entry] for entry in found)
                            found = []
                    if self.kind == "bytes":
                        row += count
                        yield found
        except ARROW_ERRORS as error:
            raise self._damaged(error) from error

    def _check_footer(self, opened: Any) -> None:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - 8))
        footer = int.from_bytes(opened.read(4), "little")
        if _MAX_FOOTER < footer < size:
            raise DataError(
                f"expected at most {_MAX_FOOTER >> 20} MiB that describe the row groups and columns of {self._called}, found "
                f"{footer / 2**20:.0f}; write it with larger row groups"
            )

    def _entries(self, batch: pa.RecordBatch, start: int) -> list[Entry]:
        count = batch.num_rows
        labels = self._labels(batch)
        if self.kind == "files":
            paths = batch.column(self.column).to_pylist()
            return [
                named(path or "", self.place, label)
                if path
                else Entry(f"{self.before}{start + number}", self.place, true=label, problem="This row has no path.")
                for number, (path, label) in enumerate(zip(paths, labels, strict=True))
            ]
        names = batch.column(self._names).to_pylist() if self._names else [None] * count
        if self._inner and not self._names:
            names = [(value or {}).get("path") for value in batch.column(self.column).to_pylist()]
        return [
            Entry(
                self.before + (name.replace("\0", "\\x00") if name else str(start + number)),
                self.place,
                start + number,
                true=label,
            )
            for number, (name, label) in enumerate(zip(names, labels, strict=True))
        ]

    def _labels(self, batch: pa.RecordBatch) -> list[str | None]:
        if self._label is None:
            return [None] * batch.num_rows
        values: list[Any] = batch.column(self._label).to_pylist()
        if (names := self._classes.get(self._label)) is None:
            return [self._as_text(value) for value in values]
        return [names[value] if value is not None and 0 <= value < len(names) else None for value in values]

    def _as_text(self, value: Any) -> str | None:
        """A label; numbers without names are places in the model's classes (see `meaning.Meaning`), with a point if some are missing."""
        if value is None or isinstance(value, str):
            return value
        if value != value:
            return None
        if value != int(value):
            raise DataError(
                f"expected names of classes, or their places, in the column {printable(str(self._label))[:80]} of {self._called}, found "
                f"{value:g}; write whole numbers or names"
            )
        return str(int(value))

    def _damaged(self, error: BaseException) -> DataError:
        reason = reason_of(error) if isinstance(error, Exception) else "damaged"
        return DataError(
            f"expected a Parquet file that can be read, found {self._called} ({printable(reason)[:120]}); write it anew"
        )


def _class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Columns of whole numbers → the names of the classes that these mean, as Hugging Face writes them (`ClassLabel`).

    -1 and other numbers without a name mean that a photo has no label.
    """
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        told = {str(name): one["names"] for name, one in features.items() if isinstance(one, dict) and "names" in one}
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return {}
    numbered = {one.name for one in schema if pa.types.is_integer(one.type)}
    return {
        column: names
        for column, names in told.items()
        if column in numbered and isinstance(names, list) and all(isinstance(name, str) for name in names)
    }


def _rows_alone(count: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.nulls(count)], names=["row"])


def _holds_photos(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and _is_bytes(kind.field(place).type)
    return _is_bytes(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))
