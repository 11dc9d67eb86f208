"""Scores by the names of their classes, a mapping or a list of answers in each row: a value a class, or the most probable classes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, NoReturn

import pyarrow as pa

from har_core.errors import DataError
from har_core.imports.answers import Form, answers_in, form_of, normalized, number_of
from har_core.imports.headers import TRUE, plain, prefixed
from har_core.imports.lists import texts_in
from har_core.imports.literals import literal
from har_core.imports.tables import MAX_COLUMNS, Chunk, Table, shown
from har_core.imports.text_numbers import NULLS
from har_core.imports.values import TOLERANCE
from har_core.runs.class_names import class_key

_START = re.compile(r"\s*(?:\{|[\w.]+\(\s*(?:<[^>]*>\s*,\s*)?[\[{(]|[\[(]\s*(?:[\w.]+\()?[\[({])")
"""Of a mapping, or of a list of lists or mappings."""


_EMPTY = ("[]", "()", "{}")


class _Parts(NamedTuple):
    """The columns that a column of mappings or answers becomes.

    `keys`: one a class; None if each row names its own classes, `ranks` at most.  `form`: how lists say classes and scores; None of
    mappings, and of texts as 'dog 51%'.  `first`: the rank of the first of them.
    """

    name: str
    keys: tuple[str, ...] | None
    ranks: int = 0
    form: Form | None = None
    first: int = 1

    @property
    def columns(self) -> tuple[str, ...]:
        if self.keys is not None:
            return tuple(map(self.column_of, self.keys))
        return tuple(
            f"top{rank}_{what}" for rank in range(self.first, self.first + self.ranks) for what in ("label", "score")
        )

    def column_of(self, key: str) -> str:
        """What the column of a class is called: as one of scores, whatever that of the mappings is called."""
        own = prefixed(f"{self.name}.{key}")
        return f"{self.name if own is not None and own.name == key else 'p'}.{key}"


def ranked(answers: Iterable[tuple[str, Any]], first: int = 1) -> dict[str, Any]:
    """(class, score) of a row → `top1_label`, `top1_score`, …, the most probable first; what is no number has no rank."""
    found: dict[str, Any] = {}
    numbers = ((label, number_of(score)) for label, score in answers)
    scored = sorted(((label, one) for label, one in numbers if one is not None), key=lambda one: -one[1])
    for rank, (label, score) in enumerate(scored, start=first):
        found |= {f"top{rank}_label": str(label), f"top{rank}_score": score}
    return found


def have_own_classes(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether mappings are probabilities of which each row names some classes, not all rows the same."""
    rows = [row for row in rows if row]
    if len({frozenset(row) for row in rows}) < 2:
        return False
    if not all(map(_is_mapping, rows)):
        return False
    values = [[value for value in _mapping(row).values() if value is not None] for row in rows]
    sums = [sum(row) for row in values]
    lowest = min((value for row in values for value in row), default=-1)
    whole = 100 if max(sums) > 1 + TOLERANCE else 1
    return bool(lowest >= 0 and max(sums) <= whole * (1 + TOLERANCE))


def with_named_scores(table: Table) -> Table:
    """The same table with text such as "{'cat': 0.9, 'dog': 0.1}" in its cells, as Python and JSON write it, or 'cat (90%)', taken apart.

    Raises:
        DataError: by `read`, if a cell of such a column is no mapping, or names more classes than the first rows.
    """
    found: dict[str, _Parts] = {}
    taken = set(table.head)
    labels = {name for column, values in table.head.items() if plain(column) in TRUE for name in texts_in(values)}
    for name, values in table.head.items():
        like = [one for one in found.values() if re.sub(r"\d", "", one.name) == re.sub(r"\d", "", name)]
        parts = _parts_of(name, values) or _parts_of_texts(name, values, labels, 1 + sum(one.ranks for one in like))
        if parts is not None and not taken & set(parts.columns):
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
    cells = [cell for cell in values.to_pylist() if cell and cell.strip() not in (*NULLS, *_EMPTY)]
    if not cells or not all(map(_START.match, cells[:10])):
        return None
    found = [value for cell in cells if (value := _value(cell))]
    if 2 * len(found) < len(cells):
        return None
    lists = [_as_list(value) for value in found if not _is_mapping(value)]
    if len(lists) == len(found):
        form = form_of(lists, name)
        return None if form is None else _Parts(name, None, max(len(form.read(one)) for one in lists), form)
    rows = [_mapping(value) for value in found if _is_mapping(value)]
    if lists:
        return None
    if have_own_classes(rows):
        return _Parts(name, None, max(map(len, rows)))
    keys = tuple(dict.fromkeys(key for row in rows for key in row))
    return _Parts(name, keys) if len(keys) <= MAX_COLUMNS else None


def _parts_of_texts(name: str, values: pa.Array, labels: Collection[str], first: int) -> _Parts | None:
    """Of a column with cells as 'dog 51.07%'; None if these are labels themselves, or begin with others than the true ones."""
    cells = [cell for cell in texts_in(values) if cell.strip() not in NULLS]
    if not cells or not all(map(answers_in, cells[:10])) or plain(name) in TRUE:
        return None
    different = set(cells)
    found = [one for cell in different if (one := answers_in(cell)) is not None]
    classes, known = {class_key(label) for one in found for label, _ in one}, set(map(class_key, labels))
    if 2 * min(len(found), len(different - set(labels))) < len(different) or 2 * len(classes & known) < len(classes):
        return None
    if not any(score % 1 for one in found for _, score in one):  # 'dog 1' and 'dog 0' may be anything
        return None
    return _Parts(name, None, max(map(len, found)), first=first)


def _columns(values: pa.Array, parts: _Parts, refuse: Callable[[int, str, str], None]) -> dict[str, pa.Array]:
    """
    Args:
        refuse: called with the place of a row, the column and the cell that is no mapping of that kind.
    """
    records = []
    for row, cell in enumerate(values.to_pylist()):
        record = _record(cell, parts)
        if record is None or not set(record) <= set(parts.columns):
            refuse(row, parts.name, cell)
            record = {}
        records.append(record)
    return {
        name: pa.array([one.get(name) for one in records], pa.string() if name.endswith("_label") else pa.float64())
        for name in parts.columns
    }


def _record(cell: str | None, parts: _Parts) -> dict[str, Any] | None:
    """What a cell says, by column; None if that is nothing of this kind."""
    if cell is None or cell.strip() in NULLS:
        return {}
    if parts.keys is None and parts.form is None and (answers := answers_in(cell)):
        return ranked(answers, parts.first)
    value = _value(cell)
    if value is None:
        return None
    if not value:
        return {}
    if parts.form is not None:
        try:
            return None if _is_mapping(value) else ranked(parts.form.read(_as_list(value)))
        except ValueError:
            return None
    if not _is_mapping(value):
        return None
    mapping = _mapping(value)
    return (
        ranked(mapping.items()) if parts.keys is None else {parts.column_of(key): one for key, one in mapping.items()}
    )


def _value(cell: str) -> Any:
    """What a cell says, a mapping or a list; None if it is something else."""
    return normalized(literal(cell)) if _START.match(cell) or cell.strip() in _EMPTY else None


def _as_list(value: Any) -> Sequence[Any]:
    """One answer, as {"label": "cat", "score": 0.9}, is a list of one."""
    return [value] if isinstance(value, dict) else value


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict) and all(one is None or number_of(one) is not None for one in value.values())


def _mapping(value: Mapping[Any, Any]) -> dict[str, float | None]:
    return {str(key): number_of(one) for key, one in value.items()}
