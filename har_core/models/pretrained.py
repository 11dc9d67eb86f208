"""Pretrained weights, from torchvision, timm or a file → a model with a new head."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast, get_args

import torchvision
from torch import Tensor, nn

from har_core.data.transforms import IMAGENET
from har_core.errors import CheckpointError, WeightsError
from har_core.files import printable
from har_core.models import efficientnet_lite, timm_networks
from har_core.models.checkpoint import first_line
from har_core.models.registry import anatomy_of, check_architecture, create_model
from har_core.models.spec import Architecture, ModelSpec, StridePlacement
from har_core.models.weight_files import names_file, read_weights, state_dict_in, without_prefix
from har_core.runs.manifest import CENTER_ALONE, View

__all__ = ["from_torchvision", "load_pretrained", "read_weights", "state_dict_in"]

_A_FILE = "a file: --weights FILE.safetensors"


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
        weights: 'imagenet' (torchvision's IMAGENET1K_V1, or timm's default), another torchvision name, a tag of timm such as
            'fb_in22k', 'random', 'package' (of EfficientNet-Lite, see `efficientnet_lite`), or a file, whatever its suffix:
            safetensors, whose metadata may name a `stride_placement`, or a state dict of PyTorch, alone or in a checkpoint.
            What the names of its tensors begin with (as `module.` or `model.`) does not matter.
        crop_size, resize, views: as in `ModelSpec`.

    Returns:
        (model, its spec, one line that says where the weights come from).

    Raises:
        CheckpointError: if the architecture is unknown.
        WeightsError: if they cannot be downloaded or read, or do not fit the architecture.
    """
    check_architecture(architecture)
    of_timm, path = architecture.startswith(timm_networks.PREFIX), Path(weights)
    placement: StridePlacement = "3x3"
    if names_file(weights):
        state, placement, origin = _from_file(path)
    elif weights == "random":
        state, origin = None, "random weights"
    elif weights == "package":
        state, origin = efficientnet_lite.package_weights(architecture)
    elif of_timm:
        state, origin = _from_timm(weights, architecture)
    else:
        state, origin = from_torchvision(
            architecture, weights, words=("imagenet",), usual="IMAGENET1K_V1", instead=_A_FILE
        )
    spec = ModelSpec(
        tuple(classes),
        architecture,
        placement,
        crop_size,
        resize,
        views,
        preprocessing=timm_networks.native_input(architecture).preprocessing if of_timm else IMAGENET,
        library=timm_networks.version() if of_timm else None,
    )
    if state is None or of_timm:
        model = create_model(spec)
    if state is None:
        return model, spec, origin
    try:
        if not of_timm:
            model = create_model(spec)
        is_head = anatomy_of(model).is_head
        shapes = {name: tensor.shape for name, tensor in model.state_dict().items() if not is_head(name)}
        state, prefix, others = without_prefix(state, shapes)
        body = {name: tensor for name, tensor in state.items() if not is_head(name)}
        if (
            other := next((name for name in body if body[name].shape != shapes.get(name, body[name].shape)), None)
        ) is not None:
            raise WeightsError(
                f"{weights} does not fit {architecture}: expected {other} of {_sides(shapes[other])}, found {_sides(body[other].shape)}; "
                "choose --architecture"
            )
        missing, unexpected = model.load_state_dict(body, strict=False)
    except (RuntimeError, CheckpointError) as error:  # shapes; bottlenecks where there are none
        raise WeightsError(
            f"{weights} does not fit {architecture}: {printable(first_line(error))}; choose --architecture"
        ) from error
    missing = [name for name in missing if not is_head(name)]
    if unexpected or missing:
        raise WeightsError(
            f"{weights} does not fit {architecture}: {_some(missing)} missing, {_some(unexpected)} unknown; "
            f"choose --architecture or a file with {'timm' if of_timm else 'torchvision'}'s names"
        )
    if prefix:
        left_out = f", without {len(others)} others" if others else ""
        origin += f" (the tensors named {printable(prefix)}…{left_out})"
    return model, spec, origin


def _from_file(path: Path) -> tuple[dict[str, Tensor], StridePlacement, str]:
    state, metadata = read_weights(path)
    placement = metadata.get("stride_placement", "3x3")
    if placement not in get_args(StridePlacement):
        raise WeightsError(f"{path}: expected stride_placement 1x1 or 3x3 in its metadata, found {placement!r}")
    return state, cast(StridePlacement, placement), metadata.get("source", path.name)


def _sides(shape: Iterable[int]) -> str:
    return " × ".join(map(str, shape)) or "one value"


def _some(names: list[str]) -> str:
    """How many tensors, and one of them."""
    example = f" (as {printable(names[0])[:80]})" if names else ""
    return f"{len(names)} tensors{example}"


def from_torchvision(
    network: str, weights: str, *, words: tuple[str, ...], usual: str, instead: str
) -> tuple[dict[str, Tensor], str]:
    """Weights that torchvision knows by name, downloaded unless they are there.

    Args:
        weights: the first of `words`, which means the weights `usual`, or a name of torchvision's.
        words: what --weights understands besides names and files, for the error.
        instead: what to pass where they cannot be downloaded, for the error.

    Returns:
        (the state dict, one line that says where it comes from).

    Raises:
        WeightsError: if the name is unknown, or they cannot be downloaded.
    """
    known = torchvision.models.get_model_weights(network)
    name = usual if weights == words[0] else weights.rsplit(".", 1)[-1]
    if name not in known.__members__:
        named = ", ".join(f"'{word}'" for word in words)
        raise WeightsError(
            f"expected weights {named}, {' or '.join(known.__members__)}, or a file of safetensors or PyTorch, found "
            f"{weights!r}; check --weights"
        )
    member = known[name]
    try:
        return member.get_state_dict(progress=True, check_hash=True), f"torchvision {network} {member.name}"
    except Exception as error:  # URLError, a hash mismatch, a full disk: all of them mean "no weights"
        raise WeightsError(_not_downloaded(f"{network} {member.name}", error, instead)) from error


def _from_timm(weights: str, architecture: Architecture) -> tuple[dict[str, Tensor], str]:
    import timm

    name = architecture.removeprefix(timm_networks.PREFIX)
    base = name.split(".")[0]
    tags = [tagged.split(".", 1)[1] for tagged in timm.list_pretrained(f"{base}.*") if "." in tagged]
    if weights != "imagenet" and weights not in tags:
        raise WeightsError(
            f"expected weights 'imagenet', 'random', {', '.join(tags) or 'no tag of timm'}, or a file of safetensors or "
            f"PyTorch, found {weights!r}; check --weights"
        )
    full = name if weights == "imagenet" else f"{base}.{weights}"
    try:
        model: Any = timm.create_model(full, pretrained=True)
    except Exception as error:  # of the hub, the network, the disk: all of them mean "no weights"
        raise WeightsError(_not_downloaded(f"timm {full}", error, _A_FILE)) from error
    tag = model.pretrained_cfg.get("tag") or ""
    return model.state_dict(), f"timm {base}{'.' + tag if tag else ''}"


def _not_downloaded(what: str, error: Exception, instead: str) -> str:
    return f"could not download {what} ({first_line(error)}); check the network, or pass {instead}"
