"""The files that an interrupted training goes on from; `Trainer.save` and `restore` say what of a training is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from har_core.errors import CheckpointError
from har_core.files import atomic_path

STATE, BEST = "state.pt", "best.pt"
FORMAT = "har-lens-state/2"


@dataclass
class State:
    """How far a training is.  `epoch` counts from 1, `batch` the completed ones of that epoch.

    `loss_sum`, `correct` and `seen` are of the epoch's photos so far, `seconds` its time; `learning_rate` is that of the
    last step.  `best_epoch` is the one whose weights `best.pt` holds, 0 for none.
    """

    epoch: int = 1
    batch: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    seen: int = 0
    seconds: float = 0.0
    learning_rate: float = 0.0
    best_epoch: int = 0
    best_accuracy: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)

    def row(self, *, loss: float, accuracy: float, seconds: float) -> dict[str, float]:
        """The current epoch's row of the history.

        Args:
            loss, accuracy: of the evaluation.
            seconds: that the epoch took, with its evaluation.
        """
        return {
            "epoch": self.epoch,
            "train_loss": self.loss_sum / self.seen,
            "train_accuracy": self.correct / self.seen,
            "eval_loss": loss,
            "eval_accuracy": accuracy,
            "learning_rate": self.learning_rate,
            "seconds": seconds,
        }

    def next_epoch(self) -> None:
        self.epoch, self.batch, self.loss_sum, self.correct, self.seen, self.seconds = self.epoch + 1, 0, 0.0, 0, 0, 0.0


def write(path: Path, value: object) -> None:
    """Replace a file of tensors and plain values in one step.

    Raises:
        OSError: if it cannot be written; the file is as it was.
    """
    with atomic_path(path) as partial:
        try:
            torch.save(value, partial)
        except RuntimeError as error:  # what torch makes of a full disk
            raise OSError(str(error).splitlines()[0]) from error


def read_state(folder: Path) -> dict[str, Any]:
    """The last saved state of a training.

    Raises:
        CheckpointError: if there is none, or it is damaged or of another version.
    """
    saved = _read(folder / STATE, torch.device("cpu"))
    found = saved.get("format") if isinstance(saved, dict) else type(saved).__name__
    if found != FORMAT:
        raise CheckpointError(
            f"{folder / STATE}: expected format {FORMAT}, found {found}; start anew with another --out, or go on with "
            "the version that wrote it"
        )
    return dict(saved)


def require_same(identity: Mapping[str, Any], saved: Mapping[str, Any], path: Path, *, same: str) -> None:
    """Refuse the state of another training.

    Args:
        saved: the identity in the state at `path`.
        same: what to resume with, for the error.

    Raises:
        CheckpointError: naming what differs.
    """
    different = [key for key, value in identity.items() if saved.get(key) != value]
    if different:
        raise CheckpointError(
            f"{path} belongs to another training: {', '.join(different)} differ; resume with the same {same}, or start anew "
            "with another --out"
        )


def read_best(folder: Path, device: torch.device) -> dict[str, Tensor]:
    """The weights of the epoch to ship.

    Raises:
        CheckpointError: if there are none, or they are damaged.
    """
    return dict(_read(folder / BEST, device))


def _read(path: Path, device: torch.device) -> Any:
    if not path.is_file():
        raise CheckpointError(f"expected a training state at {path}, found no file; train without --resume")
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # zip, pickle and torch each have their own errors for a damaged file
        raise CheckpointError(f"{path} is damaged ({type(error).__name__}); start anew with another --out") from error
