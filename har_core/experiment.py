"""A whole training: photos on disk → a run folder.  What `train.py` does, without the terminal."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout

from har_core import provenance, runs
from har_core.analysis import scores
from har_core.config import TrainConfig
from har_core.data import LabelledPhotos, Progress
from har_core.dataset import PhotoDataset
from har_core.division import divide
from har_core.errors import RunError
from har_core.evaluation import Evaluation, evaluate
from har_core.model import from_pretrained, load_model, save_model
from har_core.parallel import ALONE, Processes
from har_core.precision import PRECISIONS, pick_precision
from har_core.runs import Run
from har_core.soft_labels import Taught
from har_core.training import BEST, STATE, Step, Trainer, read_state
from har_core.transforms import evaluation_transform, training_transform

LOCK = "training.lock"
_CHOSEN_ON = {
    "best": "the validation photos, which are the scored ones: the accuracy is that of the best epoch",
    "last": "no epoch was chosen: the last one's weights are scored, whatever those before it reached",
}


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
        division = processes.from_first(lambda: divide(photos, config, taught, progress=reports.twins))
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

        card = provenance.card(photos, division, config, spec, origin, precision, device)

        def after_epoch(row: dict[str, float], best: bool) -> None:
            if processes.first:
                runs.write_history(folder, trainer.state.history)
            reports.epoch(row, best)

        validation = PhotoDataset.of(
            division.scored, photos.classes, evaluation_transform(config.crop_size, config.resize)
        )
        trainer = Trainer(
            model,
            PhotoDataset.of(
                division.training,
                photos.classes,
                *(training_transform(size, config.min_area) for size in config.sizes),
                seed=config.seed,
            ),
            validation,
            config,
            folder=folder,
            identity=provenance.identity(config, photos.classes, division, model),
            soft_targets=torch.from_numpy(division.soft),
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
            f"{division.labelled} training and {len(division.scored)} validation photos, "
            + (f"{len(division.soft)} more with soft labels, " if len(division.soft) else "")
            + f"{len(photos.classes)} classes; "
            f"{config.architecture} from {origin}; {str(precision).removeprefix('torch.')} on {device}"
            + (f", {processes.count} processes" if processes.count > 1 else "")
            + (
                f"; {len({pair.other for pair in division.twins})} twins of scored photos left out"
                if division.twins
                else ""
            )
            + (f"; resuming in epoch {trainer.state.epoch} at batch {trainer.state.batch}" if saved else "")
        )
        state = trainer.run()
        if not processes.first:
            return None

        model.load_state_dict(trainer.best_weights())
        save_model(model, spec, folder / runs.MODEL)
        shipped, _ = load_model(folder / runs.MODEL)
        result = evaluate(
            shipped.to(device),
            validation,
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
    """Make the folder ready and read the state to go on from.

    A training that was killed before it had saved anything leaves nothing to go on from, and nothing to be lost.
    """
    saved = read_state(folder) if resume else None
    if saved is None and (folder / runs.CARD).exists() and not _unsaved(folder):
        raise RunError(f"expected an empty folder, found a run in {folder}; pass --resume, or another --out")
    for partial in folder.glob(".*.partial"):  # left by a killed process
        partial.unlink()
    return saved


def _unsaved(folder: Path) -> bool:
    """Whether the folder holds a training that has saved nothing; a card that cannot be read may be anyone's."""
    try:
        return not (folder / STATE).exists() and Run.open(folder).card.get("status") == runs.TRAINING
    except RunError:
        return False


def write_evaluation(folder: Path, result: Evaluation, card: dict[str, Any]) -> Run:
    """Store predictions, class maps and embeddings, and complete the card with the scores."""
    result.predictions.write(folder / runs.PREDICTIONS)
    runs.write_array(folder / runs.HEATMAPS, result.maps)
    runs.write_array(folder / runs.EMBEDDINGS, result.embeddings)
    return runs.write_card(folder, {"status": runs.COMPLETE, **card, "scores": scores(result.predictions)})
