"""The rules that the rows of a table must keep: every row of it, or the first that does not is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from har_core.errors import DataError
from har_core.files import and_more
from har_core.imports.blanks import NoRows
from har_core.imports.labels import Labels, is_number
from har_core.imports.names import folder_labels
from har_core.imports.rows import Rows
from har_core.imports.tables import MAX_TEXT, shown
from har_core.imports.values import Faults
from har_core.runs.class_names import check_class_names, class_key
from har_core.runs.predictions import is_name

_LOOKED_AT = 1000  # rows whose folders are compared

Unknown = Literal["skip", "error"]
"""What becomes of a photo whose true label is none of the classes: it is skipped, or counts as an error."""

_FAULTS = {
    "finite": (
        "a number in every column of scores",
        "found {} in row {} ({}){}; export the predictions again",
    ),
    "negative": (
        "probabilities of 0 or more",
        "found {} in row {} ({}){}; pass --scores logits if they are logits",
    ),
    "sum": (
        "probabilities that sum to 1",
        "found {} in row {} ({}){}; export those of all classes, or pass --scores logits if they are logits",
    ),
}


def require_scores(faults: Faults, rows: Rows) -> None:
    """Stop if there are faults, and note what was rounded.

    Raises:
        DataError: naming the first row of the gravest kind.
    """
    for kind, (expected, found) in _FAULTS.items():
        if kind in faults.first:
            row, value = faults.first[kind]
            said = found.format(value, f"{row + 1:,}", shown(rows.samples[row]), and_more(faults.count[kind] - 1))
            raise DataError(f"expected {expected} of {rows.place}, {said}")
    if count := faults.count.get("rounded"):
        rows.notes.append(f"rows whose rounded values are divided by their sum: {count:,}")


def required(labels: Labels, classes: Sequence[str], rows: Rows, *, given: bool, empty: bool = False) -> np.ndarray:
    """(N,) int64 class indices of a column in which every label must be a class.

    Raises:
        DataError: naming the first that is none.
    """
    found = labels.indices(classes, given=given)[labels.codes]
    texts = list(labels.names)
    bad = found < 0
    if empty and "" in labels.names:
        bad &= labels.codes != labels.names[""]
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"expected one of the {len(classes)} classes in the column {shown(labels.column)} of {rows.place}, found "
            f"{shown(texts[labels.codes[row]])!r} in row {rows.number(row)} ({shown(rows.samples[row])}){and_more(bad.sum() - 1)}; "
            f"{_range(classes, texts[labels.codes[row]], labels)}"
        )
    return np.asarray(found)


def _range(classes: Sequence[str], text: str, labels: Labels) -> str:
    if text.isdecimal() and labels.reading is None and not any(map(is_number, classes)):
        return "pass --classes FILE with the names of the classes, in the order that the numbers mean"
    if text.isdecimal() and labels.reading != "places" and any(map(is_number, classes)):
        return "numbers are names here, as some of the classes are: check --classes"
    if text.isdecimal():
        return f"numbers count from 0 to {len(classes) - 1}: check --classes"
    return "mend the label, or check --classes"


def require_one_count(true: Labels, predicted: Labels, place: str) -> None:
    """Stop where one column counts the classes from 0 and the other from 1: as they are written, they would be classes of their own.

    That is taken to be so if nearly nothing agrees as it is written, and much more once one of them is shifted.

    Raises:
        DataError: then.
    """
    columns = [true, predicted]
    numbers = [one.all_numbers() for one in columns]
    ours, theirs = (set(one.values()) for one in numbers)
    if min(len(ours), len(theirs)) < 2 or {min(ours), min(theirs)} != {0, 1}:
        return
    step = min(ours) - min(theirs)
    if (max(ours) - max(theirs)) * step < 1:
        return
    a, b = (
        np.array([of.get(name, np.nan) for name in one.names])[one.codes]
        for of, one in zip(numbers, columns, strict=True)
    )
    agree, shifted = float((a == b).mean()), float((a == b + step).mean())
    if agree < 1 / len(ours) < shifted and shifted > 2 * agree:
        from_one, from_zero = columns if step > 0 else columns[::-1]
        raise DataError(
            f"expected true and predicted labels that count the classes alike in {place}, found those in the column "
            f"{shown(from_one.column)} from 1 and those in {shown(from_zero.column)} from 0, of which {agree:.0%} agree as they are written and "
            f"{shifted:.0%} if they are shifted by one; subtract 1 in {shown(from_one.column)}, or pass --classes FILE with the numbers "
            "themselves, one a line, if they are to be read as they are written"
        )


def compare_labels(
    rows: Rows, true: np.ndarray, answers: np.ndarray, names: Sequence[str], *, given: bool, told: bool
) -> None:
    """Note what speaks against labels as they are read; numbers from 1 that are read as places from 0 are refused.

    Args:
        true, answers: (N,) places in `names`, -1 for none.
        given: whether labels that are numbers are places in `names`.
        told: whether `names` are more than the labels that occur.

    Raises:
        DataError: then.
    """
    if not (given and all(map(is_number, names))):  # else the caller has said that the numbers are names
        _require_places_from_zero(rows.true, true, answers, len(names), rows)
        if rows.predicted is not None:
            _require_places_from_zero(rows.predicted, answers, true, len(names), rows)
    if rows.true.reading == "places" and rows.scores is None and min(true.min(), answers.min()) > 0:
        rows.notes.append(
            f"labels are places from 0, and 0 ({names[0]}) never occurs: if they count from 1, subtract 1"
        )
    _tell_other_folders(true, names, rows)
    if not told:
        _tell_lone_classes(true, answers, names, rows)


def _require_places_from_zero(labels: Labels, places: np.ndarray, others: np.ndarray, size: int, rows: Rows) -> None:
    """Stop where labels are numbers from 1 and are read as places from 0, as the other answers to the same photos tell.

    Args:
        places: (N,) the classes of `labels` as they are read, -1 for none.
        others: (N,) those that they should agree with: the predicted of true labels, and the reverse.
        size: K.

    Raises:
        DataError: if hardly any agree, and many do once they are shifted.
    """
    numbers = set(labels.all_numbers().values())
    if len(numbers) < 2 or min(numbers) != 1:
        return
    known = (places >= 0) & (others >= 0)
    if not known.any():
        return
    agree, shifted = (float((places[known] - step == others[known]).mean()) for step in (0, 1))
    if agree < 1 / size and shifted > max(1.5 / size, 2 * agree):
        raise DataError(
            f"expected labels from 0 in the column {shown(labels.column)} of {rows.place}, found those from 1, of which {agree:.0%} agree "
            f"with the answers as they are and {shifted:.0%} if 1 is subtracted; subtract 1"
        )


def _tell_lone_classes(true: np.ndarray, predicted: np.ndarray, names: Sequence[str], rows: Rows) -> None:
    """Note what is only a true or only a predicted label: rows that are no photos, and labels that are spelled otherwise, are such."""
    for what, ours, theirs in (("predicted", predicted, true), ("true", true, predicted)):
        if len(only := np.setdiff1d(ours[ours >= 0], theirs)):
            some = ", ".join(shown(names[place]) for place in only[:3]) + and_more(len(only) - 3)
            rows.notes.append(f"classes that are only {what}: {len(only):,} ({some})")


def _tell_other_folders(true: np.ndarray, names: Sequence[str], rows: Rows) -> None:
    """Note if the files' folders are called like classes, and mostly other ones than the true labels say."""
    by_key = {class_key(name): place for place, name in enumerate(names)}
    folders = np.array(
        [
            by_key.get(class_key(name), -1) if name else -1
            for name in folder_labels(rows.samples[:_LOOKED_AT]).to_pylist()
        ]
    )
    known = (folders >= 0) & (true[:_LOOKED_AT] >= 0)
    if known.mean() > 0.9 and (agree := (folders == true[:_LOOKED_AT])[known].mean()) < 0.5:
        rows.notes.append(
            f"folders of files that are called as their true label: {agree:.0%}; the order of the rows may have been lost"
        )


def known_rows(
    rows: Rows, names: tuple[str, ...], true: np.ndarray, unknown: Unknown | None, *, whole: bool
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...], np.ndarray]:
    """(rows to keep, those skipped, the classes, true classes), after what `unknown` says of labels that are no class.

    Args:
        true: (N,) class indices, -1 where the label is none of `names`; each row has one.
        whole: whether these are all rows of the table.

    Raises:
        NoRows: if no label is a class.
        DataError: naming the first that is none, if it is neither skipped nor counted.
    """
    bad = true < 0
    texts = list(rows.true.names)
    if not bad.any():
        return np.arange(len(true)), (), names, true
    codes = rows.true.codes
    first = int(np.flatnonzero(bad)[0])
    label = texts[codes[first]]
    if bad.all() and (
        whole or unknown != "error"
    ):  # whatever is to become of some: these are other classes, or another column
        remedy = _range(names, label, rows.true) if label.isdecimal() else "check --true and --classes"
        raise NoRows(
            f"expected true labels of the classes {shown(', '.join(names), 100)} in {rows.place}, found none ({shown(label)!r} in the "
            f"first row); {remedy}"
        )
    if unknown is None:
        remedy = (
            _range(names, label, rows.true)
            if label.isdecimal()
            else "pass --unknown skip to leave such rows out, or --unknown error to count each as an error"
        )
        raise DataError(
            f"expected one of the {len(names)} classes as true label in {rows.place}, found {shown(label)!r} in row "
            f"{rows.number(first)} ({shown(rows.samples[first])}){and_more(bad.sum() - 1)}; {remedy}"
        )
    if unknown == "error":
        more = tuple(texts[code] for code in np.unique(codes[bad]))
        check_class_names([*names, *more])
        place = {code: len(names) + number for number, code in enumerate(np.unique(codes[bad]))}
        true = true.copy()
        true[bad] = [place[code] for code in codes[bad]]
        return np.arange(len(true)), (), (*names, *more), true
    kept = np.flatnonzero(~bad)
    skipped = tuple(
        f"{rows.samples[row][:200]}: the label {shown(texts[codes[row]])!r} is none of the classes"
        for row in np.flatnonzero(bad)
    )
    return kept, skipped, names, true


def require_names(names: list[str], rows: Rows) -> None:
    """Stop unless every photo has a name of its own.

    Raises:
        DataError: naming the first row that has none, or one that was there before.
    """
    for row, name in enumerate(names):
        if len(name) > MAX_TEXT or not is_name(name):
            what = "no name" if not name else "more than 4,096 characters" if len(name) > MAX_TEXT else shown(name)
            raise DataError(
                f"expected a file name in UTF-8 in row {rows.number(row)} of {rows.place}, found {what}; mend it"
            )
    repeated = pd.Series(names, dtype=object).duplicated().to_numpy()
    if repeated.any():
        row = int(np.flatnonzero(repeated)[0])
        raise DataError(
            f"expected every photo once in {rows.place}, found {shown(names[row])} a second time in row {rows.number(row)}"
            f"{and_more(repeated.sum() - 1)}; keep one row of each"
        )


def require_argmax(probabilities: np.ndarray, predicted: np.ndarray, rows: Rows, names: Sequence[str]) -> None:
    """Stop where another class is more probable than the predicted one; equals are no difference.

    Raises:
        DataError: naming the first such row.
    """
    own = probabilities[np.arange(len(predicted)), predicted]
    highest = probabilities.max(axis=1)
    other = own < highest - 1e-6
    if other.any():
        row = int(np.flatnonzero(other)[0])
        best = names[int(probabilities[row].argmax())]
        raise DataError(
            f"expected the predicted label of {rows.place} to be the most probable class, found {shown(names[predicted[row]])} "
            f"({own[row]:.4f}) instead of {shown(best)} ({highest[row]:.4f}) in row {rows.number(row)} ({shown(rows.samples[row])})"
            f"{and_more(other.sum() - 1)}; check --predicted and the order of --classes"
        )
