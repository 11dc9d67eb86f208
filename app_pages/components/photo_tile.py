"""Small pictures of a run's photos by name, those of training too, each made once.

Those of a visitor's own photos are cached for their session alone and go with it.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app_pages.state import models, own_runs
from app_pages.state.sharing import shared_unless_own
from har_core.errors import ImageError
from har_core.runs.run import Run
from har_core.viz.overlays import jpeg

SIDE = 160
"""Pixels of a tile's longer side on the page; it holds twice as many, for dense screens."""


def photo_tile(run: Run, sample: str, *, side: int = SIDE) -> bytes | None:
    """A JPEG of a photo in the run's data folder, at most 2 `side` × 2 `side` pixels.

    None if the photo is not on this machine, or not one that can be read.
    """
    path = own_runs.photo_store(run).find(sample)
    if path is None:
        return None
    try:
        changed = path.stat().st_mtime_ns
    except OSError:  # removed since it was found
        return None
    return _make.of(run)(run.folder, str(path), changed, side) or None


@shared_unless_own(st.cache_data, max_entries=(10_000, 1000), max_size=("128MB", "24MB"), show_spinner=False)
def _make(folder: Path, path: str, changed: int, side: int) -> bytes:
    try:
        photo = models.read_photo(Run.open(folder), Path(path))
    except (ImageError, OSError):
        return b""
    photo.thumbnail((2 * side, 2 * side))
    return jpeg(photo)
