"""Name → network, and the parts that every network here has: stages, last maps, head.

Only this package knows what a network's parts are called: `resnet` of torchvision's, `timm_networks` of timm's.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import torch
from packaging.version import Version
from torch import Tensor, nn

from har_core.errors import CheckpointError
from har_core.models import resnet, timm_networks
from har_core.models.anatomy import Anatomy, Features
from har_core.models.resnet import BUILDERS
from har_core.models.spec import Architecture, ModelSpec
from har_core.models.timm_networks import NativeInput
from har_core.runs.manifest import Explanation


def list_architectures() -> tuple[Architecture, ...]:
    """The names that `create_model` knows, besides `timm/NAME` for every classifier of timm."""
    return tuple(BUILDERS)


def check_architecture(name: str) -> None:
    """Raises:
    CheckpointError: naming what is known, and of timm what is like it.
    """
    if name.startswith(timm_networks.PREFIX):
        timm_networks.check_name(name)
    elif name not in BUILDERS:
        raise CheckpointError(
            f"expected an architecture of {', '.join(BUILDERS)}, or timm/NAME, found {name!r}; choose one of these"
        )


def create_model(spec: ModelSpec) -> nn.Module:
    """A network with one output per class and random weights, in evaluation mode, channels-last.

    Raises:
        CheckpointError: if the architecture is unknown or cannot be used here, or has no bottlenecks whose stride could be
            placed.
    """
    check_architecture(spec.architecture)
    if spec.architecture.startswith(timm_networks.PREFIX):
        model = timm_networks.create(spec.architecture, classes=len(spec.classes), crop_size=spec.crop_size)
    else:
        model = resnet.create_resnet(
            spec.architecture, classes=len(spec.classes), stride_placement=spec.stride_placement
        )
    return model.eval().to(memory_format=torch.channels_last)


def newer_library(spec: ModelSpec) -> str | None:
    """One sentence, if a network was made with a newer timm than is installed, which may build another one of that name."""
    if spec.library is None or not spec.architecture.startswith(timm_networks.PREFIX):
        return None
    installed = timm_networks.version()
    if Version(spec.library) <= Version(installed):
        return None
    return f"the model was made with timm {spec.library}, and timm {installed} is installed; pip install -U timm"


@lru_cache(maxsize=64)
def stages_of(architecture: Architecture) -> tuple[str, ...]:
    """The parts of a network that hold parameters, from the input to the output; the last is the head.

    Raises:
        CheckpointError: as `create_model`.
    """
    check_architecture(architecture)
    if architecture.startswith(timm_networks.PREFIX):
        return timm_networks.stages_of(architecture)
    return resnet.STAGES


def own_input(architecture: Architecture) -> NativeInput | None:
    """The input that a network of timm was made for; None for torchvision's, which take any.

    Raises:
        CheckpointError: if timm does not know it.
    """
    return timm_networks.native_input(architecture) if architecture.startswith(timm_networks.PREFIX) else None


def anatomy_of(model: nn.Module) -> Anatomy:
    """The seams of a network: those it was made with, else those of a ResNet."""
    anatomy = getattr(model, "anatomy", None)
    if isinstance(anatomy, Anatomy):
        return anatomy
    return resnet.ResNetAnatomy(model.get_submodule(resnet.ResNetAnatomy.head_name).in_features)  # type: ignore[arg-type]


def explanation(model: nn.Module) -> Explanation:
    """How class maps are made of the network's last maps."""
    return anatomy_of(model).explanation


def head(model: nn.Module) -> nn.Linear:
    """The last layer: embeddings (B, D) → logits (B, K)."""
    return anatomy_of(model).head(model)


def forward_features(model: nn.Module, images: Tensor) -> Features:
    """The last maps, (B, C, h, w), for images (B, 3, H, W)."""
    return anatomy_of(model).body(model, images)


def forward_pool(model: nn.Module, features: Features) -> Tensor:
    """The last maps → embeddings (B, D)."""
    return anatomy_of(model).pool(model, features)


def split_frozen(model: nn.Module, unfreeze: Iterable[str]) -> tuple[nn.Sequential, nn.Module]:
    """Split a network, without copying, into the stages that are wholly frozen and those that follow.

    Parameters outside the `unfreeze` stages stop requiring gradients.

    Args:
        unfreeze: names of its stages.

    Returns:
        (frozen, learning): images → activations, and activations → logits.  `frozen` is empty if nothing is frozen, or
        the network cannot be cut in two; torch then keeps no graph of its frozen part.
    """
    anatomy, chosen = anatomy_of(model), set(unfreeze)
    for stage in anatomy.stages:
        for parameter in anatomy.parameters_of(model, stage):
            parameter.requires_grad_(stage in chosen)
    return anatomy.split_frozen(model, next(stage for stage in anatomy.stages if stage in chosen))


def set_training_mode(model: nn.Module, unfreeze: Iterable[str], *, freeze_bn: bool = False) -> None:
    """Let the batch norms of the learning stages update their statistics, unless `freeze_bn`; all others keep still."""
    anatomy_of(model).set_training_mode(model, unfreeze, freeze_bn=freeze_bn)
