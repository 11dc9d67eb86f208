"""Some photos predicted once more: whether a table of predictions is of this model, fed as here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from har_core.data.samples import Problem
from har_core.errors import DataError, ImageError
from har_core.files import and_more, printable
from har_core.inference.evaluate import match_classes
from har_core.inference.predictor import PHOTO_SIDE, Predictor
from har_core.media.images import open_photo
from har_core.media.photo_store import PhotoStore
from har_core.runs.manifest import Probabilities
from har_core.runs.predictions import Predictions, evenly_spaced

TOLERANCE = 0.02
"""The largest difference of a probability that decoding and arithmetic elsewhere explain."""


@dataclass(frozen=True)
class Replayed:
    """`difference`: the largest absolute difference of a probability, in [0, 1], lower is better; `name`: of that photo.

    `count`: photos that were replayed; `disagree`: how many of them have another predicted class.
    """

    difference: float
    name: str
    count: int
    disagree: int


def replay(
    predictions: Predictions,
    photos_folder: Path,
    predictor: Predictor,
    count: int = 16,
    *,
    known: Probabilities = "all",
) -> Replayed:
    """Predict some photos of a table with a model, and compare.

    The photos are spread evenly over the table, so that the same table is always compared by the same ones.

    Args:
        photos_folder: a data folder, in which the photos are found as a run's are.
        count: photos, at most.
        known: how much of the table's probabilities is known.  Where it is not all, those of the predicted classes are
            compared; where it is none, 1 and 0: whether the predicted class is the same.

    Raises:
        DataError: if the model's classes are others than the table's, or none of its photos can be read.
    """
    meant = match_classes(predictions.classes, predictor.spec.classes)
    if missing := [name for name, own in meant.items() if own is None]:
        raise DataError(
            f"expected a model of the table's {len(meant)} classes, found none in it for {printable(missing[0])}"
            f"{and_more(len(missing) - 1)}; choose the model that predicted them"
        )
    number = {name: place for place, name in enumerate(predictor.spec.classes)}
    columns = np.array([number[meant[name] or ""] for name in predictions.classes])
    store = PhotoStore(photos_folder)
    paths: dict[int, Path] = {}
    for row in evenly_spaced(len(predictions), count).tolist():
        if (path := store.find(predictions.samples[row])) is not None:
            paths[row] = path
    if len(paths) < min(count, len(predictions)):  # some are not here: the first that are
        for row, name in enumerate(predictions.samples):
            if len(paths) >= count:
                break
            if row not in paths and (path := store.find(name)) is not None:
                paths[row] = path
    rows = sorted(paths)
    outcomes = predictor.predict_all(
        rows,
        lambda row: open_photo(paths[row].read_bytes(), predictions.samples[row]),
        name=lambda row: str(predictions.samples[row]),
        photo_side=PHOTO_SIDE,
    )
    differences: dict[int, float] = {}
    disagree, problem = 0, None
    for row, outcome in outcomes:
        if isinstance(outcome, ImageError | OSError):
            problem = problem or Problem.of_photo(str(predictions.samples[row]), outcome)
            continue
        found, said = outcome.probabilities[columns], predictions.probabilities[row]
        own = int(predictions.predicted[row])
        same = int(found.argmax()) == own
        disagree += not same
        if known == "all":
            differences[row] = float(np.abs(found - said).max())
        else:
            differences[row] = abs(float(found[own] - said[own])) if known != "none" else float(not same)
    if not differences:
        reason = f" ({problem})" if problem else ""
        raise DataError(f"expected photos of the table to replay, found none that can be read{reason}; check --photos")
    worst = max(differences, key=lambda row: differences[row])
    return Replayed(differences[worst], str(predictions.samples[worst]), len(differences), disagree)
