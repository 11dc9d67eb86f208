"""What a training or an evaluation found → the files of a run folder."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from har_core.errors import RunError
from har_core.files import atomic_path, printable, write_text
from har_core.runs.file_names import CLASS_MAPS, EMBEDDINGS, FILES, HISTORY, LEGACY_MANIFEST, MANIFEST, PREDICTIONS
from har_core.runs.manifest import COMPLETE, TRAINING, FileEntry, Manifest, dump_manifest
from har_core.runs.predictions import Predictions
from har_core.runs.run import HISTORY_COLUMNS, Run, checksum


def require_no_run(folder: Path) -> None:
    """Stop if a folder holds a run, which what is to be written there would destroy.  Ask before the work.

    Raises:
        RunError: if it does, or is a file.
    """
    if folder.is_file():
        raise RunError(f"expected a folder, found a file at {printable(folder.name)}; choose another name")
    if found := [name for name in (MANIFEST, LEGACY_MANIFEST) if (folder / name).exists()]:
        raise RunError(
            f"expected a folder without a run, found {found[0]} in {printable(folder.name)}; choose another folder"
        )


def add_file(run: Run, name: str) -> Run:
    """List a file that was written into a run's folder, and open the run.  What is said of its other files stays as it is.

    Raises:
        RunError: if the manifest could not be read back; nothing is written then.
        OSError: if the folder cannot be written.
    """
    manifest = Run.open(run.folder).manifest
    files = {**manifest.files, name: _entry(run.folder / name)}
    write_text(run.folder / MANIFEST, dump_manifest(manifest.model_copy(update={"files": files})))
    return Run.open(run.folder)


def copy_run(run: Run, folder: Path) -> Run:
    """Copy a run with all that lies in its folder; the copy's title is the new folder's name.

    Raises:
        RunError: if there is something already, or the name cannot be a title.
        OSError: if it cannot be written; nothing is left then.
    """
    if folder.exists():
        raise RunError(f"expected a new name, found a folder called {printable(folder.name)} already; choose another")
    with new_run_folder(folder) as making:
        shutil.copytree(run.folder, making, dirs_exist_ok=True)
        titled = run.manifest.model_copy(update={"title": folder.name})
        write_text(making / MANIFEST, dump_manifest(titled))
    return Run.open(folder)


def _entry(path: Path) -> FileEntry:
    return FileEntry(bytes=path.stat().st_size, sha256=checksum(path))


def write_manifest(folder: Path, manifest: Manifest) -> Run:
    """Replace the manifest, with the list of the files that are there, and open the run.

    The history of a run that trains is not listed: it grows.

    Raises:
        RunError: if the manifest could not be read back; nothing is written then.
        OSError: if the folder cannot be written.
    """
    files = {
        name: _entry(folder / name)
        for name in FILES
        if (folder / name).is_file() and not (name == HISTORY and manifest.status == TRAINING)
    }
    write_text(folder / MANIFEST, dump_manifest(manifest.model_copy(update={"files": files})))
    return Run.open(folder)


@contextmanager
def new_run_folder(folder: Path) -> Iterator[Path]:
    """A folder to write a run into, which becomes `folder` when the block ends; after an error that is as it was.

    Args:
        folder: one that `require_no_run` has let pass; it need not exist.

    Raises:
        OSError: if it cannot be written.
    """
    making = folder.with_name(f".{secrets.token_hex(8)}.partial")  # of a name that may be as long as names can be
    try:
        making.mkdir(parents=True)
        yield making
        if folder.exists():
            for path in sorted(
                making.iterdir(), key=lambda path: path.name == MANIFEST
            ):  # which makes it a run: the last
                path.replace(folder / path.name)
        else:
            making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def write_history(folder: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Replace the history by one row per epoch, with the values of `HISTORY_COLUMNS`."""
    with atomic_path(folder / HISTORY) as partial:
        pd.DataFrame(rows, columns=list(HISTORY_COLUMNS)).to_csv(partial, index=False)


def write_results(
    folder: Path,
    predictions: Predictions,
    class_maps: np.ndarray | None,
    embeddings: np.ndarray | None,
    manifest: Manifest,
) -> Run:
    """Store what an evaluation found, and complete the run.

    Args:
        folder: of the run that is being made: a training's own, or one that `require_no_run` has let pass.
        predictions: of N photos and the manifest's K classes.
        class_maps: (N, K, h, w) float16; None: there are none, and no file.
        embeddings: (N, D) float16, or None.
        manifest: with the scores; its status becomes complete.

    Raises:
        RunError: if these do not fit together; nothing is written then.
        OSError: if the folder cannot be written.
    """
    if predictions.classes != manifest.classes:
        raise RunError(f"expected predictions of {', '.join(manifest.classes)}; found {', '.join(predictions.classes)}")
    count, size = predictions.probabilities.shape
    for name, array, dimensions, start in (
        (CLASS_MAPS, class_maps, 4, (count, size)),
        (EMBEDDINGS, embeddings, 2, (count,)),
    ):
        if array is None:
            continue
        if array.dtype != np.float16 or array.ndim != dimensions or array.shape[: len(start)] != start:
            raise RunError(
                f"{name}: expected float16 of {dimensions} dimensions that start with {start}, "
                f"found {array.dtype} {array.shape}"
            )
    complete = manifest.model_copy(update={"status": COMPLETE})
    dump_manifest(complete)
    predictions.write(folder / PREDICTIONS)
    for name, array in ((CLASS_MAPS, class_maps), (EMBEDDINGS, embeddings)):
        if array is not None:
            _write_array(folder / name, array)
    return write_manifest(folder, complete)


def _write_array(path: Path, array: np.ndarray) -> None:
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.save(file, array, allow_pickle=False)
