"""A whole training: photos on disk → a run folder.  What `train.py` does, without the terminal."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from har_core.analysis.scores import scores_of
from har_core.data.corrections import NONE, Corrections
from har_core.data.dataset import PhotoDataset
from har_core.data.scan import LabeledPhotos, Progress, require_trainable
from har_core.data.split import Split, split_photos
from har_core.data.transforms import Preprocessing, Transform, eval_transform, train_transform
from har_core.errors import DataError
from har_core.inference.calibrate import fit, with_temperature
from har_core.inference.evaluate import evaluate
from har_core.inference.predictor import Predictor
from har_core.models.checkpoint import load_checkpoint, replace_spec, save_checkpoint
from har_core.models.pretrained import load_pretrained
from har_core.runs.file_names import MODEL, TRAINING_PHOTOS
from har_core.runs.manifest import Manifest, TrainingInfo
from har_core.runs.run import Run
from har_core.runs.tables import training_schema, write_table
from har_core.runs.writing import write_history, write_manifest, write_results
from har_core.training import provenance
from har_core.training.config import TrainConfig
from har_core.training.distributed import SINGLE, Processes
from har_core.training.folder import prepare, sole_writer
from har_core.training.precision import PRECISIONS, choose_precision
from har_core.training.state import BEST, STATE, State
from har_core.training.trainer import Step, Trainer


@dataclass(frozen=True)
class Callbacks:
    """What is called while a training runs; each may be left out.

    `start`: with one line that says what begins.  `step`, `epoch`: as of `Trainer`.  The others: progress of the search
    for near-duplicates, and of the final evaluation.
    """

    start: Callable[[str], None] = lambda line: None
    step: Callable[[Step], None] = lambda step: None
    epoch: Callable[[dict[str, float], bool], None] = lambda row, best: None
    near_duplicates: Progress | None = None
    evaluation: Progress | None = None


def train(
    photos: LabeledPhotos,
    config: TrainConfig,
    folder: Path,
    *,
    device: torch.device,
    workers: int,
    processes: Processes = SINGLE,
    corrections: Corrections = NONE,
    resume: bool = False,
    save_every: float = 300.0,
    callbacks: Callbacks | None = None,
) -> Run | None:
    """Train, or go on training, and leave a complete run in `folder`.

    The weights shipped are those of the best epoch, or of the last, as `config` says, in half precision; predictions,
    class maps and embeddings come from the reloaded file in 32-bit arithmetic, so that anyone gets the same.

    Args:
        workers: processes that decode photos; 0 decodes in this one.
        processes: those that train together.  Only the first writes, reports and evaluates.
        corrections: of the photos' labels.
        save_every: seconds between two saved states.

    Returns:
        The run; None in all processes but the first.

    Raises:
        RunError: if `folder` already holds a run and `resume` is false, or cannot be written.
        HarError: whatever else stands in the way, in its own words.
    """
    callbacks = (callbacks or Callbacks()) if processes.first else Callbacks()
    require_trainable(photos)
    with sole_writer(folder) if processes.first else nullcontext():
        saved = processes.from_first(lambda: prepare(folder, resume=resume))
        split = processes.from_first(
            lambda: split_photos(
                photos,
                test_fraction=config.test_fraction,
                seed=config.seed,
                by=config.split,
                eval_split=config.eval_split,
                drop_near_duplicates=config.drop_near_duplicates,
                calibration_fraction=config.calibration_fraction,
                corrections=corrections,
                progress=callbacks.near_duplicates,
            )
        )
        random.seed(config.seed)
        np.random.seed(config.seed)
        torch.manual_seed(config.seed)
        model, spec, origin = load_pretrained(
            config.weights,
            classes=photos.classes,
            architecture=config.architecture,
            crop_size=config.crop_size,
            resize=config.resize,
            views=config.views,
        )
        precision = processes.from_first(lambda: _precision(config, saved, device))
        manifest = provenance.describe(
            photos,
            split,
            config,
            model,
            spec,
            origin=origin,
            precision=precision,
            device=device,
            corrections=corrections,
        )

        def after_epoch(row: dict[str, float], best: bool) -> None:
            if processes.first:
                write_history(folder, trainer.state.history)
            callbacks.epoch(row, best)

        trainer = Trainer(
            model,
            PhotoDataset.of(
                split.train,
                photos.classes,
                *(_random_crops(config, size, spec.preprocessing) for size in config.crop_sizes),
                seed=config.seed,
            ),
            PhotoDataset.of(
                split.evaluation,
                photos.classes,
                eval_transform(config.crop_size, config.resize, spec.preprocessing),
            ),
            config,
            folder=folder,
            identity=provenance.identity(config, photos.classes, split, model),
            device=device,
            precision=precision,
            workers=workers,
            processes=processes,
            save_every=save_every,
            on_step=callbacks.step,
            on_epoch=after_epoch,
        )
        if saved is not None:
            trainer.restore(saved)
        if processes.first:
            write_history(folder, trainer.state.history)
            provenance.write_lists(folder, photos, split, corrections)
            write_manifest(folder, manifest)
        callbacks.start(_start_line(manifest, split, processes, trainer.state if saved is not None else None))
        state = trainer.run()
        if not processes.first:
            return None

        model.load_state_dict(trainer.best_weights())
        save_checkpoint(model, spec, folder / MODEL)
        run = _evaluate_and_complete(folder, split, manifest, state, device, callbacks.evaluation)
        for leftover in (STATE, BEST):
            (folder / leftover).unlink(missing_ok=True)
        return run


def _random_crops(config: TrainConfig, crop_size: int, preprocessing: Preprocessing) -> Transform:
    return train_transform(
        crop_size,
        config.min_crop_scale,
        augmentation=config.augmentation,
        zoom_out=config.zoom_out,
        random_erasing=config.random_erasing,
        preprocessing=preprocessing,
    )


def _evaluate_and_complete(
    folder: Path, split: Split, manifest: Manifest, state: State, device: torch.device, progress: Progress | None
) -> Run:
    """Calibrate and evaluate the file that is shipped, and complete the run."""
    model, spec = load_checkpoint(folder / MODEL)
    if split.calibration:
        fitted = fit(Predictor(model, spec, device), split.calibration)
        spec = replace(spec, temperature=fitted.temperature)
        replace_spec(folder / MODEL, spec)
        manifest = with_temperature(manifest, fitted, title="held out from the training photos")
    found = evaluate(split.evaluation, Predictor(model, spec, device), progress=progress)
    if found.skipped:
        raise DataError(
            f"expected all {len(split.evaluation)} photos of the evaluation, could not read {found.skipped[0]}; put them "
            "back, then go on with --resume",
            found.skipped,
        )
    training = TrainingInfo.model_validate(
        {
            **manifest.training.model_dump(),
            "epoch": state.best_epoch,
            "epochs": len(state.history),
            "seconds": round(sum(row["seconds"] for row in state.history)),
        }
    )
    complete = manifest.model_copy(update={"training": training, "scores": scores_of(found.predictions)})
    run = write_results(folder, found.predictions, found.class_maps, found.embeddings, complete)
    return write_table(run, TRAINING_PHOTOS, provenance.training_photos(split), training_schema(run.classes))


def _precision(config: TrainConfig, saved: dict[str, Any] | None, device: torch.device) -> torch.dtype:
    """A resumed training keeps its precision, whatever the processor."""
    if saved is not None:
        return {str(dtype): dtype for dtype in PRECISIONS.values()}[saved["precision"]]
    return choose_precision(device) if config.precision == "auto" else PRECISIONS[config.precision]


def _start_line(manifest: Manifest, split: Split, processes: Processes, resumed: State | None) -> str:
    """What begins, in one line."""
    return (
        f"{len(split.train):,} training and {len(split.evaluation):,} {manifest.data.eval_split} photos, "
        f"{len(manifest.classes)} classes; split: {split.description}; "
        f"{manifest.model.architecture} from {manifest.model.starting_weights}; "
        f"{manifest.machine['precision']} on {manifest.machine['device']}"
        + (f", {processes.world_size} processes" if processes.world_size > 1 else "")
        + (f"; {len(split.calibration):,} photos to calibrate on" if split.calibration else "")
        + (f"; {manifest.data.labels_changed or 0:,} labels changed" if manifest.data.corrections else "")
        + (f"; {manifest.data.left_out:,} photos left out" if manifest.data.left_out else "")
        + (f"; {len(split.dropped):,} near-duplicates dropped" if split.dropped else "")
        + (f"; resuming in epoch {resumed.epoch} at batch {resumed.batch}" if resumed is not None else "")
    )
