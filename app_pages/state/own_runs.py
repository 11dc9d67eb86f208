"""Runs that a visitor made of photos or predictions of their own.  They last as long as the session, unless they are kept."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from app_pages.state.settings import settings
from har_core.errors import RunError
from har_core.files import printable, write_text
from har_core.media.photo_store import PhotoStore
from har_core.runs.clip_table import PEAK_FRAMES
from har_core.runs.file_names import CLIP_MODEL, MANIFEST, WEIGHTS
from har_core.runs.manifest import TRAINING, dump_manifest
from har_core.runs.run import Run, assets_folder
from har_core.runs.run_names import run_name
from har_core.runs.shared_verdicts import SharedVerdicts
from har_core.runs.verdicts import Verdicts
from har_core.runs.writing import copy_run

_LONGEST = 200  # bytes of a name to which others are added


@dataclass(frozen=True)
class OwnRun:
    """A visitor's run.

    `photos`: the data folder of the photos behind it.  `by`: the run whose model predicted them, or that was shown when
    predictions were brought.  `store`: where photos are looked for, if not in that folder.  `keeper`: removes what is the run's own when the session forgets it.
    """

    folder: Path
    photos: Path
    by: str
    keeper: TemporaryDirectory[str] | tuple[TemporaryDirectory[str], ...]
    store: PhotoStore | None = None


def own_runs() -> dict[str, OwnRun]:
    """The session's own runs by name."""
    runs: dict[str, OwnRun] = st.session_state.setdefault("own-runs", {})
    return runs


def new_name() -> str:
    """For the next own run: none of the session had it before."""
    st.session_state["own-count"] = number = st.session_state.get("own-count", -1) + 1
    return f"run-{number}"


def remove(name: str) -> None:
    """Forget an own run.  Its photos go with the last run made of them."""
    own = own_runs().pop(name)
    shutil.rmtree(own.folder, ignore_errors=True)


def predicted_by(run: Run) -> str:
    """The name of the run whose model predicted an own run, as far as that is known; empty for other runs."""
    own = _own(run)
    return own.by if own is not None else ""


def is_own(run: Run) -> bool:
    return _own(run) is not None


def photo_store(run: Run) -> PhotoStore:
    """Where the photos and clips behind a run's file names are looked for."""
    own = _own(run)
    if own is not None and own.store is not None:
        return own.store
    return PhotoStore(own.photos if own else settings().data, frames=run.folder / PEAK_FRAMES)


def may_judge(run: Run) -> bool:
    """Whether this visitor's verdicts on the run are kept: on their own run always, on others if they are trusted."""
    return settings().trusted or is_own(run)


def verdicts(run: Run) -> Verdicts:
    """Kept with the run; those on shipped and read-only runs in a folder of the user's; or in the database of all copies of the app."""
    if (url := settings().verdicts) is not None and not is_own(run):
        return _shared_verdicts(url, f"{run.name} {run.manifest.created or ''}".strip())
    shipped = run.folder.resolve().is_relative_to(assets_folder().resolve())
    if shipped or not os.access(run.folder, os.W_OK):
        place = "" if shipped else "-" + hashlib.sha256(os.fsencode(run.folder.resolve())).hexdigest()[:12]
        name = run.name if len(os.fsencode(run.name)) <= _LONGEST else "run"  # the place tells them apart
        return Verdicts(settings().home / "verdicts" / f"{name}{place}.sqlite")
    return Verdicts(run.folder / "verdicts.sqlite")


@st.cache_resource(max_entries=500, show_spinner=False)
def _shared_verdicts(url: str, run: str) -> Verdicts:
    return SharedVerdicts(url, run)


def keep(run: Run, name: str, taken: Iterable[str]) -> Run:
    """Copy a run, without its photos, to where it is found after this session.  What it is called there is its title.

    Args:
        taken: the names of all runs.

    Raises:
        RunError: if it cannot have that name (`runs.run_names`), or cannot be written.
    """
    goal = settings().runs[-1] / run_name(name, taken)
    try:
        return copy_run(run, goal)
    except OSError as error:
        raise RunError(
            f"expected room for a run called {printable(goal.name)}, found none ({error.strerror}); it was not kept"
        ) from error


def rename(run: Run, name: str, taken: Iterable[str]) -> None:
    """Give a run for which `may_delete` holds another title.  Its folder stays, and with it links to it, and shared verdicts.

    Args:
        taken: what other runs are called.

    Raises:
        RunError: if it cannot have that name (`runs.run_names`), or its folder cannot be written.
    """
    if not may_delete(run):
        return
    titled = run.manifest.model_copy(update={"title": run_name(name, taken)})
    try:
        write_text(run.folder / MANIFEST, dump_manifest(titled))
    except OSError as error:
        raise RunError(f"expected room to rename {printable(run.title)}, found none ({error.strerror})") from error


def may_delete(run: Run) -> bool:
    """Whether a run lies where runs are kept from here, and is results alone: a model is nothing to lose by a click."""
    results_alone = (
        not any((run.folder / name).exists() for name in (*WEIGHTS, CLIP_MODEL)) and run.manifest.status != TRAINING
    )
    kept_here = run.folder.parent == settings().runs[-1]
    return settings().trusted and kept_here and results_alone and os.access(run.folder, os.W_OK)


def delete(run: Run) -> None:
    """Remove the folder of a run for which `may_delete` holds, verdicts included."""
    if may_delete(run):
        shutil.rmtree(run.folder, ignore_errors=True)


def _own(run: Run) -> OwnRun | None:
    return next((own for own in own_runs().values() if own.folder == run.folder), None)
