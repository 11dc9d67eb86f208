"""The photos behind a run's file names: where they lie on this machine, if they do; and pictures made of them."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from PIL import Image

from har_core.data import photo_folder
from har_core.files import atomic_path


class Photos:
    """Finds photos by the names that a run's table gives them, and never outside its folder.

    Args:
        root: a data folder in Kaggle's layout or with one folder a class; it need not exist.
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


class PictureCache:
    """Small pictures, each made once and kept on disk as JPEG; the oldest go when the folder outgrows its bound.

    Processes may share the folder: files are replaced as a whole, and one that vanishes is made again.
    """

    def __init__(self, folder: Path, *, limit: int = 256 * 2**20) -> None:
        """`limit` is in bytes."""
        self.folder, self.limit = folder, limit
        self._size: int | None = None

    def get(self, key: tuple[object, ...], make: Callable[[], Image.Image]) -> bytes:
        """The picture of that key as a JPEG file's content; `make` is called if it is not there yet."""
        path = self.folder / (hashlib.sha256(repr(key).encode()).hexdigest()[:32] + ".jpg")
        try:
            return path.read_bytes()
        except OSError:
            pass
        buffer = io.BytesIO()
        make().save(buffer, format="JPEG", quality=88)
        content = buffer.getvalue()
        try:
            with atomic_path(path) as partial:
                partial.write_bytes(content)
        except OSError:
            return content  # a full or read-only disk costs speed, not the picture
        self._grown(len(content))
        return content

    def _grown(self, added: int) -> None:
        if self._size is None:
            self._size = sum(entry.stat().st_size for entry in os.scandir(self.folder))
        else:
            self._size += added
        if self._size <= self.limit:
            return
        files = sorted((entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in os.scandir(self.folder))
        for _, size, path in files:
            if self._size <= self.limit * 0.8:
                break
            Path(path).unlink(missing_ok=True)
            self._size -= size
