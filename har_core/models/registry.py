"""Name → network, and the parts that every network here has: stages, last convolutional stage, head.

Only this module knows what a network's parts are called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import torchvision
from torch import Tensor, nn

from har_core.errors import CheckpointError
from har_core.models.spec import Architecture, ModelSpec

STAGES = ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc")
"""The parts of a network that hold parameters, from the input to the output; the last is the head."""

BUILDERS: dict[Architecture, Callable[..., nn.Module]] = {
    "resnet18": torchvision.models.resnet18,
    "resnet34": torchvision.models.resnet34,
    "resnet50": torchvision.models.resnet50,
    "resnet101": torchvision.models.resnet101,
}
"""Called with `num_classes`.  A network needs the submodules of `_FEATURES`, then global average pooling and `fc`."""

_FEATURES = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
_HEAD = STAGES[-1]


def list_architectures() -> tuple[Architecture, ...]:
    """The names that `create_model` knows."""
    return tuple(BUILDERS)


def create_model(spec: ModelSpec) -> nn.Module:
    """A network with one output per class and random weights, in evaluation mode, channels-last.

    Raises:
        CheckpointError: if the architecture is unknown, or has no bottlenecks whose stride could be placed.
    """
    if spec.architecture not in BUILDERS:
        raise CheckpointError(
            f"expected an architecture of {', '.join(BUILDERS)}, found {spec.architecture!r}; choose one of these"
        )
    model = BUILDERS[spec.architecture](num_classes=len(spec.classes))
    if spec.stride_placement == "1x1":
        for stage in ("layer2", "layer3", "layer4"):
            block = model.get_submodule(stage)[0]  # type: ignore[index]
            if not hasattr(block, "conv3"):
                raise CheckpointError(
                    f"expected bottleneck blocks for stride placement 1x1, found none in {spec.architecture}; "
                    "choose resnet50 or resnet101"
                )
            block.conv1.stride, block.conv2.stride = (2, 2), (1, 1)
    return model.eval().to(memory_format=torch.channels_last)


def head(model: nn.Module) -> nn.Linear:
    """The last layer: pooled features (B, D) → logits (B, K)."""
    layer = model.get_submodule(_HEAD)
    assert isinstance(layer, nn.Linear)
    return layer


def forward_features(model: nn.Module, images: Tensor) -> Tensor:
    """Activations of the last convolutional stage, (B, D, h, w), for images (B, 3, H, W)."""
    for name in _FEATURES:
        images = model.get_submodule(name)(images)
    return images


def last_conv_stage(model: nn.Module) -> nn.Module:
    """The module whose output the class activation maps are made of: the last block of the last stage."""
    blocks = list(model.get_submodule(_FEATURES[-1]).children())
    return blocks[-1]


def is_head(name: str) -> bool:
    """Whether an entry of a state dict belongs to the head."""
    return name.startswith(f"{_HEAD}.")


def split_frozen(model: nn.Module, unfreeze: Iterable[str]) -> tuple[nn.Sequential, nn.Sequential]:
    """Split a network, without copying, into the stages that are wholly frozen and those that follow.

    Parameters outside the `unfreeze` stages stop requiring gradients.

    Args:
        unfreeze: names of `STAGES`.

    Returns:
        (frozen, learning): images → activations, and activations → logits.  `frozen` may be empty.
    """
    chosen = set(unfreeze)
    for stage in STAGES:
        model.get_submodule(stage).requires_grad_(stage in chosen)
    order = (*_FEATURES, "avgpool", _HEAD)
    first = next(index for index, name in enumerate(order) if name in chosen)
    parts = {name: model.get_submodule(name) for name in order}
    return (
        nn.Sequential(*(parts[name] for name in order[:first])),
        nn.Sequential(*(parts[name] for name in order[first:-1]), nn.Flatten(1), parts[_HEAD]),
    )


def set_training_mode(model: nn.Module, unfreeze: Iterable[str], *, freeze_bn: bool = False) -> None:
    """Let the batch norms of the learning stages update their statistics, unless `freeze_bn`; all others keep still."""
    model.eval()
    for stage in () if freeze_bn else unfreeze:  # of all that these networks hold, only batch norms know a mode
        model.get_submodule(stage).train()
