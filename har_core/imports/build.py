"""A table and what its columns are → checked predictions, and a run folder of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from har_core.errors import DataError
from har_core.imports import spreading
from har_core.imports.blanks import LeftOut, blank_words, told_rows
from har_core.imports.checking import (
    Unknown,
    compare_labels,
    known_rows,
    require_argmax,
    require_names,
    require_one_count,
    require_scores,
    required,
)
from har_core.imports.columns import Columns
from har_core.imports.equal_scores import tell_equal_scores
from har_core.imports.folder_truth import AGREES_NOTE, FOLDERS
from har_core.imports.labels import Labels, settle, union
from har_core.imports.names import below, folder_labels, unpadded
from har_core.imports.rows import Rows, without_copies
from har_core.imports.single_score import require_one_scale, single_kind, with_other_class
from har_core.imports.summaries import summaries_note
from har_core.imports.tables import HEAD_ROWS, MAX_ROWS, Table, numbers_of, shown, texts_of
from har_core.imports.text_numbers import SIGNED_NOTE
from har_core.imports.values import Faults, ScoreKind, kind_of, put_first, sums_to, to_probabilities, whole_of
from har_core.runs.class_names import check_class_names
from har_core.runs.manifest import Probabilities
from har_core.runs.predictions import Predictions

_MAX_VALUES = 10**9
_NOTES = {
    "logits": "logits were turned into probabilities by softmax",
    "percentages": "percentages were divided by 100",
}


@dataclass(frozen=True)
class Imported:
    """Checked predictions of N of a table's rows.

    `probabilities`: how much of them is known.  `kept`: (N,) int64, which rows these are, from 0, of `rows`.  `skipped`: the
    others, with the reason.  `left_out`: how many of these have no prediction or no true label.  `missing`: how many of
    those kept have no photo, None if nobody looked.  `notes`: what was understood in a
    way that one should know.  `own`: number of the classes that are not added for unknown labels.  `given`: whether the table or
    the caller told their order.
    """

    predictions: Predictions
    probabilities: Probabilities
    kept: np.ndarray
    rows: int
    skipped: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    missing: int | None = None
    notes: tuple[str, ...] = ()
    own: int = 0
    given: bool = True


def read_predictions(
    table: Table,
    columns: Columns,
    *,
    scores: ScoreKind | None = None,
    unknown: Unknown | None = None,
    folder: Path | None = None,
    whole: bool = True,
) -> Imported:
    """Read a table, a piece at a time.

    Args:
        scores: what the values are, if their content is not to tell.
        unknown: what becomes of rows whose true label is none of the classes; None: they are refused.
        folder: the photos, which the files' names are relative to (`media.layout.photo_folder`).
        whole: whether these are all rows (see `blanks.told_rows`).

    Raises:
        DataError, RunError: in one sentence, if the table cannot be the predictions of a run.
    """
    rows = _read(table, columns, scores)
    return assemble(
        rows, columns.classes, given=columns.given, scores=scores, unknown=unknown, folder=folder, whole=whole
    )


def _read(table: Table, columns: Columns, scores: ScoreKind | None) -> Rows:
    size = len(columns.classes) if columns.scores else 0
    kind, whole = scores, None
    signed = not table.percent.isdisjoint(columns.numbers)
    if signed and kind == "percentages":
        kind = "probabilities"  # once they are divided by 100, as the signs ask
    if size and kind is None:
        head = np.stack([numbers_of(table.head[name], table, name, 1) for name in columns.scores], axis=1)
        if not np.isnan(head).all():
            kind, whole = score_kind(head, columns, table.place), _whole(head, columns)
    rows = Rows(table.place, [], labels_of(table, columns.true), notes=[*table.notes])
    rows.predicted = labels_of(table, columns.predicted) if columns.predicted is not None else None
    faults, done = Faults(), 0
    pieces: list[np.ndarray] = []
    confidences: list[np.ndarray] = []
    tops: list[tuple[Labels, list[np.ndarray]]] = [(labels_of(table, label), []) for label, _ in columns.top]
    for chunk in table.read(columns.texts, columns.numbers):
        count = len(chunk[columns.file])
        if done + count > MAX_ROWS or (done + count) * max(size, 1) > _MAX_VALUES:
            raise DataError(
                f"expected at most {MAX_ROWS:,} rows and {_MAX_VALUES:,} scores in {table.place}, found more; split the table"
            )
        texts = {
            name: texts_of(chunk[name], guarded=table.guarded, names=name == columns.file) for name in columns.texts
        }
        numbers = {name: numbers_of(chunk[name], table, name, done + 1) for name in columns.numbers}
        files = texts[columns.file].to_pylist()
        rows.samples += files
        if columns.true is not None:
            rows.true.add(texts[columns.true])
        else:
            rows.true.add(folder_labels(files))
        if rows.predicted is not None and columns.predicted is not None:
            rows.predicted.add(texts[columns.predicted])
        if size:
            values = np.stack([numbers[name] for name in columns.scores], axis=1)
            if kind is None and not np.isnan(values).all():  # predictions begin below the first rows
                some = values[~np.isnan(values).all(axis=1)][:HEAD_ROWS]
                kind, whole = score_kind(some, columns, table.place), _whole(some, columns)
            if columns.single:
                if kind == "percentages" and scores is None:
                    require_one_scale(values[:, 0], files, table.place, done)
                values = with_other_class(values, kind or "probabilities")
            pieces.append(to_probabilities(values, kind or "probabilities", faults, done, whole=whole))
        if columns.confidence is not None:
            confidences.append(numbers[columns.confidence])
        for (label, value), (labels, parts) in zip(columns.top, tops, strict=True):
            labels.add(texts[label])
            parts.append(numbers[value])
        done += count
    if not done:
        raise DataError(f"expected rows in {table.place}, found none; export the predictions again")
    if table.guarded:
        rows.samples = unpadded(rows.samples)
    rows.scores = _stacked(pieces, size) if size else None
    rows.confidence = np.concatenate(confidences) if confidences else None
    rows.top = [(labels, np.concatenate(parts)) for labels, parts in tops]
    require_scores(faults, rows)
    rows.notes += summaries_note(table)
    if table.classes_from is not None and columns.classes == table.classes:
        rows.notes.append(f"class names are those of {table.classes_from}: {shown(', '.join(columns.classes), 200)}")
    if size and kind in _NOTES:
        rows.notes.append(_NOTES[kind])
    if signed:
        rows.notes.append(SIGNED_NOTE)
    if whole is not None:
        rows.notes.append(
            f"rows that sum to {whole:g}, as votes do, were divided by it: probabilities are shares of {whole:g}"
        )
    return rows


def _whole(values: np.ndarray, columns: Columns) -> float | None:
    """What rows of scores sum to, if it is neither 1, nor 100, nor of logits."""
    told = columns.single or score_kind(values, columns, "") != "probabilities"
    return None if told or sums_to(values, 1).mean() > 0.05 else whole_of(values)


def score_kind(values: np.ndarray, columns: Columns, place: str) -> ScoreKind:
    """Tell logits from probabilities and from percentages.

    Args:
        values: (M, K) float64, the first rows of the columns of scores.

    Raises:
        DataError: if that is not certain.
    """
    if columns.single:
        return single_kind(values, columns.scores[0])
    return kind_of(values, columns.scores, place)


def labels_of(table: Table, column: str | None) -> Labels:
    """An empty column of labels, None for the folders of the files, which knows what the type of its numbers says.

    Arrays hold places, as those of cleanlab do; text that is no CSV holds names.
    """
    if column is None:
        return Labels(FOLDERS, "names")
    kind = table.head[column].type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return Labels(column, "places" if table.form == "NPZ" else None)
    return Labels(column, None if table.guarded else "names")


def _stacked(pieces: list[np.ndarray], size: int) -> np.ndarray:
    """One array of all; each piece is freed when it is copied, so that they are not in memory twice."""
    whole = np.empty((sum(map(len, pieces)), size), dtype=np.float32)
    start = 0
    pieces.reverse()
    while pieces:
        piece = pieces.pop()
        whole[start : start + len(piece)] = piece
        start += len(piece)
    return whole


def assemble(
    rows: Rows,
    classes: Sequence[str],
    *,
    given: bool,
    scores: ScoreKind | None = None,
    unknown: Unknown | None = None,
    folder: Path | None = None,
    whole: bool = True,
) -> Imported:
    """Check what a table says, and complete the probabilities that it does not.

    Rows without a prediction or a true label are left out.

    Args:
        classes: in the order of the scores; empty: those that occur as labels.
        given: whether labels that are numbers are places in `classes`.

    Raises:
        DataError, RunError: in one sentence, if it cannot be the predictions of a run.
    """
    count = len(rows.samples)
    others = [*([rows.predicted] if rows.predicted is not None else []), *(labels for labels, _ in rows.top)]
    blank_words(rows.true, others, classes)
    rows, blank, left_out = told_rows(rows, skip=unknown == "skip", whole=whole)
    rows = without_copies(rows)
    columns = [
        rows.true,
        *([rows.predicted] if rows.predicted is not None else []),
        *(labels for labels, _ in rows.top),
    ]
    if not classes and len(columns) > 1:
        require_one_count(rows.true, columns[1], rows.place)
    names = tuple(classes) or union(columns)
    check_class_names(names)
    if len(names) < 2:
        raise DataError(
            f"expected two or more classes in {rows.place}, found {len(names)} ({', '.join(map(shown, names))}); name all with "
            "--classes FILE"
        )
    if given:
        settle(columns, names)
    true = rows.true.indices(names, given=given)[rows.true.codes]
    predicted = None
    if rows.predicted is not None:
        more = rows.scores is not None or bool(rows.top)
        predicted = required(rows.predicted, names, rows, given=given, empty=more)
    names_below = below(rows.samples, folder)
    require_names(names_below.names, rows)
    probabilities, level = spreading.probabilities_of(rows, predicted, names, scores=scores, given=given)
    tell_equal_scores(rows, predicted, names, whole=whole)
    answers = probabilities.argmax(axis=1) if predicted is None else predicted
    compare_labels(rows, true, answers, names, given=given, told=bool(classes))
    if rows.true.column == FOLDERS and whole and len(true) > 1 and (true == answers).all():
        rows.notes.append(AGREES_NOTE)
    own = len(names)
    kept, skipped, names, true = known_rows(rows, names, true, unknown, whole=whole)
    if len(names) > own:
        probabilities = np.pad(probabilities, ((0, 0), (0, len(names) - own)))
    if predicted is not None:
        if (unsaid := predicted < 0).any():
            predicted = np.where(unsaid, probabilities.argmax(axis=1), predicted)
            rows.notes.append(f"rows without a predicted label, which is that of their scores: {unsaid.sum():,}")
        require_argmax(probabilities, predicted, rows, names)
        put_first(probabilities, predicted)
    samples = np.array(names_below.names, dtype=object)
    if len(kept) < len(samples):
        samples, true, probabilities = samples[kept], true[kept], probabilities[kept]
    predictions = Predictions(names, samples, true, probabilities)
    notes = (*rows.notes, *names_below.notes)
    if rows.numbers is not None:
        kept = rows.numbers[kept]
    return Imported(
        predictions,
        level,
        kept,
        count,
        (*blank, *skipped),
        left_out,
        names_below.missing,
        notes,
        own,
        bool(classes),
    )
