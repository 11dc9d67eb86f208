"""Model + photo → class maps and heatmaps: where the network found evidence for a class.

A ResNet ends in global average pooling and one linear layer, so Grad-CAM on its last convolutional stage has a closed
form: M_c = Σ_k w_ck A_k (Zhou et al. 2016; equal to Selvaraju et al. 2017 for this architecture up to the factor
1/(h·w)).  One forward pass gives the maps of all classes, without hook, gradient or shared state, so that any number
of threads can share one model.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from har_core.errors import Cancelled

Method = Literal["Grad-CAM", "Grad-CAM++", "LayerCAM", "EigenCAM", "Score-CAM"]
METHODS: tuple[Method, ...] = get_args(Method)
CLASS_INDEPENDENT: frozenset[Method] = frozenset({"EigenCAM"})

_EPSILON = 1e-7  # as in the grad-cam package
_package = threading.Lock()


@dataclass(frozen=True)
class Explained:
    """Of B photos and K classes, on the model's device.

    `logits` (B, K); `maps` (B, K, h, w), signed: the mean over positions plus the class's bias is its logit;
    `embeddings` (B, D), the pooled features.  All float32.
    """

    logits: Tensor
    maps: Tensor
    embeddings: Tensor


def features(model: nn.Module, images: Tensor) -> Tensor:
    """Activations A of the last convolutional stage, (B, D, h, w), for images (B, 3, H, W)."""
    for stage in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"):
        images = model.get_submodule(stage)(images)
    return images


@torch.inference_mode()
def explain(model: nn.Module, images: Tensor) -> Explained:
    """Predict a batch and map the evidence for every class, in one forward pass."""
    weight, bias = model.get_parameter("fc.weight"), model.get_parameter("fc.bias")  # (K, D), (K,)
    activations = features(model, images.contiguous(memory_format=torch.channels_last)).float()
    maps = functional.conv2d(activations, weight[:, :, None, None])
    embeddings = activations.mean(dim=(2, 3))
    return Explained(functional.linear(embeddings, weight, bias), maps, embeddings)


def heatmap(class_map: np.ndarray, size: int) -> np.ndarray:
    """A raw class map as the grad-cam package shows it, on a scale of its own.

    ReLU, minus the minimum, divided by the maximum, resized (bilinear), and scaled once more.

    Args:
        class_map: (h, w), signed.
        size: side of the network's input in pixels.

    Returns:
        (size, size) float32 in [0, 1].  All 0 if no position speaks for the class.
    """
    return _scaled(_resized(_scaled(np.maximum(class_map, 0)), size))


def heatmaps_on_one_scale(class_maps: np.ndarray, size: int) -> np.ndarray:
    """Several raw class maps of one photo on a shared scale, so that their strengths can be compared.

    Args:
        class_maps: (M, h, w), signed.

    Returns:
        (M, size, size) float32 in [0, 1]; 1 is the strongest evidence in any of the maps.
    """
    scaled = _scaled(np.maximum(class_maps, 0))
    return _scaled(np.stack([_resized(one, size) for one in scaled]))


def heatmap_by(
    method: Method,
    model: nn.Module,
    image: Tensor,
    target: int,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> np.ndarray:
    """A heatmap by any method of the grad-cam package.

    Grad-CAM itself is computed in closed form.  The others put hooks on the model, which two threads must not
    do at once: they work on a copy of their own, one call at a time.  EigenCAM does not depend on `target`.
    Score-CAM runs the network once for each of its 2,048 channels.

    Args:
        image: (3, H, W), as `transforms.evaluation_transform` returns it.
        target: class index.
        progress: called with (forward passes done, expected), for Score-CAM.
        cancelled: asked before every forward pass.

    Returns:
        (H, W) float32 in [0, 1].

    Raises:
        Cancelled: as soon as `cancelled` returns true.
    """
    if method == "Grad-CAM":
        return heatmap(explain(model, image[None]).maps[0, target].cpu().numpy(), image.shape[-1])

    from pytorch_grad_cam import EigenCAM, GradCAMPlusPlus, LayerCAM, ScoreCAM  # slow import, rarely needed
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    kinds = {"Grad-CAM++": GradCAMPlusPlus, "LayerCAM": LayerCAM, "EigenCAM": EigenCAM, "Score-CAM": ScoreCAM}
    while not _package.acquire(timeout=0.2):
        if cancelled():
            raise Cancelled("stopped while waiting for another heatmap; nothing was changed")
    try:
        own = copy.deepcopy(model).requires_grad_(True)
        channels = own.get_submodule("fc").in_features
        watched = _Watched(own, 1 + int(channels) if method == "Score-CAM" else 1, progress, cancelled)  # type: ignore[arg-type]
        with torch.inference_mode(False), torch.enable_grad():
            cam = kinds[method](model=watched, target_layers=[own.get_submodule("layer4")[-1]])  # type: ignore[index]
            cam.batch_size = 16  # of Score-CAM
            with cam:
                result = cam(input_tensor=image[None].clone(), targets=[ClassifierOutputTarget(target)])
        return np.asarray(result[0], dtype=np.float32)
    finally:
        _package.release()


class _Watched(nn.Module):
    """Counts the photos that pass through a model, and stops it on demand."""

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


def _scaled(values: np.ndarray) -> np.ndarray:
    values = values - values.min()
    return np.asarray(values / (values.max() + _EPSILON), dtype=np.float32)


def _resized(values: np.ndarray, size: int) -> np.ndarray:
    grid = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None, None]
    return functional.interpolate(grid, (size, size), mode="bilinear", align_corners=False)[0, 0].numpy()
