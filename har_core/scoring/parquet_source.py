"""A Parquet table with a column of photos, or of their paths → the photos, row group by row group."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from har_core.data.labels_file import FILE_COLUMNS, LABEL_COLUMNS, plain_name
from har_core.errors import DataError
from har_core.files import printable, reason_of
from har_core.scoring import places
from har_core.scoring.lists import named
from har_core.scoring.photos import ARROW_ERRORS, Entry, Kind

_ROWS = 1000
_MAX_FOOTER = 2**28  # bytes


@dataclass
class ParquetSource:
    """One table.

    `before`: what comes before the names of photos that have none of their own.  `column`: of photos or paths; None: the only one
    that can be.  `kind` says which it is.

    Raises:
        DataError: if the file is damaged, has no such column, or several.
    """

    place: str
    before: str
    column: str | None = None
    kind: Kind = "bytes"

    def __post_init__(self) -> None:
        self._called = printable(places.base_name(self.place))[:80]
        try:
            with closing(places.open_file(self.place)) as opened:
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
        labels = [name for name in texts if plain_name(name) in LABEL_COLUMNS and name != self.column]
        self._label = labels[0] if len(labels) == 1 else None

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

    def _entries(self, batch: pa.RecordBatch, start: int) -> list[Entry]:
        count = batch.num_rows
        labels = batch.column(self._label).to_pylist() if self._label else [None] * count
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

    def _damaged(self, error: BaseException) -> DataError:
        reason = reason_of(error) if isinstance(error, Exception) else "damaged"
        return DataError(
            f"expected a Parquet file that can be read, found {self._called} ({printable(reason)[:120]}); write it anew"
        )


def _rows_alone(count: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.nulls(count)], names=["row"])


def _holds_photos(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and _is_bytes(kind.field(place).type)
    return _is_bytes(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))
