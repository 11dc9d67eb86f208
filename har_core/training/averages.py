"""Averages of the weights, updated while a model trains: the EMA of one training, the mean of several."""

from __future__ import annotations

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from har_core.training.config import TrainConfig


def make_ema(model: nn.Module, config: TrainConfig) -> AveragedModel | None:
    """The exponential moving average of a model's weights and buffers, to be updated after each step.

    It begins as a copy of the weights after the first step.  None if the recipe has no average.
    """
    if not config.ema_decay:
        return None
    update = get_ema_multi_avg_fn(config.ema_decay)  # type: ignore[no-untyped-call]
    return AveragedModel(model, multi_avg_fn=update, use_buffers=True)


def make_running_soup(model: nn.Module, config: TrainConfig) -> AveragedModel | None:
    """The mean of the weights of several trainings (Wortsman et al. 2022), to be updated after each.

    None if the recipe has one training.
    """
    return AveragedModel(model, use_buffers=True) if config.soup_size > 1 else None
