"""ResNets as torchvision builds them: convolutional stages, global average pooling, one linear layer."""

from __future__ import annotations

from collections.abc import Callable

import torchvision
from torch import Tensor, nn

from har_core.errors import CheckpointError
from har_core.models.anatomy import Anatomy, Features

BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "resnet18": torchvision.models.resnet18,
    "resnet34": torchvision.models.resnet34,
    "resnet50": torchvision.models.resnet50,
    "resnet101": torchvision.models.resnet101,
}
"""Called with `num_classes`.  A network needs the submodules of `_FEATURES`, then global average pooling and `fc`."""

STAGES = ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc")

_FEATURES = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")


class ResNetAnatomy(Anatomy):
    explanation = "closed form"
    head_name = STAGES[-1]
    stages = STAGES

    def __init__(self, channels: int) -> None:
        self.channels = channels

    def body(self, model: nn.Module, images: Tensor) -> Features:
        for name in _FEATURES:
            images = model.get_submodule(name)(images)
        return Features(images)

    def pool(self, model: nn.Module, features: Features) -> Tensor:
        return features.maps.mean(dim=(2, 3))

    def parameters_of(self, model: nn.Module, stage: str) -> list[nn.Parameter]:
        return list(model.get_submodule(stage).parameters())

    def split_frozen(self, model: nn.Module, first: str) -> tuple[nn.Sequential, nn.Module]:
        order = (*_FEATURES, "avgpool", self.head_name)
        parts = {name: model.get_submodule(name) for name in order}
        cut = order.index(first)
        return (
            nn.Sequential(*(parts[name] for name in order[:cut])),
            nn.Sequential(*(parts[name] for name in order[cut:-1]), nn.Flatten(1), parts[self.head_name]),
        )


def create_resnet(architecture: str, *, classes: int, stride_placement: str) -> nn.Module:
    """A network with random weights.

    Raises:
        CheckpointError: if it has no bottlenecks whose stride could be placed.
    """
    model = BUILDERS[architecture](num_classes=classes)
    if stride_placement == "1x1":
        for stage in ("layer2", "layer3", "layer4"):
            block = model.get_submodule(stage)[0]  # type: ignore[index]
            if not hasattr(block, "conv3"):
                raise CheckpointError(
                    f"expected bottleneck blocks for stride placement 1x1, found none in {architecture}; "
                    "choose resnet50 or resnet101"
                )
            block.conv1.stride, block.conv2.stride = (2, 2), (1, 1)
    return model
