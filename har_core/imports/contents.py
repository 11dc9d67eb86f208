"""What the first rows of a column say of it: numbers, labels, names of photos, or nothing but a count of the rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from har_core.errors import DataError
from har_core.imports import headers
from har_core.imports.tables import Table, numbers_of, texts_of
from har_core.imports.text_numbers import NULLS
from har_core.runs.class_names import class_key

_NUMBER = r"(?i)^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$|^[+-]?(nan|inf|infinity)$"
_INDEX = ("unnamed:0", "index", "level0", "rownames", "rowname", "row", "rowid", "rownumber")


def is_numeric(values: pa.Array) -> bool:
    """Whether a column holds numbers, or text that reads as numbers; empty cells apart."""
    values = _different(values)
    if not pa.types.is_string(values.type):
        return bool(pa.types.is_integer(values.type) or pa.types.is_floating(values.type))
    text = texts_of(values, guarded=False)
    text = text.filter(pc.not_equal(text, ""))
    if not len(text):
        return False
    # Between words, "NA" is one of them; a column of nothing else may be one of numbers.
    some = text.filter(pc.invert(pc.is_in(text, value_set=pa.array(NULLS))))
    if not len(some):
        return True
    number = pc.match_substring_regex(some, _NUMBER)
    # One faulty cell does not make a column of numbers text: it is refused where it is read.
    return float(pc.mean(pc.cast(number, pa.float64())).as_py()) > 0.5


def _different(values: pa.Array) -> pa.Array:
    """The texts of a dictionary, as Parquet has them, each once; other values as they are."""
    return pc.unique(values).dictionary_decode() if pa.types.is_dictionary(values.type) else values


def can_be_labels(table: Table, name: str) -> bool:
    """Whether the numbers in a column, and the words that are among them, can be labels: no number has a fraction."""
    values = _different(table.head[name])
    if pa.types.is_string(values.type):
        text = texts_of(values, guarded=False)
        values = text.filter(pc.match_substring_regex(text, _NUMBER))
    try:
        numbers = numbers_of(values, table, name, 1)
    except DataError:
        return False
    known = numbers[np.isfinite(numbers)]
    return bool((known == np.round(known)).all())


def fractions_as_labels(table: Table, names: Collection[str]) -> list[str]:
    """Columns that are called like labels, of numbers with fractions that are also in another such column, or columns are called by
    them: classes 0.5, 1.0, and 1.5."""
    called = [name for name in names if headers.plain(name) in (*headers.TRUE, *headers.PREDICTED)]
    values = {name: set(values_of(table, [name])) for name in called}
    others = {name: set(table.columns).union(*(one for key, one in values.items() if key != name)) for name in called}
    return [
        name
        for name in called
        if not can_be_labels(table, name) and 2 * len(values[name] & others[name]) > len(values[name])
    ]


def counts_rows(table: Table, name: str) -> bool:
    """Whether a column is the index that pandas and R write before the others: called like one, or not at all, and counting rows."""
    unnamed = re.fullmatch(r"column \d+", name) and name == table.columns[0]
    if not unnamed and headers.plain(name) not in _INDEX:
        return False
    try:
        numbers = numbers_of(table.head[name], table, name, 1)
    except DataError:
        return False
    return bool((np.diff(numbers) > 0).all() and numbers[0] in (0, 1))


def folders_of(table: Table, file: str) -> list[str]:
    """The different folders in which the first files lie; none if one lies in none."""
    names = texts_of(table.head[file], guarded=table.guarded).to_pylist()
    parts = [name.replace("\\", "/").rsplit("/", 2) for name in names]
    return list(dict.fromkeys(one[-2] for one in parts)) if all(len(one) > 1 for one in parts) else []


def folders_fit(table: Table, file: str, classes: Collection[str]) -> bool:
    """Whether every file lies in a folder that is called like a class."""
    found = folders_of(table, file)
    return bool(found) and {class_key(name) for name in found} <= {class_key(name) for name in classes}


def values_of(table: Table, columns: Sequence[str | None]) -> list[str]:
    """The different texts in the first rows of these columns."""
    found: dict[str, None] = {}
    for name in columns:
        if name is not None:
            found |= dict.fromkeys(texts_of(table.head[name], guarded=table.guarded).to_pylist())
    return [text for text in found if text]


def share_like(values: pa.Array, pattern: re.Pattern[str]) -> float:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return 0.0
    return float(np.mean([bool(one and pattern.fullmatch(one.strip())) for one in values.to_pylist()] or [False]))
