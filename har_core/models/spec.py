"""What is needed, besides the weights, to rebuild a model and to feed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from har_core.analysis.temperature import HIGHEST, LOWEST
from har_core.data.transforms import IMAGENET, Fit, Interpolation, Preprocessing
from har_core.errors import CheckpointError
from har_core.runs.manifest import CENTER_ALONE, View, in_order

Architecture = str
"""The name of a network, one of `registry.list_architectures()` or `timm/NAME`."""

StridePlacement = Literal["1x1", "3x3"]


@dataclass(frozen=True)
class ModelSpec:
    """The metadata of a checkpoint.

    `stride_placement` says which convolution of a bottleneck strides: "3x3" as torchvision builds it, "1x1" as in
    He et al. 2015.  The same weights compute another function with the other placement.  `crop_size` and `resize` are
    in pixels: the side of the network's square input, and the shorter side of a photo before it is cropped.  `views`: the
    parts of a photo that answer together (see `inference.views`).  `temperature`: what logits are divided by before they become
    probabilities (see `analysis.temperature`).  `library`: the version of timm that the network was made with, if it is one of
    timm's.  `any_size`: whether the network takes inputs of other shapes than the crop's.

    Raises:
        CheckpointError: if a value is out of its range.
    """

    classes: tuple[str, ...]
    architecture: Architecture = "resnet50"
    stride_placement: StridePlacement = "3x3"
    crop_size: int = 224
    resize: int = 256
    views: tuple[View, ...] = CENTER_ALONE
    temperature: float = 1.0
    preprocessing: Preprocessing = IMAGENET
    library: str | None = None
    any_size: bool = True

    def __post_init__(self) -> None:
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes) or not all(self.classes):
            raise CheckpointError(f"expected two or more distinct class names, found {list(self.classes)!r}")
        if self.stride_placement not in get_args(StridePlacement):
            raise CheckpointError(f"expected stride placement 1x1 or 3x3, found {self.stride_placement!r}")
        if self.views != in_order(self.views):
            raise CheckpointError(f"expected views of {', '.join(get_args(View))}, each once; found {self.views!r}")
        if not LOWEST <= self.temperature <= HIGHEST:
            raise CheckpointError(f"expected a temperature from {LOWEST} to {HIGHEST}, found {self.temperature!r}")
        mean, std = self.preprocessing.mean, self.preprocessing.std
        if not (len(mean) == len(std) == 3 and np.isfinite([*mean, *std]).all() and min(std) > 0):
            raise CheckpointError(f"expected mean and standard deviation of three channels, found {mean!r} and {std!r}")
        if self.preprocessing.interpolation not in get_args(Interpolation):
            raise CheckpointError(
                f"expected interpolation bilinear or bicubic, found {self.preprocessing.interpolation!r}"
            )
        if self.preprocessing.fit not in get_args(Fit):
            raise CheckpointError(f"expected fit crop or squash, found {self.preprocessing.fit!r}")
        if not 32 <= self.crop_size <= self.resize <= 4096:
            raise CheckpointError(f"expected 32 ≤ crop_size ≤ resize ≤ 4096, found {self.crop_size} and {self.resize}")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelSpec:
        """The inverse of `dataclasses.asdict`, after a way through JSON.

        Raises:
            CheckpointError: if a value is out of its range.
            TypeError: if one is unknown.
        """
        lists: dict[str, Any] = {name: tuple(values[name]) for name in ("classes", "views") if name in values}
        if pixels := values.get("preprocessing"):
            triples = {name: tuple(value) for name, value in pixels.items() if isinstance(value, list)}
            lists["preprocessing"] = Preprocessing(**{**pixels, **triples})
        return cls(**{**values, **lists})
