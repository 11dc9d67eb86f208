"""Stored features of clips + config → a trained head: AdamW, half a cosine, the epoch chosen by clips that did not train."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingLR

from har_core.data.samples import Sample
from har_core.errors import TrainingDiverged
from har_core.models.temporal import ClipNetwork
from har_core.training.clip_features import ClipFeatures
from har_core.training.state import BEST, FORMAT, STATE, State, read_best, require_same, write
from har_core.training.temporal_config import TemporalConfig

_LARGEST_GRADIENT = 1.0
"""Norm that gradients are cut to: those of a recurrent network may explode."""


class ClipTrainer:
    """Trains the learning part of a network in place.

    Args:
        features: of all clips, stored.
        folder: where `state.pt` (to resume from, after each epoch) and `best.pt` (the epoch to ship) are kept.
        identity: what must be the same for a state to fit: JSON values.
        on_epoch: called with the epoch's row of the history, and whether its weights are now those to ship.
    """

    def __init__(
        self,
        network: ClipNetwork,
        train: Sequence[Sample],
        dev: Sequence[Sample],
        features: ClipFeatures,
        config: TemporalConfig,
        *,
        folder: Path,
        identity: dict[str, Any],
        device: torch.device,
        on_epoch: Callable[[dict[str, float], bool], None] = lambda row, best: None,
    ) -> None:
        self.network, self.head, self.config, self.folder = network.to(device), network.learning, config, folder
        self.train, self.dev, self.features, self.identity = list(train), list(dev), features, identity
        self.device, self.on_epoch, self.state = device, on_epoch, State()
        number = {name: index for index, name in enumerate(network.spec.classes)}
        self._labels = {sample.path: number[sample.label] for sample in (*train, *dev)}
        self._pooled: dict[Path, Tensor] = {}
        last = {id(parameter) for parameter in self.head.classifier.parameters()}
        body = [each for each in self.head.parameters() if id(each) not in last]
        groups = [
            {"params": list(self.head.classifier.parameters()), "lr": config.lr * config.head_lr_factor},
            {"params": body, "lr": config.lr},
        ]
        self.optimizer = torch.optim.AdamW(
            [group for group in groups if group["params"]], lr=config.lr, weight_decay=config.weight_decay
        )
        batches = math.ceil(len(self.train) / config.batch_size)
        self.scheduler = CosineAnnealingLR(self.optimizer, T_max=config.epochs * batches)

    def run(self) -> State:
        """Train from the current state to the last epoch.

        The epoch to ship is the most accurate on the dev clips; of equals, the one of the lowest loss, then the earliest.

        Raises:
            TrainingDiverged: if the loss is not finite; the last states on disk stay as they were.
        """
        state, best_loss = self.state, math.inf
        if state.best_epoch:
            best_loss = state.history[state.best_epoch - 1]["eval_loss"]
        while state.epoch <= self.config.epochs:
            started = time.monotonic()
            self._learn_epoch()
            loss, accuracy = self.evaluate(self.dev)
            row = state.row(loss=loss, accuracy=accuracy, seconds=time.monotonic() - started)
            state.history.append(row)
            best = (accuracy, -loss) > (state.best_accuracy, -best_loss)
            if best:
                # Before the state that names it: a kill in between repeats this epoch, with the same result.
                state.best_accuracy, state.best_epoch, best_loss = accuracy, state.epoch, loss
                write(self.folder / BEST, self.head.state_dict())
            state.next_epoch()
            self.save()
            self.on_epoch(row, best)
        return state

    def _learn_epoch(self) -> None:
        state = self.state
        self.head.set_training_mode()
        for batch, labels in self._batches(self._order(state.epoch)):
            logits = self.head(batch)
            loss = functional.cross_entropy(logits, labels, label_smoothing=self.config.label_smoothing)
            if not math.isfinite(loss.item()):
                raise TrainingDiverged(
                    f"expected a finite loss, found {loss.item()} in epoch {state.epoch}; lower --lr (now {self.config.lr:g})"
                )
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.head.parameters(), _LARGEST_GRADIENT)
            state.learning_rate = self.optimizer.param_groups[-1]["lr"]
            self.optimizer.step()
            self.scheduler.step()
            state.loss_sum += loss.item() * len(labels)
            state.correct += int((logits.argmax(dim=1) == labels).sum())
            state.seen += len(labels)

    def _order(self, epoch: int) -> list[Sample]:
        """The training clips in an order that depends on (seed, epoch) alone."""
        shuffled = torch.Generator().manual_seed(self.config.seed * 100_003 + epoch)
        return [self.train[number] for number in torch.randperm(len(self.train), generator=shuffled).tolist()]

    def _batches(self, samples: Sequence[Sample]) -> Iterator[tuple[Tensor, Tensor]]:
        """Features (B, T, C, h, w) float32 and labels (B,) on the device."""
        size = self.config.batch_size
        for start in range(0, len(samples), size):
            batch = samples[start : start + size]
            features = torch.stack([self._of(sample) for sample in batch]).to(self.device).float()
            yield features, torch.tensor([self._labels[sample.path] for sample in batch], device=self.device)

    def _of(self, sample: Sample) -> Tensor:
        if not self.head.pools:
            return self.features[sample]
        if sample.path not in self._pooled:  # small enough to be kept
            self._pooled[sample.path] = self.features.pooled(sample)
        return self._pooled[sample.path]

    @torch.no_grad()
    def evaluate(self, samples: Sequence[Sample]) -> tuple[float, float]:
        """Mean cross-entropy (nats) and accuracy in [0, 1]."""
        self.head.eval()
        loss, correct = 0.0, 0
        for batch, labels in self._batches(samples):
            logits = self.head(batch)
            loss += functional.cross_entropy(logits, labels, reduction="sum").item()
            correct += int((logits.argmax(dim=1) == labels).sum())
        return loss / len(samples), correct / len(samples)

    def save(self) -> None:
        """Replace the state on disk in one step."""
        value = {
            "format": FORMAT,
            "identity": self.identity,
            "config": self.config.as_dict(),
            "progress": vars(self.state),
            "head": self.head.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "rng": torch.get_rng_state(),
        }
        write(self.folder / STATE, value)

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up a state that `read_state` returned.

        Raises:
            CheckpointError: if it belongs to another training.
        """
        require_same(self.identity, saved["identity"], self.folder / STATE, same="clips and photo model")
        self.head.load_state_dict(saved["head"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.scheduler.load_state_dict(saved["scheduler"])
        torch.set_rng_state(saved["rng"])
        self.state = State(**saved["progress"])

    def best_weights(self) -> dict[str, Tensor]:
        """Of the learning part, as `best.pt` holds them."""
        return read_best(self.folder, self.device)
