"""A recipe's values → optimiser, schedule of the learning rate, averages of the weights, what is to be answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR, StepLR
from torch.optim.swa_utils import AveragedModel

from har_core.config import TrainConfig


def optimizer_of(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam or AdamW over what learns, with the last layer in a group of its own."""
    head = list(model.get_submodule("fc").parameters())
    body = [
        parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and not name.startswith("fc.")
    ]
    groups = [{"params": head, "lr": config.lr * config.head_lr_factor}, {"params": body, "lr": config.lr}]
    kinds: dict[str, type[torch.optim.Adam]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kinds[config.optimizer](
        [group for group in groups if group["params"]], lr=config.lr, weight_decay=config.weight_decay
    )


def _moving_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """An exponential moving average that first forgets quickly: after n steps its decay is at most (1 + n) / (10 + n)."""

    def updated(averaged: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
        weight = min(decay, (1 + int(steps)) / (10 + int(steps)))
        return averaged + (1 - weight) * (current - averaged)

    return updated


def scheduler_of(optimizer: torch.optim.Optimizer, config: TrainConfig, *, batches: int) -> LRScheduler:
    """One that steps after an epoch (`steps`), or after each of an epoch's batches (`cosine`)."""
    if config.schedule == "steps":
        return StepLR(optimizer, config.step_size, config.gamma)
    steps = config.epochs * batches + 1
    rise = min(config.warmup / config.epochs, 1 / 3)
    return OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=steps,
        pct_start=rise if rise * steps > 1 else 0.0,  # the first step is at the start of the rise: it takes two
        cycle_momentum=False,
    )


def average_of(model: nn.Module, config: TrainConfig) -> AveragedModel | None:
    """The moving average of a model's weights and buffers, to be told of every step; None if the recipe has none."""
    if not config.average:
        return None
    return AveragedModel(model, avg_fn=_moving_average(config.average), use_buffers=True)


def mean_of(weights: Iterable[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of the weights of several networks, all counted alike; what is not a float is that of the last."""
    found: dict[str, Tensor] = {}
    for count, each in enumerate(weights, start=1):
        found = {
            name: found[name] + (value - found[name]) / count if found and value.is_floating_point() else value.clone()
            for name, value in each.items()
        }
    return found


def targets_of(labels: list[int], classes: int, config: TrainConfig, soft: Tensor | None) -> Tensor:
    """(N, K) float32: the probabilities that each photo is to be given.  Soft labels are not smoothed further."""
    smoothing = config.label_smoothing
    targets = functional.one_hot(torch.tensor(labels), classes).float() * (1 - smoothing) + smoothing / classes
    if soft is not None and len(soft):
        targets[-len(soft) :] = soft
    return targets
