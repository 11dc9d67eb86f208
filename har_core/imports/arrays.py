"""Arrays of a notebook → a run folder."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from har_core.errors import DataError
from har_core.files import printable
from har_core.imports.build import assemble
from har_core.imports.checking import require_scores
from har_core.imports.labels import Labels, Reading, label_text
from har_core.imports.rows import Rows
from har_core.imports.storing import write_import
from har_core.imports.tables import MAX_ROWS, shown, texts_of
from har_core.imports.values import Faults, ScoreKind, to_probabilities
from har_core.runs.run import Run

_PLACE = "the arrays"
_STEP = 2**14


def from_arrays(
    true: Any,
    *,
    out: str | Path,
    probabilities: Any = None,
    logits: Any = None,
    predicted: Any = None,
    confidence: Any = None,
    classes: Sequence[str] | Mapping[Any, str] | None = None,
    samples: Sequence[str] | None = None,
    embeddings: Any = None,
    maps: Any = None,
    title: str | None = None,
) -> Run:
    """Make a run of predictions that are arrays: then all of the error analysis works on them, and the app shows it.

    Arrays, lists, pandas Series and DataFrames are taken.  Rows without a prediction or a true label (None, NaN, pandas.NA; scores
    that are all NaN) are left out, with a warning; the run's manifest names them.

    >>> import har_core
    >>> true = ["cat", "dog", "dog"]
    >>> probabilities = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]  # as scikit-learn's predict_proba
    >>> run = har_core.from_arrays(true, probabilities=probabilities, classes=["cat", "dog"], out="runs/mine")
    >>> har_core.summarize(run.confusion_matrix()).correct
    2

    Args:
        true: (N,) names of classes, or places in `classes` from 0.  Numbers are places; names only where the names in `classes` are
            numbers themselves, not texts.
        out: the run's folder, which is created.
        probabilities: (N, K) from 0 to 1, rows sum to 1; a DataFrame's columns are the names of the classes.
        logits: (N, K), in their place.
        predicted: (N,) as `true`; needed without `probabilities` and `logits`, else checked against them.
        confidence: (N,) in [0, 1], of the predicted classes, where there is nothing else.
        classes: K names, in the order of the columns, or a table of place → name; the columns of a DataFrame are told by name.
        samples: (N,) names of the photos' files; default: row_0, row_1, …
        embeddings: (N, D) features.
        maps: (N, K, h, w) class maps, raw and signed, in the order of `classes`.
        title: default: the folder's name.

    Raises:
        DataError, RunError: in one sentence, if these do not fit together.
        OSError: if the folder cannot be written.
    """
    _require_one_order(true, probabilities, logits, predicted, confidence, samples)
    if probabilities is not None and logits is not None:
        raise DataError("expected probabilities or logits, found both; pass one of them")
    scores = probabilities if probabilities is not None else logits
    places: list[int] | None = None
    if scores is None and predicted is None:
        raise DataError("expected probabilities, logits or predicted classes, found none; pass one of them")
    if isinstance(classes, Set):
        raise DataError(
            "expected the names of the classes in the order of the columns, found a set, which has none; pass a list"
        )
    if isinstance(classes, Mapping):  # as id2label of Hugging Face's models
        by_place = {_place_of(key): classes[key] for key in sorted(classes, key=_place_of)}
        places, classes = list(by_place), list(by_place.values())
    numbers: Reading | None = "names" if classes is not None and _are_numbers(classes) else "places"
    if classes is not None:
        classes = _names(classes, "classes")
    if hasattr(scores, "columns"):
        columns = _names(scores.columns, "columns")
        numbered = columns == [str(number) for number in range(len(columns))]
        in_order = isinstance(scores.columns, pd.RangeIndex) and numbers == "places"  # they were never named
        if classes is None:
            classes, numbers = columns, "names" if _are_numbers(scores.columns) else None
        elif sorted(columns) == sorted(classes) and not in_order:
            scores = scores.iloc[:, [columns.index(name) for name in classes]]  # by name, whatever their order
            numbers = "names" if _are_numbers(scores.columns) else numbers
        elif not numbered:
            raise DataError(
                f"expected the columns {shown(', '.join(classes), 80)}, found {shown(', '.join(columns), 80)}; pass an "
                "array, or name both alike"
            )
    if classes is None and scores is not None:
        raise DataError("expected the names of the classes in the order of the columns, found none; pass classes=[…]")
    names = tuple(classes) if classes is not None else ()
    labels = _labels(true, "true", numbers)
    count = len(labels.codes)
    if not 0 < count <= MAX_ROWS:
        raise DataError(f"expected 1 to {MAX_ROWS:,} true classes, found {count:,}; pass one a photo")
    rows = Rows(_PLACE, [f"row_{number}" for number in range(count)], labels)
    if samples is not None:
        rows.samples = _names(samples, "samples")
        _require_length(len(rows.samples), count, "samples")
    if predicted is not None:
        rows.predicted = _labels(predicted, "predicted", numbers)
        _require_length(len(rows.predicted.codes), count, "predicted classes")
    if places not in (None, list(range(len(names)))) and any(
        one and one.by_type == "places" for one in (labels, rows.predicted)
    ):
        raise DataError(
            f"expected classes at the places 0 to {len(names) - 1}, found {shown(str(places), 60)}; number them from 0, or pass names as labels"
        )
    if scores is not None:
        rows.scores = _scores(scores, "logits" if logits is not None else "probabilities", (count, len(names)), rows)
    elif confidence is not None:
        rows.confidence = _numbers(confidence, 1, "confidence")
        _require_length(len(rows.confidence), count, "confidences")
    try:
        imported = assemble(rows, names, given=classes is not None)
    except DataError as error:
        raise DataError(_in_python(str(error))) from error
    for left_out in imported.left_out:
        warnings.warn(printable(str(left_out)), stacklevel=2)
    return write_import(
        Path(out),
        imported,
        title=title,
        source=f"{count:,} predictions from arrays",
        embeddings=None if embeddings is None else _numbers(embeddings, 2, "embeddings", np.float32),
        maps=None if maps is None else _numbers(maps, 4, "maps", np.float32),
    )


_FLAGS = {
    "check --true and --predicted": "check true= and the predictions",
    ", or name the column with --predicted": "",
    "name other columns with --true and --predicted": "check true= and predicted=",
    "or pass --classes FILE if numbers are places in it": "or pass classes=[…] if numbers are places in it",
    "pass --scores logits if they are logits": "pass logits= if they are logits",
    "pass --no-confidence to leave the column out": "leave confidence= out",
    "pass --unknown skip to leave such rows out, or --unknown error to count each as an error": "leave them out, or name the class",
    "pass --unknown skip to leave such rows out": "leave them out",
    "check --predicted and the order of --classes": "check predicted= and the order of classes=",
    "check --true and --classes": "check true= and classes=",
    "--classes FILE": "classes=[…]",
    "--classes": "classes=",
}


def _in_python(error: str) -> str:
    """An error of the tables' rules with arguments in place of flags of the command line."""
    for flag, argument in _FLAGS.items():
        error = error.replace(flag, argument)
    return error


def _require_one_order(*given: Any) -> None:
    """Stop at pandas objects that have the same index in another order: they would be taken row by row."""
    indexes = [one.index for one in given if hasattr(one, "iloc")]
    for other in indexes[1:]:
        if not indexes[0].equals(other) and indexes[0].sort_values().equals(other.sort_values()):
            raise DataError(
                "expected rows in one order, found an index in two; align them, or call reset_index(drop=True) on each if they are "
                "in order"
            )


def _place_of(key: Any) -> int:
    try:
        return int(key)
    except (TypeError, ValueError) as error:
        raise DataError(f"expected a place → name of each class, found {shown(str(key), 40)}; pass a list") from error


def _are_numbers(names: Any) -> bool:
    return all(isinstance(one, int | float | np.number) and not isinstance(one, bool) for one in names)


def _names(values: Any, what: str) -> list[str]:
    """Names as text; that of a file keeps its spaces.

    Raises:
        DataError: if one is no text in UTF-8.
    """
    try:
        found = [one if isinstance(one, str) and what == "samples" else label_text(one) for one in values]
        "".join(found).encode()
    except UnicodeError as error:
        raise DataError(f"expected {what} in UTF-8, found bytes that are something else; decode them") from error
    return found


def _labels(values: Any, what: str, numbers: Reading | None) -> Labels:
    if isinstance(values, np.ma.MaskedArray):
        hidden, values = np.ma.getmaskarray(values), values.data.astype(object)
        values[hidden] = None
    # NumPy would make the text 'nan' of a NaN beside texts.
    array = np.asarray(values, dtype=object if isinstance(values, list | tuple) else None)
    if array.ndim != 1:
        raise DataError(f"expected {what} classes of the form (N,), found {array.shape}; pass one a photo")
    if array.dtype.kind in "iuf":
        labels = Labels(what, numbers)
        labels.add(texts_of(pa.array(array), guarded=False))
        return labels
    cells = [one.item() if getattr(one, "ndim", None) == 0 else one for one in array.tolist()]
    if odd := next(
        (one for one in cells if isinstance(one, Sequence | np.ndarray) and not isinstance(one, str | bytes)), None
    ):
        raise DataError(f"expected one of the {what} classes a photo, found {shown(str(odd), 40)}; pass one a photo")
    cells = [int(one) if isinstance(one, bool) else one for one in cells]
    texts = _names(cells, f"{what} classes")
    given = [one for one, text in zip(cells, texts, strict=True) if text]
    labels = Labels(what, numbers if given and _are_numbers(given) else "names")
    labels.add(pa.array(texts, pa.string()))
    return labels


def _numbers(values: Any, dimensions: int, what: str, dtype: type = np.float64) -> np.ndarray:
    try:
        array = np.asarray(_with_nan(values, dimensions))
        array = array if array.dtype.kind == "f" else array.astype(dtype)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"expected {what} to be numbers, found something else ({shown(str(error), 80)}); pass an array"
        ) from error
    if array.ndim != dimensions:
        raise DataError(f"expected {what} of {dimensions} dimensions, found {array.ndim}; pass a row a photo")
    return array


def _with_nan(values: Any, dimensions: int) -> Any:
    """Numbers, or rows of them, in which what is masked or missing is NaN."""
    if hasattr(values, "detach"):  # of a network that is trained
        return values.detach()
    if isinstance(values, np.ma.MaskedArray):
        return np.ma.filled(values.astype(np.float64), np.nan)
    if hasattr(values, "iloc"):
        array = values.to_numpy()
        return values.to_numpy(np.float64, na_value=np.nan) if array.dtype.kind == "O" else array
    if isinstance(values, list | tuple) and dimensions == 2 and any(row is None for row in values):
        size = next((len(row) for row in values if row is not None), 1)
        return [[np.nan] * size if row is None else row for row in values]
    return values


def _scores(values: Any, kind: ScoreKind, shape: tuple[int, int], rows: Rows) -> np.ndarray:
    array = _numbers(values, 2, kind)
    if array.shape != shape:
        raise DataError(
            f"expected {kind} of the form {shape}, a row for each true class and a column for each name of a class, found "
            f"{array.shape}; pass them in one order"
        )
    faults = Faults()
    probabilities = np.empty(shape, dtype=np.float32)
    for start in range(0, len(array), _STEP):
        piece = np.asarray(array[start : start + _STEP], dtype=np.float64)
        probabilities[start : start + _STEP] = to_probabilities(piece, kind, faults, start)
    try:
        require_scores(faults, rows)
    except DataError as error:
        raise DataError(_in_python(str(error))) from error
    return probabilities


def _require_length(found: int, expected: int, what: str) -> None:
    if found != expected:
        raise DataError(
            f"expected {expected:,} {what}, one for each true class, found {found:,}; pass them in one order"
        )
