"""A model ↔ the files of a run that carries it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from har_core.errors import CheckpointError, RunError
from har_core.files import printable, write_text
from har_core.models.checkpoint import first_line, read_metadata, save_checkpoint
from har_core.models.external import hugging_face, onnx_file
from har_core.models.external.onnx_network import OnnxNetwork
from har_core.models.external.options import ModelOptions, read_config
from har_core.models.external.timm_sizes import copy_kept, load_kept
from har_core.models.spec import ModelSpec
from har_core.runs.file_names import HF_CONFIG, HF_MODEL, HF_PREPROCESSOR, MODEL, MODEL_SPEC, ONNX_MODEL
from har_core.runs.run import Run

FORMAT = "har-lens-external/1"


def carry(model: nn.Module, spec: ModelSpec, folder: Path) -> None:
    """Write a model into a run's folder, in full precision, so that it predicts from there alone.

    Raises:
        OSError: if the folder cannot be written.
    """
    if isinstance(model, hugging_face.HuggingFaceNetwork):
        model.save((folder / HF_MODEL).parent)
    elif isinstance(model, OnnxNetwork):
        model.save(folder / ONNX_MODEL)
    else:
        save_checkpoint(model, spec, folder / MODEL, half=False)
        return
    write_text(folder / MODEL_SPEC, _dumped(spec))


def load_carried(run: Run) -> tuple[nn.Module, ModelSpec]:
    """The model of a run, and its spec.

    Raises:
        RunError: if the run has no model, or files that are not those that its manifest lists.
        CheckpointError: if they are damaged, or a package is missing.
    """
    weights = run.file(run.weights)
    if run.has(MODEL):
        return load_kept(weights)
    spec = _read(run.file(MODEL_SPEC))
    told = ModelOptions(
        classes=spec.classes,
        crop_size=spec.crop_size,
        resize=spec.resize,
        mean=spec.preprocessing.mean,
        std=spec.preprocessing.std,
        interpolation=spec.preprocessing.interpolation,
        fit=spec.preprocessing.fit,
    )
    if run.has(ONNX_MODEL):
        return onnx_file.load_onnx(weights, told)[0], spec
    run.file(HF_CONFIG)
    if run.has(HF_PREPROCESSOR):
        run.file(HF_PREPROCESSOR)
    elif (run.folder / HF_PREPROCESSOR).exists():
        raise RunError(
            f"{run.name}: expected no {HF_PREPROCESSOR}, which the manifest does not list; copy the run again"
        )
    return hugging_face.load_folder(weights.parent, told)[0], spec


def carried_spec(run: Run) -> ModelSpec:
    """What feeds the model of a run, without its weights.

    Raises:
        RunError: as `load_carried`.
        CheckpointError: if the file is damaged.
    """
    path = run.file(run.weights)
    if not run.has(MODEL):
        return _read(run.file(MODEL_SPEC))
    try:
        return ModelSpec.from_dict(json.loads(read_metadata(path)["spec"]))
    except CheckpointError:
        raise
    except Exception as error:  # safetensors and json each have their own words for "damaged"
        raise CheckpointError(f"{MODEL} is damaged ({first_line(error)}); copy the run again") from error


def copy_spec(path: Path, spec: ModelSpec, to: Path) -> None:
    """Write a model's file, or the `MODEL_SPEC` beside it, with other values.

    Raises:
        CheckpointError: if the file is missing or damaged.
        OSError: if the copy cannot be written.
    """
    if path.name == MODEL_SPEC:
        _read(path)
        to.write_text(_dumped(spec), encoding="utf-8")
    else:
        copy_kept(path, spec, to)


def _dumped(spec: ModelSpec) -> str:
    return json.dumps({"format": FORMAT, "spec": asdict(spec)}, ensure_ascii=False, indent=1) + "\n"


def _read(path: Path) -> ModelSpec:
    values: dict[str, Any] = read_config(path)
    if values.get("format") != FORMAT:
        raise CheckpointError(
            f"{MODEL_SPEC}: expected format {FORMAT}, found {printable(repr(values.get('format')))[:60]}; score the model again"
        )
    try:
        return ModelSpec.from_dict(values["spec"])
    except CheckpointError:
        raise
    except Exception as error:  # whatever else is in it
        raise CheckpointError(f"{MODEL_SPEC} is damaged; copy the run again") from error
