"""The names in a run's tables → photos, frames and clips on this machine, if they are here."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath

from har_core.media.clip_files import is_clip_name
from har_core.media.layout import photo_folder


class PhotoStore:
    """Finds photos, and clips, by the names that a run's tables give them.

    A name never climbs out of the folder.  Links that its owner has put into it are followed.

    Args:
        root: a data folder in Kaggle's layout or with one folder per class; it need not exist.
        frames: a folder with a frame of each clip, `NAME.jpg`, which is shown in place of the clip; it need not exist.
    """

    def __init__(self, root: Path, *, frames: Path | None = None) -> None:
        self.root, self.frames = root, frames

    def find(self, sample: str) -> Path | None:
        """The photo's path, or that of a clip's frame; None if it is not there, or if the name leads out of the folder."""
        if not is_clip_name(sample):
            return _below(photo_folder(self.root), sample)
        return _below(self.frames, f"{sample}.jpg") if self.frames is not None else None

    def find_clip(self, sample: str) -> Path | None:
        """The path of a clip, to be played; None as `find`, and of a photo."""
        return _below(self.root, sample) if is_clip_name(sample) else None


def _below(folder: Path, name: str) -> Path | None:
    below = PurePosixPath(name)
    if below.is_absolute() or ".." in below.parts or "\0" in name:
        return None
    forms = dict.fromkeys([name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))])
    try:
        return next((path for form in forms if (path := folder / form).is_file()), None)
    except (OSError, UnicodeError):  # a name that this file system cannot hold, a folder that may not be entered
        return None
