"""Class names → a ResNet; a checkpoint file ↔ model."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import safetensors
import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from har_core.config import STAGES, Architecture
from har_core.errors import CheckpointError, WeightsError
from har_core.files import atomic_path

FORMAT = "har-lens-model/1"
StridePlacement = Literal["1x1", "3x3"]


@dataclass(frozen=True)
class ModelSpec:
    """What is needed, besides the weights, to rebuild a model and to feed it.

    `stride_placement` says which convolution of a bottleneck strides: "3x3" as torchvision builds it, "1x1" as in
    He et al. 2015.  The same weights compute another function with the other placement.
    """

    classes: tuple[str, ...]
    architecture: Architecture = "resnet50"
    stride_placement: StridePlacement = "3x3"
    crop_size: int = 224
    resize: int = 256

    def __post_init__(self) -> None:
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes) or not all(self.classes):
            raise CheckpointError(f"expected two or more distinct class names, found {list(self.classes)!r}")
        if self.architecture not in get_args(Architecture) or self.stride_placement not in get_args(StridePlacement):
            raise CheckpointError(
                f"unknown architecture {self.architecture!r} or stride placement {self.stride_placement!r}"
            )
        if not 32 <= self.crop_size <= self.resize <= 4096:
            raise CheckpointError(f"expected 32 ≤ crop_size ≤ resize ≤ 4096, found {self.crop_size} and {self.resize}")


def build(spec: ModelSpec) -> nn.Module:
    """A torchvision ResNet with one output a class and random weights, in evaluation mode."""
    model: nn.Module = getattr(torchvision.models, spec.architecture)(weights=None, num_classes=len(spec.classes))
    if spec.stride_placement == "1x1":
        for name in ("layer2", "layer3", "layer4"):
            block = model.get_submodule(name)[0]  # type: ignore[index]
            if not hasattr(block, "conv3"):
                raise WeightsError(f"stride placement 1x1 needs bottleneck blocks, {spec.architecture} has none")
            block.conv1.stride, block.conv2.stride = (2, 2), (1, 1)
    return model.eval().to(memory_format=torch.channels_last)


def from_pretrained(
    weights: str, *, classes: Iterable[str], architecture: Architecture, crop_size: int, resize: int
) -> tuple[nn.Module, ModelSpec, str]:
    """A model that starts from pretrained weights, with a new head drawn from torch's current random state.

    Args:
        weights: 'imagenet' (torchvision's IMAGENET1K_V1), another torchvision name, or a file: .safetensors,
            whose metadata may name a `stride_placement`, or a .pt/.pth state dict.

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
    spec = ModelSpec(tuple(classes), architecture, placement, crop_size, resize)
    model = build(spec)
    body = {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}
    try:
        missing, unexpected = model.load_state_dict(body, strict=False)
    except RuntimeError as error:  # shapes
        raise WeightsError(
            f"{weights} does not fit {architecture}: {_first_line(error)}; choose --architecture"
        ) from error
    if unexpected or set(missing) != {"fc.weight", "fc.bias"}:
        raise WeightsError(
            f"{weights} does not fit {architecture}: {len(missing) - 2} tensors missing, {len(unexpected)} unknown; "
            "choose --architecture or a file with torchvision's names"
        )
    return model, spec, origin


def _from_file(path: Path) -> tuple[dict[str, Tensor], StridePlacement, str]:
    if not path.is_file():
        raise WeightsError(f"expected starting weights at {path}, found no file; check --weights")
    try:
        if path.suffix == ".safetensors":
            metadata = _metadata(path)
            placement = metadata.get("stride_placement", "3x3")
            if placement not in get_args(StridePlacement):
                raise WeightsError(f"{path}: expected stride_placement 1x1 or 3x3 in its metadata, found {placement!r}")
            return load_file(path), placement, metadata.get("source", path.name)  # type: ignore[return-value]
        return torch.load(path, map_location="cpu", weights_only=True), "3x3", path.name
    except WeightsError:
        raise
    except Exception as error:  # safetensors and the unpickler raise errors of their own kinds
        raise WeightsError(f"{path} cannot be read as weights ({_first_line(error)}); check the file") from error


def _from_torchvision(weights: str, architecture: Architecture) -> tuple[dict[str, Tensor], StridePlacement, str]:
    known = torchvision.models.get_model_weights(architecture)
    name = "IMAGENET1K_V1" if weights == "imagenet" else weights.rsplit(".", 1)[-1]
    if name not in known.__members__:
        raise WeightsError(
            f"unknown weights {weights!r}; expected 'imagenet', {' or '.join(known.__members__)}, or a .safetensors or .pt file"
        )
    try:
        state = known[name].get_state_dict(progress=True, check_hash=True)
    except Exception as error:  # URLError, a hash mismatch, a full disk: all of them mean "no weights"
        raise WeightsError(
            f"could not download {architecture} {name} ({_first_line(error)}); check the network, or pass a file: "
            "--weights FILE.safetensors"
        ) from error
    return state, "3x3", f"torchvision {architecture} {name}"


def split_frozen(model: nn.Module, trainable: Iterable[str]) -> tuple[nn.Sequential, nn.Sequential]:
    """Divide a ResNet, without copying, into what is wholly frozen and what follows.

    Parameters outside the `trainable` stages stop requiring gradients.

    Returns:
        (trunk, head): images → activations and activations → logits.  The trunk may be empty.
    """
    chosen = set(trainable)
    for stage in STAGES:
        model.get_submodule(stage).requires_grad_(stage in chosen)
    order = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc")
    first = next(index for index, name in enumerate(order) if name in chosen)
    parts = {name: model.get_submodule(name) for name in order}
    return (
        nn.Sequential(*(parts[name] for name in order[:first])),
        nn.Sequential(*(parts[name] for name in order[first:-1]), nn.Flatten(1), parts["fc"]),
    )


def training_mode(model: nn.Module, trainable: Iterable[str], *, frozen_norms: bool = False) -> None:
    """Batch norms of the trainable stages learn their statistics, unless told otherwise; the others keep still."""
    model.eval()
    for stage in () if frozen_norms else trainable:  # of all that a ResNet holds, only its batch norms know a mode
        model.get_submodule(stage).train()


def save_model(model: nn.Module, spec: ModelSpec, path: Path) -> None:
    """Write half-precision weights, with all that is needed to rebuild the model in the file's metadata.

    Biases and batch-norm statistics (one in 500 of the values) stay 32-bit: a running variance may exceed
    float16's range, as that of the first layer does in weights with a folded 0..255 input scale.
    """
    state = {
        name: (tensor.half() if tensor.ndim > 1 else tensor).cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    with atomic_path(path) as partial:
        try:
            save_file(state, partial, metadata={"format": FORMAT, "spec": json.dumps(asdict(spec))})
        except safetensors.SafetensorError as error:  # what it makes of a full disk
            raise OSError(str(error)) from error
        partial.chmod(0o644)  # safetensors lets nobody else read it; a run is made to be shown


def load_model(path: Path) -> tuple[nn.Module, ModelSpec]:
    """Rebuild a model from its own file alone: 32-bit weights, evaluation mode, channels-last, no gradients.

    Raises:
        CheckpointError: if the file is missing, damaged, of another format, or holds values that are not numbers.
    """
    if not path.is_file():
        raise CheckpointError(f"expected a model at {path}, found no file")
    try:
        metadata = _metadata(path)
        if metadata.get("format") != FORMAT:
            raise CheckpointError(
                f"{path}: expected format {FORMAT}, found {metadata.get('format')!r}; train or export it again"
            )
        values = json.loads(metadata["spec"])
        spec = ModelSpec(**{**values, "classes": tuple(values["classes"])})
        model = build(spec)
        state = load_file(path)
        model.load_state_dict(state)
    except CheckpointError:
        raise
    except Exception as error:  # safetensors, json and torch each have their own words for "damaged"
        raise CheckpointError(
            f"{path} is damaged or incomplete ({_first_line(error)}); copy it again or train again"
        ) from error
    bad = [name for name, tensor in state.items() if not torch.isfinite(tensor).all()]
    if bad:
        raise CheckpointError(f"{path}: expected finite weights, found NaN or infinity in {bad[0]}; train again")
    return model.requires_grad_(False), spec


def _metadata(path: Path) -> dict[str, str]:
    with safetensors.safe_open(path, framework="pt") as file:
        return file.metadata() or {}


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if len(lines) < 2 else f"{lines[0]} {lines[1]}")[:200] if lines else type(error).__name__
