"""The names in a run's tables → photos on this machine, if they are here."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from har_core.media.layout import photo_folder


class PhotoStore:
    """Finds photos by the names that a run's tables give them, and never outside its folder.

    Args:
        root: a data folder in Kaggle's layout or with one folder per class; it need not exist.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, sample: str) -> Path | None:
        """The photo's path; None if it is not there, or if the name leads out of the folder."""
        name = PurePosixPath(sample)
        if name.is_absolute() or ".." in name.parts or "\0" in sample:
            return None
        folder = photo_folder(self.root)
        path = folder / name
        try:
            inside = path.is_file() and path.resolve().is_relative_to(folder.resolve())
        except OSError:  # a name too long for this file system, a folder that may not be entered
            return None
        return path if inside else None
