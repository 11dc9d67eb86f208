"""The worker process of `media.clips`: the only place where PyAV runs.

Standard input is the clip, an open file; no other file and no connection can be opened.  Nothing is asked of the worker
once it runs.  It answers on standard output, and waits until its answers are read:

    kind (one byte), two unsigned 32-bit integers, two 64-bit floats (big-endian), and then
    'i'  width, height, seconds told, frames a second (0: not told); nothing.  Comes once, first
    'f'  width, height, time, 0; width × height × 3 bytes RGB
    'w'  0, 0, time, 0; nothing: it still works
    'd'  length, 0, seconds found, 0; what a broken clip lacks (UTF-8), or nothing.  Comes last
    'e'  length, 0, 0, 0; why the clip is refused (UTF-8).  Comes last, or alone
"""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from typing import BinaryIO

from har_core.errors import ClipError
from har_core.media.clip_decoder import ClipDecoder
from har_core.media.clip_pictures import picture, turned
from har_core.media.clips import ANSWER
from har_core.media.isolated_worker import give_up_rights

_LATE = (
    "av.audio.stream",
    "av.audio.codeccontext",
    "av.subtitles.stream",
    "av.subtitles.codeccontext",
    "logging",
    "PIL.ImageFile",
)
"""What PyAV and Pillow import when they need it, which would be when files can be opened no more."""


def serve(clip: BinaryIO, answers: BinaryIO, container: str, *, fps: float, side: int, at: float | None) -> None:
    """Answer with the frames of a clip, or with the one that is shown at a moment."""

    def answer(kind: bytes, first: int = 0, second: int = 0, x: float = 0, y: float = 0, data: bytes = b"") -> None:
        answers.write(ANSWER.pack(kind, first, second, x, y))
        answers.write(data)
        answers.flush()

    try:
        decoder = ClipDecoder(clip, container, works=lambda time: answer(b"w", x=time))
        said = False
        for time, frame in decoder.shown(fps) if at is None else decoder.shown_at(at):
            if not said:
                answer(b"i", *turned(frame, decoder.size(frame)), decoder.told or 0, decoder.rate or 0)
                said = True
            photo = picture(frame, decoder.size(frame), side)
            answer(b"f", *photo.size, time, data=photo.tobytes())
        lacks = ((decoder.missing() or "") if at is None else "").encode()
        if not said:
            raise ClipError("holds no picture that could be decoded. Copy or download it again, or convert it to MP4")
        answer(b"d", len(lacks), x=decoder.found, data=lacks)
    except ClipError as error:
        reason = str(error).encode()
        answer(b"e", len(reason), data=reason)
    except MemoryError:
        reason = b"needs more memory than a clip may take. Save a smaller copy"
        answer(b"e", len(reason), data=reason)


def give_up_more_rights(seconds: float) -> None:
    """Allow so much processor time, no threads, and no files but the three that are open, where the system can enforce it."""
    try:
        import resource
    except ImportError:
        return
    limits = (("RLIMIT_CPU", int(seconds) + 1), ("RLIMIT_NOFILE", 3), ("RLIMIT_CORE", 0), ("RLIMIT_NPROC", 0))
    for name, most in limits:
        with suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (most, most))


def main(memory: int, seconds: float, container: str, fps: float, side: int, at: float | None) -> None:
    """What the process does: it answers with a clip's frames, with the rights that this takes."""
    for module in _LATE:
        importlib.import_module(module)
    give_up_rights(memory)
    give_up_more_rights(seconds)
    serve(sys.stdin.buffer, sys.stdout.buffer, container, fps=fps, side=side, at=at)
