"""Two classes with one column of scores, as `predict_proba(X)[:, 1]`, `decision_function` or one logit leave it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from har_core.errors import DataError
from har_core.imports import headers
from har_core.imports.tables import Table, numbers_of, shown, texts_of
from har_core.imports.values import TOLERANCE, ScoreKind, refuse_scales
from har_core.runs.class_names import class_key

_MARGINS = ("decisionfunction", "decision", "margin", "logit", "logits", "rawscore")
_NAMES = (*headers.CONFIDENCE, *headers.ARRAYS, *_MARGINS, "ypred", "pred", "prediction", "positive", "ppositive")
_OF_ANSWERS = (
    "maxprob", "maxprobability", "predictionconfidence", "predictionsconfidence", "predconf", "predictedconfidence", "top1prob",
    "top1score", "top1probability", "top1confidence", "certainty",
)  # fmt: skip
"""Names that say the confidence of the predicted label, whichever it is."""

_PAIRS = (("0", "1"), ("false", "true"), ("-1", "1"))
"""Labels of which the second is the one that a score speaks of, as in scikit-learn and Keras."""

_FEW = 0.1  # of the rows


def find_single(
    table: Table, numeric: Collection[str], labels: Sequence[str], order: Sequence[str] | None, predicted: str | None
) -> tuple[str, tuple[str, str]] | None:
    """(column, (the other class, the class whose score it is)); None if there is no such column, or which class is not certain.

    It is certain by the column's name, by predicted labels that follow from it, by labels 0 and 1, -1 and 1, or false and true, or by
    the classes in their order, of which it is the last.  Labels, and classes that the table brings, are not enough where no value is
    below one half, as confidences of the predicted labels have it.

    Args:
        numeric: the columns of numbers that are still free.
        labels: what the columns of labels hold in the first rows.
        predicted: the column of predicted labels, if there is one.

    Raises:
        DataError: if there are no predicted labels, and one column may be it, but nothing tells which of two classes it is of.
    """
    found, untold, high, answers = [], [], [], []
    for name in table.columns:
        if name not in numeric or (values := _values(table, name)) is None:
            continue
        if not _are_scores(values[np.isfinite(values)], name):
            continue
        own = _named(name, labels, order)
        if own is None and headers.plain(name) in _OF_ANSWERS:
            answers.append(name)
            continue
        classes = own or _of_order(name, labels, order) or _of_predictions(table, name, labels, predicted)
        untrusted = own is None and predicted is None and order is table.classes and not _is_positive(name)
        if classes is not None and untrusted and _is_high(table, name):
            high.append((name, classes))
        elif classes is not None and class_key(classes[0]) != class_key(classes[1]):
            found.append((name, classes))
        elif classes is None and headers.plain(name) in headers.CONFIDENCE:
            untold.append(name)
    if not found and predicted is None:
        _refuse_confidences(table, high, answers if len(labels) <= 2 else [])
    if not found and len(untold) == 1 and len(labels) == 2 and predicted is None and order is None:
        first, second = (shown(one) for one in sorted(labels))
        raise DataError(
            f"expected to be told which of the two classes the column {shown(untold[0])} of {table.place} is the score of, found the "
            f"labels {first} and {second}; pass --classes FILE with a line for each: {first}, then {second} if it is that of {second}, or "
            f"{second}, then {first} if it is that of {first}"
        )
    return found[0] if len(found) == 1 else None


def _refuse_confidences(table: Table, high: Sequence[tuple[str, tuple[str, str]]], answers: Sequence[str]) -> None:
    """Stop at the only column that is, or may be, the confidence of predicted labels that are not there."""
    if len(high) == 1 and not answers:
        column, (first, second) = high[0][0], map(shown, high[0][1])
        raise DataError(
            f"expected to be told which of the two classes the column {shown(column)} of {table.place} is the score of, found {second} as "
            f"the answer of every row if it is that of {second}, as a confidence of the answers would be; add the predicted label, name "
            f"its column with --predicted, or pass --classes FILE with a line for each, {first}, then {second}, if it is that of {second}"
        )
    if len(answers) == 1 and not high:
        raise DataError(
            f"expected the predicted label beside the column {shown(answers[0])} of {table.place}, which is called like its confidence, found "
            "none; add it, name its column with --predicted, or call the scores prob_CLASS if they are those of one class"
        )


def agrees(table: Table, column: str, predicted: str, classes: tuple[str, str], least: int = 1) -> bool:
    """Whether a column beside one of predicted labels is the probability of the second class, not of the predicted one.

    It is, if `least` values are below one half, and the predictions follow from all of them.
    """
    values = _values(table, column)
    if values is None or (kind := single_kind(values[:, None], column)) == "logits":
        return False
    if kind == "percentages":
        values = values / 100
    known = np.isfinite(values)
    labels = np.array([class_key(text) for text in texts_of(table.head[predicted], guarded=table.guarded).to_pylist()])
    said = labels[known] == class_key(classes[1])
    clear = np.abs(values[known] - 0.5) > TOLERANCE
    return bool((values[known] < 0.5 - TOLERANCE).sum() >= least and (said == (values[known] > 0.5))[clear].all())


def single_kind(values: np.ndarray, column: str) -> ScoreKind:
    """Tell the probabilities of one class from percentages and from logits.

    Args:
        values: (M, 1) float64, some of them not NaN.
    """
    known = values[np.isfinite(values)]
    if _is_margin(column) or not len(known) or known.min() < 0 or known.max() > 100:
        return "logits"
    return "probabilities" if known.max() <= 1 else "percentages"


def require_one_scale(values: np.ndarray, files: Sequence[str], place: str, done: int) -> None:
    """Stop where some of the percentages of one class are shares of 1.

    They are, if all are one half or more of their scale, as confidences are, or if the others alone are whole numbers and neither are
    few: a small percentage may have a decimal that the large ones lack.

    Args:
        values: (M,) float64, NaN where there is none.
        done: the number of rows before these.

    Raises:
        DataError: naming the first row of each.
    """
    small, large = (values > 0) & (values <= 1), values > 1
    shares, percentages = values[small], values[large]
    if not len(shares) or not len(percentages):
        return
    few = min(len(shares), len(percentages)) < max(2, _FEW * np.isfinite(values).sum())
    differ = (shares % 1).any() and not (percentages % 1).any()
    if (differ and not few) or (np.nanmin(values) >= 0.5 and percentages.min() >= 50):
        rows = sorted(int(np.flatnonzero(one)[0]) for one in (small, large))
        one, other = (f"{values[row]:g} in row {done + row + 1:,} ({shown(files[row])})" for row in rows)
        refuse_scales(f"scores in {place}", one, other)


def with_other_class(values: np.ndarray, kind: ScoreKind) -> np.ndarray:
    """(B, 1) float64 scores of the second of two classes → (B, 2) of both; the logit of the first is 0."""
    if kind == "logits":
        return np.concatenate([np.where(np.isnan(values), np.nan, 0), values], axis=1)
    return np.concatenate([(100 if kind == "percentages" else 1) - values, values], axis=1)


def _are_scores(values: np.ndarray, column: str) -> bool:
    """Whether values can be nothing but scores: no labels, counts or ratings.

    Args:
        values: (M,) float64, finite.
    """
    if not len(values) or not ((values % 1).any() or (len(np.unique(values)) > 2 and headers.plain(column) in _NAMES)):
        return False
    is_rating = values.min() >= 0 and 1 < values.max() <= 50
    return not is_rating or _is_margin(column)


def _is_high(table: Table, column: str) -> bool:
    """Whether no value of a whole column is below one half of its scale: if it is of one class, that is the answer of all rows."""
    kind = single_kind(numbers_of(table.head[column], table, column, 1)[:, None], column)
    half = {"logits": 0.0, "percentages": 50.0, "probabilities": 0.5}[kind]
    slack, done = TOLERANCE * 2 * half, 0
    for chunk in table.read((), (column,)):
        if (numbers_of(chunk[column], table, column, done + 1) < half - slack).any():
            return False
        done += len(chunk[column])
    return True


def _is_positive(column: str) -> bool:
    """Whether a column is called like a score of the second class."""
    prefix = headers.prefixed(column)
    names = ("1", "positive", "pos")
    return headers.plain(column) in ("positive", "ppositive") or (
        prefix is not None and headers.plain(prefix.name) in names
    )


def _is_margin(column: str) -> bool:
    return headers.says_logits(column) or headers.plain(column) in _MARGINS


def _named(column: str, labels: Sequence[str], order: Sequence[str] | None) -> tuple[str, str] | None:
    """The classes, if the column is called like one of two."""
    keys = set(map(class_key, headers.classes_in(column)))
    names = list(order) if order is not None else list(dict.fromkeys(labels))
    own = [name for name in names if class_key(name) in keys]
    others = [name for name in names if name not in own]
    return (others[0], own[0]) if len(own) == len(others) == 1 else None


def _of_predictions(table: Table, column: str, labels: Sequence[str], predicted: str | None) -> tuple[str, str] | None:
    """The classes, if a column is called like a score and the predicted labels follow from it with one of two classes as the second."""
    if predicted is None or len(labels) != 2 or headers.plain(column) not in _NAMES:
        return None
    pairs = ((labels[0], labels[1]), (labels[1], labels[0]))
    return next((pair for pair in pairs if agrees(table, column, predicted, pair, least=2)), None)


def _of_order(column: str, labels: Sequence[str], order: Sequence[str] | None) -> tuple[str, str] | None:
    """The classes, if a column is called like a score of some class, and which is the second is known."""
    if headers.plain(column) not in _NAMES and not _is_positive(column):
        return None
    if order is not None:
        return (order[0], order[1]) if len(order) == 2 else None
    for pair in _PAIRS:
        own = {label.casefold(): label for label in labels}
        if own and set(own) <= set(pair):
            return own.get(pair[0], pair[0]), own.get(pair[1], pair[1])
    return None


def _values(table: Table, name: str) -> np.ndarray | None:
    try:
        return numbers_of(table.head[name], table, name, 1)
    except DataError:
        return None
