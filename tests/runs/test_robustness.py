"""The table of what shifts do to a model."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from har_core.errors import RunError
from har_core.runs.file_names import ROBUSTNESS
from har_core.runs.robustness import CLEAN, read_robustness, write_robustness
from har_core.runs.run import Run
from tests.helpers import random_predictions
from tests.pages.conftest import write_run

TABLE = pd.DataFrame(
    {"group": [CLEAN, "scale"], "shift": [CLEAN, "half the size"], "correct": [8, 5], "photos": [10, 10]}
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.open(write_run(tmp_path / "run", random_predictions(10, ("a", "b")), maps=False))


def test_there_and_back(run: Run) -> None:
    assert not run.has(ROBUSTNESS)
    written = write_robustness(run, TABLE)
    assert read_robustness(written).equals(TABLE) and len(written.predictions()) == 10


@pytest.mark.parametrize(
    "change",
    [{"correct": [11, 5]}, {"correct": [8.5, 5]}, {"photos": [0, 10]}, {"shift": ["other", "half the size"]},
     {"more": [1, 2]}],
)  # fmt: skip
def test_what_could_not_be_read_back_is_not_written(change: dict[str, list[object]], run: Run) -> None:
    with pytest.raises(RunError, match="expected counts"):
        write_robustness(run, TABLE.assign(**change))
    assert not (run.folder / ROBUSTNESS).exists()


def test_a_table_that_was_changed_is_refused(run: Run) -> None:
    written = write_robustness(run, TABLE)
    (run.folder / ROBUSTNESS).write_text("group,shift,correct,photos\n")
    with pytest.raises(RunError, match=r"robustness\.csv"):
        read_robustness(written)
