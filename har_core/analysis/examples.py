"""Predictions → a table of examples, one row per photo; its filters and order, nearest neighbors, and CSV."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.metrics.pairwise import cosine_similarity

from har_core.analysis.known import EVERYTHING, Known
from har_core.files import csv_bytes
from har_core.runs.predictions import PREDICTED, PROBABILITY, SAMPLE, TRUE, Predictions

Show = Literal["errors", "correct", "drawn", "all"]
Sort = Literal["loss", "confidence", "margin", "file name"]
SHOWS: tuple[Show, ...] = get_args(Show)
SORTS: tuple[Sort, ...] = get_args(Sort)
TOP = 3
"""Of the filter `top3`."""
UNJUDGED = "none yet"
"""Stands for a verdict: the photos without one."""

DRAWN = 50
"""Photos that are drawn at random to be judged: errors and correct predictions as they come."""

_CHUNK = 50_000  # photos at a time: bounds the memory for a million photos of 100 classes
_EMBEDDINGS_CHUNK = 5_000  # rows at a time: 40 MB of float32 for 2,048 features


def example_table(predictions: Predictions, known: Known = EVERYTHING) -> pd.DataFrame:
    """One row per photo, in the order of `predictions`.

    `sample`; `true`, `predicted` and `second` (class indices); in [0, 1]: `confidence`, the probability of the predicted
    class, `true_probability`, that of the true class, and `margin`, how far `predicted` is ahead of `second`; `loss` in
    nats, higher is worse; `true_rank` of the true class, 1 if it is the predicted one (ties count
    against it).  `surprise`: the order of the most confidently wrong, higher is worse: the loss, or, where that is not
    known of every photo, the confidence of errors (1 where that is not known either) and minus that of correct predictions.
    `drawn`: whether it is one of `DRAWN` photos drawn at random, always the same ones.

    What is not `known` is NaN; `second` is then -1, and `true_rank` K.
    """
    count = len(predictions)
    columns: dict[str, np.ndarray] = {name: np.empty(count, np.int16) for name in ("true", "predicted", "second")}
    columns |= {name: np.empty(count, np.float32) for name in ("confidence", "true_probability", "margin", "loss")}
    columns["true_rank"] = np.empty(count, np.int16)
    columns["true"][:] = predictions.true
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        probabilities = predictions.probabilities[part]
        rows = np.arange(len(probabilities))
        first = probabilities.argmax(axis=1)
        true_probability = probabilities[rows, predictions.true[part]]
        columns["predicted"][part], columns["true_probability"][part] = first, true_probability
        columns["confidence"][part] = probabilities[rows, first]
        columns["true_rank"][part] = (probabilities >= true_probability[:, None]).sum(axis=1)
        others = probabilities.copy()
        others[rows, first] = -1
        second = others.argmax(axis=1)
        columns["second"][part] = second
        columns["margin"][part] = probabilities[rows, first] - others[rows, second]
        if not known.every_class:
            _forget(columns, part, known, known.mask(probabilities))
    columns["true_rank"][columns["true"] == columns["predicted"]] = 1
    columns["loss"][:] = -np.log(np.maximum(columns["true_probability"], np.finfo(np.float32).eps))
    columns["surprise"] = columns["loss"] if known.every_class else _signed_confidence(columns)
    columns["drawn"] = np.zeros(count, dtype=bool)
    columns["drawn"][np.random.default_rng(0).permutation(count)[:DRAWN]] = True
    return pd.DataFrame({"sample": predictions.samples, **columns})


def _forget(columns: dict[str, np.ndarray], part: slice, known: Known, mask: np.ndarray) -> None:
    """Take what was filled in out of some rows.

    Args:
        mask: of these rows, of `Known.mask`.
    """
    rows, (true, first, second) = np.arange(len(mask)), (columns[n][part] for n in ("true", "predicted", "second"))
    two = mask[rows, first] & mask[rows, second]
    columns["margin"][part][~two] = np.nan
    columns["confidence"][part][~mask[rows, first]] = np.nan
    columns["true_probability"][part][~mask[rows, true]] = np.nan
    columns["true_rank"][part][~mask[rows, true]] = mask.shape[1]
    if known.ranks < mask.shape[1]:
        second[~two] = -1


def _signed_confidence(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """(N,) float32: the confidence of errors, and minus that of correct predictions."""
    wrong, confidence = columns["true"] != columns["predicted"], columns["confidence"]
    return np.where(np.isnan(confidence), wrong, np.where(wrong, confidence, -confidence)).astype(np.float32)


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


def nearest_neighbors(embeddings: np.ndarray, row: int, *, count: int = 5) -> list[tuple[int, float]]:
    """`nearest_to` of one of the embeddings among the others."""
    return nearest_to(embeddings[row], embeddings, count=count, leave_out=row)


def nearest_to(
    query: np.ndarray, embeddings: np.ndarray, *, count: int = 5, leave_out: int | None = None
) -> list[tuple[int, float]]:
    """The rows of the most similar embeddings, nearest first, with their cosine similarity in [-1, 1].

    Args:
        query: (D,).
        embeddings: (N, D), of any float type; may be memory-mapped.
        leave_out: a row that does not count.
    """
    query = np.asarray(query, dtype=np.float32)[None]
    similarities = np.empty(len(embeddings), dtype=np.float32)
    # A row that is not finite comes last; it is no reason to fail.
    with config_context(assume_finite=True), np.errstate(invalid="ignore"):
        for start in range(0, len(embeddings), _EMBEDDINGS_CHUNK):
            part = np.asarray(embeddings[start : start + _EMBEDDINGS_CHUNK], dtype=np.float32)
            similarities[start : start + len(part)] = cosine_similarity(query, part)[0]
    nearest = np.argsort(-similarities, kind="stable")
    nearest = nearest[nearest != leave_out][:count] if leave_out is not None else nearest[:count]
    return [(int(index), float(similarities[index])) for index in nearest]


def to_csv(
    predictions: Predictions,
    rows: np.ndarray,
    verdicts: Mapping[str, tuple[str, str, str]],
    *,
    known: Known = EVERYTHING,
) -> bytes:
    """The chosen photos with true and predicted class, every known probability, verdict, note and right label (UTF-8).

    Args:
        verdicts: sample → (verdict, note, right label), of `runs.verdicts`.
    """
    probabilities = [PROBABILITY + name for name in predictions.classes]
    header = [SAMPLE, TRUE, PREDICTED, *probabilities, "verdict", "note", "right_label"]
    return csv_bytes(itertools.chain([header], _csv_rows(predictions, rows, verdicts, known)))


def _csv_rows(
    predictions: Predictions, rows: np.ndarray, verdicts: Mapping[str, tuple[str, str, str]], known: Known
) -> Iterable[list[object]]:
    chosen = predictions.probabilities[rows]
    for row, first, mask in zip(rows, chosen.argmax(axis=1), known.mask(chosen), strict=True):
        sample = predictions.samples[row]
        pairs = zip(predictions.probabilities[row].tolist(), mask.tolist(), strict=True)
        probabilities = [f"{value:.6g}" if is_known else "" for value, is_known in pairs]
        true = predictions.classes[predictions.true[row]]
        yield [sample, true, predictions.classes[first], *probabilities, *verdicts.get(sample, ("", "", ""))]
