"""Model + somebody's labelled photos → predictions, class maps and embeddings, as a run folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from PIL import Image

from har_core.data import Problem, Progress, Sample
from har_core.errors import Cancelled, DataError, ImageError
from har_core.evaluation import Evaluation
from har_core.experiment import write_evaluation
from har_core.images import open_photo
from har_core.predictions import Predictions
from har_core.recogniser import Recogniser
from har_core.runs import Run

Unknown = Literal["left out", "counted as errors"]
UNKNOWN: tuple[Unknown, ...] = get_args(Unknown)
_BATCH = 16


@dataclass(frozen=True)
class Scored:
    """`evaluation` of the photos that could be scored, `left_out` the others with the reason."""

    evaluation: Evaluation
    left_out: tuple[Problem, ...]


def score(
    samples: Sequence[Sample],
    recogniser: Recogniser,
    *,
    unknown: Unknown = "left out",
    flip: bool = False,
    decode: Callable[[bytes, str], Image.Image] = open_photo,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Scored:
    """Predict labelled photos in 32-bit arithmetic, in their order.

    Args:
        unknown: what becomes of photos whose label the model does not know.  Counted as errors, their labels follow the
            model's own classes, with probability 0 everywhere.
        flip: average the probabilities of each photo and its mirror image; maps and embeddings remain the photo's own.
        decode: bytes and name → photo; `decoder.Decoder.open` for strangers' files.
        cancelled: asked before every batch.

    Raises:
        Cancelled: as soon as `cancelled` returns true.
        DataError: if no photo is left to be scored.
    """
    own = recogniser.spec.classes
    strange = sorted({sample.label for sample in samples} - set(own))
    classes = own if unknown == "left out" else (*own, *strange)
    number = {name: index for index, name in enumerate(classes)}
    left_out = [
        Problem(sample.name, f"the model does not know {sample.label}", "count it as an error, or leave it out")
        for sample in samples
        if sample.label not in number
    ]
    wanted = [sample for sample in samples if sample.label in number]
    kept: list[Sample] = []
    results: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    if progress is not None:
        progress(0, len(wanted))
    for start in range(0, len(wanted), _BATCH):
        if cancelled():
            raise Cancelled("scoring was stopped; nothing was kept")
        inputs = []
        for sample in wanted[start : start + _BATCH]:
            try:
                inputs.append(recogniser.input(decode(sample.path.read_bytes(), sample.name)))
                kept.append(sample)
            except (ImageError, OSError) as error:
                left_out.append(Problem(sample.name, str(error), "replace the photo"))
        if inputs:
            images = torch.stack(inputs)
            found = recogniser.explain(images)
            probabilities = found.logits.softmax(dim=1)
            if flip:
                probabilities = (probabilities + recogniser.explain(images.flip(3)).logits.softmax(dim=1)) / 2
            results.append(
                (probabilities.cpu().numpy(), found.maps.half().cpu().numpy(), found.embeddings.half().cpu().numpy())
            )
        if progress is not None:
            progress(min(start + _BATCH, len(wanted)), len(wanted))
    if not kept:
        reasons = "; ".join(str(problem) for problem in left_out[:3])
        raise DataError(f"expected photos that can be scored, found none ({reasons})", left_out)
    chances, maps, embeddings = (np.concatenate(parts) for parts in zip(*results, strict=True))
    more = len(classes) - len(own)
    predictions = Predictions(
        classes,
        np.array([sample.name for sample in kept], dtype=object),
        np.array([number[sample.label] for sample in kept], dtype=np.int64),
        np.pad(chances, ((0, 0), (0, more))),
    )
    maps = np.pad(maps, ((0, 0), (0, more), (0, 0), (0, 0)))
    return Scored(Evaluation(predictions, maps, embeddings), tuple(left_out))


def write_run(folder: Path, scored: Scored, by: Run, *, title: str) -> Run:
    """Keep a scoring as a run folder, on which all of the error analysis works.

    Args:
        by: the run whose model predicted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    predictions = scored.evaluation.predictions
    card = {
        "title": title,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "classes": list(predictions.classes),
        "model": by.card.get("model", {}),
        "source": f"{len(predictions):,} photos, predicted by the model of {by.title}",
        "data": {"left_out": [str(problem) for problem in scored.left_out]},
    }
    return write_evaluation(folder, scored.evaluation, card)
