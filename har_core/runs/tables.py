"""Tables that belong to a run, each a CSV whose columns and values are checked by one rule when written and when read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from har_core.errors import RunError
from har_core.files import atomic_path, reason_of
from har_core.runs.run import Run
from har_core.runs.writing import add_file

MAX_ROWS = 10**7


TEST, TRAINING = "test", "training"
"""Which photos a row is about: those that a run was evaluated on, or those that it learned from."""

TRAINED, CALIBRATED = "train", "calibration"
"""Of a photo that the model learned from, and of one that its temperature was fitted on."""


@dataclass(frozen=True)
class Text:
    """Any text of at most `length` characters; none, where `empty`."""

    length: int = 4096
    empty: bool = False


@dataclass(frozen=True)
class OneOf:
    """One of these words; `empty`: or none."""

    words: Collection[str]
    empty: bool = False


@dataclass(frozen=True)
class Number:
    """A finite number from `low` to `high`; `whole`: an integer; `missing`: or NaN."""

    low: float = -np.inf
    high: float = np.inf
    whole: bool = False
    missing: bool = False


Column = Text | OneOf | Number
Schema = dict[str, Column]
"""The columns of a table in their order, and what may be in them."""


def write_table(run: Run, file: str, table: pd.DataFrame, schema: Schema) -> Run:
    """Store a table with the columns of `schema`, and list it in the run's manifest.

    Args:
        file: its name in the run's folder, one of `runs.manifest.FILES`.

    Raises:
        RunError: if the table could not be read back; nothing is written then.
        OSError: if the folder cannot be written.
    """
    _checked(table, file, schema)
    with atomic_path(run.folder / file) as partial:
        table.to_csv(partial, index=False)
    return add_file(run, file)


def read_table(run: Run, file: str, schema: Schema) -> pd.DataFrame:
    """What `write_table` stored: texts as object, whole numbers as int64, other numbers as float64.

    Raises:
        RunError: if the run has none, or a damaged one.
    """
    texts = {name: str for name, column in schema.items() if not isinstance(column, Number)}
    path = run.file(file)
    try:
        # no text stands for a missing one: a class may be called "None" or "NA"
        table = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=_missing(schema), nrows=MAX_ROWS + 1)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise RunError(f"{run.name}/{file} is missing or damaged ({reason_of(error)}); copy the run again") from error
    return _checked(table, f"{run.name}/{file}", schema)


def _missing(schema: Schema) -> dict[str, list[str]]:
    return {name: [""] for name, column in schema.items() if isinstance(column, Number) and column.missing}


def _checked(table: pd.DataFrame, place: str, schema: Schema) -> pd.DataFrame:
    if list(table.columns) != list(schema):
        found = ", ".join(map(str, table.columns))[:300]
        raise RunError(f"{place}: expected the columns {', '.join(schema)}; found {found}; analyze the run again")
    if len(table) > MAX_ROWS:
        raise RunError(f"{place}: expected at most {MAX_ROWS:,} rows, found more; analyze the run again")
    columns = {}
    for name, column in schema.items():
        values = table[name]
        ok, values = _number(values, column) if isinstance(column, Number) else _text(values, column)
        if not ok.all():
            raise RunError(
                f"{place}: expected {name} to be {_words(column)}, found {str(table[name][~ok].iloc[0])[:80]!r}; analyze the "
                "run again"
            )
        columns[name] = values
    return pd.DataFrame(columns)


def _number(values: pd.Series, column: Number) -> tuple[np.ndarray, pd.Series]:
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    known = np.isfinite(numbers.to_numpy())
    ok = known & (numbers >= column.low).to_numpy() & (numbers <= column.high).to_numpy()
    if column.whole:
        ok &= numbers.to_numpy() == np.round(numbers.fillna(0).to_numpy())
    if column.missing:
        ok |= values.isna().to_numpy()
    return ok, numbers.astype(np.int64) if column.whole and ok.all() and not column.missing else numbers


def _text(values: pd.Series, column: Text | OneOf) -> tuple[np.ndarray, pd.Series]:
    texts = values.astype(object)
    if isinstance(column, OneOf):
        ok = texts.isin(list(column.words)).to_numpy()
    else:
        ok = np.array([isinstance(text, str) and 0 < len(text) <= column.length for text in texts], dtype=bool)
    if column.empty:
        ok |= (texts == "").to_numpy()
    return ok, texts


def _words(column: Column) -> str:
    if isinstance(column, Number):
        kind = "a whole number" if column.whole else "a number"
        return f"{kind} from {column.low:g} to {column.high:g}"
    if isinstance(column, OneOf):
        return "one of " + ", ".join(sorted(column.words)[:20])
    return f"text of 1 to {column.length} characters"


def training_schema(classes: Collection[str]) -> Schema:
    """The table of the photos that a run was made with, besides those of its evaluation, with the labels they had then."""
    return {"sample": Text(4096), "used": OneOf((TRAINED, CALIBRATED)), "label": OneOf(classes)}
