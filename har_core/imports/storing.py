"""Imported predictions, with embeddings and class maps where there are some → a run folder, whole or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from har_core.analysis.scores import scores_of
from har_core.errors import DataError
from har_core.files import printable, reason_of
from har_core.imports.build import Imported
from har_core.imports.tables import shown
from har_core.runs.manifest import COMPLETE, DataInfo, Manifest, ModelInfo
from har_core.runs.run import Run
from har_core.runs.writing import new_run_folder, require_no_run, write_results

_LISTED = 100  # skipped photos that the manifest names
_MAX_NOTE = 2000
_HALF = float(np.finfo(np.float16).max)
_STEP = 64 * 2**20  # bytes that are converted at once


def load_array(path: Path) -> np.ndarray:
    """A `.npy` file, memory-mapped; nothing is unpickled.

    Raises:
        DataError: if it is damaged, or holds no numbers.
    """
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            raise ValueError("it holds no array of numbers")
    except Exception as error:  # of the file system, of NumPy, and of the parser under it that reads the header
        raise DataError(
            f"expected an array of numbers in {shown(path.name)}, found none ({shown(reason_of(error), 120)}); save it with "
            "numpy.save"
        ) from error
    return array


def write_import(
    folder: Path,
    imported: Imported,
    *,
    title: str | None = None,
    source: str | None = None,
    note: str | None = None,
    embeddings: np.ndarray | None = None,
    maps: np.ndarray | None = None,
) -> Run:
    """Keep imported predictions as a run folder, on which the error analysis works as far as they allow.

    Args:
        folder: is created; it holds no run yet.  After an error it is as it was.
        title: default: the folder's name.
        source: where the predictions come from.
        note: what else is to be said, besides what the import found.
        embeddings: (rows of the table, D) numbers, in its order.
        maps: (rows of the table, K, h, w), class maps, raw and signed, in the order of the classes.

    Raises:
        RunError: if the folder holds a run, or the title cannot be one.
        DataError: if embeddings or maps do not fit the table.
        OSError: if the folder cannot be written.
    """
    require_no_run(folder)
    predictions = imported.predictions
    size = len(predictions.classes)
    notes = "; ".join(text for text in (note, *imported.notes) if text)
    count = len(imported.skipped)
    manifest = Manifest(
        status=COMPLETE,
        title=title or _title(folder),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        source=source,
        note=printable(notes)[:_MAX_NOTE] or None,
        classes=predictions.classes,
        model=ModelInfo(
            views=("whole",), explanation="gradient"
        ),  # of what maps cover, and are made of, nothing is known
        scores=scores_of(predictions),
        probabilities=imported.probabilities,
        data=DataInfo(
            test=len(predictions),
            skipped=tuple(printable(one)[:1000] for one in imported.skipped[:_LISTED]),
            skipped_count=count if count > _LISTED else None,
        ),
    )
    half_embeddings = half_maps = None
    if embeddings is not None:
        half_embeddings = _half(embeddings, 2, imported, "embeddings", "(rows, D)")
    if maps is not None:
        half_maps = _half(maps, 4, imported, "maps", "(rows, K, h, w)")
        if not imported.given:
            raise DataError(
                "expected the order of the classes for the maps, found a table that does not tell it; name them with --classes"
            )
        if half_maps.shape[1] > size or (half_maps.shape[1] < size and imported.own != half_maps.shape[1]):
            raise DataError(f"expected maps of {imported.own} classes, found {half_maps.shape[1]}; check --classes")
        half_maps = np.pad(half_maps, ((0, 0), (0, size - half_maps.shape[1]), (0, 0), (0, 0)))
    with new_run_folder(folder) as making:
        write_results(making, predictions, half_maps, half_embeddings, manifest)
    return Run.open(folder)


def _title(folder: Path) -> str:
    return printable(folder.absolute().name)[:100] or "import"


def _half(array: np.ndarray, dimensions: int, imported: Imported, what: str, form: str) -> np.ndarray:
    """The kept rows as float16, converted a piece at a time."""
    if array.ndim != dimensions or len(array) != imported.rows or not array.size:
        raise DataError(
            f"expected {what} of the form {form} with {imported.rows:,} rows, as the table has, found {shown(str(array.shape))}; save "
            "them in the order of the table"
        )
    kept = imported.kept
    if array.dtype == np.float16 and len(kept) == len(array) and bool(np.isfinite(array).all()):
        return array
    half = np.empty((len(kept), *array.shape[1:]), dtype=np.float16)
    step = max(1, _STEP // max(array[:1].nbytes, 1))
    for start in range(0, len(kept), step):
        piece = np.asarray(array[kept[start : start + step]], dtype=np.float32)
        if not (np.abs(piece) <= _HALF).all():
            raise DataError(
                f"expected {what} that are finite and within ±{_HALF:.0f} (they are kept in 16 bits), found others; scale them or "
                "leave them out"
            )
        half[start : start + step] = piece
    return half
