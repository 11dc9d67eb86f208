"""Columns of numbers with percent signs → shares, in tables of every kind."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import pyarrow as pa

from har_core.imports.headers import TRUE, plain
from har_core.imports.lists import texts_in
from har_core.imports.tables import Chunk, Table, not_a_number
from har_core.imports.text_numbers import as_shares, first_fault, has_percents


def with_percents(table: Table) -> Table:
    """The same table with 70% read as 0.7 in the columns whose first rows all have such a sign (see `Table.percent`).

    Columns of labels are texts, also of classes that are called 10% and 20%.

    Raises:
        DataError: by `read`, naming the first cell of such a column that has none.
    """
    cells = {name: set(one) for name, values in table.head.items() if has_percents(one := texts_in(values))}
    labels = {cell for name, one in cells.items() if plain(name) in TRUE for cell in one}
    percent = frozenset(name for name, one in cells.items() if 2 * len(one & labels) < len(one))
    if not percent:
        return table

    def shares(name: str, values: pa.Array, row: int) -> pa.Array:
        texts = values.cast(pa.string())
        try:
            return as_shares(texts)
        except pa.ArrowInvalid:
            place = first_fault(texts, as_shares)
        not_a_number(table.place, name, row + place, texts[place].as_py())

    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        signed, row = percent.intersection(numbers), 1
        for chunk in table.read([*texts, *signed], [name for name in numbers if name not in signed]):
            yield {name: shares(name, values, row) if name in signed else values for name, values in chunk.items()}
            row += len(next(iter(chunk.values())))

    head = {name: shares(name, values, 1) if name in percent else values for name, values in table.head.items()}
    return replace(table, head=head, read=read, percent=percent)
