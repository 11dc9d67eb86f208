"""HAR Lens: recognize what people do in a photo, and see where and why the model fails.

The names below are the library's surface; they are imported when they are first used, so that `import har_core` is quick
and reading runs needs no torch.  docs/architecture.md says which package does what.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from har_core.analysis.compare import mcnemar
    from har_core.analysis.confusion import confused_pairs
    from har_core.analysis.examples import example_table
    from har_core.analysis.scores import class_scores, summarize
    from har_core.cam.methods import compute_cam
    from har_core.cam.scales import to_heatmap
    from har_core.data.scan import scan
    from har_core.errors import HarError
    from har_core.imports.arrays import from_arrays
    from har_core.inference.evaluate import evaluate, write_evaluation
    from har_core.inference.prediction import Prediction
    from har_core.inference.predictor import Predictor
    from har_core.media.images import open_photo
    from har_core.runs.run import Run, shipped_run
    from har_core.viz.notebook import gallery, matrix_picture

_HOMES = {
    "HarError": "har_core.errors",
    "Prediction": "har_core.inference.prediction",
    "Predictor": "har_core.inference.predictor",
    "Run": "har_core.runs.run",
    "class_scores": "har_core.analysis.scores",
    "compute_cam": "har_core.cam.methods",
    "confused_pairs": "har_core.analysis.confusion",
    "evaluate": "har_core.inference.evaluate",
    "example_table": "har_core.analysis.examples",
    "from_arrays": "har_core.imports.arrays",
    "gallery": "har_core.viz.notebook",
    "matrix_picture": "har_core.viz.notebook",
    "mcnemar": "har_core.analysis.compare",
    "open_photo": "har_core.media.images",
    "scan": "har_core.data.scan",
    "shipped_run": "har_core.runs.run",
    "summarize": "har_core.analysis.scores",
    "to_heatmap": "har_core.cam.scales",
    "write_evaluation": "har_core.inference.evaluate",
}

__all__ = [
    "HarError",
    "Prediction",
    "Predictor",
    "Run",
    "class_scores",
    "compute_cam",
    "confused_pairs",
    "evaluate",
    "example_table",
    "from_arrays",
    "gallery",
    "load_run",
    "matrix_picture",
    "mcnemar",
    "open_photo",
    "scan",
    "shipped_run",
    "summarize",
    "to_heatmap",
    "write_evaluation",
]


def load_run(folder: str | Path) -> Run:
    """Open a run folder.

    Raises:
        RunError: if the folder has no manifest, or one that is damaged or of another version.
    """
    from har_core.runs.run import Run

    return Run.open(Path(folder))


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
