"""Grad-CAM of many classes at once, behind the last maps alone (Selvaraju et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_MAX_VALUES = 2**26
"""Gradients that are held at once: 256 MB."""


def gradient_maps(pool: Callable[[Tensor], Tensor], maps: Tensor, directions: Tensor) -> Tensor:
    """Σ_k α_k A_k, where α_k is the gradient of <direction, embedding> at map A_k, summed over positions.

    Where the pooling is the mean over positions, the outcome is that of closed form.

    Args:
        pool: (B, C, h, w) → (B, D), differentiable.
        maps: (B, C, h, w).
        directions: (M, D).

    Returns:
        (B, M, h, w) float32, signed.
    """
    start = maps.detach().float()
    weights = pull_back(pool, start, directions, lambda one: one.sum(dim=(2, 3)))
    return torch.einsum("mbc,bchw->bmhw", weights, start)


def pull_back(
    function: Callable[[Tensor], Tensor], start: Tensor, directions: Tensor, reduce: Callable[[Tensor], Tensor]
) -> Tensor:
    """The gradients of <direction, function(start)> at `start`, reduced, for many directions.

    One vector-Jacobian product a direction through the function alone, batched.  Each photo has its own gradient, since
    photos do not meet in the function.

    Args:
        function: (B, …) → (B, D), differentiable.
        directions: (M, D).
        reduce: a gradient (B, …) → what is kept of it.

    Returns:
        (M, …), of what `reduce` returns.
    """
    with torch.inference_mode(False), torch.enable_grad():
        outcome, pullback = torch.func.vjp(function, start.clone())[:2]
        spread = directions.to(outcome.dtype)[:, None].expand(-1, len(start), -1)
        blocks = torch.split(spread, max(1, _MAX_VALUES // start.numel()))
        kept = [torch.func.vmap(lambda one: reduce(pullback(one)[0]))(block) for block in blocks]
    return torch.cat(kept).detach()
