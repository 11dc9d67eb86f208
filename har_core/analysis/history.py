"""History of a training → the epoch whose weights are shipped, and whether the model overfits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Curves:
    """What the history of a training says.  Accuracies in [0, 1], losses in nats (lower is better), epochs from 1.

    `gap`: training minus evaluation accuracy after `shipped_epoch`.  `overfits`: the evaluation loss has risen again by
    more than 1 % over its lowest value.  `lr_drops`: the first epochs at a lower learning rate, of a schedule that falls in
    steps; of one that falls in every other epoch or more often, there are none.
    """

    shipped_epoch: int
    shipped_accuracy: float
    gap: float
    lowest_loss_epoch: int
    lowest_loss: float
    last_loss: float
    overfits: bool
    lr_drops: list[int]


def read_curves(history: pd.DataFrame, *, checkpoint: Literal["best", "last"]) -> Curves:
    """Read a training's history.

    Args:
        history: one row per epoch, at least one (columns: `runs.run.HISTORY_COLUMNS`).
        checkpoint: which epoch's weights are shipped: those of the first most accurate one, or of the last.
    """
    accuracy, loss = history["eval_accuracy"].to_numpy(), history["eval_loss"].to_numpy()
    shipped = history.iloc[-1 if checkpoint == "last" else int(accuracy.argmax())]
    lowest = history.iloc[int(loss.argmin())]
    rates = history["learning_rate"].to_numpy()
    drops = np.flatnonzero(rates[1:] < rates[:-1] * 0.999) + 1
    return Curves(
        shipped_epoch=int(shipped["epoch"]),
        shipped_accuracy=float(shipped["eval_accuracy"]),
        gap=float(shipped["train_accuracy"] - shipped["eval_accuracy"]),
        lowest_loss_epoch=int(lowest["epoch"]),
        lowest_loss=float(lowest["eval_loss"]),
        last_loss=float(loss[-1]),
        overfits=bool(loss[-1] > 1.01 * float(lowest["eval_loss"])),
        lr_drops=history["epoch"].to_numpy()[drops].astype(int).tolist() if 2 * len(drops) <= len(rates) else [],
    )
