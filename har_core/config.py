"""How a model is trained: one frozen value, and the named recipes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from har_core.errors import ConfigError

Precision = Literal["auto", "fp32", "bf16"]
Architecture = Literal["resnet18", "resnet34", "resnet50", "resnet101"]

STAGES = ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc")
"""The parts of a ResNet that hold parameters, from the input to the output."""


def _option(default: Any, help: str) -> Any:
    """A dataclass field whose help text becomes that of its command-line flag."""
    return field(default=default, metadata={"help": help})


def _require(holds: bool, name: str, expected: str, found: object) -> None:
    if not holds:
        flag = "--" + name.replace("_", "-")
        raise ConfigError(f"{name} must be {expected}, found {found!r}; change {flag}")


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides the result of a training, except the data.

    Raises:
        ConfigError: if a value is out of its range.
    """

    recipe: str = _option("report", "the name under which this configuration is known")
    architecture: Architecture = _option("resnet50", "torchvision architecture")
    weights: str = _option(
        "imagenet",
        "starting weights: 'imagenet', a torchvision name such as IMAGENET1K_V2, or a .safetensors or .pt file",
    )
    trainable: tuple[str, ...] = _option(
        ("layer4", "fc"), f"the stages that learn, of {', '.join(STAGES)}; batch norms of the others keep still"
    )
    crop_size: int = _option(224, "side of the square that the network sees, in pixels")
    resize: int = _option(256, "shorter side of a photo before its centre is cropped for evaluation, in pixels")
    batch_size: int = _option(32, "photos a step")
    epochs: int = _option(15, "passes over the training photos")
    lr: float = _option(1e-4, "initial learning rate of Adam")
    step_size: int = _option(5, "epochs between two reductions of the learning rate")
    gamma: float = _option(0.1, "factor of each reduction")
    validation_fraction: float = _option(0.15, "share of each class that is kept for validation")
    seed: int = _option(42, "seed of split, order, augmentation and initialisation")
    views: int = _option(
        0,
        "0: a new random crop of every photo in every epoch. V: V crops a photo, used in turn, whose activations "
        "behind the frozen stages are kept on disk, so that only the trainable stages run (about 4 GB a view for "
        "12,600 photos at layer3)",
    )
    precision: Precision = _option("auto", "arithmetic of the network: fp32, bf16, or what is measured to be faster")

    def __post_init__(self) -> None:
        for name in ("crop_size", "resize", "batch_size", "epochs", "step_size"):
            _require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        _require(self.resize >= self.crop_size, "resize", f"at least crop_size ({self.crop_size})", self.resize)
        _require(self.batch_size >= 2, "batch_size", "at least 2, for the batch norms", self.batch_size)
        _require(self.lr > 0, "lr", "above 0", self.lr)
        _require(0 < self.gamma <= 1, "gamma", "in (0, 1]", self.gamma)
        _require(0 < self.validation_fraction < 1, "validation_fraction", "between 0 and 1", self.validation_fraction)
        _require(self.views >= 0, "views", "0 or more", self.views)
        _require(self.precision in get_args(Precision), "precision", " or ".join(get_args(Precision)), self.precision)
        _require(
            self.architecture in get_args(Architecture),
            "architecture",
            " or ".join(get_args(Architecture)),
            self.architecture,
        )
        unknown = set(self.trainable) - set(STAGES)
        _require(not unknown and len(self.trainable) > 0, "trainable", f"one or more of {STAGES}", self.trainable)
        _require("fc" in self.trainable, "trainable", "a set with fc, whose weights start at random", self.trainable)

    def replace(self, **changes: Any) -> TrainConfig:
        """A copy with some values changed (and checked again)."""
        return dataclasses.replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as a card or a training state stores them."""
        return {**dataclasses.asdict(self), "trainable": list(self.trainable)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainConfig:
        """The inverse of `as_dict`.

        Raises:
            ConfigError: if a value is missing, unknown or out of range.
        """
        try:
            return cls(**{**values, "trainable": tuple(values["trainable"])})
        except (KeyError, TypeError) as error:
            raise ConfigError(
                f"stored configuration does not fit this version of HAR Lens ({error}); "
                "train again, or use the version that wrote it"
            ) from error


RECIPES: dict[str, TrainConfig] = {"report": TrainConfig()}
"""`report` is the recipe of the published report; every value of a recipe can be changed by a flag."""
