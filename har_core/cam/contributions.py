"""Two class maps and their probabilities → what makes one class win over the other, in parts that add up to the difference of logits.

The brightest map need not be that of the winner: evidence counts by its mean over the whole map, evidence against a class counts
as well, and so does the bias of the last layer, none of which a heatmap shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

_TINY = float(np.finfo(np.float32).tiny)
_STRONG = 0.5  # of the strongest evidence: what counts as the area of the evidence

Reason = Literal["area", "against", "bias"]


@dataclass(frozen=True)
class Contributions:
    """Of a first class against a second, in units of logits; positive is for the first.

    `evidence_for`: mean over the maps of what speaks for the classes; `evidence_against`: of what speaks against them; `bias`:
    the rest.  Their sum is `difference`, the log of the ratio of the probabilities before the temperature.

    `second_is_brighter`: whether the strongest evidence is the second class's.  `areas`: shares of each map that have half
    of its strongest evidence or more, in [0, 1].
    """

    evidence_for: float
    evidence_against: float
    bias: float
    difference: float
    second_is_brighter: bool
    areas: tuple[float, float]

    @property
    def reason(self) -> Reason:
        """What outweighs the brighter map of the second class, where the first wins: the largest part for the first."""
        parts: dict[Reason, float] = {"area": self.evidence_for, "against": self.evidence_against, "bias": self.bias}
        return max(parts, key=parts.__getitem__)


def contributions(maps: np.ndarray, probabilities: np.ndarray, *, temperature: float = 1.0) -> Contributions:
    """Take the lead of one class over another apart.

    Args:
        maps: (2, h, w) raw signed class maps, of closed form: their mean plus the bias is the logit.
        probabilities: (2,) of the two classes.
        temperature: that the logits were divided by.
    """
    values = np.asarray(maps, dtype=np.float64)
    positive, negative = np.maximum(values, 0), np.minimum(values, 0)
    for_first, against_first = (float(part[0].mean() - part[1].mean()) for part in (positive, negative))
    logs = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _TINY)) * temperature
    difference = float(logs[0] - logs[1])
    peaks = positive.max(axis=(1, 2))
    areas = [
        float((one >= _STRONG * peak).mean()) if peak > 0 else 0.0 for one, peak in zip(positive, peaks, strict=True)
    ]
    return Contributions(
        evidence_for=for_first,
        evidence_against=against_first,
        bias=difference - for_first - against_first,
        difference=difference,
        second_is_brighter=bool(peaks[1] > peaks[0]),
        areas=(areas[0], areas[1]),
    )
