"""How a model is trained: one frozen value, and the named recipes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from har_core.errors import ConfigError

Precision = Literal["auto", "fp32", "bf16"]
Architecture = Literal["resnet18", "resnet34", "resnet50", "resnet101"]
Optimizer = Literal["adam", "adamw"]
Schedule = Literal["steps", "cosine"]
Selection = Literal["best", "last"]
Scored = Literal["validation", "tuning"]

STAGES = ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc")
"""The parts of a ResNet that hold parameters, from the input to the output."""


def _option(default: Any, help: str) -> Any:
    """A dataclass field whose help text becomes that of its command-line flag."""
    return field(default=default, metadata={"help": help})


def _require(holds: bool, name: str, expected: str, found: object) -> None:
    if not holds:
        flag = "--" + name.replace("_", "-")
        raise ConfigError(f"{name} must be {expected}, found {found!r}; change {flag}")


_CHOICES = {
    "architecture": Architecture,
    "optimizer": Optimizer,
    "precision": Precision,
    "schedule": Schedule,
    "scored": Scored,
    "selection": Selection,
}


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
    frozen_norms: bool = _option(False, "keep the statistics of all batch norms as they are in the starting weights")
    crop_size: int = _option(224, "side of the square that the network sees, in pixels")
    train_size: int = _option(0, "side of the random crops that it learns from, in pixels; 0: crop_size")
    full_size_epochs: int = _option(0, "last epochs, which learn from random crops of crop_size whatever train_size is")
    min_area: float = _option(0.08, "smallest share of a photo's area that a random crop shows")
    resize: int = _option(256, "shorter side of a photo before its centre is cropped for evaluation, in pixels")
    batch_size: int = _option(32, "photos a step")
    epochs: int = _option(15, "passes over the training photos")
    members: int = _option(
        1,
        "trainings one after the other, each from the starting weights, in an order and with crops of its own; the mean "
        "of their weights is shipped",
    )
    optimizer: Optimizer = _option("adam", "adam, or adamw: with decoupled weight decay")
    lr: float = _option(1e-4, "highest learning rate")
    head_lr_factor: float = _option(1.0, "how many times lr the last layer learns at, whose weights start at random")
    weight_decay: float = _option(0.0, "weight decay a step, as a share of the learning rate")
    schedule: Schedule = _option(
        "steps", "of the learning rate: reduced every few epochs, or warm-up and half a cosine"
    )
    step_size: int = _option(5, "steps: epochs between two reductions of the learning rate")
    gamma: float = _option(0.1, "steps: factor of each reduction")
    warmup: float = _option(0.0, "cosine: epochs in which the learning rate rises, but at most a third of all")
    label_smoothing: float = _option(0.0, "share of the target that is spread over all classes")
    soft_labels: str = _option(
        "", "a file that `python -m har_core soft-labels` wrote: photos without labels that train too; empty: none"
    )
    average: float = _option(
        0.0, "decay a step of the moving average of the weights, which is scored and shipped; 0: no average"
    )
    selection: Selection = _option("best", "the epoch whose weights are shipped: best on the scored photos, or last")
    scored: Scored = _option(
        "validation",
        "validation: score on the validation photos. tuning: on a tenth of each class of the training photos, which "
        "then do not train, for choosing a recipe without the validation photos",
    )
    leave_out_twins: bool = _option(False, "do not train on photos that are nearly identical to a scored one")
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
        for name in ("crop_size", "resize", "batch_size", "epochs", "members", "step_size"):
            _require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        _require(self.resize >= self.crop_size, "resize", f"at least crop_size ({self.crop_size})", self.resize)
        _require(self.batch_size >= 2, "batch_size", "at least 2, for the batch norms", self.batch_size)
        _require(self.lr > 0, "lr", "above 0", self.lr)
        _require(self.head_lr_factor > 0, "head_lr_factor", "above 0", self.head_lr_factor)
        _require(self.weight_decay >= 0, "weight_decay", "0 or more", self.weight_decay)
        _require(0 < self.min_area <= 1, "min_area", "in (0, 1]", self.min_area)
        _require(self.warmup >= 0, "warmup", "0 or more", self.warmup)
        for name in ("label_smoothing", "average"):
            _require(0 <= getattr(self, name) < 1, name, "from 0 to below 1", getattr(self, name))
        _require(0 < self.gamma <= 1, "gamma", "in (0, 1]", self.gamma)
        _require(0 < self.validation_fraction < 1, "validation_fraction", "between 0 and 1", self.validation_fraction)
        for name in ("views", "train_size", "full_size_epochs"):
            _require(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))
        _require(
            not (self.views and self.full_size_epochs), "full_size_epochs", "0 with cached views", self.full_size_epochs
        )
        if self.members > 1:
            _require(self.selection == "last", "selection", "last with several members", self.selection)
            _require(self.frozen_norms, "frozen_norms", "on with several members", self.frozen_norms)
        for name, known in _CHOICES.items():
            _require(getattr(self, name) in get_args(known), name, " or ".join(get_args(known)), getattr(self, name))
        unknown = set(self.trainable) - set(STAGES)
        _require(not unknown and len(self.trainable) > 0, "trainable", f"one or more of {STAGES}", self.trainable)
        _require("fc" in self.trainable, "trainable", "a set with fc, whose weights start at random", self.trainable)

    @property
    def sizes(self) -> tuple[int, int]:
        """Sides of the random crops in the first epochs and in the last `full_size_epochs`, in pixels."""
        return self.train_size or self.crop_size, self.crop_size

    def full_size(self, epoch: int) -> bool:
        """Whether an epoch, counted from 1 through all members, is one of its member's last `full_size_epochs`."""
        return self.of_member(epoch) > self.epochs - self.full_size_epochs

    def of_member(self, epoch: int) -> int:
        """Which epoch of its member an epoch is, both counted from 1."""
        return (epoch - 1) % self.epochs + 1

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


RECIPES: dict[str, TrainConfig] = {
    "best": TrainConfig(
        recipe="best",
        trainable=("layer3", "layer4", "fc"),
        frozen_norms=True,
        train_size=160,
        full_size_epochs=4,
        min_area=0.25,
        epochs=13,
        members=2,
        optimizer="adamw",
        lr=1.5e-4,
        head_lr_factor=7.0,
        weight_decay=0.05,
        schedule="cosine",
        warmup=1.0,
        label_smoothing=0.1,
        average=0.998,
        selection="last",
        leave_out_twins=True,
    ),
    "report": TrainConfig(),
}
"""`best` is the most accurate that was found, `report` that of the published report; a flag changes any value."""
