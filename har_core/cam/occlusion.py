"""Which parts of an image a class depends on, by hiding one after the other (Zeiler and Fergus 2014)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

GRID = 7
"""Cells a side."""

_BATCH = 16


@torch.no_grad()
def occlusion_maps(model: nn.Module, images: Tensor, logits: Tensor, *, grid: int = GRID) -> Tensor:
    """How much each logit falls when a cell is replaced by the mean color: one forward pass a cell.

    Args:
        images: (B, 3, H, W), normalized: 0 is the mean color.
        logits: (B, K), of the whole images.

    Returns:
        (B, K, grid, grid) float32, signed; higher is more evidence.
    """
    height, width = images.shape[2:]
    rows = torch.arange(height) * grid // height
    columns = torch.arange(width) * grid // width
    cells = (rows[:, None] * grid + columns).to(images.device)
    found = []
    for image, whole in zip(images, logits, strict=True):
        drops = []
        for block in torch.split(torch.arange(grid * grid, device=images.device), _BATCH):
            hidden = image * (cells != block[:, None, None, None])
            drops.append(whole - model(hidden).float())
        found.append(torch.cat(drops).T.reshape(-1, grid, grid))
    return torch.stack(found)
