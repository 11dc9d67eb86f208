"""Predictions table → one row of measures a photo; filters, order, likeness.  Pure functions; no torch, no Streamlit."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from har_core.predictions import Predictions

Show = Literal["errors", "right", "all"]
Sort = Literal["loss", "confidence", "margin", "file name"]
SHOWS: tuple[Show, ...] = get_args(Show)
SORTS: tuple[Sort, ...] = get_args(Sort)
UNJUDGED = "none yet"

_CHUNK = 50_000  # photos a step: bounds the temporaries for a million photos of 100 classes


def photo_table(predictions: Predictions) -> pd.DataFrame:
    """One row a photo, in the order of `predictions`.

    `sample`; `true`, `predicted` and `second` (class indices); `confidence`, the probability of the predicted class;
    `own`, that of the true class; `margin`, how far `predicted` is ahead of `second`, all in [0, 1]; `loss` in nats,
    higher is worse; `rank` of the true class, 1 if it is the predicted one (ties count against it).
    """
    count = len(predictions)
    kinds = {"true": np.int16, "predicted": np.int16, "second": np.int16, "rank": np.int16}
    kinds |= dict.fromkeys(("confidence", "own", "margin", "loss"), np.float32)  # type: ignore[arg-type]
    columns = {name: np.empty(count, kind) for name, kind in kinds.items()}
    columns["true"][:] = predictions.true
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        chances = predictions.probabilities[part]
        rows = np.arange(len(chances))
        first = chances.argmax(axis=1)
        own = chances[rows, predictions.true[part]]
        columns["predicted"][part], columns["own"][part] = first, own
        columns["confidence"][part] = chances[rows, first]
        columns["rank"][part] = (chances >= own[:, None]).sum(axis=1)
        others = chances.copy()
        others[rows, first] = -1
        second = others.argmax(axis=1)
        columns["second"][part] = second
        columns["margin"][part] = chances[rows, first] - others[rows, second]
    columns["rank"][columns["true"] == columns["predicted"]] = 1
    columns["loss"][:] = -np.log(np.maximum(columns["own"], np.finfo(np.float32).eps))
    return pd.DataFrame({"sample": predictions.samples, **columns})


@dataclass(frozen=True)
class Filters:
    """Which photos are wanted; None and the full range leave everything in.

    `verdict` is one of `verdicts.VERDICTS`, or `UNJUDGED` for photos without one.
    """

    show: Show = "errors"
    true: int | None = None
    predicted: int | None = None
    low: float = 0.0
    high: float = 1.0
    top3: bool | None = None
    verdict: str | None = None

    @property
    def active(self) -> list[str]:
        """The filters that leave something out, of show, true, predicted, top3, verdict and confidence."""
        names = ["show"] if self.show != "all" else []
        names += [name for name in ("true", "predicted", "top3", "verdict") if getattr(self, name) is not None]
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
    table: pd.DataFrame, filters: Filters, *, sort: Sort = "loss", verdicts: Mapping[str, str] | None = None
) -> Selection:
    """The photos that pass all filters, sorted: highest loss, highest confidence or smallest margin first, or by name.

    Args:
        verdicts: sample → verdict, of the judged photos.
    """
    masks = _masks(table, filters, verdicts or {})
    missed = np.zeros(len(table), dtype=np.int8)
    for mask in masks.values():
        missed += ~mask
    hidden = {name: int(((missed == 1) & ~mask).sum()) for name, mask in masks.items()}
    rows = np.flatnonzero(missed == 0)
    if sort == "file name":
        keys = table["sample"].to_numpy()[rows]
    else:
        keys = table[sort].to_numpy()[rows] * (1 if sort == "margin" else -1)
    return Selection(rows[np.argsort(keys, kind="stable")], hidden)


def _masks(table: pd.DataFrame, filters: Filters, verdicts: Mapping[str, str]) -> dict[str, np.ndarray]:
    """(N,) bool for each active filter: the photos that it lets through."""
    true, predicted = table["true"].to_numpy(), table["predicted"].to_numpy()
    masks: dict[str, np.ndarray] = {}
    for name in filters.active:
        if name == "show":
            masks[name] = (true == predicted) == (filters.show == "right")
        elif name == "true":
            masks[name] = true == filters.true
        elif name == "predicted":
            masks[name] = predicted == filters.predicted
        elif name == "confidence":
            confidence = table["confidence"].to_numpy()
            masks[name] = (confidence >= filters.low) & (confidence <= filters.high)
        elif name == "top3":
            masks[name] = (table["rank"].to_numpy() <= 3) == filters.top3
        elif filters.verdict == UNJUDGED:
            masks[name] = ~table["sample"].isin(list(verdicts)).to_numpy()
        else:
            wanted = [sample for sample, verdict in verdicts.items() if verdict == filters.verdict]
            masks[name] = table["sample"].isin(wanted).to_numpy()
    return masks


def similar(embeddings: np.ndarray, row: int, *, count: int = 5) -> list[tuple[int, float]]:
    """The rows whose embeddings point most nearly in the same direction, with their cosine in [-1, 1], nearest first.

    Args:
        embeddings: (N, D), of any float type; may be memory-mapped.
    """
    own = np.asarray(embeddings[row], dtype=np.float32)
    cosines = np.empty(len(embeddings), dtype=np.float32)
    for start in range(0, len(embeddings), _CHUNK // 10):
        part = np.asarray(embeddings[start : start + _CHUNK // 10], dtype=np.float32)
        lengths = np.linalg.norm(part, axis=1) * np.linalg.norm(own)
        cosines[start : start + len(part)] = part @ own / np.maximum(lengths, 1e-12)
    cosines[row] = -np.inf
    nearest = np.argsort(-cosines, kind="stable")[: min(count, len(embeddings) - 1)]
    return [(int(index), float(cosines[index])) for index in nearest]


def as_csv(predictions: Predictions, rows: np.ndarray, verdicts: Mapping[str, tuple[str, str]]) -> bytes:
    """The chosen photos with true and predicted class, every probability, and verdict and note (UTF-8).

    Args:
        verdicts: sample → (verdict, note).
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["sample", "true", "predicted", *predictions.classes, "verdict", "note"])
    writer.writerows(_csv_rows(predictions, rows, verdicts))
    return buffer.getvalue().encode()


def _csv_rows(
    predictions: Predictions, rows: np.ndarray, verdicts: Mapping[str, tuple[str, str]]
) -> Iterable[list[object]]:
    predicted = predictions.probabilities[rows].argmax(axis=1)
    for row, winner in zip(rows, predicted, strict=True):
        sample = predictions.samples[row]
        chances = [f"{value:.6g}" for value in predictions.probabilities[row]]
        true = predictions.classes[predictions.true[row]]
        yield [sample, true, predictions.classes[winner], *chances, *verdicts.get(sample, ("", ""))]
