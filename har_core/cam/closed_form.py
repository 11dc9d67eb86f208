"""Model + images → class maps of all classes in one forward pass.

A network that ends in global average pooling and one linear layer has Grad-CAM on its last convolutional stage in closed
form: M_c = Σ_k w_ck A_k (Zhou et al. 2016; for this kind of network equal to Selvaraju et al. 2017 up to the factor
1/(h·w)).  No hook, no gradient, no shared state: any number of threads can share one model.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from har_core.models.registry import forward_features, head


@dataclass(frozen=True)
class CamOutput:
    """Of B images and K classes, float32, on the model's device.

    `logits`: (B, K).  `class_maps`: (B, K, h, w), signed; the mean over positions plus the class's bias is its logit.
    `embeddings`: (B, D), the pooled features.
    """

    logits: Tensor
    class_maps: Tensor
    embeddings: Tensor


@torch.inference_mode()
def class_activation_maps(model: nn.Module, images: Tensor) -> CamOutput:
    """Predict normalized images (B, 3, H, W) and map the evidence for every class."""
    last = head(model)  # weight (K, D), bias (K,)
    features = forward_features(model, images.contiguous(memory_format=torch.channels_last)).float()  # (B, D, h, w)
    class_maps = functional.conv2d(features, last.weight[:, :, None, None])
    embeddings = features.mean(dim=(2, 3))
    return CamOutput(functional.linear(embeddings, last.weight, last.bias), class_maps, embeddings)
