"""Whether a column called `label` is the true label or a model's answer, where the folders of the files are the classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from har_core.errors import DataError
from har_core.imports import headers
from har_core.imports.contents import folders_fit, values_of
from har_core.imports.names import folder_labels
from har_core.imports.tables import Table, numbers_of, shown, texts_of
from har_core.imports.values import TOLERANCE
from har_core.runs.class_names import class_key

FOLDERS: Final = "the folders of the files"
"""What the column of true labels is called, where the folders are."""

AGREES_NOTE: Final = f"{FOLDERS} are the true labels, and every answer agrees: if the photos were sorted by the answers, this says nothing"


def is_answer(
    table: Table, file: str, label: str, answers: Sequence[str], confidence: str | None, order: Sequence[str] | None
) -> bool:
    """Whether a label that is called like either is the model's answer, and the folder the truth.

    It is, if some files lie in the folder of another class, and the label is what the answers say in every row, or no share of
    the confidence is less than a most probable class has.

    Args:
        answers: of each of the first rows, its most probable or predicted class; empty if there are none.
        confidence: the only column of confidences, of a table without answers.

    Raises:
        DataError: if a column of confidences may be of the label or of the second of two classes, and no folder tells.
    """
    if headers.plain(label) not in headers.EITHER:
        return False
    labels = _texts(table, label)
    names = values_of(table, [label])
    folders = (
        folder_labels(_texts(table, file)).to_pylist() if folders_fit(table, file, {*names, *(order or ())}) else labels
    )
    differs = any(class_key(one) != class_key(other) for one, other in zip(labels, folders, strict=True) if one)
    if answers:
        return differs and _keys(labels) == _keys(answers)
    if confidence is None or not _may_be_highest(table, confidence, max(len(set(_keys([*names, *folders]))), 2)):
        return False
    if not differs and order is not None and len(order) == 2 and len(names) > 1:
        raise DataError(
            f"expected to be told whether {shown(label)} in {table.place} is the true label, found {shown(confidence)} beside it, which may "
            f"be of it, or of {shown(order[1])}; call the column predicted if it is the model's answer, else true"
        )
    return differs


def answers_of(table: Table, column: str | None, scores: Sequence[str], names: Sequence[str]) -> list[str]:
    """What a column of answers says in each of the first rows, or else the class of the largest score; empty where one is missing."""
    if column is not None:
        return _texts(table, column)
    if len(scores) < 2:
        return []
    values = np.stack([numbers_of(table.head[name], table, name, 1) for name in scores], axis=1)
    known = np.isfinite(values).all(axis=1)
    highest = np.nan_to_num(values).argmax(axis=1)
    return [names[place] if there else "" for place, there in zip(highest, known, strict=True)]


def _may_be_highest(table: Table, column: str, size: int) -> bool:
    try:
        values = numbers_of(table.head[column], table, column, 1)
    except DataError:
        return False
    values = values[np.isfinite(values)]
    if not len(values):
        return False
    values = values / 100 if values.max() > 1 + TOLERANCE else values
    return bool(values.min() >= 1 / size - TOLERANCE and values.max() <= 1 + TOLERANCE)


def _keys(names: Iterable[str]) -> list[str]:
    return [class_key(name) for name in names]


def _texts(table: Table, column: str) -> list[str]:
    texts: list[str] = texts_of(table.head[column], guarded=table.guarded).to_pylist()
    return texts
