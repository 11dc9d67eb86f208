"""Model + photos + config → checkpoints and history.  Knows nothing of the terminal: it reports through callbacks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch.nn import functional

from har_core.activations import ActivationCache, Feed, Forward, compiled, frozen_forward
from har_core.config import TrainConfig
from har_core.data import Progress
from har_core.dataset import Batch, PhotoDataset
from har_core.errors import CheckpointError, ConfigError, TrainingDiverged
from har_core.evaluation import loss_and_accuracy
from har_core.files import atomic_path
from har_core.model import split_frozen, training_mode
from har_core.optimisation import average_of, mean_of, optimizer_of, scheduler_of, targets_of
from har_core.parallel import ALONE, Processes

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
        folder: where `state.pt` (to resume from) and `best.pt` (weights of the epoch to ship) are kept.
        identity: what must be the same for a state to fit: JSON values that describe config, data and origin.
        processes: those that train together; each takes its share of every batch, and only the first writes files.
        soft_targets: (M, K) float32, what the last M training photos are to be given in place of their labels.
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
        soft_targets: Tensor | None = None,
        processes: Processes = ALONE,
        save_every: float = 300.0,
        on_step: Callable[[Step], None] = lambda step: None,
        on_epoch: Callable[[dict[str, float], bool], None] = lambda row, best: None,
        on_activations: Progress | None = None,
    ) -> None:
        self.model, self.config, self.folder, self.identity = model.to(device), config, folder, identity
        self.device, self.precision, self.processes, self.save_every = device, precision, processes, save_every
        self.on_step, self.on_epoch = on_step, on_epoch
        if config.views and processes.count > 1:
            raise ConfigError(
                f"expected fresh crops in {processes.count} processes, found --views {config.views}; use 0"
            )
        trunk, head = split_frozen(self.model, config.trainable)
        self._targets = targets_of(training.labels, model.get_parameter("fc.bias").numel(), config, soft_targets).to(
            device
        )
        self._learning = processes.synchronised(head, device)
        self._start = (
            {name: value.clone() for name, value in model.state_dict().items()} if config.members > 1 else None
        )
        self._members: list[dict[str, Tensor]] = []  # weights of those that are complete
        frozen: Forward | None = frozen_forward(trunk, device, precision) if len(trunk) else None
        if frozen is not None and device.type == "cpu":
            shapes = {(config.batch_size, 3, size, size) for size in config.sizes}
            frozen = compiled(frozen, shapes, photos=(config.views or config.epochs * config.members) * len(training))
        self.feed = Feed(
            training,
            validation,
            config,
            frozen,
            ActivationCache(folder / "activations", {**identity, "precision": str(precision)}),
            workers,
            on_activations,
            processes,
        )
        self.state = State()
        self._begin()
        self._saved_at = time.monotonic()

    def _begin(self) -> None:
        """A new optimiser, schedule and moving average, for weights that have learnt nothing yet."""
        self.optimizer = optimizer_of(self.model, self.config)
        self.average = average_of(self.model, self.config)
        self.scored = self.average.module if self.average is not None else self.model
        self._scored_head = split_frozen(self.scored, self.config.trainable)[1]
        self.scheduler = scheduler_of(self.optimizer, self.config, batches=len(self.feed.order))

    def run(self) -> State:
        """Train from the current state to the last epoch.

        Raises:
            TrainingDiverged: if the loss is not finite; the last states on disk stay as they were.
        """
        state, config = self.state, self.config
        while state.epoch <= config.epochs * config.members:
            if self._start is not None and state.batch == 0 and config.of_member(state.epoch) == 1:
                self.model.load_state_dict(self._start)
                self._begin()
            for step in self.steps():
                self.on_step(step)
            started = time.monotonic()
            self.scored.eval()
            loss, accuracy = loss_and_accuracy(self._scores, self.feed.validation(), self.device, self.processes)
            row = {
                "epoch": state.epoch,
                "train_loss": state.loss_sum / state.seen,
                "train_accuracy": state.right / state.seen,
                "validation_loss": loss,
                "validation_accuracy": accuracy,
                "learning_rate": self.optimizer.param_groups[-1]["lr"],
                "seconds": state.seconds + time.monotonic() - started,
            }
            state.history.append(row)
            if self._start is not None and config.of_member(state.epoch) == config.epochs:
                self._members.append({name: value.clone() for name, value in self.scored.state_dict().items()})
            better = config.selection == "last" or accuracy > state.best_accuracy
            if better:
                # Before the state that names it: a kill in between repeats this epoch's end, with the same result.
                state.best_accuracy, state.best_epoch = accuracy, state.epoch
                self._write(BEST, mean_of(self._members) if self._members else self.scored.state_dict())
            if config.schedule == "steps":
                self.scheduler.step()
            state.next_epoch()
            self.save()
            self.on_epoch(row, better)
        return state

    def steps(self) -> Iterator[Step]:
        """Learn the rest of the current epoch, batch after batch.

        Raises:
            TrainingDiverged: if the loss is not finite; the weights are still those before that batch.
        """
        state = self.state
        training_mode(self.model, self.config.trainable, frozen_norms=self.config.frozen_norms)
        resumed, started = state.seconds, time.monotonic()
        for batch in self.feed.training(state.epoch, state.batch):
            photos = self.feed.order.photos(state.batch)
            loss_sum, right = self._learn(batch, photos)
            state.batch += 1
            state.seen += photos
            state.loss_sum += loss_sum
            state.right += right
            state.seconds = resumed + time.monotonic() - started
            if time.monotonic() - self._saved_at >= self.save_every:
                self.save()
            yield Step(state.epoch, state.seen, self.feed.size, state.loss_sum / state.seen, state.right / state.seen)

    def _learn(self, batch: Batch, photos: int) -> tuple[float, int]:
        """One step of the optimiser: summed loss and right answers over the batch's `photos` of all processes."""
        own = len(self.processes.share(range(photos)))  # 0: the one photo drawn only keeps step with the others
        labels = batch.labels.to(self.device)[:own]
        logits = self._forward(self._learning, batch.images)[:own]
        loss = functional.cross_entropy(logits, self._targets[batch.indices[:own].to(self.device)], reduction="sum")
        loss_sum, right = self.processes.sum(loss.item(), int((logits.argmax(dim=1) == labels).sum()))
        if not math.isfinite(loss_sum):
            self._diverged(loss_sum / photos)
        self.optimizer.zero_grad(set_to_none=True)
        # Gradients are averaged over the processes, the loss is a mean over the photos of all of them.
        (loss * (self.processes.count / photos)).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        if self.config.schedule == "cosine":
            self.scheduler.step()
        if self.average is not None:
            self.average.update_parameters(self.model)
        return loss_sum, int(right)

    def _diverged(self, loss: float) -> NoReturn:
        epoch, batch = self.state.epoch, self.state.batch + 1
        kept = self.state.best_epoch
        raise TrainingDiverged(
            f"expected a finite loss, found {loss} in epoch {epoch} at batch {batch}; "
            + (f"{self.folder / BEST} holds epoch {kept}" if kept else "no epoch was finished")
            + f"; lower --lr (now {self.config.lr:g}) or pass --precision fp32"
        )

    def _forward(self, head: nn.Module, activations: Tensor) -> Tensor:
        """Activations behind the frozen stages (or images, if nothing is frozen) → logits (B, K), float32."""
        activations = activations.to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16):
            logits: Tensor = head(activations)
        return logits.float()

    def _scores(self, activations: Tensor) -> Tensor:
        """Logits of the weights that are scored and shipped."""
        return self._forward(self._scored_head, activations)

    def save(self) -> None:
        """Write the state to a temporary name, flush it and rename it."""
        self._write(
            STATE,
            {
                "format": _STATE_FORMAT,
                "identity": self.identity,
                "config": self.config.as_dict(),
                "precision": str(self.precision),
                "progress": vars(self.state),
                "model": self.model.state_dict(),
                "average": None if self.average is None else self.average.state_dict(),
                "members": self._members,
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
        if self.average is not None:
            self.average.load_state_dict(saved["average"])
        self._members = [{name: value.to(self.device) for name, value in each.items()} for each in saved["members"]]
        self.optimizer.load_state_dict(saved["optimizer"])
        self.scheduler.load_state_dict(saved["scheduler"])
        torch.set_rng_state(saved["rng"])
        self.state = State(**saved["progress"])

    def _write(self, name: str, value: object) -> None:
        if self.processes.first:
            with atomic_path(self.folder / name) as partial:
                try:
                    torch.save(value, partial)
                except RuntimeError as error:  # what torch makes of a full disk
                    raise OSError(str(error).splitlines()[0]) from error

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


def _read(path: Path, device: torch.device) -> Any:
    if not path.is_file():
        raise CheckpointError(f"expected a training state at {path}, found no file; train without --resume")
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # zip, pickle and torch each have their own errors for a damaged file
        raise CheckpointError(f"{path} is damaged ({type(error).__name__}); start anew with another --out") from error
