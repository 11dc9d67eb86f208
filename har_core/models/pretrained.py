"""Pretrained weights, from torchvision or a file → a model with a new head."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn

from har_core.errors import CheckpointError, WeightsError
from har_core.models.checkpoint import first_line, read_metadata
from har_core.models.registry import create_model, is_head
from har_core.models.spec import Architecture, ModelSpec, StridePlacement
from har_core.runs.manifest import CENTER_ALONE, View


def load_pretrained(
    weights: str,
    *,
    classes: Iterable[str],
    architecture: Architecture,
    crop_size: int,
    resize: int,
    views: tuple[View, ...] = CENTER_ALONE,
) -> tuple[nn.Module, ModelSpec, str]:
    """A model that starts from pretrained weights, with a new head drawn from torch's current random state.

    Args:
        weights: 'imagenet' (torchvision's IMAGENET1K_V1), another torchvision name, or a file: .safetensors,
            whose metadata may name a `stride_placement`, or a .pt/.pth state dict.
        crop_size, resize, views: as in `ModelSpec`.

    Returns:
        (model, its spec, one line that says where the weights come from).

    Raises:
        WeightsError: if they cannot be downloaded or read, or do not fit the architecture.
    """
    path = Path(weights)
    if path.suffix in (".safetensors", ".pt", ".pth"):
        state, placement, origin = _from_file(path)
    else:
        state, placement, origin = _from_torchvision(weights, architecture)
    spec = ModelSpec(tuple(classes), architecture, placement, crop_size, resize, views)
    try:
        model = create_model(spec)
        missing, unexpected = model.load_state_dict(
            {name: tensor for name, tensor in state.items() if not is_head(name)}, strict=False
        )
    except (RuntimeError, CheckpointError) as error:  # shapes; bottlenecks where there are none
        raise WeightsError(
            f"{weights} does not fit {architecture}: {first_line(error)}; choose --architecture"
        ) from error
    missing = [name for name in missing if not is_head(name)]
    if unexpected or missing:
        raise WeightsError(
            f"{weights} does not fit {architecture}: {len(missing)} tensors missing, {len(unexpected)} unknown; "
            "choose --architecture or a file with torchvision's names"
        )
    return model, spec, origin


def _from_file(path: Path) -> tuple[dict[str, Tensor], StridePlacement, str]:
    if not path.is_file():
        raise WeightsError(f"expected starting weights at {path}, found no file; check --weights")
    try:
        if path.suffix == ".safetensors":
            metadata = read_metadata(path)
            placement = metadata.get("stride_placement", "3x3")
            if placement not in get_args(StridePlacement):
                raise WeightsError(f"{path}: expected stride_placement 1x1 or 3x3 in its metadata, found {placement!r}")
            return load_file(path), placement, metadata.get("source", path.name)  # type: ignore[return-value]
        return torch.load(path, map_location="cpu", weights_only=True), "3x3", path.name
    except WeightsError:
        raise
    except Exception as error:  # safetensors and the unpickler raise errors of their own kinds
        raise WeightsError(f"{path} cannot be read as weights ({first_line(error)}); check the file") from error


def _from_torchvision(weights: str, architecture: Architecture) -> tuple[dict[str, Tensor], StridePlacement, str]:
    known = torchvision.models.get_model_weights(architecture)
    name = "IMAGENET1K_V1" if weights == "imagenet" else weights.rsplit(".", 1)[-1]
    if name not in known.__members__:
        raise WeightsError(
            f"expected weights 'imagenet', {' or '.join(known.__members__)}, or a .safetensors or .pt file, "
            f"found {weights!r}; check --weights"
        )
    try:
        state = known[name].get_state_dict(progress=True, check_hash=True)
    except Exception as error:  # URLError, a hash mismatch, a full disk: all of them mean "no weights"
        raise WeightsError(
            f"could not download {architecture} {name} ({first_line(error)}); check the network, or pass a file: "
            "--weights FILE.safetensors"
        ) from error
    return state, "3x3", f"torchvision {architecture} {name}"
