"""Model + labeled clips → predictions of clips, as a run folder on which the error analysis works as on photos.

A clip's probabilities and embedding are the means over its frames; its class map is that of the frame that decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from har_core.analysis.timeline import FrameRule
from har_core.data.samples import Problem, Sample
from har_core.data.scan import Progress
from har_core.errors import ClipError
from har_core.inference.evaluate import (
    Evaluation,
    Row,
    Unknown,
    evaluation_of,
    match_samples,
    require_scored,
    write_evaluation,
)
from har_core.inference.predictor import Predictor
from har_core.inference.video import ClipAnswer, clip_answer, predict_clip
from har_core.media.clip_files import ACCEPTED_CLIPS
from har_core.media.clips import ClipReader
from har_core.runs.clip_table import clip_row, save_peak_frame, write_clips
from har_core.runs.run import Run

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
    progress: Progress | None = None,
) -> ClipEvaluation:
    """Predict labeled clips, in their order.

    Args:
        rule: of segments, whose frames decided.
        fps: frames a second to look at.
        unknown, mapping: as of `evaluate.evaluate`.
        progress: called with (clips done, clips in all).

    Raises:
        ConfigError: if `mapping` names what is not there.
        RunError: if the classes could not be those of a run; nothing is computed then.
        DataError: if no clip is left to be scored.
    """
    own, reader = predictor.spec.classes, ClipReader()
    matched = match_samples(samples, own, unknown, mapping)
    kept: list[Sample] = []
    rows: list[Row] = []
    table: list[dict[str, object]] = []
    skipped = list(matched.skipped)
    if progress is not None:
        progress(0, len(matched.known))
    for done, sample in enumerate(matched.known, start=1):
        try:
            with reader.open(sample.path, sample.name, fps=fps) as clip:
                answers = list(predict_clip(predictor, clip, batch_size=16))
                answer = clip_answer(clip.info, own, answers, rule=rule or FrameRule(), finished=True)
            rows.append(_row(answer))
            table.append(_cells(sample.name, answer, clip.broken))
            kept.append(sample)
        except ClipError as error:
            skipped.append(_problem(sample.name, error))
        if progress is not None:
            progress(done, len(matched.known))
    require_scored(kept, skipped, "clips")
    return ClipEvaluation(
        evaluation_of(kept, rows, matched, skipped, predictor.spec.views), tuple(kept), pd.DataFrame(table)
    )


def write_clip_evaluation(
    folder: Path, found: ClipEvaluation, by: Run, *, title: str, progress: Progress | None = None
) -> Run:
    """Keep an evaluation of clips as a run folder, with the frame of each clip that decided beside it.

    Args:
        folder: is created; it holds no run yet.
        by: the run whose model predicted.
        progress: called with (clips done, clips in all), also for clips that cannot be read any more.

    Raises:
        RunError: if the folder holds a run.
        OSError: if the folder cannot be written.
    """
    reader = ClipReader()
    run = write_clips(write_evaluation(folder, found.evaluation, by, title=title, what="clips"), found.table)
    for done, (sample, peak) in enumerate(zip(found.samples, found.table["peak"], strict=True), start=1):
        try:
            photo = reader.frame(sample.path, sample.name, float(peak), side=FRAME_SIDE).photo
        except ClipError:  # read a moment ago: pages show its heatmap alone
            pass
        else:
            save_peak_frame(folder, sample.name, photo)
        if progress is not None:
            progress(done, len(found.samples))
    return run


def _row(answer: ClipAnswer) -> Row:
    embeddings = np.stack([frame.embedding for frame in answer.frames])
    return Row(
        answer.mean,
        answer.frames[answer.peak].class_maps,
        embeddings.mean(axis=0, dtype=np.float64).astype(np.float16),
    )


def _cells(name: str, answer: ClipAnswer, broken: str | None) -> dict[str, object]:
    return clip_row(
        name,
        seconds=answer.end,
        frames=len(answer.frames),
        peak=float(answer.times[answer.peak]),
        deciding=sorted({float(answer.times[segment.peak]) for segment in answer.segments}),
        broken=broken,
    )


def _problem(name: str, error: ClipError) -> Problem:
    reason, _, remedy = str(error).removeprefix(name).removesuffix(ACCEPTED_CLIPS).strip().rstrip(".").partition(". ")
    return Problem(name, reason, remedy[:1].lower() + remedy[1:] or "replace it")
