"""The label suspects of a run, cached."""

from __future__ import annotations

import numpy as np
import pandas as pd

from app_pages.state import runs
from app_pages.state.once import once_per_run
from har_core.analysis.label_suspects import find_suspects, suspects_schema
from har_core.runs.file_names import PREDICTIONS, SUSPECTS
from har_core.runs.run import Run
from har_core.runs.tables import TEST, read_table

MOST_AT_ONCE = 2_000_000
"""Photos times classes of a run without stored suspects: of more, finding them takes longer than a visitor waits."""


def suspects(run: Run) -> pd.DataFrame | None:
    """A table of `label_suspects.suspects_schema`: the stored one, else that of the evaluated photos by the model's own answers.

    None if there is none, and the run is too large to find them now or its own answers do not give them.
    """
    if not run.has(SUSPECTS) and (
        not run.has(PREDICTIONS)
        or not runs.known(run).every_class
        or len(runs.predictions(run)) * len(run.classes) > MOST_AT_ONCE
    ):
        return None
    return _find(run)


def is_stored(run: Run) -> bool:
    """Whether the suspects come from the command, training photos included."""
    return run.has(SUSPECTS)


@once_per_run("Looking for wrong labels …")
def _find(run: Run) -> pd.DataFrame:
    if run.has(SUSPECTS):
        return read_table(run, SUSPECTS, suspects_schema(run.classes))
    predictions = runs.predictions(run)
    return find_suspects(
        predictions.samples,
        np.full(len(predictions), TEST, dtype=object),
        predictions.true,
        predictions.probabilities,
        runs.embeddings(run),
        run.classes,
    )
