"""The name, folder or file of a model → a network and what feeds it."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from har_core.errors import CheckpointError
from har_core.files import printable
from har_core.models import timm_networks
from har_core.models.checkpoint import load_checkpoint
from har_core.models.external import hugging_face, onnx_file, timm_folder
from har_core.models.external.carried import load_carried
from har_core.models.external.options import ModelOptions, read_config
from har_core.models.spec import ModelSpec
from har_core.runs.file_names import MANIFEST
from har_core.runs.run import Run

KINDS = (
    "a run's folder, a model.safetensors of train.py, timm/NAME, a folder of timm or of Hugging Face (config.json with "
    "weights), or a file .onnx"
)


def load_model(model: str, options: ModelOptions | None = None) -> tuple[nn.Module, ModelSpec]:
    """A network in evaluation mode, and its spec.  Nothing that lies in a folder is executed.

    Args:
        model: one of `KINDS`.
        options: what overrules the model's own files.

    Raises:
        CheckpointError: if it is none of these, damaged, or cannot be used here.
        RunError: if it is a run without a model.
    """
    options, path = options or ModelOptions(), Path(model)
    if path.is_dir() and (path / MANIFEST).is_file():
        network, spec = load_carried(Run.open(path))
        return network, _own(spec, options)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise CheckpointError(f"expected {KINDS}, found a folder without run.json and config.json; check --model")
        is_timm = timm_folder.is_timm_config(read_config(path / "config.json"))
        return timm_folder.load_folder(path, options) if is_timm else hugging_face.load_folder(path, options)
    if path.is_file() and path.suffix == ".onnx":
        return onnx_file.load_onnx(path, options)
    if path.is_file() and path.suffix == ".safetensors":
        network, spec = load_checkpoint(path)
        return network, _own(spec, options)
    if model.startswith(timm_networks.PREFIX):
        return timm_folder.load_named(model, options)
    found = "a file of another kind" if path.is_file() else "nothing of that name"
    raise CheckpointError(f"expected {KINDS}, found {found} at {printable(model)[:120]}; check --model")


def _own(spec: ModelSpec, options: ModelOptions) -> ModelSpec:
    """A model of this project knows how it is fed; only its views can be chosen.

    Raises:
        CheckpointError: if something else is.
    """
    if options.feeds or options.classes is not None:
        raise CheckpointError(
            "expected --classes and what feeds a model for models that do not know them, found them for one that does; leave "
            "them out"
        )
    return options.apply(spec)
