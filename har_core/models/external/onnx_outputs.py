"""What the output that answers gave for some images of noise → how it becomes logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from har_core.errors import CheckpointError
from har_core.files import printable

Kind = Literal["logits", "shares", "one logit", "one share"]

_TINY = float(np.finfo(np.float32).tiny)
_SLACK = 0.01
"""By which shares may miss their sum: softmax in 16 bits misses it by 0.0005, bfloat16 by 0.004, each of many by its own rounding."""
_COARSEST, _FINEST = 1 / 50, 1 / 1024  # steps between values that were rounded to whole numbers
_ROUNDING, _APART = 2e-3, 0.02
"""By which two answers to the same image may differ: shares of the largest output, of which float16 has 5e-4, and of how far outputs of
different images lie apart."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """What an output (B, K) holds.

    `kind`: logits, or shares of `total`, which is 1, 100 for percentages, 255 or 256 for 8 bits; of two classes a network may give one
    value, the second's.  `note`: what a person should know of it.
    """

    kind: Kind = "logits"
    total: float = 1.0
    note: str | None = None

    def logits(self, values: Tensor) -> Tensor:
        """(B, K) → logits (B, K), whose softmax is what the output says; (B, 1) → (B, 2)."""
        if self.kind == "logits":
            return values
        if self.kind == "one logit":
            return torch.cat([torch.zeros_like(values), values], dim=1)
        shares = values / self.total
        if self.kind == "one share":
            shares = torch.cat([1 - shares, shares], dim=1)
        return shares.clamp(min=_TINY).log()


def form_of(values: np.ndarray, *, sigmoid: bool, place: str, name: str, classes: Sequence[str]) -> Form:
    """What an output holds, by what it gave for images that differ much.

    Args:
        values: (B, K), of any numeric type.
        sigmoid: whether the graph says that a sigmoid made it.
        name: the output's; one called `logits` is taken at its word, unless its values are shares.

    Raises:
        CheckpointError: if it can be neither.
    """
    whole, one = values.dtype.kind in "iu", values.shape[1] == 1
    values = values.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    second = printable(classes[1])[:60]
    if not one and low >= 0 and (total := _total(values, whole)):
        note = "its outputs are percentages, and were divided by 100" if total == 100 else None
        return Form(kind="shares", total=total, note=note)
    if whole:
        raise CheckpointError(
            f"{place}: expected logits or probabilities as float numbers, found whole ones from {low:g} to {high:g}; quantize it with "
            "a DequantizeLinear at the end (QDQ), or export its logits"
        )
    if low < 0 or high > 1 or (name == "logits" and not sigmoid):
        note = f"its one output is taken as the logit of {second}, the second class" if one else None
        return Form(kind="one logit" if one else "logits", note=note)
    if sigmoid and one:
        return Form(kind="one share", note=f"its one output is taken as the probability of {second}, the second class")
    if sigmoid:
        return Form(
            kind="shares",
            note="its outputs are independent probabilities (a sigmoid for each class), and were divided by their sum",
        )
    sums, end = values.sum(axis=1), "sigmoid" if one else "softmax"
    expected = "a logit or the probability of a sigmoid" if one else "logits, or probabilities that sum to 1"
    summed = "" if one else f" that sum to {sums.min():.3g} to {sums.max():.3g}"
    raise CheckpointError(
        f"{place}: expected {expected}, found values from {low:.3g} to {high:.3g}{summed}; export it with a {end} at its end, or call "
        "the output logits if it is so"
    )


def _total(values: np.ndarray, whole: bool) -> float:
    """What all rows sum to, if it is what shares sum to; else 0."""
    for total in (255.0, 256.0) if whole else (1.0, 100.0):
        slack = total * min(0.5, _SLACK + values.shape[1] * _step(values / total) / 2)
        if values.max() <= total * (1 + _SLACK) and (np.abs(values.sum(axis=1) - total) <= slack).all():
            return total
    return 0.0


def _step(shares: np.ndarray) -> float:
    """The step to whose multiples all values were rounded, as 8-bit arithmetic does; 0 if they are finer."""
    positive = shares[shares > 0]
    step = float(positive.min()) if len(positive) else 0.0
    if not _FINEST <= step <= _COARSEST:
        return 0.0
    multiples = positive / step
    return step if bool((np.abs(multiples - np.round(multiples)) < 0.02).all()) else 0.0


def differ(one: np.ndarray, other: np.ndarray, all_values: np.ndarray) -> bool:
    """Whether two answers to one image differ by more than arithmetic explains.

    Args:
        all_values: what the output gave for all images.
    """
    a, b, values = (part.astype(np.float64) for part in (one, other, all_values))
    return bool(np.abs(a - b).max() > _ROUNDING * np.abs(values).max() + _APART * np.ptp(values, axis=0).max())
