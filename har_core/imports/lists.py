"""Cells that hold several values → one column a value."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from har_core.errors import DataError
from har_core.imports.cells import Split, split_of
from har_core.imports.tables import MAX_COLUMNS, Chunk, Table, shown


class Expanded(NamedTuple):
    """`origin`: old column → the columns that it became (itself, if it holds one value a cell)."""

    columns: dict[str, pa.Array]
    origin: dict[str, list[str]]


def flattened(columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """Columns of records → a column `name.field` for each field."""
    found: dict[str, pa.Array] = {}
    for name, values in columns.items():
        if pa.types.is_struct(values.type):
            parts = zip(values.type, values.flatten(), strict=True)
            found |= flattened({f"{name}.{field.name}": part for field, part in parts})
        else:
            found[name] = values
    return found


def expanded(columns: Mapping[str, pa.Array], like: Mapping[str, pa.Array], place: str, row: int) -> Expanded:
    """Columns of lists → `name_0`, `name_1`, …; an empty cell has no value in any of them, a column of nothing else becomes none.

    Args:
        like: the first rows, which say how many values a cell has.
        row: the number of the first of these rows, for the error.

    Raises:
        DataError: if the cells of a column hold different numbers of values.
    """
    found: dict[str, pa.Array] = {}
    origin: dict[str, list[str]] = {}
    for name, values in columns.items():
        if not is_list(values.type):
            found[name], origin[name] = values, [name]
            continue
        first = next((len(cell) for cell in like[name].to_pylist() if cell), 0)
        lengths = pc.if_else(values.is_valid(), pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
        blank = lengths == 0
        if len(odd := np.flatnonzero((lengths != first) & ~blank)):
            raise DataError(
                f"expected {first:,} values in every cell of the column {shown(name)} of {place}, found {lengths[odd[0]]:,} in row "
                f"{row + odd[0]:,}; mend the table"
            )
        if first > MAX_COLUMNS:
            raise DataError(
                f"expected 1 to {MAX_COLUMNS:,} values in a cell of {shown(name)} in {place}, found {first:,}; mend it"
            )
        flat = values.flatten()
        there = pa.array(np.cumsum(~blank) - 1, mask=blank) if blank.any() else None
        origin[name] = [f"{name}_{number}" for number in range(first)]
        for number, made in enumerate(origin[name]):
            own = flat[number::first] if first > 1 else flat
            found[made] = own if there is None else own.take(there)
    return Expanded(found, origin)


def is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def with_lists(table: Table) -> Table:
    """The same table with text such as '[0.9, 0.1]', "['a' 'b']" or '0.9;0.1' in its cells taken apart (see `cells.split_of`).

    Raises:
        DataError: if the cells of such a column hold different numbers of values.
    """
    found = {name: split for name, values in table.head.items() if (split := _split_of(values)) is not None}
    if not found:
        return table
    like = {name: _taken_apart(values, found.get(name)) for name, values in table.head.items()}
    head = expanded(like, like, table.place, 1)
    origin = {made: name for name, parts in head.origin.items() for made in parts}

    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        plain_numbers = [name for name in numbers if origin[name] not in found]
        plain_texts = list(dict.fromkeys(origin[name] for name in (*texts, *numbers) if name not in plain_numbers))
        row = 1
        for chunk in table.read(plain_texts, plain_numbers):
            parts = {name: _taken_apart(values, found.get(name)) for name, values in chunk.items()}
            columns = expanded(parts, like, table.place, row).columns
            yield {name: columns[name] for name in dict.fromkeys([*texts, *numbers])}
            row += len(next(iter(columns.values())))

    return replace(table, head=head.columns, read=read)


def _split_of(values: pa.Array) -> Split | None:
    if not pa.types.is_string(values.type.value_type if pa.types.is_dictionary(values.type) else values.type):
        return None
    return split_of([cell for cell in values.to_pylist() if cell])


def _taken_apart(values: pa.Array, split: Split | None) -> pa.Array:
    if split is None:
        return values
    return pa.array([split(cell or "") for cell in values.to_pylist()], pa.list_(pa.string()))
