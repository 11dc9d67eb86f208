"""How many photos a run's model still gets right when they are shifted (`data.shifts`) ↔ robustness.csv."""

from __future__ import annotations

import numpy as np
import pandas as pd

from har_core.errors import RunError
from har_core.files import atomic_path, reason_of
from har_core.runs.file_names import ROBUSTNESS
from har_core.runs.run import Run
from har_core.runs.writing import add_file

COLUMNS = ("group", "shift", "correct", "photos")
CLEAN = "as it is"
"""Group and shift of the photos themselves, in the first row."""

_MAX_ROWS = 1000


def write_robustness(run: Run, table: pd.DataFrame) -> Run:
    """Store a table with one row per shift and the columns `COLUMNS`, and list it in the manifest.

    Raises:
        RunError: if the table could not be read back; nothing is written then.
        OSError: if the folder cannot be written.
    """
    _require(table, run.name)
    with atomic_path(run.folder / ROBUSTNESS) as partial:
        table.to_csv(partial, index=False)
    return add_file(run, ROBUSTNESS)


def read_robustness(run: Run) -> pd.DataFrame:
    """What `write_robustness` stored.

    Raises:
        RunError: if the run has none, or a damaged one.
    """
    try:
        table = pd.read_csv(run.file(ROBUSTNESS), nrows=_MAX_ROWS + 1)
    except (OSError, ValueError) as error:
        raise RunError(
            f"{run.name}/{ROBUSTNESS} is missing or damaged ({reason_of(error)}); copy the run again"
        ) from error
    _require(table, run.name)
    return table


def _require(table: pd.DataFrame, name: str) -> None:
    counts = table.reindex(columns=["correct", "photos"])
    if (
        tuple(table.columns) != COLUMNS
        or not 1 <= len(table) <= _MAX_ROWS
        or not all(np.issubdtype(kind, np.integer) for kind in counts.dtypes)
        or not ((counts["photos"] > 0) & (counts["correct"] >= 0) & (counts["correct"] <= counts["photos"])).all()
        or tuple(table.iloc[0, :2]) != (CLEAN, CLEAN)
    ):
        raise RunError(
            f"{name}/{ROBUSTNESS}: expected counts with the columns {', '.join(COLUMNS)}, the first row {CLEAN!r}; "
            "copy the run again"
        )
