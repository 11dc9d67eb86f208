"""Which program runs a run's network: torch, or onnxruntime on a file that was exported before.  Both give the same answers.

The faster one depends on the machine.  It is measured once for each model, processor and set of versions, and remembered in
`engines.json`; the exported files lie beside it, named by the SHA-256 of the model that they were made of.  A model without such a
file is run by torch: `export.cache` writes it, which takes a minute or so.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from har_core.cam.class_maps import class_activation_maps
from har_core.errors import CheckpointError
from har_core.files import home_folder, write_text
from har_core.models.external.carried import carried_spec, load_carried
from har_core.models.external.onnx_file import load_onnx
from har_core.models.external.onnx_network import OnnxNetwork
from har_core.models.external.options import ModelOptions
from har_core.models.numerics import exact_fp32
from har_core.models.registry import anatomy_of
from har_core.models.spec import ModelSpec
from har_core.runs.run import Run

Engine = Literal["auto", "torch", "onnx"]
Chosen = Literal["torch", "onnx"]

REMEMBERED = "engines.json"
_WORTH = 1.1  # times as fast: less is chance, and torch gives other methods of explanation too
_ROUNDS = 7
_PACKAGES = ("torch", "onnxruntime")


def engines_folder() -> Path:
    """Where exported files and the choices are kept: `engines` in `files.home_folder()`."""
    return home_folder() / "engines"


def exported_file(run: Run, folder: Path) -> Path:
    """Where the exported file of a run's model lies, or would lie.

    Raises:
        RunError: if the run has no model.
    """
    return folder / f"{run.manifest.files[run.weights].sha256}.onnx"


def available(run: Run, folder: Path) -> bool:
    """Whether onnxruntime is installed and the run's model has been exported."""
    return _version("onnxruntime") is not None and exported_file(run, folder).is_file()


def choose(run: Run, folder: Path | None = None) -> Chosen:
    """The faster engine on this machine: the remembered one, or measured now, which takes some seconds.

    Without onnxruntime or an exported file it is torch, and nothing is measured or remembered.

    Raises:
        RunError, CheckpointError: if the run's own model cannot be loaded.
    """
    folder = folder or engines_folder()
    if not available(run, folder):
        return "torch"
    key = _key(run)
    known = _remembered(folder)
    if (found := known.get(key, {}).get("engine")) in ("torch", "onnx"):
        return "onnx" if found == "onnx" else "torch"
    model, spec = load_carried(run)
    try:
        exported = load_exported(run, spec, folder)
    except CheckpointError:  # a damaged copy, or one of an older version
        return "torch"
    ratio = _ratio(model, exported, spec)
    explained = anatomy_of(exported).explanation == anatomy_of(model).explanation
    chosen: Chosen = "onnx" if ratio >= _WORTH and explained else "torch"
    entry = {"engine": chosen, "onnx_over_torch": round(ratio, 3)}
    try:
        write_text(folder / REMEMBERED, json.dumps(_remembered(folder) | {key: entry}, indent=1) + "\n")
    except OSError:  # a home that cannot be written: it is measured again next time
        pass
    return chosen


def load(run: Run, engine: Engine, folder: Path | None = None) -> tuple[nn.Module, ModelSpec]:
    """The network of a run for the engine that is asked for, and its spec.

    Raises:
        RunError: if the run has no model, or not the one that its manifest lists.
        CheckpointError: if the model is damaged; with "onnx", if it has not been exported, or onnxruntime is missing.
    """
    folder = folder or engines_folder()
    if engine == "onnx":
        spec = carried_spec(run)
        return load_exported(run, spec, folder), spec
    network = faster(run, folder) if engine == "auto" else None
    return (network, carried_spec(run)) if network is not None else load_carried(run)


def faster(run: Run, folder: Path | None = None) -> OnnxNetwork | None:
    """The exported network of a run where `choose` finds that it is faster than torch; None elsewhere, or if it is damaged.

    Raises:
        RunError, CheckpointError: as `choose`.
    """
    folder = folder or engines_folder()
    if choose(run, folder) == "torch":
        return None
    try:
        return load_exported(run, carried_spec(run), folder)
    except CheckpointError:
        return None


def load_exported(run: Run, spec: ModelSpec, folder: Path) -> OnnxNetwork:
    """The exported file of a run's model.

    Raises:
        CheckpointError: if there is none, it is damaged, was made of another model, or is fed otherwise.
    """
    path = exported_file(run, folder)
    if not path.is_file():
        raise CheckpointError(
            f"expected an exported file of run {run.name} for the engine onnx, found none; make one with "
            "har-lens prepare RUN, or choose auto or torch"
        )
    network, read = load_onnx(path, ModelOptions())
    assert isinstance(network, OnnxNetwork)
    same = [(one.classes, one.crop_size, one.resize, one.preprocessing, one.any_size) for one in (read, spec)]
    if same[0] != same[1] or network.told("model_sha256") != run.manifest.files[run.weights].sha256:
        raise CheckpointError(
            f"expected an exported file of run {run.name}, found one of another model; remove it from the folder of engines"
        )
    return network


def _ratio(model: nn.Module, exported: nn.Module, spec: ModelSpec) -> float:
    """How many times as fast the exported network is, maps included: the median of turns on one image of its size."""
    image = torch.zeros(1, 3, spec.crop_size, spec.crop_size)

    def by(network: nn.Module) -> Callable[[], object]:
        return lambda: class_activation_maps(network, image, occlude=False)

    with exact_fp32():
        return time_ratio(by(model), by(exported))


def time_ratio(first: Callable[[], object], second: Callable[[], object]) -> float:
    """How many times as long the first takes as the second: the medians of turns."""

    def seconds(run: Callable[[], object]) -> float:
        started = time.perf_counter()
        run()
        return time.perf_counter() - started

    pairs = [(seconds(first), seconds(second)) for _ in range(_ROUNDS + 2)][2:]
    return statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs)


def _key(run: Run) -> str:
    """What a choice holds for."""
    parts = [run.manifest.files[run.weights].sha256, _processor(), str(torch.get_num_threads())]
    return " ".join([*parts, *(f"{name}={_version(name)}" for name in _PACKAGES)])


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        name = next(line.partition(":")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor()
    return "-".join((name or platform.machine()).split())


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _remembered(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        values = json.loads((folder / REMEMBERED).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(values, dict):
        return {}
    return {key: value for key, value in values.items() if isinstance(value, dict)}
