"""The parts add up to the difference of logits, also where the loser's map is the brighter one."""

from __future__ import annotations

import numpy as np
import pytest

from har_core.analysis.temperature import rescale
from har_core.cam.contributions import contributions
from har_core.inference.predictor import Predictor
from har_core.runs.run import shipped_run


def test_the_parts_add_up_to_the_logits() -> None:
    random = np.random.default_rng(0)
    maps, bias = random.normal(size=(5, 4, 6)), random.normal(size=5)
    logits = maps.mean(axis=(1, 2)) + bias
    probabilities = np.exp(logits) / np.exp(logits).sum()
    scaled = rescale(probabilities[None], 0.7)[0]
    for first, second in ((0, 1), (3, 2)):
        found = contributions(maps[[first, second]], scaled[[first, second]], temperature=0.7)
        assert found.difference == pytest.approx(logits[first] - logits[second], abs=1e-5)
        assert found.bias == pytest.approx(bias[first] - bias[second], abs=1e-5)
        assert found.evidence_for + found.evidence_against + found.bias == pytest.approx(found.difference)


@pytest.mark.parametrize(
    ("first", "second", "probabilities", "reason"),
    [
        (np.full((4, 4), 2.0), np.eye(4) * 3, None, "area"),
        (np.eye(4), np.eye(4) * 2 - 3 * (1 - np.eye(4)), None, "against"),
        (np.eye(4), np.eye(4) * 2, (0.9, 0.1), "bias"),
    ],
)
def test_why_the_darker_map_wins(
    first: np.ndarray, second: np.ndarray, probabilities: tuple[float, float] | None, reason: str
) -> None:
    maps = np.stack([first, second])
    if probabilities is None:
        powers = np.exp(maps.mean(axis=(1, 2)))
        probabilities = tuple(powers / powers.sum())
    found = contributions(maps, np.array(probabilities))
    assert found.second_is_brighter and found.difference > 0 and found.reason == reason


def test_maps_without_evidence() -> None:
    found = contributions(np.zeros((2, 3, 3)), np.array([1.0, 0.0]))
    assert np.isfinite(found.difference) and found.areas == (0.0, 0.0) and not found.second_is_brighter


def test_the_bias_of_the_shipped_model_comes_out(shipped: Predictor) -> None:
    """From stored maps and probabilities alone, as the pages have them."""
    run = shipped_run()
    bias = shipped.model.fc.bias.numpy()  # type: ignore[union-attr, operator]
    predictions, maps = run.predictions(), run.class_maps()
    for row in (0, 500, 1889):
        pair = np.argsort(-predictions.probabilities[row])[:2]
        found = contributions(
            maps[row, pair], predictions.probabilities[row, pair], temperature=run.manifest.model.temperature
        )
        assert found.bias == pytest.approx(float(bias[pair[0]] - bias[pair[1]]), abs=0.02)
