"""What a visitor brings as a clip → an open file of an accepted kind, or a clear error.  Nothing of it is decoded."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from har_core.errors import ClipError
from har_core.media.signatures import starts_like_photo

MAX_CLIP_BYTES = 200 * 2**20
MAX_CLIP_SECONDS = 600.0
CLIP_SUFFIXES = (".mp4", ".mov", ".webm", ".avi", ".mkv", ".m4v")
ACCEPTED_CLIPS = (
    f"Accepted are MP4, MOV, WebM, AVI and MKV clips of at most {MAX_CLIP_BYTES // 2**20} MB and "
    f"{MAX_CLIP_SECONDS / 60:g} minutes."
)

CONTAINERS = ("mov", "matroska", "avi")
"""Whose readers may run: those of MP4 and MOV, of MKV and WebM, and of AVI."""

Clip = Path | BinaryIO | bytes
"""A file by its path, an open one (read from its beginning, and left where it was), or its bytes."""

_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp")

# Files that people do try to open: first bytes, what it is, what to do.
_CONVERT = "convert it to MP4"
_REFUSED = (
    (b"GIF8", "a GIF", _CONVERT),
    (b"\x30\x26\xb2\x75", "a Windows Media file", _CONVERT),
    (b"FLV", "a Flash video", _CONVERT),
    (b"OggS", "an Ogg file", _CONVERT),
    (b"\0\0\x01\xba", "an MPEG file", _CONVERT),
    (b"\0\0\x01\xb3", "an MPEG file", _CONVERT),
    (b"\x47\x40", "an MPEG transport stream", _CONVERT),
    (b"#EXTM3U", "a playlist", "choose the clip itself"),
    (b"ID3", "an MP3 file", "choose a clip"),
    (b"PK\x03\x04", "a zip archive", "unpack it and choose the clips in it"),
)


def is_clip_name(name: str) -> bool:
    """Whether a file's name ends as a clip's does."""
    return name.lower().endswith(CLIP_SUFFIXES)


@contextmanager
def as_file(clip: Clip, name: str) -> Iterator[BinaryIO]:
    """The clip as a file of the operating system, which a worker can be given, at its beginning.

    Raises:
        ClipError: if it cannot be read, is empty or too large.
    """
    if isinstance(clip, Path):
        try:
            if not stat.S_ISREG(clip.stat().st_mode):
                raise ClipError(f"{name} is no file. Choose a clip. {ACCEPTED_CLIPS}")
            with clip.open("rb", buffering=0) as file:
                _check_size(clip.stat().st_size, name)
                yield cast(BinaryIO, file)
        except OSError as error:
            raise ClipError(f"{name} cannot be read ({error.strerror}). Check the path. {ACCEPTED_CLIPS}") from error
        return
    with tempfile.TemporaryFile(buffering=0) as copy:
        if isinstance(clip, bytes):
            _check_size(len(clip), name)
            copy.write(clip)
        else:
            place = clip.tell()
            _check_size(clip.seek(0, os.SEEK_END), name)
            clip.seek(0)
            shutil.copyfileobj(clip, copy, 2**20)
            clip.seek(place)
        copy.seek(0)
        yield cast(BinaryIO, copy)


def _check_size(size: int, name: str) -> None:
    if not size:
        raise ClipError(f"{name} is empty (0 bytes). Choose another clip. {ACCEPTED_CLIPS}")
    if size > MAX_CLIP_BYTES:
        raise ClipError(f"{name} has {size / 2**20:.1f} MB. Save a smaller or shorter copy. {ACCEPTED_CLIPS}")


def container_of(start: bytes, name: str) -> str:
    """Which of `CONTAINERS` a file is, by its first bytes.

    Raises:
        ClipError: if it is none of them.
    """
    if start[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if (start[:4], start[8:12]) == (b"RIFF", b"AVI "):
        return "avi"
    is_photo = starts_like_photo(start)
    if start[4:8] in _BOXES and not is_photo:
        return "mov"
    kind, advice = next(((kind, advice) for magic, kind, advice in _REFUSED if start.startswith(magic)), (None, ""))
    if is_photo:
        kind, advice = "a photo", "choose it on Predict, or choose a clip"
    if kind is None:
        raise ClipError(
            f"{name} is not a clip that can be read. Choose another, or convert it to MP4. {ACCEPTED_CLIPS}"
        )
    raise ClipError(f"{name} is {kind}, which is not accepted: {advice}. {ACCEPTED_CLIPS}")
