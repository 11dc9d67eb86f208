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
CLIP_SUFFIXES = (".mp4", ".mov", ".webm", ".avi", ".mkv", ".m4v", ".3gp", ".3g2")
ACCEPTED_CLIPS = (
    f"Accepted are MP4, MOV, WebM, AVI and MKV clips of at most {MAX_CLIP_BYTES // 2**20} MB and "
    f"{MAX_CLIP_SECONDS / 60:g} minutes."
)

CONTAINERS = ("mov", "matroska", "avi")
"""Whose readers may run: those of MP4 and MOV, of MKV and WebM, and of AVI."""

Clip = Path | BinaryIO | bytes
"""A file by its path, an open one (read from its beginning, and left where it was), or its bytes."""

_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp")
_NO_PICTURES_BRANDS = (b"M4A ", b"M4B ", b"M4P ", b"crx ")  # sound; a camera's raw photo
_START = 64  # bytes that tell what a file is

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
_SEQUENCES = {b"avis": "an animated AVIF", b"hevc": "a HEIC sequence", b"hevx": "a HEIC sequence"}


def is_clip_name(name: str) -> bool:
    """Whether a file's name ends as a clip's does."""
    return name.lower().endswith(CLIP_SUFFIXES)


def is_clip_file(path: Path) -> bool:
    """Whether a file is to be opened as a clip: by its name, or whatever it is called, by how its content begins.

    Moving pictures of kinds that are not accepted are such, too: what to do with them is told when they are opened.
    """
    if is_clip_name(path.name):
        return path.is_file()
    try:
        with path.open("rb") as file:
            start, size = file.read(_START), path.stat().st_size
    except OSError:
        return False
    if (kind := _container(start)) is None:
        return (_photo(start) if starts_like_photo(start) else _refused(start))[1] == _CONVERT
    if kind != "mov":
        return True
    box = int.from_bytes(start[:4], "big")  # in a text, letters: a larger number than the file has bytes
    return (box < 2 or 8 <= box <= size) and not (start[4:8] == b"ftyp" and start[8:12] in _NO_PICTURES_BRANDS)


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
    if (container := _container(start)) is not None:
        return container
    kind, advice = _photo(start) if starts_like_photo(start) else _refused(start)
    if kind is None:
        raise ClipError(
            f"{name} is not a clip that can be read. Choose another, or convert it to MP4. {ACCEPTED_CLIPS}"
        )
    raise ClipError(f"{name} is {kind}, which is not accepted: {advice}. {ACCEPTED_CLIPS}")


def _container(start: bytes) -> str | None:
    if start[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if (start[:4], start[8:12]) == (b"RIFF", b"AVI "):
        return "avi"
    return "mov" if start[4:8] in _BOXES and not starts_like_photo(start) else None


def _refused(start: bytes) -> tuple[str | None, str]:
    """What a file is that is neither a clip nor a photo, and what to do; None if that is not known."""
    return next(((kind, advice) for magic, kind, advice in _REFUSED if start.startswith(magic)), (None, ""))


def _photo(start: bytes) -> tuple[str, str]:
    """As `_refused`, of a photo: some of them move."""
    if start[12:16] == b"VP8X" and start[20:21] and start[20] & 0x02:
        return "an animated WebP", _CONVERT
    if start.startswith(b"\x89PNG") and b"acTL" in start:
        return "an animated PNG", _CONVERT
    if start[4:8] == b"ftyp" and (kind := _SEQUENCES.get(start[8:12])) is not None:
        return kind, _CONVERT
    return "a photo", "choose it on Predict, or choose a clip"
