"""Model + image + class → a heatmap by any method: the network's own class maps, occlusion, the others by the grad-cam package."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from har_core.cam.class_maps import class_activation_maps
from har_core.cam.occlusion import GRID, occlusion_maps
from har_core.cam.scales import to_heatmap
from har_core.errors import Cancelled
from har_core.models.anatomy import Features
from har_core.models.registry import anatomy_of, forward_features, forward_pool, head

Method = Literal["Grad-CAM", "Grad-CAM++", "LayerCAM", "EigenCAM", "Score-CAM", "Occlusion"]
"""Grad-CAM stands for the class maps of `class_maps`, whatever they are made of."""

METHODS: tuple[Method, ...] = get_args(Method)
CLASS_INDEPENDENT: frozenset[Method] = frozenset({"EigenCAM"})

_package = threading.Lock()


def compute_cam(
    method: Method,
    model: nn.Module,
    image: Tensor,
    target: int,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> np.ndarray:
    """A heatmap by any of `METHODS`.

    The methods of the package put hooks on the model, which two threads must not do at once: each call works on a copy
    of the model, one call at a time.  EigenCAM does not depend on `target`.  Score-CAM runs the network once for each
    channel of the last stage (2,048 of a ResNet-50), occlusion once for each of 49 cells.

    Args:
        image: (3, H, W) float32, as `data.transforms.eval_transform` returns it.
        target: class index.
        progress: called with (forward passes done, expected), for Score-CAM and occlusion.
        cancelled: asked before every forward pass.

    Returns:
        (H, W) float32 in [0, 1]; higher is more evidence.

    Raises:
        Cancelled: as soon as `cancelled` returns true.
    """
    if method == "Grad-CAM":
        return to_heatmap(
            class_activation_maps(model, image[None]).class_maps[0, target].cpu().numpy(), image.shape[-1]
        )

    if method == "Occlusion":
        counted = _Counted(model, 1 + GRID**2, progress, cancelled)
        with torch.no_grad():
            return to_heatmap(
                occlusion_maps(counted, image[None], counted(image[None]).float())[0, target].cpu().numpy(),
                image.shape[-1],
            )

    passes = 1 + anatomy_of(model).channels if method == "Score-CAM" else 1
    if progress is not None:
        progress(0, passes)  # at once, since the import below takes seconds; once more when the first pass begins

    from pytorch_grad_cam import EigenCAM, GradCAMPlusPlus, LayerCAM, ScoreCAM  # slow import, rarely needed
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    kinds = {"Grad-CAM++": GradCAMPlusPlus, "LayerCAM": LayerCAM, "EigenCAM": EigenCAM, "Score-CAM": ScoreCAM}
    while not _package.acquire(timeout=0.2):
        if cancelled():
            raise Cancelled("stopped while waiting for another heatmap; nothing was changed")
    try:
        own = _InTwo(copy.deepcopy(model).requires_grad_(True))
        with torch.inference_mode(False), torch.enable_grad():
            cam = kinds[method](_Counted(own, passes, progress, cancelled), [own.body])
            cam.batch_size = 4  # of Score-CAM: small, so that it stops soon
            with cam:
                heatmaps = cam(image[None].clone(), [ClassifierOutputTarget(target)])
        return np.asarray(heatmaps[0], dtype=np.float32)
    finally:
        _package.release()


class _Body(nn.Module):
    """Images → last maps (B, C, h, w), a module for the package to put its hooks on."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.tokens: Tensor | None = None

    def forward(self, images: Tensor) -> Tensor:
        maps, self.tokens = forward_features(self.model, images)
        return maps


class _InTwo(nn.Module):
    """A model that passes through `_Body`, whatever its layout: so the package needs to know of no kind of network."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.body = _Body(model)

    def forward(self, images: Tensor) -> Tensor:
        maps, model = self.body(images), self.body.model
        logits: Tensor = head(model)(forward_pool(model, Features(maps, self.body.tokens)))
        return logits


class _Counted(nn.Module):
    """A model that counts the images passing through it, and stops on demand."""

    def __init__(
        self,
        model: nn.Module,
        expected: int,
        progress: Callable[[int, int], None] | None,
        cancelled: Callable[[], bool],
    ) -> None:
        super().__init__()
        self.model, self.expected, self.done = model, expected, 0
        self.progress, self.cancelled = progress, cancelled
        if progress is not None:
            progress(0, expected)

    def forward(self, images: Tensor) -> Tensor:
        if self.cancelled():
            raise Cancelled("the heatmap was stopped; nothing was changed")
        logits: Tensor = self.model(images)
        self.done += len(images)
        if self.progress is not None:
            self.progress(min(self.done, self.expected), self.expected)
        return logits
