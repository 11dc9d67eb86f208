"""Every classifier of timm by its name: whether there is one, its own input, and the network with its anatomy."""

from __future__ import annotations

import difflib
import importlib.metadata
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from har_core.data.transforms import IMAGENET, Interpolation, Preprocessing
from har_core.errors import CheckpointError
from har_core.models.timm_anatomy import anatomy_of_timm, timm_stages

PREFIX = "timm/"

_OTHER_SIZES: tuple[dict[str, Any], ...] = ({"dynamic_img_size": True}, {"strict_img_size": False}, {})
"""What lets a network take inputs of other sizes than its own, tried in this order; most need nothing."""


@dataclass(frozen=True)
class NativeInput:
    """What a network was made for.  `crop_size` and `resize` in pixels.  `any_size`: whether it takes other inputs as well."""

    crop_size: int
    resize: int
    preprocessing: Preprocessing
    any_size: bool


def check_name(architecture: str) -> None:
    """Raises:
    CheckpointError: if timm is missing, or has no network of that name.
    """
    timm, name = _timm(), architecture.removeprefix(PREFIX)
    if not timm.is_model(name):
        like = difflib.get_close_matches(name.split(".")[0], timm.list_models(), 3, 0.5)
        raise CheckpointError(
            f"expected a classifier of timm {timm.__version__}, found {name[:80]!r}; "
            + (f"choose {' or '.join(like)}" if like else "timm.list_models() names them")
        )


def version() -> str:
    """Of timm, as it is installed."""
    return importlib.metadata.version("timm")


def create(architecture: str, *, classes: int, crop_size: int) -> nn.Module:
    """A network with random weights and its anatomy.

    Raises:
        CheckpointError: if it has no single linear layer at its end, or does not take the input.
    """
    model: Any = _build(architecture, classes, crop_size)
    try:
        model.anatomy = anatomy_of_timm(model, architecture, crop_size)
        network: nn.Module = model
        return network
    except (RuntimeError, AssertionError, ValueError) as error:  # timm checks sizes in each of these ways
        raise CheckpointError(
            f"expected {architecture} to take an input of {crop_size} pixels, found that it does not "
            f"({str(error).splitlines()[0][:120]}); choose its own size, {native_input(architecture).crop_size}"
        ) from error


@lru_cache(maxsize=64)
def stages_of(architecture: str) -> tuple[str, ...]:
    """As `Anatomy.stages`."""
    with torch.device("meta"):
        return tuple(name for name, _ in timm_stages(_build(architecture, 2, native_input(architecture).crop_size)))


@lru_cache(maxsize=64)
def native_input(architecture: str) -> NativeInput:
    """What timm says that a network was trained with.

    Raises:
        CheckpointError: if it is unknown.
    """
    check_name(architecture)
    with torch.device("meta"):
        model = _timm().create_model(architecture.removeprefix(PREFIX), pretrained=False, **_other_sizes(architecture))
    config = model.pretrained_cfg
    size = int(min(config["input_size"][1:]))
    interpolation: Interpolation = "bilinear" if config["interpolation"] == "bilinear" else "bicubic"
    preprocessing = replace(IMAGENET, mean=tuple(config["mean"]), std=tuple(config["std"]), interpolation=interpolation)
    return NativeInput(size, math.floor(size / config["crop_pct"]), preprocessing, _takes_any_size(model, size))


def _timm() -> Any:
    try:
        import timm  # slow, and needed for its own networks alone
    except ImportError as error:
        raise CheckpointError(
            "expected the package timm for networks called timm/NAME, found none; pip install timm"
        ) from error
    return timm


@lru_cache(maxsize=64)
def _other_sizes(architecture: str) -> dict[str, Any]:
    """The first of `_OTHER_SIZES` that the network knows."""
    for options in _OTHER_SIZES:
        try:
            with torch.device("meta"):
                _timm().create_model(architecture.removeprefix(PREFIX), pretrained=False, **options)
            return options
        except TypeError:  # it has no such option
            continue
    return {}


def _build(architecture: str, classes: int, crop_size: int) -> Any:
    options = _other_sizes(architecture)
    name = architecture.removeprefix(PREFIX)
    if options or crop_size == native_input(architecture).crop_size:
        return _timm().create_model(name, pretrained=False, num_classes=classes, **options).eval()
    try:
        return _timm().create_model(name, pretrained=False, num_classes=classes, img_size=crop_size).eval()
    except TypeError:  # a convolutional network takes any size
        return _timm().create_model(name, pretrained=False, num_classes=classes).eval()


def _takes_any_size(model: nn.Module, size: int) -> bool:
    """Whether multiples of 32 pixels will do, as the views of a photo are."""
    with torch.no_grad():
        for height, width in ((size, size + 64), (128, 160)):
            try:
                model(torch.empty(1, 3, height, width, device="meta"))
            except Exception:  # whatever it says: it does not
                return False
    return True
