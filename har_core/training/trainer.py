"""Model + photos + config → checkpoints and history.  Knows nothing of the terminal: it reports through callbacks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch.nn import functional

from har_core.data.dataset import Batch, PhotoDataset
from har_core.errors import TrainingDiverged
from har_core.models.registry import set_training_mode, split_frozen
from har_core.training import provenance
from har_core.training.averages import make_ema, make_running_soup
from har_core.training.config import TrainConfig
from har_core.training.distributed import SINGLE, Processes
from har_core.training.features import FeatureLoader
from har_core.training.optim import make_optimizer, make_scheduler
from har_core.training.state import BEST, FORMAT, STATE, State, read_best, require_same, write

_READ_EVERY = 10
"""Batches after which the losses are read from an accelerator."""


def _reads_at_once(device: torch.device) -> bool:
    """Whether a tensor can be read without waiting for a queue of work."""
    return device.type == "cpu"


@dataclass(frozen=True)
class Step:
    """Where a training stands.  `loss` (nats) and `accuracy` are means over the epoch so far."""

    epoch: int
    photos: int
    total: int
    loss: float
    accuracy: float


class Trainer:
    """Trains a model in place.

    Args:
        folder: where `state.pt` (to resume from) and `best.pt` (weights of the epoch to ship) are kept.
        identity: what must be the same for a state to fit: JSON values that describe config, data and origin.
        precision: of the forward pass, float32 or bfloat16; parameters and optimizer stay float32.
        processes: those that train together; each takes its share of every batch, and only the first writes files.
        save_every: seconds between two states within an epoch; the end of an epoch is always saved.
        on_epoch: called with the epoch's row of the history, and whether its weights are now those to ship.
    """

    def __init__(
        self,
        model: nn.Module,
        train: PhotoDataset,
        evaluation: PhotoDataset,
        config: TrainConfig,
        *,
        folder: Path,
        identity: dict[str, Any],
        device: torch.device,
        precision: torch.dtype,
        workers: int,
        processes: Processes = SINGLE,
        save_every: float = 300.0,
        on_step: Callable[[Step], None] = lambda step: None,
        on_epoch: Callable[[dict[str, float], bool], None] = lambda row, best: None,
    ) -> None:
        self.model, self.config, self.folder, self.identity = model.to(device), config, folder, identity
        self.device, self.precision, self.processes, self.save_every = device, precision, processes, save_every
        self.on_step, self.on_epoch = on_step, on_epoch
        frozen, learning = split_frozen(self.model, config.unfreeze)
        self._learning = processes.synchronized(learning, device)
        self.features = FeatureLoader(
            train,
            evaluation,
            config,
            frozen,
            device=device,
            precision=precision,
            workers=workers,
            processes=processes,
        )
        self.soup = make_running_soup(self.model, config)
        self._start = {name: value.clone() for name, value in model.state_dict().items()} if self.soup else None
        self.state = State()
        self._begin()
        self._saved_at = time.monotonic()

    def _begin(self) -> None:
        """A new optimizer, schedule and moving average, for weights that have learned nothing yet."""
        self.optimizer = make_optimizer(self.model, self.config)
        self.ema = make_ema(self.model, self.config)
        self.evaluated: nn.Module = self.ema.module if self.ema is not None else self.model
        self._evaluated_learning = split_frozen(self.evaluated, self.config.unfreeze)[1]
        self.scheduler = make_scheduler(self.optimizer, self.config, batches=len(self.features.order))

    def run(self) -> State:
        """Train from the current state to the last epoch.

        Raises:
            TrainingDiverged: if the loss is not finite; the last states on disk stay as they were.
        """
        state, config = self.state, self.config
        while state.epoch <= config.total_epochs:
            if self._start is not None and state.batch == 0 and config.epoch_of_training(state.epoch) == 1:
                self.model.load_state_dict(self._start)
                self._begin()
            for step in self.steps():
                self.on_step(step)
            started = time.monotonic()
            loss, accuracy = self.evaluate()
            row = state.row(loss=loss, accuracy=accuracy, seconds=state.seconds + time.monotonic() - started)
            state.history.append(row)
            if self.soup is not None and config.epoch_of_training(state.epoch) == config.epochs:
                self.soup.update_parameters(self.evaluated)
            best = config.checkpoint == "last" or accuracy > state.best_accuracy
            if best:
                # Before the state that names it: a kill in between repeats this epoch's end, with the same result.
                state.best_accuracy, state.best_epoch = accuracy, state.epoch
                any_complete = self.soup is not None and self.soup.n_averaged > 0
                shipped = self.soup.module if self.soup is not None and any_complete else self.evaluated
                self._write(BEST, shipped.state_dict())
            if config.schedule == "steps":
                self.scheduler.step()
            state.next_epoch()
            self.save()
            self.on_epoch(row, best)
        return state

    def steps(self) -> Iterator[Step]:
        """Learn the rest of the current epoch, batch after batch.

        Raises:
            TrainingDiverged: if the loss is not finite; no state of it is saved.

        Yields:
            Where it stands, whenever the losses were read from the device: waiting for them before every next batch would
            leave a GPU idle.
        """
        state = self.state
        set_training_mode(self.model, self.config.unfreeze, freeze_bn=self.config.freeze_bn)
        resumed, started = state.seconds, time.monotonic()
        every = 1 if _reads_at_once(self.device) else _READ_EVERY
        sums, unread = [], 0
        for batch in self.features.train(state.epoch, state.batch):
            photos = self.features.order.photos(state.batch)
            sums.append(self._learn(batch, photos))
            state.batch += 1
            unread += photos
            if state.batch % every and state.batch < len(self.features.order):
                continue
            loss_sum, correct = self.processes.sum(*torch.stack(sums).sum(dim=0).tolist())
            if not math.isfinite(loss_sum):
                self._diverged(loss_sum / unread)
            state.seen += unread
            state.loss_sum += loss_sum
            state.correct += int(correct)
            sums, unread = [], 0
            state.seconds = resumed + time.monotonic() - started
            if time.monotonic() - self._saved_at >= self.save_every:
                self.save()
            yield Step(
                state.epoch, state.seen, self.features.size, state.loss_sum / state.seen, state.correct / state.seen
            )

    def _learn(self, batch: Batch, photos: int) -> Tensor:
        """One step of the optimizer: (2,), summed loss and correct answers over this process's share of `photos`."""
        own = len(self.processes.share(range(photos)))  # 0: the one photo drawn only keeps step with the others
        labels = batch.labels.to(self.device, non_blocking=True)[:own]
        logits = self._forward(self._learning, batch.images)[:own]
        targets = labels if batch.targets is None else batch.targets.to(self.device, non_blocking=True)[:own]
        loss = functional.cross_entropy(logits, targets, reduction="sum", label_smoothing=self.config.label_smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        # Gradients are averaged over the processes, the loss is a mean over the photos of all of them.
        (loss * (self.processes.world_size / photos)).backward()  # type: ignore[no-untyped-call]
        self.state.learning_rate = self.optimizer.param_groups[-1]["lr"]
        self.optimizer.step()
        if self.config.schedule == "cosine":
            self.scheduler.step()
        if self.ema is not None:
            self.ema.update_parameters(self.model)
        return torch.stack([loss.detach(), (logits.argmax(dim=1) == labels).sum()])

    @torch.no_grad()
    def evaluate(self) -> tuple[float, float]:
        """Mean cross-entropy (nats) and accuracy in [0, 1] of the weights to ship, over the evaluation photos."""
        self.evaluated.eval()
        loss, correct, seen = 0.0, 0.0, 0.0
        for batch in self.features.evaluation():
            labels = batch.labels.to(self.device)
            logits = self._forward(self._evaluated_learning, batch.images)
            loss += functional.cross_entropy(logits, labels, reduction="sum").item()
            correct += int((logits.argmax(dim=1) == labels).sum())
            seen += len(labels)
        loss, correct, seen = self.processes.sum(loss, correct, seen)
        return loss / seen, correct / seen

    def _forward(self, learning: nn.Module, activations: Tensor) -> Tensor:
        """Activations behind the frozen stages (or images, if nothing is frozen) → logits (B, K), float32."""
        activations = activations.to(self.device, non_blocking=True).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16):
            logits: Tensor = learning(activations)
        return logits.float()

    def _diverged(self, loss: float) -> NoReturn:
        epoch, batch = self.state.epoch, self.state.batch
        kept = self.state.best_epoch
        raise TrainingDiverged(
            f"expected a finite loss, found {loss} in epoch {epoch} by batch {batch}; "
            + (f"{self.folder / BEST} holds epoch {kept}" if kept else "no epoch was finished")
            + f"; lower --lr (now {self.config.lr:g}) or pass --precision fp32"
        )

    def save(self) -> None:
        """Replace the state on disk in one step."""
        parts = {"ema": self.ema, "soup": self.soup}
        self._write(
            STATE,
            {
                "format": FORMAT,
                "identity": self.identity,
                "config": self.config.as_dict(),
                "precision": str(self.precision),
                "progress": vars(self.state),
                "model": self.model.state_dict(),
                **{name: None if part is None else part.state_dict() for name, part in parts.items()},
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
        require_same(self.identity, provenance.complete(saved["identity"]), self.folder / STATE, same="photos")
        self.model.load_state_dict(saved["model"])
        for average, value in ((self.ema, saved["ema"]), (self.soup, saved["soup"])):
            if average is not None:
                average.load_state_dict(value)
        self.optimizer.load_state_dict(saved["optimizer"])
        self.scheduler.load_state_dict(saved["scheduler"])
        torch.set_rng_state(saved["rng"])
        self.state = State(**saved["progress"])

    def _write(self, name: str, value: object) -> None:
        if self.processes.first:
            write(self.folder / name, value)

    def best_weights(self) -> dict[str, Tensor]:
        """The weights to ship, as `best.pt` holds them."""
        return read_best(self.folder, self.device)
