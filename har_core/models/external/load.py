"""The name, folder or file of a model → a network and what feeds it."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from torch import nn

from har_core.errors import CheckpointError
from har_core.files import and_more, printable
from har_core.models import timm_networks
from har_core.models.external import hugging_face, onnx_file, timm_folder
from har_core.models.external.carried import load_carried
from har_core.models.external.options import ModelOptions, read_config
from har_core.models.external.timm_sizes import load_kept
from har_core.models.spec import ModelSpec
from har_core.runs.file_names import MANIFEST
from har_core.runs.run import Run

KINDS = (
    "a run's folder, a model.safetensors of train.py, timm/NAME, a folder of timm or of Hugging Face (config.json with "
    "weights), or a file .onnx"
)

_EXPORT = "torch.onnx.export({}, (torch.zeros(1, 3, 224, 224),), 'model.onnx', external_data=False)"
_PICKLED = (
    "a file of PyTorch, which is of use only with the network's code",
    f"load it there, and {_EXPORT.format('network.eval()')}",
)
_KERAS = ("a network of Keras", "keras.saving.load_model(FILE).export('model.onnx', format='onnx')")
_OTHERS = {
    **dict.fromkeys((".pt", ".pth", ".bin", ".tar", ".ckpt"), _PICKLED),
    ".pkl": (
        "a pickle, which is never opened here",
        _EXPORT.format("load_learner(FILE).model.eval()") + " with fastai",
    ),
    ".pt2": (
        "a program of torch.export",
        "torch.onnx.export(torch.export.load(FILE), f='model.onnx', external_data=False)",
    ),
    **dict.fromkeys((".h5", ".hdf5", ".keras"), _KERAS),
    ".tflite": ("a network of TensorFlow Lite", "python -m tf2onnx.convert --tflite FILE --output model.onnx"),
    ".pb": ("a network of TensorFlow", "python -m tf2onnx.convert --saved-model FOLDER --output model.onnx"),
}
"""How a file ends → what it is, and how it becomes an ONNX file."""

_SCRIPTED = (
    "TorchScript",
    "torch.onnx.export(torch.jit.load(FILE), (torch.zeros(1, 3, 224, 224),), 'model.onnx', dynamo=False)",
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
    if path.is_dir() and (exported := _exported(path)) is not None:
        return onnx_file.load_onnx(exported, options, beside=True)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise CheckpointError(f"expected {KINDS}, found a folder without run.json and config.json; {_inside(path)}")
        is_timm = timm_folder.is_timm_config(read_config(path / "config.json"))
        return timm_folder.load_folder(path, options) if is_timm else hugging_face.load_folder(path, options)
    suffix = path.suffix.lower()
    if path.is_file() and _is_script(path):
        raise _to_export(path, _SCRIPTED)
    if path.is_file() and suffix == ".onnx":
        return onnx_file.load_onnx(path, options, beside=True)
    if path.is_file() and suffix == ".safetensors":
        network, spec = load_kept(path)
        return network, _own(spec, options)
    if model.startswith(timm_networks.PREFIX):
        return timm_folder.load_named(model, options)
    if path.is_file() and suffix in _OTHERS:
        raise _to_export(path, _OTHERS[suffix])
    found = "a file of another kind" if path.is_file() else "nothing of that name"
    raise CheckpointError(f"expected {KINDS}, found {found} at {printable(model)[:120]}; check --model")


def _to_export(path: Path, kind: tuple[str, str]) -> CheckpointError:
    what, how = kind
    return CheckpointError(
        f"expected an ONNX file, a run, or a folder of timm or of Hugging Face, found {what}, in {printable(path.name)[:80]}; export "
        f"it as ONNX: {how}"
    )


def _exported(folder: Path) -> Path | None:
    """The one ONNX file of a folder that holds no other model."""
    files = [one for one in sorted(folder.iterdir()) if one.suffix.lower() == ".onnx" and one.is_file()]
    weights = (folder / name for name in ("model.safetensors", "pytorch_model.bin"))
    others = (folder / "config.json").is_file() and any(one.is_file() for one in weights)
    return files[0] if len(files) == 1 and not others else None


def _inside(folder: Path) -> str:
    """What a person may have meant by a folder that is no model."""
    names = [
        one.name
        for one in sorted(folder.iterdir())
        if one.suffix.lower() == ".onnx" or (one / "config.json").is_file() or (one / MANIFEST).is_file()
    ]
    if not names:
        return "check --model"
    return f"name one of those in it: {printable(', '.join(names[:3]))[:120]}{and_more(len(names) - 3)}"


def _is_script(path: Path) -> bool:
    """By content: TorchScript is called .pt, .pth, .ts or .torchscript."""
    try:
        with zipfile.ZipFile(path) as file:
            return any(PurePosixPath(name).parts[1:2] == ("code",) for name in file.namelist())
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def notes_of(model: nn.Module) -> tuple[str, ...]:
    """What a person should know of how a model's outputs are read, a sentence each."""
    return getattr(model, "notes", ())


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
