"""How a model of clips is trained: one frozen value, with defaults for each kind."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from har_core.errors import CheckpointError, ConfigError
from har_core.models.temporal import MOST_FRAMES, check_temporal
from har_core.models.video_networks import NETWORKS
from har_core.training.flags import FlagConfig, flag


class TemporalConfig(FlagConfig):
    """Everything that decides the result of a training on clips, except the clips and the photo model.

    Raises:
        ConfigError: naming the flag, if a value is unknown or out of its range.
    """

    temporal: str = Field(description="the kind of model (see `models.temporal`)")
    frames: int = Field(16, ge=1, le=MOST_FRAMES, description="of each clip, evenly spaced")
    weights: str = Field(
        "photo",
        description="starting weights of a network of torchvision: 'kinetics', 'random' or a file; 'photo' for the other kinds, "
        "which start from the photo model",
    )
    batch_size: int = Field(8, ge=2, description="clips per step")
    epochs: int = Field(60, ge=1, description="passes over the training clips")
    lr: float = Field(1e-3, gt=0, description="highest learning rate, of AdamW; it falls along half a cosine")
    head_lr_factor: float = Field(
        1.0, gt=0, description="how many times lr the last layer learns at, whose weights start at random"
    )
    weight_decay: float = Field(0.05, ge=0, description="weight decay per step, as a share of the learning rate")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of the target that is spread over all classes")
    dropout: float = Field(0.5, ge=0, lt=1, description="share of the features that is left out while learning")
    dev_fraction: float = Field(
        0.2, gt=0, le=0.5, description="share of the sources that are not tested on, which the epoch is chosen by"
    )
    test_fraction: float = Field(0.25, gt=0, le=0.5, description="share of the sources that is the test set")
    seed: int = Field(42, ge=0, lt=2**31, description="seed of split, order and initialization")

    @classmethod
    def about_unknown(cls, name: str) -> str:
        return f"{flag(name)} is not for clips; leave it out"

    @field_validator("temporal")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            check_temporal(value)
        except CheckpointError as error:
            raise ConfigError(str(error)) from error
        return value

    @classmethod
    def of_kind(cls, name: str, **changes: Any) -> TemporalConfig:
        """The defaults of a kind, with some values changed."""
        defaults: dict[str, Any] = dict(_DEFAULTS.get(name, {}))
        if name in NETWORKS:
            defaults |= {**_WHOLE, "frames": max(16, NETWORKS[name].frames)}
        return cls(temporal=name, **{**defaults, **changes})


_DEFAULTS: dict[str, dict[str, Any]] = {
    "convlstm": {"epochs": 25},
    "transformer": {"lr": 3e-4},
    "inflated": {"frames": 8, "epochs": 10, "lr": 2e-4, "head_lr_factor": 5.0, "batch_size": 4},
}
_WHOLE: dict[str, Any] = {
    "weights": "kinetics", "epochs": 10, "lr": 1e-4, "head_lr_factor": 7.0, "batch_size": 8
}  # fmt: skip
