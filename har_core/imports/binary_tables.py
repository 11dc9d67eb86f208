"""Parquet, streamed, and NumPy's NPZ: sizes are read before values, and nothing is unpickled."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from har_core.errors import DataError
from har_core.imports.headers import ARRAYS, PREDICTED, TRUE, plain
from har_core.imports.labels import label_text
from har_core.imports.lists import expanded, flattened, is_list
from har_core.imports.tables import (
    FOLLOWING_ROWS,
    FURTHER_ROWS,
    HEAD_ROWS,
    MAX_COLUMNS,
    MAX_ROWS,
    Chunk,
    Table,
    chunk_rows,
    memory_table,
    reason_shown,
    shown,
)

_MAX_BYTES, _TEXT_BYTES, _PHOTO_BYTES = 16 * 2**30, 1024, 2**25  # of a file, and of a name and a photo on the average
_CLASSES = ("classes", "classnames", "labelnames", "categories", "targetnames")


def parquet_table(path: Path, place: str) -> Table:
    """Open a Parquet file; columns of lists and records become one column a value.

    Raises:
        DataError: if it is damaged, or unpacks to more than a table of predictions has.
    """
    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        # Texts stay numbers into a dictionary: a few kilobytes cannot become gigabytes.
        strings = [
            one.name for one in file.schema_arrow if pa.types.is_string(one.type) or pa.types.is_large_string(one.type)
        ]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(
                f"expected columns of different names in {place}, found two called {shown(twice)!r}; rename one"
            )
        leaves = [leaf for one in file.schema_arrow for leaf in _leaves(one)]
        _check_sizes(file, place)
        file = pq.ParquetFile(path, read_dictionary=strings)
        first = _head(file.iter_batches(HEAD_ROWS, columns=leaves, use_threads=False))
    except (OSError, ValueError, TypeError, MemoryError, pa.ArrowException) as error:
        raise _damaged("Parquet", place, error) from error
    if first is None or not len(first):
        raise DataError(f"expected rows in {place}, found none; export the predictions again")
    columns = _plain(first)
    head = expanded(columns, columns, place, 1)
    origin = {name: old for old, made in head.origin.items() for name in made}

    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        wanted = dict.fromkeys([*texts, *numbers])
        sources = list(dict.fromkeys(origin[name] for name in wanted))
        row = 1
        try:
            opened = pq.ParquetFile(path, read_dictionary=[name for name in strings if name in sources])
            for batch in opened.iter_batches(chunk_rows(len(wanted)), columns=sources, use_threads=True):
                # Arrow checks neither UTF-8 nor the places in a dictionary while it reads.
                batch.validate(full=True)
                found = expanded(_plain(batch), columns, place, row).columns
                yield {name: found[name] for name in wanted}
                row += len(batch)
        except (OSError, ValueError, TypeError, MemoryError, KeyError, pa.ArrowException) as error:
            raise _damaged("Parquet", place, error) from error

    classes = _class_labels(file.schema_arrow)
    return Table(
        place,
        "Parquet",
        head.columns,
        read,
        classes,
        rows=file.metadata.num_rows,
        classes_from=f"the data set in {place}" if classes else None,
    )


def _class_labels(schema: pa.Schema) -> tuple[str, ...] | None:
    """What Hugging Face's datasets call the classes of numbers in columns of labels; None if nothing, or several lists."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        found = {
            tuple(map(label_text, features[one.name]["names"]))
            for one in schema
            if plain(one.name) in (*TRUE, *PREDICTED)
            and pa.types.is_integer(one.type)
            and features.get(one.name, {}).get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return None
    return found.pop() if len(found) == 1 else None


def _head(batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
    """The first rows, and some of those further down that first fill a column (as `tables.head_of`)."""
    found: list[pa.RecordBatch] = []
    empty: set[int] = set()
    for batch in islice(batches, 1 + FURTHER_ROWS // HEAD_ROWS):
        batch.validate(full=True)
        filled = [number for number in empty if batch.column(number).null_count < len(batch)]
        if not found:
            found.append(batch)
            empty = {number for number, one in enumerate(batch.columns) if one.null_count == len(batch)}
        found += [batch.filter(batch.column(number).is_valid()).slice(0, FOLLOWING_ROWS) for number in filled]
        empty -= set(filled)
        if not empty:
            break
    if len(found) < 2:
        return found[0] if found else None
    return pa.Table.from_batches(found).unify_dictionaries().combine_chunks().to_batches()[0]


def _leaves(field: pa.Field) -> list[str]:
    """The columns of a field that can be read as text or numbers: not the photos themselves, as data sets have them."""
    if pa.types.is_struct(field.type):
        return [f"{field.name}.{leaf}" for inner in field.type for leaf in _leaves(inner)]
    binary = pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type)
    return [] if binary else [field.name]


def _plain(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    """Its columns without records, decimal numbers as float64."""
    columns = flattened(dict(zip(batch.schema.names, batch.columns, strict=True)))
    return {name: _as_float(values) for name, values in columns.items()}


def _as_float(values: pa.Array) -> pa.Array:
    if pa.types.is_decimal(values.type):
        return values.cast(pa.float64())
    if is_list(values.type) and pa.types.is_decimal(values.type.value_type):
        return values.cast(pa.list_(pa.float64()))
    return values


def _check_sizes(file: pq.ParquetFile, place: str) -> None:
    """Stop before more is unpacked than a table of predictions has.

    Of a row group, the sum is read alone: pyarrow ends the process over damaged statistics of a column (`row_group().column()`).
    """
    metadata, fields = file.metadata, list(file.schema_arrow)
    if metadata.num_rows > MAX_ROWS or metadata.num_columns > MAX_COLUMNS:
        raise DataError(
            f"expected at most {MAX_ROWS:,} rows and {MAX_COLUMNS:,} columns in {place}, found {metadata.num_rows:,} and "
            f"{metadata.num_columns:,}; split the table"
        )
    a_row, total = sum(_most_bytes(one.type) for one in fields), 0
    photos = sum(_has_photos(one.type) for one in fields)
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        size, rows = group.total_byte_size, group.num_rows
        total += size
        if size > (a_row + photos * _PHOTO_BYTES) * rows + 2**24 or (total > _MAX_BYTES and not photos):
            raise DataError(
                f"expected a table of predictions in {place}, found one that unpacks to {size:,} bytes for {rows:,} rows; "
                "keep the columns of the predictions alone"
            )


def _most_bytes(kind: pa.DataType) -> int:
    """What a cell may take on the average."""
    if pa.types.is_struct(kind):
        return sum(_most_bytes(inner.type) for inner in kind)
    if is_list(kind) or pa.types.is_map(kind):
        return 8 * MAX_COLUMNS
    return _TEXT_BYTES if pa.types.is_string(kind) or pa.types.is_large_string(kind) else 64


def _has_photos(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(_has_photos(inner.type) for inner in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def npz_table(path: Path, place: str) -> Table:
    """Open an NPZ: an array (N,) is a column, an array (N, K) of scores one a class, `classes` names these.

    Raises:
        DataError: if it is damaged, holds pickled objects, or unpacks to more than a table of predictions has.
    """
    columns: dict[str, pa.Array] = {}
    classes: tuple[str, ...] | None = None
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if one.filename.endswith(".npy")]
            if not members:
                raise DataError(f"expected arrays in {place}, found a zip without; save them with numpy.savez")
            if sum(one.file_size for one in members) > _MAX_BYTES or len(members) > 1000:
                raise DataError(f"expected arrays of predictions in {place}, found more than 16 GB; save those alone")
            for member in members:
                name = member.filename.removesuffix(".npy")
                shape = _shape(archive, member, place)
                if plain(name) in _CLASSES and len(shape) == 1:
                    classes = tuple(map(label_text, _array(archive, member).tolist()))
                elif len(shape) == 1:
                    columns[name] = _column(_array(archive, member))
                elif len(shape) == 2 and plain(name) in ARRAYS:
                    if not 1 <= shape[1] <= MAX_COLUMNS:
                        raise DataError(
                            f"expected scores (N, K) in {shown(name)} of {place}, found {shape}; save them again"
                        )
                    array = _array(archive, member)
                    columns |= {f"{name}_{number}": _column(array[:, number]) for number in range(shape[1])}
    except DataError:
        raise
    except Exception as error:  # of zip, of what unpacks it, of NumPy, and of the parser under it that reads the header
        raise _damaged("NPZ", place, error) from error
    if not columns or not len(next(iter(columns.values()))):
        raise DataError(f"expected arrays with a row a photo in {place}, found none; save them with numpy.savez")
    if any(plain(name.rsplit("_", 1)[0]) in ARRAYS for name in columns) and not any(
        pa.types.is_string(column.type) for column in columns.values()
    ):  # labels and scores alone, as cleanlab takes them: the rows have no names
        count = len(next(iter(columns.values())))
        columns["filename"] = pa.array([f"row_{number}" for number in range(count)], pa.string())
    return memory_table(place, "NPZ", columns, classes)


def _shape(archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: str) -> tuple[int, ...]:
    """The shape in an array's header, held against the size of the member: a lie would be allocated."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = reader(file)
    if dtype.hasobject:
        raise DataError(
            f"expected arrays of numbers and text in {place}, found pickled objects in {shown(member.filename)}; save it with "
            "allow_pickle=False (texts as dtype str)"
        )
    count = int(np.prod(shape, dtype=np.float64))
    if count * dtype.itemsize > member.file_size or (shape and shape[0] > MAX_ROWS):
        raise DataError(
            f"expected at most {MAX_ROWS:,} rows and as many bytes as the header of {shown(member.filename)} in {place} says, "
            f"found the shape {shown(str(shape))}; save it again"
        )
    return tuple(shape)


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(member) as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _column(values: np.ndarray) -> pa.Array:
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8")
    if values.dtype.kind == "U":
        return pa.array(values.astype(object), pa.string())
    if values.dtype.kind not in "biuf":
        return pa.array([str(one) for one in values.tolist()], pa.string())
    return pa.array(np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="), copy=False)))


def _damaged(form: str, place: str, error: Exception) -> DataError:
    return DataError(
        f"expected {form} in {place}, found a damaged file ({reason_shown(error)}); save it again, or copy it again"
    )
