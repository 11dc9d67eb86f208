"""The names in a run's tables → photos on this machine, if they are here."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath

from har_core.media.layout import photo_folder


class PhotoStore:
    """Finds photos by the names that a run's tables give them.

    A name never climbs out of the folder.  Links that its owner has put into it are followed.

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
        forms = dict.fromkeys([sample, *(unicodedata.normalize(form, sample) for form in ("NFC", "NFD"))])
        try:
            return next((path for form in forms if (path := photo_folder(self.root) / form).is_file()), None)
        except (OSError, UnicodeError):  # a name that this file system cannot hold, a folder that may not be entered
            return None
