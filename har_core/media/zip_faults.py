"""What a file is that cannot be read as a zip, and what its owner can do."""

from __future__ import annotations

import struct
from typing import IO

from har_core.media.signatures import refusal, starts_like_photo

_END = b"PK\x05\x06"
_TAIL = 65_557 + 22  # bytes in which the end record of a zip lies
_ANEW = "pack it anew"
_AS_ZIP = "unpack it, and pack its folder as a zip"
_JOIN = "pack the photos as a single zip, or join its parts first"


def fault(file: IO[bytes], error: Exception) -> str:
    """Half a sentence: what was found in place of a zip; then, after a semicolon, what to do.

    Args:
        error: what reading it raised, for faults that nothing else explains.
    """
    size = file.seek(0, 2)
    file.seek(0)
    start = file.read(4096)
    file.seek(max(0, size - _TAIL))
    end = file.read(_TAIL)
    if not size:
        return "found an empty file (0 bytes); pack it again, or download it again"
    if start.startswith(b"PK\x07\x08PK"):
        return f"found the first part of a split zip; {_JOIN}"
    if not start.startswith(b"PK") and (other := _other(start)) is not None:
        return other
    place = end.rfind(_END)
    if place < 0:
        if start.startswith(b"PK"):
            return "found one that is cut off at its end, or the first part of a split zip; upload or download it again"
        return "found a file of another kind; pack the photos as a zip"
    record = end[place : place + 22]
    if len(record) < 22:
        return "found one that is cut off at its end; upload or download it again"
    disk, first_disk, directory, offset = struct.unpack("<4xHH4xII2x", record)
    if 0xFFFF > disk > 0 or 0xFFFF > first_disk > 0:
        return f"found a part of a split zip; {_JOIN}"
    if offset != 0xFFFFFFFF and directory + offset > size - len(end) + place:
        return f"found a zip without its beginning, as the last part of a split one is; {_JOIN}"
    return f"found one that cannot be read ({_words(error)}); {_ANEW}"


def _other(start: bytes) -> str | None:
    if starts_like_photo(start):
        return "found a photo; pack the photos' folder as a zip"
    if (kind := refusal(start)) is None:
        return None
    if "archive" in kind.kind:
        return f"found {kind.kind}; {_AS_ZIP}"
    return f"found {kind.kind}; " + (
        "download the zip itself, not the page around it" if kind.kind == "a web page" else _choose(kind.advice)
    )


def _choose(advice: str) -> str:
    return advice if advice.startswith("fetch") else "choose the zip itself"


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
