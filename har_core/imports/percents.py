"""Columns of numbers as people write them → numbers: percent signs, decimal commas, digits of another script; in tables of every kind."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from har_core.imports.headers import TRUE, plain
from har_core.imports.lists import texts_in
from har_core.imports.tables import Chunk, Table, not_a_number
from har_core.imports.text_numbers import Writing, as_numbers, as_shares, number_in, writing_of


def with_percents(table: Table) -> Table:
    """The same table with 70% read as 0.7, and "0,7" and ٠٫٧ as well, in the columns whose first rows are mostly such numbers.

    Columns of labels are texts, also of classes that are called 10% and 20%.  `Table.percent` says which columns have percent signs:
    all of their cells need one.

    Raises:
        DataError: by `read`, naming the first cell of such a column that is none, or is written otherwise.
    """
    cells = {name: one for name, values in table.head.items() if (one := set(texts_in(values)))}
    labels = {cell for name, one in cells.items() if plain(name) in TRUE for cell in one}
    found = {
        name: writing
        for name, one in cells.items()
        if (writing := writing_of(one)) is not None and 2 * len(one & labels) < len(one)
    }
    if not found:
        return table

    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        own, row = found.keys() & set(numbers), 1
        for chunk in table.read([*texts, *own], [name for name in numbers if name not in own]):
            yield {
                name: _numbers(table.place, name, values, found[name], row) if name in own else values
                for name, values in chunk.items()
            }
            row += len(next(iter(chunk.values())))

    head = {
        name: _numbers(table.place, name, values, found[name], None) if name in found else values
        for name, values in table.head.items()
    }
    return replace(
        table, head=head, read=read, percent=frozenset(name for name, how in found.items() if how == "percents")
    )


def _numbers(place: str, name: str, values: pa.Array, writing: Writing, row: int | None) -> pa.Array:
    """A column's cells, written so, as float64.

    Args:
        row: the number of the first row; None: what is no number is empty, since nobody has asked for the column yet.
    """
    texts = values.cast(pa.string())
    try:
        return as_shares(texts) if writing == "percents" else as_numbers(texts, decimal=",")
    except pa.ArrowInvalid:
        encoded = texts.dictionary_encode()
    known: list[float | None] = []
    for code, cell in enumerate(encoded.dictionary.to_pylist()):
        try:
            known.append(number_in(cell, writing))
        except ValueError:
            known.append(None)
            if row is not None:
                first = int(np.flatnonzero(encoded.indices.to_numpy(zero_copy_only=False) == code)[0])
                what = "numbers with percent signs, as others have," if writing == "percents" else "numbers"
                not_a_number(place, name, row + first, cell, what)
    return pa.array(known, pa.float64()).take(encoded.indices)
