"""What was named in place of a folder of photos or clips, and what to do about it."""

from __future__ import annotations

from pathlib import Path

from har_core.errors import DataError
from har_core.files import printable
from har_core.media.clip_files import is_clip_file
from har_core.media.images import is_photo_file
from har_core.media.layout import TABLE_SUFFIXES
from har_core.media.signatures import refusal

_FOLDER = "name a folder with one folder of {} per class"
_PHOTO, _CLIP = "name its actions with har-lens predict", "say what it shows with har-lens video"


def require_folder(folder: Path, what: str = "photos") -> None:
    """Stop unless it is a folder.

    Args:
        what: is to be in it, photos or clips.

    Raises:
        DataError: saying what it is.
        OSError: if that cannot be found out.
    """
    if folder.is_dir():
        return
    found, remedy = _found(folder, _FOLDER.format(what))
    raise DataError(f"expected a folder of {what} at {printable(str(folder))}, found {found}; {remedy}")


def _found(path: Path, named: str) -> tuple[str, str]:
    if not path.exists():
        return (
            "none",
            f"check the path, or fetch the data set with: python -m har_core download --data {printable(str(path))}",
        )
    if path.suffix.lower() in TABLE_SUFFIXES:
        return "a table", "name the folder that holds the photos and this table"
    if is_photo_file(path):
        return "a photo", f"{named}, or {_PHOTO}"
    if not path.is_file():
        return "neither folder nor file", named
    with path.open("rb") as file:
        known = refusal(file.read(4096))
    if known is not None and known.kind.endswith("archive"):
        return known.kind, "unpack it and name that folder, or upload a zip on the app's page Your photos"
    if is_clip_file(path):
        return "a clip", f"{named}, or {_CLIP}"
    return known.kind if known is not None else "a file", named
