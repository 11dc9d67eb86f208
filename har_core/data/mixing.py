"""Batches whose photos are mixed in pairs: mixup (Zhang et al., 2018) and CutMix (Yun et al., 2019), by torchvision."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.transforms import v2


class Mixing:
    """Mixes each photo of a batch with the one before it, as a seed decides.

    Args:
        mixup: both parameters of the beta distribution that a pair's weights are drawn from; 0: no mixup.
        cutmix: the same for the area of the rectangle that is pasted; 0: no CutMix.  With both, one is drawn for each batch.
        num_classes: K.
    """

    def __init__(self, *, mixup: float, cutmix: float, num_classes: int) -> None:
        self._num_classes = num_classes
        self._ways: list[v2.Transform] = []
        if mixup:
            self._ways.append(v2.MixUp(alpha=float(mixup), num_classes=num_classes))
        if cutmix:
            self._ways.append(v2.CutMix(alpha=float(cutmix), num_classes=num_classes))

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return bool(self._ways)

    def __call__(self, images: Tensor, labels: Tensor, *, seed: int) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) images and (B,) labels → images, float32, and (B, K) targets, float32, of which each row's sum is 1.

        The state of PyTorch's random numbers is as before.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            way = self._ways[int(torch.randint(len(self._ways), ()))]
            mixed, targets = way(images, functional.one_hot(labels, self._num_classes).float())
        return mixed, targets
