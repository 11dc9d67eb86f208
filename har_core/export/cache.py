"""A run's model, exported for this machine, so that `inference.engines` can choose."""

from __future__ import annotations

from pathlib import Path

from har_core.errors import CheckpointError
from har_core.export.onnx_export import export_onnx
from har_core.inference.engines import Chosen, choose, engines_folder, exported_file
from har_core.models.external.carried import load_carried
from har_core.models.registry import explanation
from har_core.runs.file_names import ONNX_MODEL
from har_core.runs.run import Run


def prepare(run: Run, folder: Path | None = None) -> Chosen:
    """Export the model of a run unless that was done, and choose the faster engine: a minute or so, for a thread of its own.

    Where the model cannot be exported, or its class maps would be lost, it is torch.

    Args:
        folder: where exported files lie, if not in `engines_folder()`.

    Raises:
        RunError: if the run has no model.
        CheckpointError: if the run's own model is damaged.
        OSError: if the folder cannot be written.
    """
    folder = folder or engines_folder()
    if not exported_file(run, folder).is_file():
        if run.has(ONNX_MODEL) or explanation(load_carried(run)[0]) != "closed form":
            return "torch"
        try:
            export_onnx(run, exported_file(run, folder))
        except CheckpointError:  # a package is missing, or torch cannot export this network
            return "torch"
    return choose(run, folder)
