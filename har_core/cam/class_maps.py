"""Model + images → class maps of all classes from one forward pass, however the network ends.

Closed form: a network that ends in global average pooling and one linear layer has Grad-CAM on its last maps in closed form,
M_c = Σ_k w_ck A_k (Zhou et al. 2016; for this kind of network equal to Selvaraju et al. 2017 up to the factor 1/(h·w)).
Gradient: the others, whose pooling is anything else, by the gradients of all classes at the last maps (`gradients`).
Attention: vision transformers that read a class token, by what it attends to for each class (`attention`).
Occlusion: networks whose last maps cannot be reached (`occlusion`).

No hook, no shared state: any number of threads can share one model.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from har_core.cam.attention import attention_maps
from har_core.cam.occlusion import occlusion_maps
from har_core.cam.pooling_gradients import gradient_maps
from har_core.models.anatomy import Features, WholeNetwork
from har_core.models.registry import anatomy_of, explanation, forward_features, forward_pool


@dataclass(frozen=True)
class CamOutput:
    """Of B images and K classes, float32, on the model's device.

    `logits`: (B, K).  `class_maps`: (B, K, h, w), signed; in closed form the mean over positions plus the class's bias is its
    logit.  `embeddings`: (B, D), what the last layer makes the logits of; D is 0 where they cannot be reached.
    """

    logits: Tensor
    class_maps: Tensor
    embeddings: Tensor


@torch.no_grad()
def class_activation_maps(model: nn.Module, images: Tensor, *, occlude: bool = True) -> CamOutput:
    """Predict normalized images (B, 3, H, W) and map the evidence for every class.

    Args:
        occlude: whether networks that are explained by occlusion run once for each cell of the map; else their maps are 0.
    """
    images, anatomy = images.contiguous(memory_format=torch.channels_last), anatomy_of(model)
    if isinstance(anatomy, WholeNetwork):
        logits, given, embeddings = anatomy.answer(model, images, maps=True)
        return CamOutput(logits, _occluded(model, images, logits, occlude) if given is None else given, embeddings)
    last = anatomy.head(model)
    features = forward_features(model, images)
    embeddings = forward_pool(model, features).float()
    logits = functional.linear(embeddings, last.weight.float(), last.bias)
    if anatomy.explanation == "occlusion":
        return CamOutput(logits, _occluded(model, images, logits, occlude), embeddings)
    return CamOutput(logits, direction_maps(model, features, last.weight.float()), embeddings)


def _occluded(model: nn.Module, images: Tensor, logits: Tensor, occlude: bool) -> Tensor:
    return occlusion_maps(model, images, logits) if occlude else logits.new_zeros(*logits.shape, 1, 1)


def direction_maps(model: nn.Module, features: Features, directions: Tensor) -> Tensor:
    """Where the evidence for some directions of the embedding is; those of the classes are the rows of the last layer.

    Args:
        directions: (M, D).

    Returns:
        (B, M, h, w) float32, signed.
    """
    if explanation(model) == "closed form":
        return functional.conv2d(features.maps.float(), directions[:, :, None, None])
    if explanation(model) == "attention":
        scores, rest = anatomy_of(model).attention(model, features)
        height, width = features.maps.shape[2:]
        return attention_maps(scores, rest, directions, (height, width))
    return gradient_maps(lambda maps: forward_pool(model, Features(maps, features.tokens)), features.maps, directions)
