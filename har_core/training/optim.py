"""A recipe's values → optimizer and learning-rate schedule."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR, StepLR

from har_core.models.registry import anatomy_of, head
from har_core.training.config import TrainConfig

_WARMUP_START = 1 / 25
"""Share of the highest learning rate that a warm-up begins with."""


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam or AdamW over what learns, in groups: the last layer first, then the rest, by depth if rates differ.

    With a layer decay (Clark et al. 2020) the stage before the last layer learns at `lr`, each one before it at so many times less.
    """
    last = list(head(model).parameters())
    groups = [{"params": last, "lr": config.lr * config.head_lr_factor}]
    if config.layer_decay < 1:
        anatomy, stages = anatomy_of(model), config.unfreeze[:-1]
        groups += [
            {"params": anatomy.parameters_of(model, stage), "lr": config.lr * config.layer_decay**depth}
            for depth, stage in reversed(list(enumerate(reversed(stages))))
        ]
    else:
        known = {id(parameter) for parameter in last}
        body = [each for each in model.parameters() if each.requires_grad and id(each) not in known]
        groups.append({"params": body, "lr": config.lr})
    kinds: dict[str, type[torch.optim.Adam]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kinds[config.optimizer](
        [group for group in groups if group["params"]], lr=config.lr, weight_decay=config.weight_decay
    )


def make_scheduler(optimizer: torch.optim.Optimizer, config: TrainConfig, *, batches: int) -> LRScheduler:
    """One that steps after each epoch (`steps`), or after each batch (`cosine`).

    Args:
        batches: of one epoch.
    """
    if config.schedule == "steps":
        return StepLR(optimizer, config.step_size, config.gamma)
    steps = config.epochs * batches
    warmup = int(min(config.warmup_epochs, config.epochs / 3) * batches)
    cosine = CosineAnnealingLR(optimizer, T_max=steps - warmup)
    if warmup == 0:
        return cosine
    linear = LinearLR(optimizer, start_factor=_WARMUP_START, total_iters=warmup)
    return SequentialLR(optimizer, [linear, cosine], milestones=[warmup])
