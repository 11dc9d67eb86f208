"""Misclassified photos → what each calls for: another label, another definition of two classes, or a better model."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from har_core.runs.verdicts import Verdict

ErrorKind = Literal["label", "ambiguous", "model"]
ERROR_KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)
PREFIX = "errors:"
"""Of the names of these groups of photos, where they stand beside others."""

CLOSE = 0.2
"""The margin below which two classes are ambiguous for a photo, if the second is the label."""

_BY_VERDICT: dict[str, ErrorKind] = {"label is wrong": "label", "both fit": "ambiguous", "model is wrong": "model"}


@dataclass(frozen=True)
class ErrorKindCount:
    """`photos`: misclassified ones of a kind.  `points`: of accuracy that are gained at most if all are mended, in [0, 100].

    `judged`: those that somebody's verdict has put there; the others are a guess.
    """

    kind: ErrorKind
    photos: int
    points: float
    judged: int


def error_kinds(
    examples: pd.DataFrame, suspects: Collection[str], verdicts: Mapping[str, Verdict]
) -> dict[ErrorKind, np.ndarray]:
    """(N,) bool for each kind: every misclassified photo is of one, unless it was judged unclear.

    A verdict decides.  Without one: `label`, if the label is suspected to be wrong; `ambiguous`, if it is the second likeliest
    class by less than `CLOSE`; else `model`.

    Args:
        examples: of `examples.example_table`.
        suspects: names of photos with suspected labels.
    """
    wrong = (examples["true"] != examples["predicted"]).to_numpy()
    samples = examples["sample"]
    second = (examples["second"] == examples["true"]).to_numpy() & (examples["margin"].to_numpy() < CLOSE)
    suspected = samples.isin(list(suspects)).to_numpy()
    guessed = np.select([suspected, second], ["label", "ambiguous"], "model").astype(object)
    if verdicts:
        kinds = {sample: _BY_VERDICT.get(given.verdict, "") for sample, given in verdicts.items()}
        judged = samples.map(kinds)
        guessed = np.where(judged.notna(), judged.fillna(""), guessed)
    return {kind: wrong & (guessed == kind) for kind in ERROR_KINDS}


def count_kinds(
    examples: pd.DataFrame, kinds: Mapping[ErrorKind, np.ndarray], verdicts: Mapping[str, Verdict]
) -> list[ErrorKindCount]:
    """How many there are of each, in the order of `ERROR_KINDS`."""
    judged = examples["sample"].isin(list(verdicts)).to_numpy()
    total = max(1, len(examples))
    return [
        ErrorKindCount(
            kind, int(kinds[kind].sum()), 100 * int(kinds[kind].sum()) / total, int((kinds[kind] & judged).sum())
        )
        for kind in ERROR_KINDS
    ]
