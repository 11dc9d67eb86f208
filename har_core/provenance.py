"""What a training was made of: told in its run's card, and in what must be equal for it to go on."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from har_core import __version__
from har_core.config import TrainConfig
from har_core.data import LabelledPhotos
from har_core.division import TUNING_FRACTION, Division
from har_core.model import ModelSpec


def card(
    photos: LabelledPhotos,
    division: Division,
    config: TrainConfig,
    spec: ModelSpec,
    origin: str,
    precision: torch.dtype,
    device: torch.device,
) -> dict[str, Any]:
    """A run's card before its training: everything but status and scores.

    Args:
        origin: where the starting weights come from.
    """
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "classes": list(spec.classes),
        "model": {**dataclasses.asdict(spec), "classes": len(spec.classes), "starting_weights": origin},
        "data": {
            "training": division.labelled,
            **({"soft_labels": len(division.soft)} if len(division.soft) else {}),
            "validation": len(division.scored),
            "split": f"{config.validation_fraction:g} of each class, shuffled with seed {config.seed}"
            + (f"; then {TUNING_FRACTION:g} of each class of the rest" if config.scored == "tuning" else ""),
            "left_out_of_training": sorted({pair.other for pair in division.twins}),
            "validation_names_sha256": hashlib.sha256(
                "\n".join(sorted(s.name for s in division.scored)).encode()
            ).hexdigest(),
            "skipped": [str(problem) for problem in photos.problems],
        },
        "config": {
            **config.as_dict(),
            "weights": Path(config.weights).name,
            "soft_labels": Path(config.soft_labels).name,
        },
        "machine": {
            "device": device.type,
            "precision": str(precision).removeprefix("torch."),
            "processor": platform.machine(),
            "threads": torch.get_num_threads(),
        },
        "versions": {
            "har-lens": __version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("torch", "torchvision", "pillow", "numpy")},
        },
    }


def identity(
    config: TrainConfig,
    classes: tuple[str, ...],
    division: Division,
    model: torch.nn.Module,
) -> dict[str, Any]:
    """What must be equal for a saved state to fit.  A schedule of steps can be cut or extended, a cosine cannot."""
    names = "\n".join(f"{sample.name}\t{sample.label}" for sample in (*division.training, *division.scored))
    start = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        if not name.startswith("fc."):
            start.update(tensor.cpu().contiguous().numpy().tobytes())
    kept = {
        name: value
        for name, value in config.as_dict().items()
        if name not in ("precision", "weights", "soft_labels", "recipe")
        and not (name == "epochs" and config.schedule == "steps" and config.members == 1)
    }
    return {
        "configuration": kept,
        "classes": list(classes),
        "photos": hashlib.sha256(names.encode()).hexdigest(),
        "soft labels": hashlib.sha256(division.soft.tobytes()).hexdigest(),
        "starting weights": start.hexdigest(),
    }
