"""Predictions → a table of examples, one row per photo, and its CSV."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from har_core.analysis.known import EVERYTHING, Known
from har_core.files import csv_bytes
from har_core.runs.predictions import PREDICTED, PROBABILITY, SAMPLE, TRUE, Predictions

DRAWN = 50
"""Photos that are drawn at random to be judged: errors and correct predictions as they come."""

_CHUNK = 50_000  # photos at a time: bounds the memory for a million photos of 100 classes


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
