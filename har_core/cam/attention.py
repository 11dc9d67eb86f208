"""What the class token of a vision transformer attends to for the sake of each class, in its last block."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from har_core.cam.pooling_gradients import pull_back


def attention_maps(
    scores: Tensor, rest: Callable[[Tensor], Tensor], directions: Tensor, grid: tuple[int, int]
) -> Tensor:
    """Σ over heads of the positive part of d <direction, embedding> / d score.

    A patch whose attention raises a class is evidence for it.  This is the last layer of Chefer et al. 2021 (∇A ⊙ A, positive
    part), whose gradient is taken before the softmax, so that attending to one patch costs attention to the others.
    Grad-CAM at the same tokens is near chance: what they hold is mostly not what is read.

    Args:
        scores: (B, heads, 1, P + h·w), of the class token before the softmax; the first P are no patches.
        rest: such scores → embeddings (B, D).
        directions: (M, D).
        grid: h and w.

    Returns:
        (B, M, h, w) float32, 0 or more.
    """
    parts = pull_back(rest, scores.detach().float(), directions, lambda one: one.clamp(min=0).sum(dim=(1, 2)))
    patches = parts[:, :, -grid[0] * grid[1] :]  # (M, B, h·w)
    return patches.transpose(0, 1).reshape(patches.shape[1], patches.shape[0], *grid)
