"""Class maps of several parts of a photo → one for all of it.  Without torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from har_core.media.geometry import Box

GRID = 14
"""Cells a side of a map that is made of several: twice as many as one view of a ResNet has."""


def place(class_maps: Sequence[np.ndarray], boxes: Sequence[Box], region: Box, *, grid: int = GRID) -> np.ndarray:
    """The mean of several looks at a photo, each where it belongs.

    The evidence that a position of a look stands for is shared out among the cells that it covers, in proportion to the area.
    So nothing is lost or counted twice: as with one look, the mean over all positions, plus the class's bias, is the logit
    (of the looks' mean).

    Args:
        class_maps: of each look (K, h, w), signed; h and w may differ.
        boxes: of each look, within the region.
        region: what the outcome covers.

    Returns:
        (K, grid, grid) float32.
    """
    total = np.zeros((len(class_maps[0]), grid, grid), dtype=np.float64)
    for maps, box in zip(class_maps, boxes, strict=True):
        rows = _shares(maps.shape[1], box.top, box.bottom, region.top, region.bottom, grid)
        columns = _shares(maps.shape[2], box.left, box.right, region.left, region.right, grid)
        total += (rows @ maps @ columns.T) * (grid**2 / maps.shape[1] / maps.shape[2])
    return (total / len(class_maps)).astype(np.float32)


def _shares(count: int, start: float, end: float, low: float, high: float, grid: int) -> np.ndarray:
    """(grid, count): which share of each of `count` equal parts of [start, end] lies in each of `grid` parts of [low, high]."""
    parts = np.linspace(start, end, count + 1)
    cells = np.linspace(low, high, grid + 1)
    overlap = np.minimum(cells[1:, None], parts[None, 1:]) - np.maximum(cells[:-1, None], parts[None, :-1])
    return np.asarray(overlap.clip(0) / np.diff(parts))
