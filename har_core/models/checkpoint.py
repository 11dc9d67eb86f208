"""Model ↔ checkpoint file: half-precision weights, with all that rebuilds the model in the file's metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from har_core.errors import CheckpointError
from har_core.files import atomic_path
from har_core.models.registry import create_model, newer_library
from har_core.models.spec import ModelSpec

FORMAT = "har-lens-model/1"


def save_checkpoint(model: nn.Module, spec: ModelSpec, path: Path, *, half: bool = True) -> None:
    """Write the weights in half precision and the spec, replacing `path` in one step.

    Biases and batch-norm statistics (one in 500 of the values) stay 32-bit: a running variance may exceed
    float16's range, as that of the first layer does in weights with a folded 0..255 input scale.

    Args:
        half: false keeps all weights as they are.

    Raises:
        OSError: if the file cannot be written.
    """
    state = halved(model.state_dict()) if half else model.state_dict()
    write_weights(state, _metadata(spec), path)


def halved(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights in half precision, but for what is one-dimensional."""
    return {name: tensor.half() if tensor.ndim > 1 else tensor for name, tensor in state.items()}


def write_weights(state: Mapping[str, Tensor], metadata: dict[str, str], path: Path) -> None:
    """Write a safetensors file, replacing `path` in one step.

    Raises:
        OSError: if the file cannot be written.
    """
    contiguous = {name: tensor.cpu().contiguous() for name, tensor in state.items()}
    with atomic_path(path) as partial:
        try:
            save_file(contiguous, partial, metadata=metadata)
        except safetensors.SafetensorError as error:  # what it makes of a full disk
            raise OSError(str(error)) from error
        partial.chmod(0o644)  # safetensors lets nobody else read it; a run is made to be shown


def _metadata(spec: ModelSpec) -> dict[str, str]:
    return {"format": FORMAT, "spec": json.dumps(asdict(spec))}


def require_model_file(path: Path) -> None:
    """Raises:
    CheckpointError: if there is no file.
    """
    if not path.is_file():
        raise CheckpointError(f"expected a model at {path}, found no file; train again, or choose a run with a model")


def require_finite(state: Mapping[str, Tensor], path: Path) -> None:
    """Raises:
    CheckpointError: naming the first weights of a file that hold NaN or infinity.
    """
    if bad := [name for name, tensor in state.items() if not torch.isfinite(tensor).all()]:
        raise CheckpointError(f"{path}: expected finite weights, found NaN or infinity in {bad[0]}; train again")


def load_checkpoint(path: Path) -> tuple[nn.Module, ModelSpec]:
    """Rebuild a model from its own file alone: 32-bit weights, evaluation mode, channels-last, no gradients.

    Raises:
        CheckpointError: if the file is missing, damaged, of another format, or holds values that are not numbers.
    """
    spec = None
    require_model_file(path)
    try:
        metadata = read_metadata(path)
        if (found := metadata.get("format")) != FORMAT:
            way = (
                "train or export it again"
                if str(found).startswith("har-lens")
                else "weights from elsewhere need their network: name the folder with their config.json, or export it as ONNX"
            )
            raise CheckpointError(f"{path}: expected format {FORMAT}, found {str(found or 'none')[:60]}; {way}")
        spec = ModelSpec.from_dict(json.loads(metadata["spec"]))
        model = create_model(spec)
        state = load_file(path)
        model.load_state_dict(state)
    except CheckpointError:
        raise
    except Exception as error:  # safetensors, json and torch each have their own words for "damaged"
        if spec is not None and (newer := newer_library(spec)):
            raise CheckpointError(f"{path} cannot be rebuilt ({first_line(error)}): {newer}") from error
        raise CheckpointError(
            f"{path} is damaged or incomplete ({first_line(error)}); copy it again or train again"
        ) from error
    require_finite(state, path)
    return model.requires_grad_(False), spec


def copy_with_spec(path: Path, spec: ModelSpec, to: Path) -> None:
    """Write a model's file with other metadata; the weights stay as they are, to the last bit.

    Raises:
        CheckpointError: if the file is missing or damaged.
        OSError: if the copy cannot be written.
    """
    load_checkpoint(path)
    write_weights(load_file(path), _metadata(spec), to)


def replace_spec(path: Path, spec: ModelSpec) -> None:
    """Change the metadata of a model's file in one step, as `copy_with_spec`."""
    copy_with_spec(path, spec, path)


def read_metadata(path: Path) -> dict[str, str]:
    """The texts in the header of a safetensors file."""
    with safetensors.safe_open(path, framework="pt") as file:
        return file.metadata() or {}


def first_line(error: Exception) -> str:
    """An error of a library as one line of at most 200 characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if len(lines) < 2 else f"{lines[0]} {lines[1]}")[:200] if lines else type(error).__name__
