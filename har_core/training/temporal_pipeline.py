"""A whole training on clips: clips on disk → a run folder.  What `train.py CLIPS --temporal NAME` does, without the terminal."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from har_core.analysis.scores import scores_of
from har_core.data.clip_split import ClipSplit
from har_core.data.scan import Progress
from har_core.errors import DataError
from har_core.inference.temporal import TemporalPredictor, evaluate_temporal, keep_frames
from har_core.media.clips import ClipReader
from har_core.models.external.carried import load_carried
from har_core.models.temporal import (
    ON_PHOTOS,
    ClipNetwork,
    TemporalSpec,
    create_temporal,
    load_temporal,
    save_temporal,
)
from har_core.models.video_networks import WholeClipNetwork, load_video_weights
from har_core.runs.class_names import check_class_names
from har_core.runs.file_names import CLIP_MODEL, TRAINING_PHOTOS
from har_core.runs.manifest import TRAINING, DataInfo, Manifest, ModelInfo, TrainingInfo
from har_core.runs.run import Run
from har_core.runs.tables import TRAINED, training_schema, write_table
from har_core.runs.writing import add_file, write_history, write_manifest, write_results
from har_core.training.clip_features import ClipFeatures
from har_core.training.folder import prepare, sole_writer
from har_core.training.provenance import LENGTH, NAMED, machine, sha256, versions
from har_core.training.state import BEST, STATE, State
from har_core.training.temporal import ClipTrainer
from har_core.training.temporal_config import TemporalConfig


@dataclass(frozen=True)
class ClipCallbacks:
    """What is called while a training on clips runs: with one line that says what begins; with each epoch's row of the
    history, and whether its weights are now those to ship; with the progress of encoding and of the evaluation."""

    start: Callable[[str], None] = lambda line: None
    epoch: Callable[[dict[str, float], bool], None] = lambda row, best: None
    encoding: Progress | None = None
    evaluation: Progress | None = None


def train_clips(
    split: ClipSplit,
    config: TemporalConfig,
    folder: Path,
    *,
    photo_run: Run,
    cache: Path,
    device: torch.device,
    reader: ClipReader | None = None,
    resume: bool = False,
    inputs: Mapping[str, str | bool | None] | None = None,
    skip_bad: bool = False,
    callbacks: ClipCallbacks | None = None,
) -> Run:
    """Train, or go on training, and leave a complete run in `folder`.

    Predictions, class maps and embeddings are those of the test clips, by the reloaded file.

    Args:
        photo_run: the run whose model looks at the frames; not used by the networks of torchvision.
        cache: where encoded frames are stored, of any clips and networks.
        inputs: where clips and photo model lie, for whoever resumes; stored in the state's identity, compared with nothing.
        skip_bad: go on without clips that cannot be read, which the run lists; else they are an error.

    Raises:
        RunError: if `folder` already holds a run and `resume` is false, or cannot be written.
        DataError: if clips cannot be read and `skip_bad` is false.
        HarError: whatever else stands in the way, in its own words.
    """
    callbacks = callbacks or ClipCallbacks()
    check_class_names(split.classes)
    with sole_writer(folder):
        saved = prepare(folder, resume=resume)
        random.seed(config.seed)
        np.random.seed(config.seed)
        torch.manual_seed(config.seed)
        network, origin = start(split.classes, config, photo_run)
        features = ClipFeatures(cache, network.to(device), reader or ClipReader(), device)
        bad = features.compute((*split.train, *split.dev, *split.test), callbacks.encoding)
        if bad and not skip_bad:
            raise DataError(
                f"expected clips that can be read, found {len(bad):,} that cannot, such as {bad[0]}; fix them, or pass "
                "--skip-bad",
                bad,
            )
        names = {problem.name for problem in bad}
        train, dev, test = (
            [one for one in part if one.name not in names] for part in (split.train, split.dev, split.test)
        )
        if not (train and dev and test):
            raise DataError(
                "expected clips to learn from, to choose by and to test, found none of one kind; add some", bad
            )
        manifest = _describe(split, config, network, origin, device).model_copy(
            update={"data": _data(split, (len(train), len(test)), [str(problem) for problem in bad])}
        )
        trainer = ClipTrainer(
            network,
            train,
            dev,
            features,
            config,
            folder=folder,
            identity=_identity(split, config, network),
            device=device,
            on_epoch=lambda row, best: _after_epoch(folder, trainer, callbacks, row, best),
        )
        if saved is not None:
            trainer.restore(saved)
        trainer.identity["inputs"] = dict(inputs) if inputs is not None else None  # a folder may move meanwhile
        write_history(folder, trainer.state.history)
        write_manifest(folder, manifest)
        callbacks.start(_start_line(manifest, len(dev), trainer.state if saved is not None else None))
        state = trainer.run()
        network.learning.load_state_dict(trainer.best_weights())
        save_temporal(network, folder / CLIP_MODEL)
        predictor = TemporalPredictor(load_temporal(folder / CLIP_MODEL), device, features.reader)
        found = evaluate_temporal(test, predictor, features=features.__getitem__, progress=callbacks.evaluation)
        training = manifest.training.model_copy(
            update={
                "epoch": state.best_epoch,
                "epochs": len(state.history),
                "seconds": round(sum(row["seconds"] for row in state.history)),
            }
        )
        complete = manifest.model_copy(update={"training": training, "scores": scores_of(found.predictions)})
        run = write_results(folder, found.predictions, found.class_maps, found.embeddings, complete)
        run = keep_frames(add_file(run, CLIP_MODEL), test, predictor)
        learned = pd.DataFrame([(one.name, TRAINED, one.label) for one in train], columns=["sample", "used", "label"])
        run = write_table(run, TRAINING_PHOTOS, learned, training_schema(run.classes))
        for leftover in (STATE, BEST):
            (folder / leftover).unlink(missing_ok=True)
        return run


def start(classes: tuple[str, ...], config: TemporalConfig, photo_run: Run) -> tuple[ClipNetwork, str]:
    """(a network with its starting weights, one line that says where they come from).

    Raises:
        CheckpointError, RunError, WeightsError: if these cannot be had, or do not fit.
    """
    if config.temporal in ON_PHOTOS:
        photo, photo_spec = load_carried(photo_run)
        spec = TemporalSpec(classes, config.temporal, config.frames, photo_spec, config.dropout)
        return create_temporal(spec, photo), f"the photo model of {photo_run.title}"
    network = create_temporal(TemporalSpec(classes, config.temporal, config.frames, None, config.dropout))
    assert isinstance(network.learning, WholeClipNetwork)
    return network, load_video_weights(network.learning, config.temporal, config.weights)


def _after_epoch(
    folder: Path, trainer: ClipTrainer, callbacks: ClipCallbacks, row: dict[str, float], best: bool
) -> None:
    write_history(folder, trainer.state.history)
    callbacks.epoch(row, best)


def _describe(
    split: ClipSplit, config: TemporalConfig, network: ClipNetwork, origin: str, device: torch.device
) -> Manifest:
    spec = network.spec
    return Manifest(
        status=TRAINING,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        source="clips",
        classes=split.classes,
        model=ModelInfo(
            architecture=spec.architecture,
            crop_size=spec.side,
            resize=spec.side,
            fit="squash",
            starting_weights=origin,
            explanation=network.learning.explanation,
        ),
        training=TrainingInfo(checkpoint="best", selected_on="dev"),
        config={**config.as_dict(), "weights": Path(config.weights).name},
        machine=machine(device, torch.float32),
        versions=versions("torch", "torchvision", "av", "numpy"),
    )


def _data(split: ClipSplit, counts: tuple[int, int], skipped: list[str]) -> DataInfo:
    return DataInfo(
        train=counts[0],
        test=counts[1],
        split=split.description,
        skipped=tuple(reason[:LENGTH] for reason in skipped[:NAMED]),
        skipped_count=len(skipped) or None,
        test_names_sha256=sha256("\n".join(sorted(sample.name for sample in split.test))),
    )


def _identity(split: ClipSplit, config: TemporalConfig, network: ClipNetwork) -> dict[str, Any]:
    """What must be equal for a saved state to fit."""
    begin = hashlib.sha256()
    for tensor in network.learning.state_dict().values():
        begin.update(tensor.cpu().contiguous().numpy().tobytes())
    parts = (split.train, split.dev, split.test)
    names = "\n\n".join("\n".join(f"{one.name}\t{one.label}" for one in part) for part in parts)
    return {
        "configuration": {name: value for name, value in config.as_dict().items() if name != "weights"},
        "classes": list(split.classes),
        "clips": sha256(names),
        "photo model": network.digest(),
        "starting weights": begin.hexdigest(),
    }


def _start_line(manifest: Manifest, dev: int, resumed: State | None) -> str:
    data, model = manifest.data, manifest.model
    return (
        f"{data.train:,} training, {dev:,} dev and {data.test:,} test clips, {len(manifest.classes)} classes; split: "
        f"{data.split}; {model.architecture} from {model.starting_weights}"
        + (f"; {data.skipped_count:,} clips skipped" if data.skipped_count else "")
        + (f"; resuming in epoch {resumed.epoch}" if resumed is not None else "")
    )
