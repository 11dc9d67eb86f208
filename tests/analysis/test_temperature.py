"""One number for probabilities that are too low or too high throughout."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss as reference_loss

from har_core.analysis.temperature import HIGHEST, LOWEST, fit_temperature, log_loss, rescale

RANDOM = np.random.default_rng(3)
LOGITS = RANDOM.normal(0, 2, (4000, 6))
TRUE = np.array([RANDOM.choice(6, p=row) for row in softmax(LOGITS, axis=1)])


@pytest.mark.parametrize("temperature", [0.4, 0.86, 1.0, 3.0])
def test_the_temperature_that_made_probabilities_wrong_is_found(temperature: float) -> None:
    """Labels are drawn from softmax(z); who says softmax(z / t) is calibrated by dividing once more by 1 / t."""
    wrong = softmax(LOGITS / temperature, axis=1).astype(np.float32)
    assert fit_temperature(wrong, TRUE) == pytest.approx(1 / temperature, rel=0.06)


def test_the_loss_is_scikit_learns_and_least_at_the_fit() -> None:
    wrong = softmax(LOGITS / 2, axis=1)
    assert log_loss(wrong, TRUE) == pytest.approx(reference_loss(TRUE, wrong, labels=range(6)))
    best = fit_temperature(wrong, TRUE)
    losses = [log_loss(rescale(wrong, best * factor), TRUE) for factor in (0.97, 1.0, 1.03)]
    assert losses[1] < min(losses[0], losses[2])


def test_rescaling_keeps_the_order_and_can_be_taken_back() -> None:
    given = softmax(LOGITS, axis=1).astype(np.float32)
    there = rescale(given, 0.5)
    assert np.allclose(there, softmax(LOGITS / 0.5, axis=1), atol=1e-5)
    assert (there.argmax(axis=1) == given.argmax(axis=1)).all() and np.allclose(there.sum(axis=1), 1)
    assert np.allclose(rescale(there, 2.0), given, atol=1e-5)


def test_degenerate_answers() -> None:
    certain = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    assert LOWEST <= fit_temperature(certain, np.array([0, 1, 2, 0])) <= HIGHEST
    assert fit_temperature(certain, np.array([1, 2, 0, 1])) == pytest.approx(HIGHEST, rel=0.01)
    assert fit_temperature(np.empty((0, 3), np.float32), np.empty(0, np.int64)) == 1.0
    assert np.isfinite(rescale(certain, 0.05)).all()
