"""Heatmaps are scaled as documented, and resized as torch does it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from har_core.cam.scales import _resize, to_heatmap, to_heatmaps_on_one_scale


@pytest.mark.parametrize(("height", "width", "size"), [(7, 7, 224), (2, 2, 64), (10, 10, 300), (1, 3, 5), (9, 9, 4)])
def test_resizing_equals_torch(height: int, width: int, size: int) -> None:
    maps = np.random.default_rng(0).normal(size=(3, height, width)).astype(np.float32)
    expected = functional.interpolate(torch.from_numpy(maps)[None], (size, size), mode="bilinear", align_corners=False)
    assert np.abs(_resize(maps, size) - expected[0].numpy()).max() < 1e-5


def test_a_class_without_evidence_is_all_zero() -> None:
    assert to_heatmap(np.full((7, 7), -3.0), 224).max() == 0


def test_one_scale_keeps_the_ratio_of_strengths() -> None:
    strong, weak = np.zeros((2, 7, 7))
    strong[3, 3], weak[5, 5] = 8.0, 2.0
    one, other = to_heatmaps_on_one_scale(np.stack([strong, weak]), 224)
    assert one.max() == pytest.approx(1, abs=1e-5) and other.max() == pytest.approx(0.25, abs=1e-5)
    assert to_heatmap(weak, 224).max() == pytest.approx(1, abs=1e-5)  # alone, it has a scale of its own


def test_half_precision_maps_of_a_run_are_accepted() -> None:
    maps = np.random.default_rng(0).normal(size=(2, 7, 7)).astype(np.float16)
    found = to_heatmaps_on_one_scale(maps, 224)
    assert found.dtype == np.float32 and found.shape == (2, 224, 224) and found.max() == pytest.approx(1, abs=1e-3)
