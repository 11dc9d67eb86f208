"""Scores by the names of their classes, a mapping in each row: a value a class, or the most probable classes of each row."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, NoReturn

import pyarrow as pa

from har_core.errors import DataError
from har_core.imports.tables import MAX_COLUMNS, Chunk, Table, shown
from har_core.imports.text_numbers import NULLS
from har_core.imports.values import TOLERANCE

_MAX_CELL = 2**20


class _Parts(NamedTuple):
    """The columns that a column of mappings becomes.  `keys`: one a class; None if each row names its own classes, `ranks` at most."""

    name: str
    keys: tuple[str, ...] | None
    ranks: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        if self.keys is not None:
            return tuple(f"{self.name}.{key}" for key in self.keys)
        return tuple(f"top{rank}_{what}" for rank in range(1, self.ranks + 1) for what in ("label", "score"))


def ranked(answers: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """(class, score) of a row → `top1_label`, `top1_score`, …, the most probable first; what is no number has no rank."""
    found: dict[str, Any] = {}
    scored = sorted((one for one in answers if _is_number(one[1])), key=lambda one: -one[1])
    for rank, (label, score) in enumerate(scored, start=1):
        found |= {f"top{rank}_label": str(label), f"top{rank}_score": score}
    return found


def have_own_classes(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether mappings are probabilities of which each row names some classes, not all rows the same."""
    rows = [row for row in rows if row]
    if len({frozenset(row) for row in rows}) < 2:
        return False
    if not all(_is_number(value) or value is None for row in rows for value in row.values()):
        return False
    sums = [sum(value for value in row.values() if value is not None) for row in rows]
    lowest = min(value for row in rows for value in row.values() if value is not None)
    whole = 100 if max(sums) > 1 + TOLERANCE else 1
    return bool(lowest >= 0 and max(sums) <= whole * (1 + TOLERANCE))


def with_named_scores(table: Table) -> Table:
    """The same table with text such as "{'cat': 0.9, 'dog': 0.1}" in its cells, as Python and JSON write it, taken apart.

    Raises:
        DataError: by `read`, if a cell of such a column is no mapping, or names more classes than the first rows.
    """
    found: dict[str, _Parts] = {}
    taken = set(table.head)
    for name, values in table.head.items():
        if (parts := _parts_of(name, values)) is not None and not taken & set(parts.columns):
            found[name] = parts
            taken.update(parts.columns)
    if not found:
        return table
    origin = {made: name for name in table.head for made in (found[name].columns if name in found else (name,))}

    def taken_apart(chunk: Chunk, refuse: Callable[[int, str, str], None]) -> dict[str, pa.Array]:
        columns: dict[str, pa.Array] = {}
        for name, values in chunk.items():
            columns |= _columns(values, found[name], refuse) if name in found else {name: values}
        return columns

    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        cells = {origin[name] for name in (*texts, *numbers) if origin[name] in found}
        row = 1
        for chunk in table.read(
            [*(name for name in texts if name in table.head), *cells], [name for name in numbers if name in table.head]
        ):
            columns = taken_apart(chunk, partial(_refuse, table.place, row))
            yield {name: columns[name] for name in dict.fromkeys([*texts, *numbers])}
            row += len(next(iter(chunk.values())))

    head = taken_apart(table.head, lambda row, name, cell: None)  # nobody has asked for these columns yet
    return replace(table, head=head, read=read)


def _refuse(place: str, start: int, row: int, name: str, cell: str) -> NoReturn:
    raise DataError(
        f"expected scores by the names of classes in every cell of the column {shown(name)} of {place}, found "
        f"{shown(cell, 60)} in row {start + row:,}; mend the table"
    )


def _parts_of(name: str, values: pa.Array) -> _Parts | None:
    if not pa.types.is_string(values.type.value_type if pa.types.is_dictionary(values.type) else values.type):
        return None
    cells = [cell for cell in values.to_pylist() if cell and cell.strip() not in NULLS]
    if not cells or not all(cell.strip().startswith("{") for cell in cells[:10]):
        return None
    rows = [row for cell in cells if (row := _mapping(cell))]
    if 2 * len(rows) < len(cells) or not all(_is_number(value) for row in rows for value in row.values()):
        return None
    if have_own_classes(rows):
        return _Parts(name, None, max(map(len, rows)))
    keys = tuple(dict.fromkeys(key for row in rows for key in row))
    return _Parts(name, keys) if len(keys) <= MAX_COLUMNS else None


def _columns(values: pa.Array, parts: _Parts, refuse: Callable[[int, str, str], None]) -> dict[str, pa.Array]:
    """
    Args:
        refuse: called with the place of a row, the column and the cell that is no mapping of that kind.
    """
    records = []
    for row, cell in enumerate(values.to_pylist()):
        blank = cell is None or cell.strip() in NULLS
        mapping = {} if blank else _mapping(cell)
        record = {} if blank or mapping is None else _record(mapping, parts)
        if mapping is None or not set(record) <= set(parts.columns):
            refuse(row, parts.name, cell)
        records.append(record)
    return {
        name: pa.array([one.get(name) for one in records], pa.string() if name.endswith("_label") else pa.float64())
        for name in parts.columns
    }


def _record(mapping: Mapping[str, Any], parts: _Parts) -> dict[str, Any]:
    if parts.keys is None:
        return ranked(mapping.items())
    return {f"{parts.name}.{key}": value for key, value in mapping.items()}


def _mapping(cell: str) -> dict[str, Any] | None:
    """What a cell says, by the names of classes; None if it is no mapping to numbers."""
    cell = cell.strip()
    if not cell.startswith("{") or len(cell) > _MAX_CELL:
        return None
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        try:
            found = ast.literal_eval(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            return None
    if not isinstance(found, dict) or not all(_is_number(value) for value in found.values()):
        return None
    return {str(key): float(value) for key, value in found.items()}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
