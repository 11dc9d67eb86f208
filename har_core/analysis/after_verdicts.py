"""Predictions + a person's verdicts → what the accuracy is if the verdicts are right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from har_core.analysis.scores import Summary, summarize
from har_core.runs.predictions import Predictions
from har_core.runs.verdicts import Verdict


@dataclass(frozen=True)
class AfterVerdicts:
    """Scores with corrected labels.

    `judged`: photos with a verdict.  `relabeled`: whose label is another now.  `left_out`: whose label is wrong while no class
    of the model's is right, or none was told.  `both_fit`: that count as correct, whatever their label.
    """

    summary: Summary
    judged: int
    relabeled: int
    left_out: int
    both_fit: int


def after_verdicts(predictions: Predictions, verdicts: Mapping[str, Verdict]) -> AfterVerdicts | None:
    """The scores if all verdicts are right; None if no photo was judged, or none is left.

    A verdict on errors alone can only raise the accuracy, as long as nobody looks for wrong labels among the correct ones.
    """
    number = {name: index for index, name in enumerate(predictions.classes)}
    judged = [(row, verdicts[sample]) for row, sample in enumerate(predictions.samples) if sample in verdicts]
    true, predicted = predictions.true.copy(), predictions.predicted
    kept = np.ones(len(true), dtype=bool)
    both_fit = 0
    for row, verdict in judged:
        if verdict.verdict == "label is wrong":
            kept[row] = verdict.label in number
            true[row] = number.get(verdict.label, true[row])
        elif verdict.verdict == "both fit":
            both_fit += 1
            true[row] = predicted[row]
    if not judged or not kept.any():
        return None
    relabeled = sum(
        verdict.label in number and number[verdict.label] != predictions.true[row]
        for row, verdict in judged
        if verdict.verdict == "label is wrong"
    )
    size = len(predictions.classes)
    matrix = np.bincount(true[kept] * size + predicted[kept], minlength=size * size).reshape(size, size)
    return AfterVerdicts(summarize(matrix), len(judged), relabeled, int((~kept).sum()), both_fit)


def judged_at_random(
    predictions: Predictions, verdicts: Mapping[str, Verdict], drawn: np.ndarray
) -> AfterVerdicts | None:
    """`after_verdicts` of the photos that were drawn at random and judged.

    Unlike that of verdicts on errors alone, their accuracy leans to neither side.

    Args:
        drawn: (N,) bool.
    """
    rows = [row for row in np.flatnonzero(drawn).tolist() if predictions.samples[row] in verdicts]
    part = Predictions(
        predictions.classes, predictions.samples[rows], predictions.true[rows], predictions.probabilities[rows]
    )
    return after_verdicts(part, verdicts)
