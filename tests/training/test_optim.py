"""The learning rate over a training, held against its formulas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from har_core.training.config import TrainConfig
from har_core.training.optim import make_optimizer, make_scheduler
from tests.training.conftest import baseline, best
from tests.training.tiny_network import TinyNetwork

BATCHES = 9


def rates(config: TrainConfig, batches: int = BATCHES) -> np.ndarray:
    """(steps, groups): the learning rate of every step of a training."""
    model = TinyNetwork(num_classes=3)
    optimizer = make_optimizer(model, config)
    scheduler = make_scheduler(optimizer, config, batches=batches)
    seen = []
    for _ in range(config.epochs):
        for _ in range(batches):
            seen.append([group["lr"] for group in optimizer.param_groups])
            optimizer.step()
            if config.schedule == "cosine":
                scheduler.step()
        if config.schedule == "steps":
            scheduler.step()
    return np.array(seen)


def test_the_learning_rate_rises_linearly_and_falls_as_a_cosine() -> None:
    head, body = rates(best(Path("w.pt"))).T
    assert np.allclose(head, 7 * body)
    rise = 1.5e-4 * np.linspace(1 / 25, 1, BATCHES + 1)
    fall = 1.5e-4 * (1 + np.cos(np.pi * np.arange(27) / 27)) / 2
    assert np.allclose(body, [*rise[:-1], *fall])


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_a_training_of_a_few_steps_has_a_learning_rate(epochs: int) -> None:
    """One batch an epoch leaves no room for a warm-up."""
    found = rates(best(Path("w.pt"), epochs=epochs), batches=1)[:, -1]
    assert len(found) == epochs and (found > 0).all() and found.max() == pytest.approx(1.5e-4)


def test_the_learning_rate_is_reduced_in_steps() -> None:
    found = rates(baseline(Path("w.pt"), epochs=6, lr=1e-3, step_size=2))[::BATCHES, -1]
    assert np.allclose(found, [1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5])


def test_all_that_learns_is_in_one_group() -> None:
    model = TinyNetwork(num_classes=3)
    model.conv1.requires_grad_(False)
    head, body = make_optimizer(model, best(Path("w.pt"))).param_groups
    assert {id(each) for each in head["params"]} == {id(each) for each in model.fc.parameters()}
    learning = {id(each) for each in model.parameters() if each.requires_grad}
    assert {id(each) for group in (head, body) for each in group["params"]} == learning
    model.requires_grad_(False)
    assert len(make_optimizer(model, best(Path("w.pt"))).param_groups) == 1
