"""What a training was made of: told in its run's manifest, and in what must be equal for it to go on."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from har_core import __version__
from har_core.data.corrections import NONE, Corrections
from har_core.data.scan import LabeledPhotos
from har_core.data.split import Split
from har_core.files import csv_bytes, printable, write_text
from har_core.models.registry import anatomy_of, explanation
from har_core.models.spec import ModelSpec
from har_core.runs.file_names import DROPPED
from har_core.runs.manifest import TRAINING, DataInfo, Manifest, ModelInfo, TrainingInfo
from har_core.runs.tables import CALIBRATED, TRAINED
from har_core.training.config import TrainConfig

SKIPPED, CORRECTED = "skipped.txt", "labels_corrected.csv"
"""Files of a run that list all photos that were skipped, all near-duplicates that were dropped, and all labels that were changed
(after is empty: the photo was left out).
"""

NAMED, LENGTH = 100, 500
"""How many of them the manifest names, which has a largest size, and in how many characters."""


def describe(
    photos: LabeledPhotos,
    split: Split,
    config: TrainConfig,
    model: torch.nn.Module,
    spec: ModelSpec,
    *,
    origin: str,
    precision: torch.dtype,
    device: torch.device,
    corrections: Corrections = NONE,
) -> Manifest:
    """The manifest of a run whose training begins.

    Args:
        origin: where the starting weights come from.
        corrections: of the photos' labels, which the split has.
    """
    return Manifest(
        status=TRAINING,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        classes=spec.classes,
        model=ModelInfo(
            architecture=spec.architecture,
            stride_placement=spec.stride_placement,
            crop_size=spec.crop_size,
            resize=spec.resize,
            views=spec.views,
            starting_weights=origin,
            explanation=explanation(model),
        ),
        data=DataInfo(
            train=len(split.train),
            test=len(split.evaluation),
            calibration=len(split.calibration) or None,
            eval_split=split.eval_split,
            split=split.description,
            near_duplicates_dropped=split.dropped[:NAMED],
            near_duplicates_dropped_count=len(split.dropped) or None,
            skipped=tuple(str(problem)[:LENGTH] for problem in photos.problems[:NAMED]),
            skipped_count=len(photos.problems) or None,
            test_names_sha256=sha256("\n".join(sorted(sample.name for sample in split.evaluation))),
            corrections=tuple(f"{source.name}, SHA-256 {source.sha256}" for source in corrections.sources),
            labels_changed=len(corrections.labels) or None,
            left_out=len(corrections.left_out) or None,
        ),
        training=TrainingInfo(
            soup_size=config.soup_size,
            checkpoint=config.checkpoint,
            selected_on=split.eval_split if config.checkpoint == "best" else None,
        ),
        config={**config.as_dict(), "weights": Path(config.weights).name},
        machine=machine(device, precision),
        versions=versions("torch", "torchvision", "pillow", "numpy") | ({"timm": spec.library} if spec.library else {}),
    )


def machine(device: torch.device, precision: torch.dtype) -> dict[str, str | int]:
    """What a training runs on, for its manifest."""
    return {
        "device": device.type,
        "precision": str(precision).removeprefix("torch."),
        "processor": platform.machine(),
        "threads": torch.get_num_threads(),
    }


def versions(*packages: str) -> dict[str, str]:
    """Of this package, Python and the packages that a training depends on, for its manifest."""
    return {
        "har-lens": __version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def write_lists(folder: Path, photos: LabeledPhotos, split: Split, corrections: Corrections = NONE) -> None:
    """All that the manifest only counts, or names up to the first hundred, where there is any."""
    before = {sample.name: sample.label for sample in photos.samples}
    changes = [(name, before[name], label) for name, label in sorted(corrections.labels.items())]
    changes += [(name, before[name], "") for name in sorted(corrections.left_out)]
    if changes:
        write_text(folder / CORRECTED, csv_bytes([("filename", "before", "after"), *changes]).decode())
    for name, lines in ((SKIPPED, map(str, photos.problems)), (DROPPED, map(printable, split.dropped))):
        if text := "".join(f"{line}\n" for line in lines):
            write_text(folder / name, text)


def training_photos(split: Split) -> pd.DataFrame:
    """Of `runs.tables.training_schema`."""
    rows = [(one.name, TRAINED, one.label) for one in split.train]
    rows += [(one.name, CALIBRATED, one.label) for one in split.calibration]
    return pd.DataFrame(rows, columns=["sample", "used", "label"])


_FREE = ("precision", "weights", "recipe", "split", "views")
"""Of the configuration, what may change when a training goes on: the split is told by the photos, views are for evaluation."""


def complete(saved: dict[str, Any]) -> dict[str, Any]:
    """The identity of a state that an earlier version saved, with the defaults of what it did not know."""
    if not isinstance(saved.get("configuration"), dict):
        return saved
    known = TrainConfig().as_dict()
    added = {name: known[name] for name in _ADDED if name not in saved["configuration"]}
    configuration = {name: value for name, value in saved["configuration"].items() if name not in _FREE}
    return {**saved, "configuration": {**configuration, **added}}


_ADDED = (
    "augmentation",
    "zoom_out",
    "random_erasing",
    "mixup",
    "cutmix",
    "soup_offset",
    "calibration_fraction",
    "layer_decay",
)
"""Values of the configuration that the first states of this format do not have."""


def identity(config: TrainConfig, classes: tuple[str, ...], split: Split, model: torch.nn.Module) -> dict[str, Any]:
    """What must be equal for a saved state to fit.  A schedule of steps can be cut or extended, a cosine cannot.

    Args:
        model: with its starting weights.
    """
    start, is_head = hashlib.sha256(), anatomy_of(model).is_head
    for name, tensor in model.state_dict().items():
        if not is_head(name):
            start.update(tensor.cpu().contiguous().numpy().tobytes())
    free = set(_FREE)
    if config.schedule == "steps" and config.soup_size == 1:
        free.add("epochs")
    names = "\n".join(
        f"{sample.name}\t{sample.label}" for sample in (*split.train, *split.calibration, *split.evaluation)
    )
    return {
        "configuration": {name: value for name, value in config.as_dict().items() if name not in free},
        "classes": list(classes),
        "photos": sha256(names),
        "starting weights": start.hexdigest(),
    }


def sha256(text: str) -> str:
    """As 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
