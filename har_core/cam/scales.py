"""Raw class maps → heatmaps in [0, 1], each on a scale of its own or several on one.  Without torch."""

from __future__ import annotations

import numpy as np

_EPSILON = 1e-7  # as in the grad-cam package


def to_heatmap(class_map: np.ndarray, size: int) -> np.ndarray:
    """A raw class map on a scale of its own, as the grad-cam package scales it.

    ReLU, minus the minimum, divided by the maximum, resized (bilinear), and scaled once more.

    Args:
        class_map: (h, w), signed; higher is more evidence.
        size: side of the network's input in pixels.

    Returns:
        (size, size) float32 in [0, 1].  All 0 if no position is evidence for the class.
    """
    return _scale(_resize(_scale(np.maximum(class_map, 0)), size))


def to_heatmaps_on_one_scale(class_maps: np.ndarray, size: int) -> np.ndarray:
    """Several raw class maps of one photo on a shared scale, so that their strengths can be compared.

    Args:
        class_maps: (M, h, w), signed; higher is more evidence.
        size: side of the network's input in pixels.

    Returns:
        (M, size, size) float32 in [0, 1]; 1 is the strongest evidence in any of the maps.
    """
    return _scale(_resize(_scale(np.maximum(class_maps, 0)), size))


def _scale(values: np.ndarray) -> np.ndarray:
    values = values - values.min()
    return np.asarray(values / (values.max() + _EPSILON), dtype=np.float32)


def _resize(maps: np.ndarray, size: int) -> np.ndarray:
    """(..., h, w) → (..., size, size), bilinear."""
    height, width = maps.shape[-2:]
    return np.asarray(_bilinear(height, size) @ maps @ _bilinear(width, size).T, dtype=np.float32)


def _bilinear(count: int, size: int) -> np.ndarray:
    """(size, count) float32 weights that interpolate `count` samples at `size` positions.

    The position of output i is (i + 1/2) · count / size − 1/2, clamped to the samples, as torch's `interpolate` has it with
    `align_corners=False`.
    """
    positions = ((np.arange(size) + 0.5) * (count / size) - 0.5).clip(0, count - 1)
    left = np.floor(positions).astype(np.int64)
    right = np.minimum(left + 1, count - 1)
    share = positions - left
    weights = np.zeros((size, count), dtype=np.float32)
    np.add.at(weights, (np.arange(size), left), 1 - share)
    np.add.at(weights, (np.arange(size), right), share)
    return weights
