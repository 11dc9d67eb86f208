"""A whole training: photos on disk → a run folder.  What `train.py` does, without the terminal."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import platform
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout

from har_core import __version__, runs
from har_core.analysis import scores
from har_core.config import TrainConfig
from har_core.data import LabelledPhotos, Progress, Sample, split
from har_core.dataset import PhotoDataset
from har_core.errors import RunError
from har_core.evaluation import Evaluation, evaluate
from har_core.model import ModelSpec, from_pretrained, load_model, save_model
from har_core.parallel import ALONE, Processes
from har_core.runs import Run
from har_core.soft_labels import Taught
from har_core.training import BEST, STATE, Step, Trainer, pick_precision, read_state
from har_core.transforms import evaluation_transform, training_transform
from har_core.twins import Twins, find_twins

LOCK = "training.lock"
TUNING_FRACTION = 0.1
"""Share of each class of the training photos that scores a recipe under trial."""

_CHOSEN_ON = {
    "best": "the validation photos, which are the scored ones: the accuracy is that of the best epoch",
    "last": "no epoch was chosen: the last one's weights are scored, whatever those before it reached",
}
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Reports:
    """Who is told what while an experiment runs; each may be left out."""

    start: Callable[[str], None] = lambda line: None
    step: Callable[[Step], None] = lambda step: None
    epoch: Callable[[dict[str, float], bool], None] = lambda row, best: None
    twins: Progress | None = None
    activations: Progress | None = None
    evaluation: Progress | None = None


def train(
    photos: LabelledPhotos,
    config: TrainConfig,
    folder: Path,
    *,
    device: torch.device,
    workers: int,
    taught: Taught | None = None,
    processes: Processes = ALONE,
    resume: bool = False,
    save_every: float = 300.0,
    reports: Reports | None = None,
) -> Run | None:
    """Train, or go on training, and leave a complete run in `folder`.

    The weights shipped are those of the best epoch, or of the last, as `config` says, in half precision; predictions,
    class maps and embeddings come from the reloaded file in 32-bit arithmetic, so that anyone gets the same.

    Args:
        taught: photos without labels that are to learn too, from a teacher's probabilities.
        processes: those that train together.  Only the first writes, reports and scores.

    Returns:
        The run; None in all processes but the first.

    Raises:
        RunError: if `folder` already holds a run and `resume` is false.
        HarError: whatever else stands in the way, in its own words.
    """
    reports = (reports or Reports()) if processes.first else Reports()
    with _sole_writer(folder) if processes.first else nullcontext():
        saved = processes.from_first(lambda: _prepare(folder, resume))
        training, validation, twins = processes.from_first(
            lambda: divide(photos, config, reports.twins, unlabelled=taught.samples if taught else ())
        )
        place = {sample.name: row for row, sample in enumerate(taught.samples)} if taught else {}
        rows = [place[sample.name] for sample in training if sample.name in place]
        soft = taught.probabilities[rows] if taught else None
        random.seed(config.seed)
        np.random.seed(config.seed)
        torch.manual_seed(config.seed)
        model, spec, origin = from_pretrained(
            config.weights,
            classes=photos.classes,
            architecture=config.architecture,
            crop_size=config.crop_size,
            resize=config.resize,
        )
        model.to(device)
        if saved is not None:
            precision = {str(dtype): dtype for dtype in PRECISIONS.values()}[saved["precision"]]
        elif config.precision == "auto":
            precision = processes.from_first(lambda: pick_precision(model, device, config.sizes[0]))
        else:
            precision = PRECISIONS[config.precision]

        card = _card(photos, training, validation, twins, len(rows), config, spec, origin, precision, device)

        def after_epoch(row: dict[str, float], best: bool) -> None:
            if processes.first:
                runs.write_history(folder, trainer.state.history)
            reports.epoch(row, best)

        trainer = Trainer(
            model,
            PhotoDataset.of(
                training,
                photos.classes,
                *(training_transform(size, config.min_area) for size in config.sizes),
                seed=config.seed,
            ),
            PhotoDataset.of(validation, photos.classes, evaluation_transform(config.crop_size, config.resize)),
            config,
            folder=folder,
            identity=_identity(config, photos.classes, training + validation, soft, model),
            soft_targets=None if soft is None else torch.from_numpy(soft),
            device=device,
            precision=precision,
            workers=workers,
            processes=processes,
            save_every=save_every,
            on_step=reports.step,
            on_epoch=after_epoch,
            on_activations=reports.activations,
        )
        if saved is not None:
            trainer.restore(saved)
        if processes.first:
            runs.write_history(folder, trainer.state.history)
            runs.write_card(folder, {"status": runs.TRAINING, **card})
        reports.start(
            f"{len(training) - len(rows)} training and {len(validation)} validation photos, "
            + (f"{len(rows)} more with soft labels, " if rows else "")
            + f"{len(photos.classes)} classes; "
            f"{config.architecture} from {origin}; {str(precision).removeprefix('torch.')} on {device}"
            + (f", {processes.count} processes" if processes.count > 1 else "")
            + (f"; {len({pair.other for pair in twins})} twins of scored photos left out" if twins else "")
            + (f"; resuming in epoch {trainer.state.epoch} at batch {trainer.state.batch}" if saved else "")
        )
        state = trainer.run()
        if not processes.first:
            return None

        model.load_state_dict(trainer.best_weights())
        save_model(model, spec, folder / runs.MODEL)
        shipped, _ = load_model(folder / runs.MODEL)
        validation_set = PhotoDataset.of(
            validation, photos.classes, evaluation_transform(config.crop_size, config.resize)
        )
        result = evaluate(
            shipped.to(device),
            validation_set,
            photos.classes,
            device=device,
            workers=workers,
            progress=reports.evaluation,
        )
        card["training"] = {
            "best_epoch": state.best_epoch,
            "epochs": len(state.history),
            "seconds": round(sum(row["seconds"] for row in state.history)),
            "chosen_on": _CHOSEN_ON[config.selection],
            **({"members": config.members} if config.members > 1 else {}),
        }
        run = write_evaluation(folder, result, card)
        for leftover in (STATE, BEST):
            (folder / leftover).unlink(missing_ok=True)
        shutil.rmtree(folder / "activations", ignore_errors=True)
        return run


@contextmanager
def _sole_writer(folder: Path) -> Iterator[None]:
    """Keep other trainings out of a folder (a killed one keeps nobody out), and say what it means if it cannot be written."""
    lock = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, blocking=False):
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
    except Timeout as error:
        raise RunError(f"another training writes into {folder}; wait for it, or choose another --out") from error
    except OSError as error:
        raise RunError(
            f"the run in {folder} could not be written ({error}); what was saved before is kept: make room or choose "
            "another disk, then go on with --resume"
        ) from error


def _prepare(folder: Path, resume: bool) -> dict[str, Any] | None:
    """Make the folder ready and read the state to go on from."""
    saved = read_state(folder) if resume else None
    if saved is None and (folder / runs.CARD).exists():
        raise RunError(f"expected an empty folder, found a run in {folder}; pass --resume, or another --out")
    for partial in folder.glob(".*.partial"):  # left by a killed process
        partial.unlink()
    return saved


def divide(
    photos: LabelledPhotos,
    config: TrainConfig,
    progress: Progress | None = None,
    *,
    unlabelled: Sequence[Sample] = (),
) -> tuple[list[Sample], list[Sample], list[Twins]]:
    """The photos that train, those that score, and the pairs for whose sake some were left out of the former.

    Args:
        unlabelled: photos that train too, after the others; they never score.
    """
    training, scored = split(photos.samples, fraction=config.validation_fraction, seed=config.seed)
    if config.scored == "tuning":
        training, scored = split(training, fraction=TUNING_FRACTION, seed=config.seed)
    training = [*training, *unlabelled]
    twins = find_twins(scored, training, progress=progress) if config.leave_out_twins else []
    left_out = {pair.other for pair in twins}
    return [sample for sample in training if sample.name not in left_out], scored, twins


def write_evaluation(folder: Path, result: Evaluation, card: dict[str, Any]) -> Run:
    """Store predictions, class maps and embeddings, and complete the card with the scores."""
    result.predictions.write(folder / runs.PREDICTIONS)
    runs.write_array(folder / runs.HEATMAPS, result.maps)
    runs.write_array(folder / runs.EMBEDDINGS, result.embeddings)
    return runs.write_card(folder, {"status": runs.COMPLETE, **card, "scores": scores(result.predictions)})


def _identity(
    config: TrainConfig,
    classes: tuple[str, ...],
    samples: list[Sample],
    soft: np.ndarray | None,
    model: torch.nn.Module,
) -> dict[str, Any]:
    """What must be equal for a saved state to fit.  A schedule of steps can be cut or extended, a cosine cannot."""
    names = "\n".join(f"{sample.name}\t{sample.label}" for sample in samples)
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
        "soft labels": "none" if soft is None else hashlib.sha256(soft.tobytes()).hexdigest(),
        "starting weights": start.hexdigest(),
    }


def _card(
    photos: LabelledPhotos,
    training: list[Sample],
    validation: list[Sample],
    twins: list[Twins],
    soft: int,
    config: TrainConfig,
    spec: ModelSpec,
    origin: str,
    precision: torch.dtype,
    device: torch.device,
) -> dict[str, Any]:
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "classes": list(spec.classes),
        "model": {**dataclasses.asdict(spec), "classes": len(spec.classes), "starting_weights": origin},
        "data": {
            "training": len(training) - soft,
            **({"soft_labels": soft} if soft else {}),
            "validation": len(validation),
            "split": f"{config.validation_fraction:g} of each class, shuffled with seed {config.seed}"
            + (f"; then {TUNING_FRACTION:g} of each class of the rest" if config.scored == "tuning" else ""),
            "left_out_of_training": sorted({pair.other for pair in twins}),
            "validation_names_sha256": hashlib.sha256(
                "\n".join(sorted(s.name for s in validation)).encode()
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
