"""A table of examples → the photos that pass some filters, such as "true class in the top 3", in an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from har_core.analysis.known import Known

Show = Literal["errors", "correct", "drawn", "all"]
Sort = Literal["loss", "confidence", "margin", "file name"]
SHOWS: tuple[Show, ...] = get_args(Show)
SORTS: tuple[Sort, ...] = get_args(Sort)
TOP = 3
"""Of the filter `top3`."""
UNJUDGED = "none yet"
"""Stands for a verdict: the photos without one."""


@dataclass(frozen=True)
class Filters:
    """Which photos are wanted; None and the full range leave everything in.

    `true` and `predicted`: class indices.  `low` and `high`: bounds of the confidence, both included.  `top3`: whether the
    true class is among the three most probable.  `verdict`: one of `runs.verdicts.VERDICTS`, or `UNJUDGED` for photos without one.
    `tag`: one that was given to photos.  `group`: the name of a set of photos, such as a slice.
    """

    show: Show = "errors"
    true: int | None = None
    predicted: int | None = None
    low: float = 0.0
    high: float = 1.0
    top3: bool | None = None
    verdict: str | None = None
    tag: str | None = None
    group: str | None = None

    @property
    def active(self) -> list[str]:
        """The filters that leave something out, of show, true, predicted, top3, verdict, tag, group and confidence."""
        names = ["show"] if self.show != "all" else []
        names += [
            name for name in ("true", "predicted", "top3", "verdict", "tag", "group") if getattr(self, name) is not None
        ]
        return names + (["confidence"] if (self.low, self.high) != (0.0, 1.0) else [])

    def without(self, name: str) -> Filters:
        """The same with one filter removed."""
        if name == "show":
            return replace(self, show="all")
        if name == "confidence":
            return replace(self, low=0.0, high=1.0)
        return replace(self, **{name: None})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Selection:
    """`rows` (M,) int64 of the table, in order; `hidden`: how many more would be shown without a filter, by its name."""

    rows: np.ndarray
    hidden: dict[str, int]


def select(
    table: pd.DataFrame,
    filters: Filters,
    *,
    sort: Sort = "loss",
    verdicts: Mapping[str, str] | None = None,
    sets: Mapping[str, np.ndarray] | None = None,
) -> Selection:
    """The photos that pass all filters, sorted: most confidently wrong (`surprise` of the table), highest confidence or
    smallest margin first, or by name.

    Args:
        verdicts: sample → verdict, of the judged photos.
        sets: (N,) bool for each of "tag" and "group" that is a filter: the photos that it lets through.
    """
    masks = _masks(table, filters, verdicts or {}, sets or {})
    missed = np.zeros(len(table), dtype=np.int8)
    for mask in masks.values():
        missed += ~mask
    hidden = {name: int(((missed == 1) & ~mask).sum()) for name, mask in masks.items()}
    rows = np.flatnonzero(missed == 0)
    if sort == "file name":
        keys = table["sample"].to_numpy()[rows]
    else:
        column = "surprise" if sort == "loss" else sort
        keys = table[column].to_numpy()[rows] * (1 if sort == "margin" else -1)
    return Selection(rows[np.argsort(keys, kind="stable")], hidden)


def _masks(
    table: pd.DataFrame, filters: Filters, verdicts: Mapping[str, str], sets: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """(N,) bool for each active filter: the photos that it lets through."""
    true, predicted = table["true"].to_numpy(), table["predicted"].to_numpy()
    masks: dict[str, np.ndarray] = {}
    for name in filters.active:
        if name == "show" and filters.show == "drawn":
            masks[name] = table["drawn"].to_numpy()
        elif name == "show":
            masks[name] = (true == predicted) == (filters.show == "correct")
        elif name == "true":
            masks[name] = true == filters.true
        elif name == "predicted":
            masks[name] = predicted == filters.predicted
        elif name == "confidence":
            confidence = table["confidence"].to_numpy()
            masks[name] = (confidence >= filters.low) & (confidence <= filters.high)
        elif name == "top3":
            masks[name] = (table["true_rank"].to_numpy() <= TOP) == filters.top3
        elif name in ("tag", "group"):
            masks[name] = sets[name]
        elif filters.verdict == UNJUDGED:
            masks[name] = ~table["sample"].isin(list(verdicts)).to_numpy()
        else:
            wanted = [sample for sample, verdict in verdicts.items() if verdict == filters.verdict]
            masks[name] = table["sample"].isin(wanted).to_numpy()
    return masks


def sorts_of(known: Known) -> tuple[Sort, ...]:
    """The orders that mean something, the default first."""
    meaningful: dict[Sort, bool] = {"loss": known.confidence, "confidence": known.confidence, "margin": known.margin}
    return tuple(sort for sort in SORTS if meaningful.get(sort, True))
