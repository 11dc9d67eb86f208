"""The folder that a training writes its run into: whose it is, and what an earlier training left in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from har_core.errors import RunError
from har_core.files import reason_of
from har_core.runs.file_names import LEGACY_MANIFEST, MANIFEST
from har_core.runs.manifest import TRAINING
from har_core.runs.run import Run
from har_core.training.state import STATE, read_state

LOCK = "training.lock"


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Keep other trainings out of a folder (a killed one keeps nobody out), and say what it means if it cannot be written.

    Raises:
        RunError: if another training writes there, or nobody can.
    """
    lock = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, blocking=False):
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
                with suppress(OSError):  # removes it only if nothing was written
                    folder.rmdir()
    except Timeout as error:
        raise RunError(f"another training writes into {folder}; wait for it, or choose another --out") from error
    except OSError as error:
        raise RunError(
            f"the run in {folder} could not be written ({reason_of(error)}); what was saved before is kept: make room or choose "
            "another disk, then go on with --resume"
        ) from error


def prepare(folder: Path, *, resume: bool) -> dict[str, Any] | None:
    """Make the folder ready and read the state to go on from.

    A training that was killed before it had saved anything leaves nothing to go on from, and nothing to be lost.

    Raises:
        CheckpointError: if there is no state to go on from, or a damaged one.
        RunError: if the folder holds a run, and `resume` is false.
    """
    saved = read_state(folder) if resume else None
    occupied = any((folder / name).exists() for name in (MANIFEST, LEGACY_MANIFEST))
    if saved is None and occupied and not _unsaved(folder):
        raise RunError(f"expected an empty folder, found a run in {folder}; pass --resume, or another --out")
    for partial in folder.glob(".*.partial"):  # left by a killed process
        partial.unlink()
    return saved


def _unsaved(folder: Path) -> bool:
    """Whether the folder holds a training that has saved nothing; a manifest that cannot be read may be anyone's."""
    try:
        return not (folder / STATE).exists() and Run.open(folder).manifest.status == TRAINING
    except RunError:
        return False
