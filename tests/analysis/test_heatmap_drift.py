"""How far the evidence moves between two models."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from har_core.analysis.heatmap_drift import heatmap_drift, summarize_drift

RANDOM = np.random.default_rng(0)
MAPS = RANDOM.normal(size=(6, 3, 5, 7)).astype(np.float16)
CLASSES = np.array([0, 1, 2, 0, 1, 2])


def test_the_same_maps_have_not_moved() -> None:
    found = summarize_drift(heatmap_drift(MAPS, 3 * MAPS, CLASSES))
    assert (found.count, found.moved, found.distance) == (6, 0, 0)
    assert found.cosine == pytest.approx(1) and found.rank_correlation == pytest.approx(1)


def test_against_scipy() -> None:
    others = MAPS + RANDOM.normal(size=MAPS.shape)
    found = heatmap_drift(MAPS, others, CLASSES)
    for number, own in enumerate(CLASSES):
        one, two = MAPS[number, own].astype(np.float64).ravel(), others[number, own].ravel()
        assert found.rank_correlation[number] == pytest.approx(spearmanr(one, two).statistic)
        assert found.cosine[number] == pytest.approx(one @ two / np.linalg.norm(one) / np.linalg.norm(two))


def test_a_peak_that_moves_from_corner_to_corner() -> None:
    maps = np.zeros((2, 2, 1, 4, 4))
    maps[0, :, 0, 0, 0] = maps[1, 0, 0, 3, 3] = maps[1, 1, 0, 0, 0] = 1
    found = heatmap_drift(maps[0], maps[1], np.zeros(2, dtype=int))
    assert found.distance.tolist() == pytest.approx([0.75, 0])
    assert summarize_drift(found).moved == 0.5


def test_maps_without_a_peak_are_left_out() -> None:
    maps = MAPS.copy()
    maps[0] = 0
    found = summarize_drift(heatmap_drift(maps, MAPS, CLASSES))
    assert found.count == 5
    nothing = summarize_drift(heatmap_drift(maps[:1], maps[:1], CLASSES[:1]))
    assert nothing.count == 0 and np.isnan(nothing.cosine)
    assert summarize_drift(heatmap_drift(maps[:0], maps[:0], CLASSES[:0])).count == 0


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        heatmap_drift(MAPS, MAPS[:, :, :4], CLASSES)
    with pytest.raises(ValueError, match="shape"):
        heatmap_drift(MAPS, MAPS, CLASSES[:2])
