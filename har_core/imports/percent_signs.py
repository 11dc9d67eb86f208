"""Percent signs mean what they say: the number before one is divided by 100 where rows are read."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from har_core.imports.tables import Chunk, Table, numbers_of

NOTE = "numbers with percent signs were divided by 100"
"""Of a run."""


def were_signed(table: Table, chunk: Chunk, columns: Collection[str]) -> bool:
    """Whether columns of numbers had percent signs.

    The first rows of a text table are without the signs, as numbers up to 100; where its rows are read, these are divided.

    Args:
        chunk: the first rows that were read.
    """
    for name in columns:
        first, read = (
            numbers[np.isfinite(numbers) & (numbers != 0)][:1]
            for numbers in (numbers_of(table.head[name], table, name, 1), numbers_of(chunk[name], table, name, 1))
        )
        if len(first) and len(read):
            return bool(first[0] / 100 == read[0])
    return False
