"""A model of clips + clips → what each shows, and where; labeled clips → an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from har_core.data.clip_folder import unread_clip
from har_core.data.clip_frames import ClipFrames, read_frames, to_input
from har_core.data.samples import Problem, Sample
from har_core.data.scan import Progress
from har_core.errors import CheckpointError, ClipError
from har_core.inference.evaluate import Evaluation, Row, evaluation_of, match_samples, require_scored
from har_core.media.clips import Clip, ClipReader, Frame
from har_core.models.numerics import exact_fp32
from har_core.models.temporal import ClipNetwork, load_temporal
from har_core.runs.clip_table import clip_row, save_peak_frame, write_clips
from har_core.runs.file_names import CLIP_MODEL
from har_core.runs.manifest import Explanation
from har_core.runs.run import Run


@dataclass(frozen=True)
class ClipFinding:
    """What a model of clips says of one.  K classes, D features.

    `probabilities`: (K,) float32, sum 1.  `class_maps`: (K, h, w) float32, raw and signed, over the whole frame; None where
    there are none.  `embedding`: (D,) float32.
    """

    probabilities: np.ndarray
    class_maps: np.ndarray | None
    embedding: np.ndarray


@dataclass(frozen=True)
class ClipPrediction:
    """A clip and what the model says of it.

    `times`: (T,) seconds of the frames that it looked at.  `middle`: the middle one of them, on which the class maps are drawn.
    """

    name: str
    classes: tuple[str, ...]
    times: np.ndarray
    middle: Image.Image
    finding: ClipFinding

    @property
    def predicted(self) -> str:
        return self.classes[int(self.finding.probabilities.argmax())]

    @property
    def confidence(self) -> float:
        """The probability of the predicted class, in [0, 1]."""
        return float(self.finding.probabilities.max())


class TemporalPredictor:
    """A model of clips with what feeds it.  Holds no state between calls."""

    def __init__(
        self, network: ClipNetwork, device: torch.device | None = None, reader: ClipReader | None = None
    ) -> None:
        self.device = device or torch.device("cpu")
        self.network, self.spec = network.to(self.device), network.spec
        self.reader = reader or ClipReader()

    @classmethod
    def from_run(
        cls, run: Run, device: torch.device | None = None, reader: ClipReader | None = None
    ) -> TemporalPredictor:
        """The predictor of a run that was trained on clips.

        Raises:
            RunError: if the run has no model of clips, or not the one that its manifest lists.
            CheckpointError: if the model is damaged, or of other classes than the manifest.
        """
        path = run.file(CLIP_MODEL)
        network = load_temporal(path)
        if network.spec.classes != run.classes[: len(network.spec.classes)]:
            raise CheckpointError(f"{path}: expected the classes of the manifest, found others; copy the run again")
        return cls(network, device, reader)

    @property
    def explanation(self) -> Explanation:
        """How the class maps are made; "occlusion": there are none."""
        return self.network.learning.explanation

    def find(self, features: Tensor) -> ClipFinding:
        """What encoded frames (T, C, h, w) show, in 32-bit arithmetic."""
        with torch.no_grad(), exact_fp32():
            logits, maps, embedding = self.network.answer(features[None].to(self.device), maps=True)
        return ClipFinding(
            logits[0].softmax(dim=0).cpu().numpy(),
            None if maps is None else maps[0].cpu().numpy(),
            embedding[0].cpu().numpy(),
        )

    def read(self, clip: Clip, name: str) -> ClipFrames:
        """The frames that the model looks at.

        Raises:
            ClipError: if none can be read.
        """
        return read_frames(self.reader, clip, name, count=self.spec.frames, side=self.spec.side)

    def encode(self, frames: Sequence[Frame]) -> Tensor:
        """What is seen in each of T frames alone: (T, C, h, w) float16."""
        images = to_input(frames, self.spec.side, self.spec.preprocessing)
        with exact_fp32():
            return self.network.encode(images.to(self.device)).cpu()

    def predict(self, clip: Clip, name: str) -> ClipPrediction:
        """Predict one clip.

        Raises:
            ClipError: if it cannot be read.
        """
        frames = self.read(clip, name).frames
        times = np.array([frame.time for frame in frames])
        return ClipPrediction(name, self.spec.classes, times, middle(frames).photo, self.find(self.encode(frames)))


def middle(frames: Sequence[Frame]) -> Frame:
    """The frame on which class maps of all of them are drawn."""
    return frames[len(frames) // 2]


def evaluate_temporal(
    samples: Sequence[Sample],
    predictor: TemporalPredictor,
    *,
    mapping: Mapping[str, str] | None = None,
    features: Callable[[Sample], Tensor] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Predict labeled clips, in their order; those of classes that the model does not know are skipped.

    Args:
        mapping: label → class of the model, for labels that `match_classes` does not understand by itself.
        features: stored ones of a clip; by default they are computed.

    Raises:
        ConfigError: if `mapping` names what is not there.
        RunError: if the classes could not be those of a run; nothing is computed then.
        DataError: if no clip is left to be scored.
    """
    matched = match_samples(samples, predictor.spec.classes, "skip", mapping)
    kept: list[Sample] = []
    rows: list[Row] = []
    skipped: list[Problem] = []
    for done, sample in enumerate(samples, start=1):
        if sample.label not in matched.index:
            reason = f"the model does not know {sample.label}"
            skipped.append(Problem(sample.name, reason, "skip it, or say what it means"))
        else:
            try:
                encoded = _encoded(sample, predictor) if features is None else features(sample)
            except ClipError as error:
                skipped.append(unread_clip(sample.name, str(error)))
            else:
                kept.append(sample)
                rows.append(_row(predictor.find(encoded)))
        if progress is not None:
            progress(done, len(samples))
    require_scored(kept, skipped, "clips")
    return evaluation_of(kept, rows, matched, skipped)


def _row(found: ClipFinding) -> Row:
    maps = None if found.class_maps is None else found.class_maps.astype(np.float16)
    return Row(found.probabilities, maps, found.embedding.astype(np.float16))


def _encoded(sample: Sample, predictor: TemporalPredictor) -> Tensor:
    return predictor.encode(predictor.read(sample.path, sample.name).frames)


def keep_frames(run: Run, samples: Sequence[Sample], predictor: TemporalPredictor) -> Run:
    """Store of each clip of a run how long it is, and its middle frame, for the pages (see `runs.clip_table`).

    Args:
        samples: those of the run's predictions, in their order.

    Raises:
        ClipError: if one cannot be read any more.
        OSError: if the folder cannot be written.
    """
    rows = []
    for sample in samples:
        found = predictor.read(sample.path, sample.name)
        shown = middle(found.frames)
        save_peak_frame(run.folder, sample.name, shown.photo)
        rows.append(
            clip_row(
                sample.name,
                seconds=found.seconds,
                frames=len(found.frames),
                peak=shown.time,
                deciding=[shown.time],
                broken=found.broken,
            )
        )
    return write_clips(run, pd.DataFrame(rows))
