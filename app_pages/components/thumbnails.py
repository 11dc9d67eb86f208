"""The pictures of the gallery, each made once.

Those of a visitor's own photos are cached for their session alone and go with it.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app_pages.components import evidence
from app_pages.state import own_runs, runs
from app_pages.state.sharing import shared_unless_own
from har_core.runs.file_names import CLASS_MAPS
from har_core.runs.run import Run
from har_core.viz.overlays import jpeg, side_by_side

_HEIGHT = 240  # pixels
Stamp = tuple[str, int] | None  # path and time of the photo's last change


def thumbnail(run: Run, row: int, *, with_difference: bool) -> bytes | None:
    """A JPEG of the photo, the evidence for the two compared classes and, on demand, their difference, side by side.

    None if there is neither a photo that can be read nor a class map.
    """
    path = own_runs.photo_store(run).find(runs.predictions(run).samples[row])
    if path is None and not run.has(CLASS_MAPS):
        return None
    stamp = (str(path), path.stat().st_mtime_ns) if path is not None else None
    return _make.of(run)(run.folder, runs.version(run), row, with_difference, stamp) or None


@shared_unless_own(st.cache_data, max_entries=(3000, 500), max_size=("128MB", "24MB"), show_spinner=False)
def _make(folder: Path, version: int, row: int, with_difference: bool, stamp: Stamp) -> bytes:
    run = Run.open(folder)
    photo = evidence.open_stored_photo(run, row)
    two = evidence.heatmaps(run, row, evidence.compared_classes(run, row))
    side = _HEIGHT * 2
    if photo is not None:
        photo.thumbnail((side, side))
    panels = [photo] if photo is not None else []
    for heatmap in two if two is not None else []:
        picture = evidence.evidence_picture(run, photo, heatmap, side=side)
        assert picture is not None
        panels.append(picture)
    if with_difference and two is not None and len(two) == 2:
        panels.append(evidence.difference_picture(run, photo, two, side=side))
    if not panels:  # the photo cannot be read, and there are no class maps
        return b""
    return jpeg(side_by_side(panels, height=_HEIGHT), quality=88)
