"""The averages of the weights, by their formulas."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from har_core.training.averages import make_ema, make_running_soup
from tests.training.conftest import best
from tests.training.tiny_network import TinyNetwork


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([value.flatten().float() for value in (*model.parameters(), *model.buffers())])


def test_the_moving_average_follows_its_formula() -> None:
    model = TinyNetwork(num_classes=3)
    average = make_ema(model, best(Path("w.pt"), ema_decay=0.9))
    assert average is not None
    expected = None
    for _ in range(4):
        with torch.no_grad():
            for parameter in (*model.parameters(), model.bn1.running_mean):
                assert parameter is not None
                parameter.add_(torch.randn_like(parameter))
        average.update_parameters(model)
        expected = weights(model) if expected is None else 0.9 * expected + 0.1 * weights(model)
    assert expected is not None and torch.allclose(weights(average.module), expected, atol=1e-5)
    assert make_ema(model, best(Path("w.pt"), ema_decay=0.0)) is None


def test_a_soup_is_the_mean() -> None:
    models = [TinyNetwork(num_classes=3) for _ in range(3)]
    soup = make_running_soup(models[0], best(Path("w.pt"), soup_size=3))
    assert soup is not None
    for model in models:
        soup.update_parameters(model)
    assert torch.allclose(weights(soup.module), torch.stack([weights(model) for model in models]).mean(0), atol=1e-6)
    assert make_running_soup(models[0], best(Path("w.pt"))) is None
