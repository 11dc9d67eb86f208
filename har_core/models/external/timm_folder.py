"""A network of timm by its name, with its pretrained weights, or a folder as timm's `save_for_hf` writes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from har_core.data.transforms import Preprocessing
from har_core.errors import CheckpointError
from har_core.files import printable
from har_core.models import timm_networks
from har_core.models.checkpoint import first_line
from har_core.models.external.options import (
    ModelOptions,
    class_names,
    read_config,
    require_divisor,
    require_finite,
    require_no_pointer,
)
from har_core.models.external.timm_sizes import built_for, fit_side
from har_core.models.pretrained import state_dict_in
from har_core.models.registry import check_architecture, create_model
from har_core.models.spec import ModelSpec

_FILES = ("model.safetensors", "pytorch_model.bin")


def is_timm_config(config: dict[str, Any]) -> bool:
    """Whether a folder's config.json is one of timm's."""
    return "architecture" in config and ("pretrained_cfg" in config or "num_features" in config)


def load_named(name: str, options: ModelOptions) -> tuple[nn.Module, ModelSpec]:
    """`timm/NAME` with its pretrained weights, which timm fetches where they are not kept yet.

    Raises:
        CheckpointError: if timm has no such network or no weights for it, or cannot fetch them.
    """
    check_architecture(name)
    import timm

    plain = name.removeprefix(timm_networks.PREFIX)
    try:
        source: Any = timm.create_model(plain, pretrained=True)
    except Exception as error:  # of the hub, the network, the disk: all of them mean "no weights"
        raise CheckpointError(
            f"expected pretrained weights of {name}, found none that can be fetched ({first_line(error)}); check the network, or "
            "name a folder"
        ) from error
    config = dict(source.pretrained_cfg)
    return _built(name, source.state_dict(), source.num_classes, config, None, options)


def load_folder(folder: Path, options: ModelOptions) -> tuple[nn.Module, ModelSpec]:
    """A folder with config.json and model.safetensors or pytorch_model.bin, which is read with `weights_only=True`.

    Raises:
        CheckpointError: if it is damaged, or of a network that cannot be rebuilt from its name.
    """
    config = read_config(folder / "config.json")
    architecture, own, count = config["architecture"], config.get("pretrained_cfg", {}), config.get("num_classes")
    if not isinstance(architecture, str) or not isinstance(own, dict):
        raise CheckpointError("config.json: expected architecture and pretrained_cfg as timm writes them, found others")
    name = timm_networks.PREFIX + architecture
    check_architecture(name)
    side = built_for(arguments := config.get("model_args") or {})
    if side is not None:
        if options.crop_size not in (None, side):
            raise CheckpointError(
                f"expected --crop-size {side}, for which the network was built (img_size in config.json), found {options.crop_size}; leave "
                "it out"
            )
        own = {**own, "input_size": [3, side, side]}
    state = _state(folder)
    largest = max((len(tensor) for tensor in state.values() if tensor.ndim), default=0)
    if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= largest:
        raise CheckpointError(f"config.json: expected num_classes to be that of the weights, found {str(count)[:40]}")
    names = config.get("label_names") or own.get("label_names")
    if names is not None and not isinstance(names, list | dict):
        raise CheckpointError(
            "config.json: expected label_names to be a list, found something else; pass --classes FILE"
        )
    pools = [told.get("global_pool") for told in (arguments, config)]
    return _built(name, state, count, own, names, options, pools=[pool for pool in pools if pool])


def _state(folder: Path) -> dict[str, Tensor]:
    path = next((folder / name for name in _FILES if (folder / name).is_file()), None)
    if path is None:
        raise CheckpointError(
            f"expected {' or '.join(_FILES)} beside config.json, found neither; copy the folder again"
        )
    require_no_pointer(path)
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = state_dict_in(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # safetensors and the unpickler raise errors of their own kinds
        raise CheckpointError(f"{path.name} cannot be read as weights ({first_line(error)}); copy it again") from error
    require_finite(state, path.name)
    return state


def _built(
    name: str,
    state: dict[str, Tensor],
    count: int,
    config: dict[str, Any],
    names: Any,
    options: ModelOptions,
    *,
    pools: Sequence[Any] = (),
) -> tuple[nn.Module, ModelSpec]:
    if names is None and options.classes is None:
        names = imagenet_names(count)
    if names is None and options.classes is None:
        raise CheckpointError(f"expected the names of the {count:,} classes, found none; pass --classes FILE")
    crop_size, resize, preprocessing = _input(config)
    if options.std is None:
        require_divisor(preprocessing.std, "config.json")
    else:  # which overrules it
        preprocessing = replace(preprocessing, std=(1.0, 1.0, 1.0))
    spec = options.apply(
        ModelSpec(
            class_names(options.classes or names, count),
            name,
            crop_size=crop_size,
            resize=resize,
            preprocessing=preprocessing,
            library=timm_networks.version(),
            any_size=timm_networks.native_input(name).any_size,
        )
    )
    try:
        model: Any = create_model(spec)
        if (own := _pooling(model)) is not None and (odd := [pool for pool in pools if pool != own]):
            raise CheckpointError(
                f"expected {name} with its own pooling, {own}, found {printable(str(odd[0]))[:40]}; export it as ONNX"
            )
        fit_side(model, state, spec.crop_size)
        model.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(
            f"expected the weights of {name}, found others ({first_line(error)}); check the folder"
        ) from error
    network: nn.Module = model
    return network.requires_grad_(False), spec


def _pooling(model: Any) -> str | None:
    """What timm calls a network's pooling; None if it does not say."""
    own = getattr(model, "global_pool", None) or getattr(getattr(model, "head", None), "global_pool", None)
    own = getattr(own, "pool_type", own)
    return own if isinstance(own, str) else None


def _input(config: dict[str, Any]) -> tuple[int, int, Preprocessing]:
    """Crop size, resize and preprocessing, as timm's evaluation transform has them."""
    import timm.data

    try:
        data = timm.data.resolve_data_config(pretrained_cfg=config)  # type: ignore[attr-defined, no-untyped-call]
        channels, height, width = (int(side) for side in data["input_size"])
        crop_pct, mode = float(data["crop_pct"]), data["crop_mode"]
        mean, std = (tuple(float(value) for value in data[key]) for key in ("mean", "std"))
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError("config.json: expected a pretrained_cfg as timm writes it, found another") from error
    if channels != 3 or height != width or mode not in ("center", "squash") or not 0.05 < crop_pct <= 1:
        raise CheckpointError(
            f"expected a square input of three channels, cropped at the center or squashed, found {channels} × {height} × {width}, "
            f"{printable(str(mode))[:20]}; export the model as ONNX"
        )
    if data["interpolation"] not in ("bilinear", "bicubic"):
        raise CheckpointError(
            f"expected interpolation bilinear or bicubic, found {printable(str(data['interpolation']))[:20]}; pass --interpolation"
        )
    pixels = Preprocessing(
        mean=mean,  # type: ignore[arg-type]
        std=std,  # type: ignore[arg-type]
        interpolation=data["interpolation"],
        fit="squash" if mode == "squash" else "crop",
    )
    return height, math.floor(height / crop_pct), pixels


def imagenet_names(count: int) -> list[str] | None:
    """What timm calls the classes of the ImageNet subset with so many; None if there is none of that size."""
    import timm.data

    data: Any = timm.data
    subset = data.infer_imagenet_subset({"num_classes": count})
    if subset is None:
        return None
    return [text.split(",")[0] for text in data.ImageNetInfo(subset).label_descriptions()]
