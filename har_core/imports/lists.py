"""Cells that hold several values → one column a value."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from har_core.errors import DataError
from har_core.imports.answers import is_usual
from har_core.imports.cells import Split, is_shortened, scalars_of, split_of
from har_core.imports.tables import MAX_COLUMNS, Chunk, Table, shown


class Expanded(NamedTuple):
    """`origin`: old column → the columns that it became (itself, if it holds one value a cell)."""

    columns: dict[str, pa.Array]
    origin: dict[str, list[str]]


def flattened(columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """Columns of records → a column `name.field` for each field; lists of lists or records → their text in JSON."""
    found: dict[str, pa.Array] = {}
    for name, values in columns.items():
        if pa.types.is_struct(values.type):
            parts = zip(values.type, values.flatten(), strict=True)
            found |= flattened({f"{name}.{field.name}": part for field, part in parts})
        elif pa.types.is_map(values.type) or (is_list(values.type) and _is_inner(values.type.value_type)):
            found[name] = pa.array([_json(cell) for cell in values.to_pylist()], pa.string())
        else:
            found[name] = values
    return found


def _is_inner(kind: pa.DataType) -> bool:
    return bool(is_list(kind) or pa.types.is_struct(kind) or pa.types.is_map(kind))


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, default=str)


def expanded(columns: Mapping[str, pa.Array], like: Mapping[str, pa.Array], place: str, row: int) -> Expanded:
    """Columns of lists → `name_0`, `name_1`, …, of lists of one value `name`; an empty cell has no value in any of them, a column of
    nothing else becomes none.

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
        origin[name] = [name] if first == 1 else [f"{name}_{number}" for number in range(first)]
        for number, made in enumerate(origin[name]):
            own = flat[number::first] if first > 1 else flat
            found[made] = own if there is None else own.take(there)
    return Expanded(found, origin)


def is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def with_lists(table: Table) -> Table:
    """The same table with text such as '[0.9, 0.1]', "['a' 'b']" or '0.9;0.1' in its cells taken apart (see `cells.split_of`), and
    'tensor(3)' or "PosixPath('a.jpg')" read as what is inside (see `cells.scalars_of`).

    Raises:
        DataError: if the cells of such a column hold different numbers of values, or NumPy left some out.
    """
    cells = {name: one for name, values in table.head.items() if (one := texts_in(values))}
    single = {name: scalar for name, one in cells.items() if (scalar := scalars_of(one)) is not None}
    found = {name: split for name, one in cells.items() if name not in single and (split := split_of(one)) is not None}
    for name, one in cells.items():
        if name not in found and is_usual(name):
            _require_whole(one, name, table.place)
    if not found and not single:
        return table

    def taken_apart(name: str, values: pa.Array) -> pa.Array:
        return _within(values, single[name]) if name in single else _taken_apart(values, found.get(name))

    like = {name: taken_apart(name, values) for name, values in table.head.items()}
    head = expanded(like, like, table.place, 1)
    origin = {made: name for name, parts in head.origin.items() for made in parts}

    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        plain_numbers = [name for name in numbers if origin[name] not in found and origin[name] not in single]
        plain_texts = list(dict.fromkeys(origin[name] for name in (*texts, *numbers) if name not in plain_numbers))
        row = 1
        for chunk in table.read(plain_texts, plain_numbers):
            parts = {name: taken_apart(name, values) for name, values in chunk.items()}
            columns = expanded(parts, like, table.place, row).columns
            yield {name: columns[name] for name in dict.fromkeys([*texts, *numbers])}
            row += len(next(iter(columns.values())))

    return replace(table, head=head.columns, read=read)


def texts_in(values: pa.Array) -> list[str]:
    """The cells of a column of texts that are not empty; of another column, none."""
    if not pa.types.is_string(values.type.value_type if pa.types.is_dictionary(values.type) else values.type):
        return []
    return [cell for cell in values.to_pylist() if cell]


def _require_whole(cells: list[str], name: str, place: str) -> None:
    shortened = sum(map(is_shortened, cells))
    if 2 * shortened > len(cells):
        raise DataError(
            f"expected every value in the cells of the column {shown(name)} of {place}, found '...', as NumPy left out values where it "
            "shortens arrays; save them again with tolist()"
        )


def _within(values: pa.Array, scalar: Callable[[str], str]) -> pa.Array:
    return pa.array([cell and scalar(cell) for cell in values.to_pylist()], pa.string())


def _taken_apart(values: pa.Array, split: Split | None) -> pa.Array:
    if split is None:
        return values
    return pa.array([split(cell or "") for cell in values.to_pylist()], pa.list_(pa.string()))
