"""Model + labeled clips → predictions of clips, as a run folder on which the error analysis works as on photos.

A clip's probabilities and embedding are the means over its frames; its class map is that of the frame that decided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from har_core.analysis.timeline import FrameRule
from har_core.data.samples import Problem, Sample
from har_core.data.scan import Progress
from har_core.errors import ClipError, DataError
from har_core.files import atomic_path
from har_core.inference.evaluate import Evaluation, Unknown, match_classes, write_evaluation
from har_core.inference.predictor import Predictor
from har_core.inference.video import ClipAnswer, clip_answer, predict_clip
from har_core.media.clip_files import ACCEPTED_CLIPS
from har_core.media.clips import ClipReader
from har_core.runs.class_names import check_class_names
from har_core.runs.clip_table import PEAK_FRAMES, as_deciding, write_clips
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run
from har_core.runs.writing import write_manifest

FRAME_SIDE = 1024  # pixels of the frames that are kept


@dataclass(frozen=True)
class ClipEvaluation:
    """`evaluation`: of N clips, as of photos.  `samples`: the N clips.  `table`: (N rows) as `runs.clip_table` has it."""

    evaluation: Evaluation
    samples: tuple[Sample, ...]
    table: pd.DataFrame


def evaluate_clips(
    samples: Sequence[Sample],
    predictor: Predictor,
    *,
    rule: FrameRule | None = None,
    fps: float = 4.0,
    unknown: Unknown = "skip",
    mapping: Mapping[str, str] | None = None,
    reader: ClipReader | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ClipEvaluation:
    """Predict labeled clips, in their order.

    Args:
        rule: of segments, whose frames decided.
        fps: frames a second to look at.
        unknown, mapping: as of `evaluate.evaluate`.
        progress: called with (clips done, clips in all).
        cancelled: asked before every batch of frames.

    Raises:
        Cancelled: as soon as `cancelled` returns true.
        ConfigError: if `mapping` names what is not there.
        RunError: if the classes could not be those of a run; nothing is computed then.
        DataError: if no clip is left to be scored.
    """
    own, reader = predictor.spec.classes, reader or ClipReader()
    meant = match_classes((sample.label for sample in samples), own, mapping)
    others = [label for label, name in meant.items() if name is None] if unknown == "error" else []
    classes = (*own, *others)
    check_class_names(classes)
    number = {name: position for position, name in enumerate(classes)}
    index = {label: number[name or label] for label, name in meant.items() if name or label in number}
    known = [sample for sample in samples if sample.label in index]
    skipped = [
        Problem(sample.name, f"the model does not know {sample.label}", "skip it, or count it as an error")
        for sample in samples
        if sample.label not in index
    ]
    kept: list[Sample] = []
    found: list[_Row] = []
    if progress is not None:
        progress(0, len(known))
    for done, sample in enumerate(known, start=1):
        try:
            with reader.open(sample.path, sample.name, fps=fps) as clip:
                answers = list(predict_clip(predictor, clip, batch_size=16, cancelled=cancelled))
                answer = clip_answer(clip.info, own, answers, rule=rule or FrameRule(), finished=True)
            found.append(_row(sample, answer, clip.broken))
            kept.append(sample)
        except ClipError as error:
            skipped.append(_problem(sample.name, error))
        if progress is not None:
            progress(done, len(known))
    if not kept:
        reasons = "; ".join(str(problem) for problem in skipped[:3])
        raise DataError(f"expected clips that can be scored, found none ({reasons})", skipped)
    predictions = Predictions(
        classes,
        np.array([sample.name for sample in kept], dtype=object),
        np.array([index[sample.label] for sample in kept], dtype=np.int64),
        np.pad(np.stack([row.probabilities for row in found]), ((0, 0), (0, len(others)))),
    )
    maps = [row.class_maps for row in found if row.class_maps is not None]
    embeddings = np.stack([row.embedding for row in found])
    evaluation = Evaluation(
        predictions,
        np.pad(np.stack(maps), ((0, 0), (0, len(others)), (0, 0), (0, 0))) if maps else None,
        embeddings if embeddings.shape[1] else None,
        tuple(skipped),
        predictor.spec.views,
    )
    return ClipEvaluation(evaluation, tuple(kept), pd.DataFrame([row.cells for row in found]))


def write_clip_evaluation(
    folder: Path,
    found: ClipEvaluation,
    by: Run,
    *,
    title: str,
    reader: ClipReader | None = None,
    progress: Progress | None = None,
) -> Run:
    """Keep an evaluation of clips as a run folder, with the frame of each clip that decided beside it (`PEAK_FRAMES`).

    Args:
        folder: is created; it holds no run yet.
        by: the run whose model predicted.

    Raises:
        RunError: if the folder holds a run.
        OSError: if the folder cannot be written.
    """
    run, reader = write_evaluation(folder, found.evaluation, by, title=title), reader or ClipReader()
    source = f"{len(found.samples):,} clips, predicted by the model of {by.title}"
    run = write_manifest(folder, run.manifest.model_copy(update={"source": source}))
    run = write_clips(run, found.table)
    for done, (sample, peak) in enumerate(zip(found.samples, found.table["peak"], strict=True), start=1):
        try:
            photo = reader.frame(sample.path, sample.name, float(peak), side=FRAME_SIDE).photo
        except ClipError:  # read a moment ago: pages show its heatmap alone
            continue
        with atomic_path(folder / PEAK_FRAMES / f"{sample.name}.jpg") as partial:
            photo.save(partial, format="JPEG", quality=90)
        if progress is not None:
            progress(done, len(found.samples))
    return run


@dataclass(frozen=True)
class _Row:
    """Of one clip; `cells`: its row in the table."""

    probabilities: np.ndarray
    class_maps: np.ndarray | None
    embedding: np.ndarray
    cells: dict[str, object]


def _row(sample: Sample, answer: ClipAnswer, broken: str | None) -> _Row:
    deciding = sorted({float(answer.times[segment.peak]) for segment in answer.segments})
    embeddings = np.stack([frame.embedding for frame in answer.frames])
    return _Row(
        answer.mean,
        answer.frames[answer.peak].class_maps,
        embeddings.mean(axis=0, dtype=np.float64).astype(np.float16),
        {
            "sample": sample.name,
            "seconds": round(answer.end, 3),
            "frames": len(answer.frames),
            "peak": round(float(answer.times[answer.peak]), 3),
            "deciding": as_deciding(deciding),
            "broken": broken or "",
        },
    )


def _problem(name: str, error: ClipError) -> Problem:
    reason, _, remedy = str(error).removeprefix(name).removesuffix(ACCEPTED_CLIPS).strip().rstrip(".").partition(". ")
    return Problem(name, reason, remedy[:1].lower() + remedy[1:] or "replace it")
