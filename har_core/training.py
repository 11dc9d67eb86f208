"""Model + photos + config → checkpoints and history.  Knows nothing of the terminal: it reports through callbacks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from har_core.activations import ActivationCache, Feed, Forward, compiled, frozen_forward
from har_core.config import TrainConfig
from har_core.data import Progress
from har_core.dataset import PhotoDataset
from har_core.errors import CheckpointError, TrainingDiverged
from har_core.evaluation import loss_and_accuracy
from har_core.files import atomic_path
from har_core.model import split_frozen, training_mode

STATE, BEST = "state.pt", "best.pt"
_STATE_FORMAT = "har-lens-state/1"


@dataclass(frozen=True)
class Step:
    """Where a training stands after a batch. `loss` and `accuracy` are means over the epoch so far."""

    epoch: int
    photos: int
    total: int
    loss: float
    accuracy: float


@dataclass
class State:
    """All that an interrupted training needs, besides the photos, to go on as if nothing had happened."""

    epoch: int = 1
    batch: int = 0
    loss_sum: float = 0.0
    right: int = 0
    seen: int = 0
    seconds: float = 0.0
    best_epoch: int = 0
    best_accuracy: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)

    def next_epoch(self) -> None:
        self.epoch, self.batch, self.loss_sum, self.right, self.seen, self.seconds = self.epoch + 1, 0, 0.0, 0, 0, 0.0


class Trainer:
    """Trains a model in place.

    Args:
        folder: where `state.pt` (to resume from) and `best.pt` (weights of the best epoch) are kept.
        identity: what must be the same for a state to fit: JSON values that describe config, data and origin.
        precision: of the forward pass, float32 or bfloat16; parameters and optimiser stay float32.
        save_every: seconds between two states within an epoch; the end of an epoch is always saved.
        on_activations: progress of computing activations of the frozen stages, (done, total).
    """

    def __init__(
        self,
        model: nn.Module,
        training: PhotoDataset,
        validation: PhotoDataset,
        config: TrainConfig,
        *,
        folder: Path,
        identity: dict[str, Any],
        device: torch.device,
        precision: torch.dtype,
        workers: int,
        save_every: float = 300.0,
        on_step: Callable[[Step], None] = lambda step: None,
        on_epoch: Callable[[dict[str, float], bool], None] = lambda row, best: None,
        on_activations: Progress | None = None,
    ) -> None:
        self.model, self.config, self.folder, self.identity = model.to(device), config, folder, identity
        self.device, self.precision, self.save_every = device, precision, save_every
        self.on_step, self.on_epoch = on_step, on_epoch
        trunk, self.head = split_frozen(model, config.trainable)
        learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.Adam(learning, lr=config.lr)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, config.step_size, config.gamma)
        frozen: Forward | None = frozen_forward(trunk, device, precision) if len(trunk) else None
        if frozen is not None and device.type == "cpu":
            shape = (config.batch_size, 3, config.crop_size, config.crop_size)
            frozen = compiled(frozen, shape, photos=(config.views or config.epochs) * len(training))
        self.feed = Feed(
            training,
            validation,
            config,
            frozen,
            ActivationCache(folder / "activations", {**identity, "precision": str(precision)}),
            workers,
            on_activations,
        )
        self.state = State()
        self._saved_at = time.monotonic()

    def run(self) -> State:
        """Train from the current state to the last epoch.

        Raises:
            TrainingDiverged: if the loss is not finite; the last states on disk stay as they were.
        """
        state = self.state
        while state.epoch <= self.config.epochs:
            self._train_epoch()
            started = time.monotonic()
            self.model.eval()
            loss, accuracy = loss_and_accuracy(self._forward, self.feed.validation(), self.device)
            row = {
                "epoch": state.epoch,
                "train_loss": state.loss_sum / state.seen,
                "train_accuracy": state.right / state.seen,
                "validation_loss": loss,
                "validation_accuracy": accuracy,
                "learning_rate": self.optimizer.param_groups[0]["lr"],
                "seconds": state.seconds + time.monotonic() - started,
            }
            state.history.append(row)
            better = accuracy > state.best_accuracy
            if (
                better
            ):  # before the state that names it: a kill in between repeats this epoch's end, with the same result
                state.best_accuracy, state.best_epoch = accuracy, state.epoch
                _write(self.folder / BEST, self.model.state_dict())
            self.scheduler.step()
            state.next_epoch()
            self.save()
            self.on_epoch(row, better)
        return state

    def _train_epoch(self) -> None:
        state = self.state
        training_mode(self.model, self.config.trainable)
        resumed, started = state.seconds, time.monotonic()
        for batch in self.feed.training(state.epoch, state.batch):
            labels = batch.labels.to(self.device)
            logits = self._forward(batch.images.to(self.device))
            loss = functional.cross_entropy(logits, labels)
            value = loss.item()
            if not math.isfinite(value):
                kept = (
                    f"{self.folder / BEST} holds epoch {state.best_epoch}"
                    if state.best_epoch
                    else "no epoch was finished"
                )
                raise TrainingDiverged(
                    f"expected a finite loss, found {value} in epoch {state.epoch} at batch {state.batch + 1}; {kept}; "
                    f"lower --lr (now {self.config.lr:g}) or pass --precision fp32"
                )
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()

            state.batch += 1
            state.seen += len(labels)
            state.loss_sum += value * len(labels)
            state.right += int((logits.argmax(dim=1) == labels).sum())
            state.seconds = resumed + time.monotonic() - started
            if time.monotonic() - self._saved_at >= self.save_every:
                self.save()
            self.on_step(
                Step(state.epoch, state.seen, self.feed.size, state.loss_sum / state.seen, state.right / state.seen)
            )

    def _forward(self, activations: Tensor) -> Tensor:
        """Activations behind the frozen stages (or images, if nothing is frozen) → logits (B, K), float32."""
        activations = activations.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16):
            logits: Tensor = self.head(activations)
        return logits.float()

    def save(self) -> None:
        """Write the state to a temporary name, flush it and rename it."""
        _write(
            self.folder / STATE,
            {
                "format": _STATE_FORMAT,
                "identity": self.identity,
                "config": self.config.as_dict(),
                "precision": str(self.precision),
                "progress": vars(self.state),
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scheduler": self.scheduler.state_dict(),
                "rng": torch.get_rng_state(),
            },
        )
        self._saved_at = time.monotonic()

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up a state that `read_state` returned.

        Raises:
            CheckpointError: if it belongs to another training.
        """
        different = [key for key, value in self.identity.items() if saved["identity"].get(key) != value]
        if different:
            raise CheckpointError(
                f"{self.folder / STATE} belongs to another training: {', '.join(different)} differ; "
                "resume with the same photos, or start anew with another --out"
            )
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.scheduler.load_state_dict(saved["scheduler"])
        torch.set_rng_state(saved["rng"])
        self.state = State(**saved["progress"])

    def best_weights(self) -> dict[str, Tensor]:
        weights: dict[str, Tensor] = _read(self.folder / BEST, self.device)
        return weights


def read_state(folder: Path) -> dict[str, Any]:
    """The last saved state of a training.

    Raises:
        CheckpointError: if there is none, or it is damaged or of another version.
    """
    saved = _read(folder / STATE, torch.device("cpu"))
    if not isinstance(saved, dict) or saved.get("format") != _STATE_FORMAT:
        raise CheckpointError(f"{folder / STATE}: expected format {_STATE_FORMAT}; start anew with another --out")
    return saved


def pick_precision(model: nn.Module, device: torch.device, crop_size: int) -> torch.dtype:
    """float32 or bfloat16, whichever a short forward pass finds faster on this device.

    Half of today's CPUs emulate bfloat16, at a fraction of float32's speed, and none of them says so reliably.
    """
    if device.type == "mps":
        return torch.float32
    images = torch.zeros(8, 3, crop_size, crop_size, device=device).contiguous(memory_format=torch.channels_last)

    def seconds(precision: torch.dtype) -> float:
        best = math.inf
        for _ in range(3):  # the first warms up; the fastest is the one least disturbed
            started = time.perf_counter()
            with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=precision == torch.bfloat16):
                model(images).sum().item()
            best = min(best, time.perf_counter() - started)
        return best

    was_training = model.training
    model.eval()
    try:
        return min((torch.float32, torch.bfloat16), key=seconds)
    finally:
        model.train(was_training)


def _write(path: Path, value: object) -> None:
    with atomic_path(path) as partial:
        torch.save(value, partial)


def _read(path: Path, device: torch.device) -> Any:
    if not path.is_file():
        raise CheckpointError(f"expected a training state at {path}, found no file; train without --resume")
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # zip, pickle and torch each have their own errors for a damaged file
        raise CheckpointError(f"{path} is damaged ({type(error).__name__}); start anew with another --out") from error
