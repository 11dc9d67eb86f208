"""What the curves of a training say."""

from __future__ import annotations

import pandas as pd
import pytest

from har_core.analysis.history import read_curves
from har_core.runs.run import HISTORY_COLUMNS


def history(train: list[float], accuracy: list[float], loss: list[float], rates: list[float]) -> pd.DataFrame:
    columns = [range(1, len(train) + 1), loss, train, loss, accuracy, rates, [1.0] * len(train)]
    return pd.DataFrame(dict(zip(HISTORY_COLUMNS, columns, strict=True)))


OVERFIT = history([0.5, 0.8, 0.95], [0.6, 0.7, 0.7], [1.0, 0.8, 0.9], [1e-4, 1e-4, 1e-5])


def test_the_first_of_the_best_epochs_is_shipped() -> None:
    found = read_curves(OVERFIT, checkpoint="best")
    assert (found.shipped_epoch, found.shipped_accuracy) == (2, 0.7) and found.gap == pytest.approx(0.1)
    assert (found.lowest_loss_epoch, found.lowest_loss, found.last_loss) == (2, 0.8, 0.9)
    assert found.overfits and found.lr_drops == [3]


def test_the_last_epoch_is_shipped() -> None:
    found = read_curves(OVERFIT, checkpoint="last")
    assert (found.shipped_epoch, found.shipped_accuracy) == (3, 0.7) and found.gap == pytest.approx(0.25)
    assert found.overfits and found.lr_drops == [3]


@pytest.mark.parametrize(("last", "overfits"), [(0.8, False), (0.807, False), (0.809, True)])
def test_overfitting_is_a_loss_that_has_risen_by_more_than_a_percent(last: float, overfits: bool) -> None:
    table = history([0.5, 0.6, 0.7], [0.6, 0.7, 0.7], [1.0, 0.8, last], [1e-4] * 3)
    assert read_curves(table, checkpoint="best").overfits is overfits


def test_a_rate_that_falls_all_the_time_has_no_drops() -> None:
    table = history([0.5] * 4, [0.5] * 4, [1.0] * 4, [4e-4, 3e-4, 2e-4, 1e-4])
    assert read_curves(table, checkpoint="last").lr_drops == []
