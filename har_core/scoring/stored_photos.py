"""The photos behind a scoring, from where they were scored: files, members of tar files, rows of tables; here or in a bucket."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from har_core.errors import ConfigError, HarError
from har_core.files import atomic_path
from har_core.media.photo_store import PhotoStore
from har_core.scoring import places
from har_core.scoring.output import open_manifest
from har_core.scoring.photos import ARROW_ERRORS, photos_of
from har_core.scoring.shards import Plan, read_plan


class StoredPhotos:
    """Only photos below one place are read, whatever a plan names.

    Args:
        folder: one that was scored, with its plan; of another plan than the results are of, no photo is given out.
        below: a folder or bucket.  Photos that were scored below another folder are looked for by the same names here.
    """

    def __init__(self, folder: Path, below: str) -> None:
        self.folder, self.below = str(folder), places.absolute(below)
        try:
            plan, scored = read_plan(self.folder), open_manifest(self.folder)
            self.plan: Plan | None = plan if plan is not None and plan.id == scored.plan else None
        except (ConfigError, OSError):
            self.plan = None

    def read(self, sample: str, shard: int) -> bytes | None:
        """The encoded photo; None if it is not there, or is not to be given out."""
        if self.plan is None or not 0 <= shard < self.plan.shards:
            return None
        try:
            entry = next((one for one in self.plan.shard(self.folder, shard) if one.name == sample), None)
            place = self._allowed(entry.place) if entry is not None else None
            if entry is None or place is None:
                return None
            (photo,) = photos_of([replace(entry, place=place)], self.plan.kind, self.plan.column)
        except (HarError, KeyError, *ARROW_ERRORS):
            return None
        return photo.content if isinstance(photo.content, bytes) else None

    def _allowed(self, place: str) -> str | None:
        assert self.plan is not None
        source = self.plan.asked.source
        roots = [source, places.parent(source)]  # a list names photos beside it
        inside = _within(place, self.below)
        if inside is not None:
            return places.join(self.below, inside)
        names = (name for root in roots if (name := _within(place, root)) is not None)
        moved = (places.join(self.below, name) for name in names)
        return next(
            (one for one in moved if _within(one, self.below) is not None and places.size_of(one) is not None), None
        )


def _within(place: str, folder: str) -> str | None:
    """What a place is called below a folder; None if it does not lie there.  Links that lie there are followed."""
    if places.is_url(place) != places.is_url(folder):
        return None
    if not places.is_url(place):
        place, folder = os.path.normpath(place), os.path.normpath(folder)
    elif ".." in place.split("/"):
        return None
    start = folder.rstrip("/") + "/"
    return place[len(start) :] if place.startswith(start) else None


class FetchedPhotos(PhotoStore):
    """The photos of a sample, fetched into a folder when they are asked for.

    Args:
        root: the folder, which is empty at first.
        shards: sample → its shard.
    """

    def __init__(self, root: Path, stored: StoredPhotos, shards: Mapping[str, int]) -> None:
        super().__init__(root)
        self.stored, self.shards = stored, shards

    def find(self, sample: str) -> Path | None:
        if sample not in self.shards:
            return None
        path = self.root / hashlib.sha256(sample.encode()).hexdigest()
        if not path.is_file():
            data = self.stored.read(sample, self.shards[sample])
            if data is None:
                return None
            with atomic_path(path) as partial:
                partial.write_bytes(data)
        return path
