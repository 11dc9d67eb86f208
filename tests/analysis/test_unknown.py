"""Photos of no known class have less evidence."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from har_core.analysis.unknown import FEWEST, known_score, least_known


def test_the_score_is_the_negative_energy() -> None:
    logits = np.random.default_rng(0).normal(0, 30, (50, 7)).astype(np.float32)
    reference = torch.from_numpy(logits).double().logsumexp(dim=1).numpy()
    assert np.allclose(known_score(logits), reference)


def test_the_threshold_keeps_95_percent() -> None:
    scores = np.random.default_rng(1).normal(size=1000)
    least = least_known(scores)
    assert least is not None and (scores >= least).mean() == pytest.approx(0.95, abs=0.001)
    assert least_known(scores[: FEWEST - 1]) is None and least_known(np.full(50, np.nan)) is None
