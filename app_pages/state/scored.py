"""What is known of a folder that was scored.  Answers are kept for all sessions, photos for nobody's longer than they fit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import streamlit as st

from app_pages.state.settings import settings
from har_core.errors import HarError
from har_core.media.images import open_photo
from har_core.scoring.browse import Found, Only, ScoredPhotos, Sort
from har_core.scoring.index import INDEX
from har_core.scoring.output import MANIFEST
from har_core.scoring.stored_photos import StoredPhotos
from har_core.viz.overlays import jpeg

_AT_ONCE = 8  # photos that are fetched


def opened(folder: Path) -> ScoredPhotos:
    """
    Raises:
        RunError: if it has no complete index.
    """
    return _opened(folder, version(folder))


def page(photos: ScoredPhotos, only: Only, sort: Sort, number: int) -> list[Found]:
    return _page(photos.folder, version(photos.folder), only, sort, number)


def pictures(photos: ScoredPhotos, found: list[Found], side: int) -> list[bytes | None]:
    """JPEGs whose longer side has at most `side` pixels; None of a photo that is not here or cannot be read."""
    wanted = tuple((one.sample, one.shard) for one in found)
    return _pictures(photos.folder, version(photos.folder), below(), wanted, side)


def stored(photos: ScoredPhotos) -> StoredPhotos:
    """The photos themselves."""
    return _stored(photos.folder, version(photos.folder), below())


def below() -> str:
    """Where photos may be read."""
    return settings().photos


def version(folder: Path) -> int:
    """Changes whenever it is scored or sorted anew."""
    return sum(path.stat().st_mtime_ns for name in (MANIFEST, INDEX) if (path := folder / name).is_file())


@st.cache_resource(max_entries=8, show_spinner="Opening the scored photos …")
def _opened(folder: Path, written: int) -> ScoredPhotos:
    return ScoredPhotos(folder)


@st.cache_resource(max_entries=8, show_spinner=False)
def _stored(folder: Path, written: int, place: str) -> StoredPhotos:
    return StoredPhotos(folder, place)


@st.cache_data(max_entries=500, show_spinner="Looking for photos …")
def _page(folder: Path, written: int, only: Only, sort: Sort, number: int) -> list[Found]:
    return _opened(folder, written).page(only, sort=sort, number=number)


@st.cache_data(max_entries=400, max_size="128MB", show_spinner="Fetching photos …")
def _pictures(
    folder: Path, written: int, place: str, wanted: tuple[tuple[str, int], ...], side: int
) -> list[bytes | None]:
    photos = _stored(folder, written, place)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda one: _picture(photos, one[0], one[1], side), wanted))


def _picture(photos: StoredPhotos, sample: str, shard: int, side: int) -> bytes | None:
    data = photos.read(sample, shard)
    if data is None:
        return None
    try:
        photo = open_photo(data, sample)
    except HarError:
        return None
    photo.thumbnail((side, side))
    return jpeg(photo)
