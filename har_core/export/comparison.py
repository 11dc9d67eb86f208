"""An exported file against the network that it was made of, on photos: what differs, and whether that is too much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from har_core.errors import CheckpointError
from har_core.export.photos import Photo
from har_core.files import printable
from har_core.inference.engines import time_ratio
from har_core.inference.prediction import Prediction
from har_core.inference.predictor import PHOTO_SIDE, Predictor

LARGEST = 1e-3
"""Of the differences of a probability, in 32-bit arithmetic."""

LARGEST_FALL = 0.005
"""Of the accuracy, in 8-bit arithmetic."""

FEWEST_INT8 = 200
"""Photos that 8-bit arithmetic is compared on, at least: one of them is half a point."""

_Z = 1.959964  # of a normal distribution's middle 95 %


@dataclass(frozen=True)
class Compared:
    """Of N photos.

    `difference`: the largest absolute difference of a probability, in [0, 1]; `name`: of that photo.  `agreement`: the share of
    photos with the same predicted class.  `fall`: how much the accuracy falls, negative if it rises, with a 95 % interval;
    `measured`: by labels.  Otherwise it is what the 32-bit probabilities expect: the mean of what the class of the one has more
    than that of the other, 0 or more.
    """

    count: int
    difference: float
    name: str
    agreement: float
    fall: float
    interval: tuple[float, float]
    measured: bool


def compare(reference: Predictor, other: Predictor, photos: Sequence[Photo], *, labeled: bool) -> Compared:
    """Predict photos with both.

    Args:
        reference: of 32-bit arithmetic, in torch.
        labeled: whether the labels of the photos count: the network never learned from them.

    Raises:
        CheckpointError: if no photo can be read.
    """
    first, second = (_probabilities(predictor, photos) for predictor in (reference, other))
    both = [photo for photo in photos if photo.name in first and photo.name in second]
    if not both:
        raise CheckpointError("expected photos to compare on, found none that can be read; name others")
    return compared(
        reference.spec.classes,
        [photo.name for photo in both],
        np.stack([first[photo.name] for photo in both]),
        np.stack([second[photo.name] for photo in both]),
        [photo.label for photo in both] if labeled else None,
    )


def compared(
    classes: Sequence[str],
    names: Sequence[str],
    first: np.ndarray,
    second: np.ndarray,
    labels: Sequence[str | None] | None = None,
) -> Compared:
    """Two tables of probabilities, (N, K) each.

    Args:
        labels: of the photos; where one has none, or none of the classes, none count.
    """
    differences = np.abs(first.astype(np.float64) - second).max(axis=1)
    own, others = first.argmax(axis=1), second.argmax(axis=1)
    number = {name: place for place, name in enumerate(classes)}
    measured = labels is not None and all(label in number for label in labels)
    rows = np.arange(len(first))
    if measured and labels is not None:
        true = np.array([number[str(label)] for label in labels])
        falls = (own == true).astype(np.float64) - (others == true)
    else:
        falls = first[rows, own].astype(np.float64) - first[rows, others]
    half = _Z * float(falls.std()) / np.sqrt(len(falls))
    worst = int(differences.argmax())
    return Compared(
        count=len(first),
        difference=float(differences[worst]),
        name=names[worst],
        agreement=float((own == others).mean()),
        fall=float(falls.mean()),
        interval=(float(falls.mean() - half), float(falls.mean() + half)),
        measured=measured,
    )


def require_same(found: Compared) -> None:
    """Stop unless a file in 32-bit arithmetic answers as the network does.

    Raises:
        CheckpointError: naming the difference and the photo.
    """
    if not found.difference <= LARGEST:  # NaN too
        raise CheckpointError(
            f"expected the exported file to answer as the model does, within {LARGEST:g}, on {found.count} photos, found a "
            f"probability that differs by {found.difference:.4f} for {printable(found.name)[:80]}; nothing was written: "
            "update torch and onnxruntime, and report it"
        )


def require_as_good(found: Compared) -> None:
    """Stop unless a file in 8-bit arithmetic is about as good as the network.

    Raises:
        CheckpointError: if there are too few photos to tell, or the accuracy falls by more than `LARGEST_FALL`.
    """
    if found.count < FEWEST_INT8:
        raise CheckpointError(
            f"expected {FEWEST_INT8} photos or more to tell whether the accuracy of 8-bit arithmetic falls by more than "
            f"{100 * LARGEST_FALL:g} points, found {found.count}; pass --photos with a folder of more"
        )
    if not found.fall <= LARGEST_FALL + 1e-9:
        raise CheckpointError(
            f"expected an accuracy in 8-bit arithmetic that falls by at most {100 * LARGEST_FALL:g} points, found "
            f"{told(found)}; nothing was written: export it without --int8"
        )


def told(found: Compared) -> str:
    """How the accuracy changes, for people."""
    low, high = (100 * end for end in found.interval)
    kind = "measured" if found.measured else "expected from the probabilities"
    change = "falls" if found.fall >= 0 else "rises"
    return (
        f"accuracy {change} by {100 * abs(found.fall):.2f} points ({kind} on {found.count} photos; fall between {low:.2f} and "
        f"{high:.2f} at 95 %), {found.agreement:.1%} have the same answer"
    )


def speed_ratio(first: Predictor, second: Predictor) -> float:
    """How many times as fast the second network is as the first, on one photo of its own size."""
    image = torch.zeros(1, 3, first.spec.crop_size, first.spec.crop_size)
    return time_ratio(lambda: first.forward(image, occlude=False), lambda: second.forward(image, occlude=False))


def _probabilities(predictor: Predictor, photos: Sequence[Photo]) -> dict[str, np.ndarray]:
    outcomes = predictor.predict_all(
        photos, lambda photo: photo.open(), name=lambda photo: photo.name, photo_side=PHOTO_SIDE, occlude=False
    )
    return {photo.name: outcome.probabilities for photo, outcome in outcomes if isinstance(outcome, Prediction)}
