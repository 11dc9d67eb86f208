"""A clip's frames → what each shows, as they are decoded; and what the clip shows from when to when."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from har_core.analysis.answers import named_in_order
from har_core.analysis.timeline import FrameRule, Segment, frame_labels, segments
from har_core.inference.prediction import Prediction
from har_core.inference.predictor import Predictor
from har_core.media.clips import ClipInfo, Frame
from har_core.media.geometry import Box

THUMBNAIL_SIDE = 320  # pixels of the longer side
BATCH_SIZE = 4
"""Small, so that results come early."""

NONE_LABEL, UNSURE_LABEL = "none", "unsure"
"""What tables call a frame or segment that shows none of the classes, and one whose class is not certain enough."""


@dataclass(frozen=True)
class FrameAnswer:
    """What the model says of a frame.  K classes, D features.

    `time`: of the `Frame`.  `probabilities`: (K,) float32, sum 1.  `known`: as in `Prediction`.
    `thumbnail`: a JPEG of the frame, of `size` (width, height), the longer side `THUMBNAIL_SIDE` at most.
    `class_maps`: (K, h, w) float16, raw and signed, over `crop`, in pixels of a picture of `size`; None of networks that are
    explained by occlusion.  `embedding`: (D,) float16.
    """

    time: float
    probabilities: np.ndarray
    known: float
    class_maps: np.ndarray | None
    embedding: np.ndarray
    crop: Box
    size: tuple[int, int]
    thumbnail: bytes


@dataclass(frozen=True)
class ClipAnswer:
    """What a clip shows, of which T frames were answered, T at least 1.

    `classes`: the K names.  `frames`: the answers.  `times`: (T,) float64, seconds.  `probabilities`: (T, K) float32.
    `known`: (T,) float64.  `labels`: (T,) of `timeline.frame_labels`.  `segments`: of `timeline.segments`.
    `end`: seconds, until when the last frame is shown.
    """

    info: ClipInfo
    classes: tuple[str, ...]
    frames: tuple[FrameAnswer, ...]
    times: np.ndarray
    probabilities: np.ndarray
    known: np.ndarray
    labels: np.ndarray
    segments: tuple[Segment, ...]
    end: float
    rule: FrameRule

    @cached_property
    def mean(self) -> np.ndarray:
        """(K,) float32, sum 1: the mean of the frames' probabilities, which answers for the clip as a whole."""
        return mean_probabilities(self.probabilities)

    @cached_property
    def peak(self) -> int:
        """The frame that decided: where the class that is likeliest by `mean` is most probable; the first of equals."""
        return peak_frame(self.probabilities)


def mean_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """(T, K) of the frames of a clip → (K,) float32, their mean, sum 1."""
    mean = probabilities.mean(axis=0, dtype=np.float64)
    return np.asarray(mean / mean.sum(), dtype=np.float32)


def peak_frame(probabilities: np.ndarray) -> int:
    """(T, K) → the frame in which the class that is likeliest on average is most probable; the first of equals."""
    return int(probabilities[:, mean_probabilities(probabilities).argmax()].argmax())


def predict_clip(
    predictor: Predictor,
    frames: Iterable[Frame],
    *,
    batch_size: int = BATCH_SIZE,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[FrameAnswer]:
    """The answers in the frames' order, as they come, by `Predictor.predict_all`.

    Args:
        frames: an `OpenClip`, or any; they are taken as they are needed, and decoding waits for the network.
        cancelled: asked before every batch.

    Raises:
        Cancelled: as soon as `cancelled` returns true.
        ClipError: as iterating over `frames` does.
    """
    occluded = predictor.explanation == "occlusion"
    outcomes = predictor.predict_all(
        frames,
        lambda frame: frame.photo,
        name=lambda frame: f"{frame.time:.2f} s",
        batch_size=batch_size,
        photo_side=THUMBNAIL_SIDE,
        occlude=False,
        cancelled=cancelled,
    )
    for frame, outcome in outcomes:
        if not isinstance(outcome, Prediction):  # a decoded frame can be read
            raise outcome
        yield FrameAnswer(
            time=frame.time,
            probabilities=outcome.probabilities,
            known=outcome.known,
            class_maps=None if occluded else outcome.class_maps.astype(np.float16),
            embedding=outcome.embedding.astype(np.float16),
            crop=outcome.crop,
            size=outcome.photo.size,
            thumbnail=_jpeg(outcome.photo),
        )


def clip_answer(
    info: ClipInfo,
    classes: Sequence[str],
    answers: Sequence[FrameAnswer],
    *,
    rule: FrameRule,
    finished: bool = False,
) -> ClipAnswer:
    """What the frames so far say of the clip; may be asked at any time, for results before the clip's end.

    Args:
        info: of the `OpenClip`.
        finished: whether these are all its frames: the last one is then shown until `info.seconds`, as was found.

    Raises:
        ValueError: of no answers.
    """
    if not answers:
        raise ValueError("expected answers, found none")
    times = np.array([answer.time for answer in answers])
    probabilities = np.stack([answer.probabilities for answer in answers])
    known = np.array([answer.known for answer in answers], dtype=np.float64)
    end = info.seconds if finished and info.seconds is not None and info.seconds > times[-1] else None
    found = segments(times, probabilities, known, rule=rule, end=end)
    return ClipAnswer(
        info,
        tuple(classes),
        tuple(answers),
        times,
        probabilities,
        known,
        frame_labels(probabilities, known, rule=rule),
        found,
        found[-1].end,
        rule,
    )


def segment_label(segment: Segment, classes: Sequence[str]) -> str:
    """What tables call a segment: one class, two of them ("a or b"), `UNSURE_LABEL` or `NONE_LABEL`."""
    return NONE_LABEL if segment.label == len(classes) else _label(segment.named, classes)


def clip_names(answer: ClipAnswer) -> tuple[int, ...]:
    """The one or two classes that the rule names for the clip's mean, the likeliest first; empty for "none" and "unsure".

    "None" is a clip whose frames are on average less known than `rule.least_known`.
    """
    return () if _is_none(answer) else named_in_order(answer.mean[None], answer.rule.lowest, answer.rule.threshold)[0]


def clip_label(answer: ClipAnswer) -> str:
    """What the clip as a whole is called, by its mean, in the words of `segment_label`."""
    return NONE_LABEL if _is_none(answer) else _label(clip_names(answer), answer.classes)


def segments_table(answer: ClipAnswer) -> list[list[object]]:
    """Rows for a CSV, the first with the names of the columns.

    `start`, `end`, `decided_at`: seconds.  `label`: of `segment_label`; `likeliest`: the class of the smoothed path, empty for
    "none".  `confidence`: of `Segment`.
    """
    rows: list[list[object]] = [["start", "end", "label", "likeliest", "confidence", "decided_at"]]
    for one in answer.segments:
        likeliest = answer.classes[one.label] if one.label < len(answer.classes) else ""
        label, decided = segment_label(one, answer.classes), round(float(answer.times[one.peak]), 3)
        rows.append([round(one.start, 3), round(one.end, 3), label, likeliest, round(one.confidence, 4), decided])
    return rows


def frames_table(answer: ClipAnswer) -> list[list[object]]:
    """Rows for a CSV, the first with the names of the columns: `time` in seconds, `label`, and `p:CLASS` for each class.

    `label`: in the words of `segment_label`, by the frame alone.
    """
    rows: list[list[object]] = [["time", "label", *(f"p:{name}" for name in answer.classes)]]
    names = named_in_order(answer.probabilities, answer.rule.lowest, answer.rule.threshold)
    for time, index, own, row in zip(answer.times, answer.labels, names, answer.probabilities, strict=True):
        label = NONE_LABEL if index == len(answer.classes) else _label(own, answer.classes)
        rows.append([round(float(time), 3), label, *(round(float(value), 6) for value in row)])
    return rows


def _label(names: Sequence[int], classes: Sequence[str]) -> str:
    return " or ".join(classes[index] for index in names) or UNSURE_LABEL


def _is_none(answer: ClipAnswer) -> bool:
    return answer.rule.is_none(float(answer.known.mean()))


def _jpeg(photo: Image.Image) -> bytes:
    buffer = io.BytesIO()
    photo.save(buffer, format="JPEG", quality=85)
    return buffer.getvalue()
