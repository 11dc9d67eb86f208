"""Untrusted clips → upright RGB frames by their time, decoded in a process of their own.

    with ClipReader().open(path, "street.mp4", fps=4) as clip:
        print(clip.info.seconds)
        for frame in clip:
            show(frame.time, frame.photo)
        print(clip.broken)

A worker has the few rights of one that decodes photos (see `isolated`), and can open no file besides the clip, which it
is given open.  Each clip has a worker of its own, which waits while nobody takes its frames.
"""

from __future__ import annotations

import math
import struct
import subprocess
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Self

from PIL import Image

from har_core.errors import ClipError
from har_core.files import printable
from har_core.media.clip_files import (
    ACCEPTED_CLIPS,
    CLIP_SUFFIXES,
    MAX_CLIP_BYTES,
    MAX_CLIP_SECONDS,
    Clip,
    as_file,
    container_of,
    is_clip_name,
)
from har_core.media.images import MAX_ASPECT, MAX_PIXELS
from har_core.media.worker_process import start_worker

__all__ = [
    "CLIP_SUFFIXES",
    "MAX_CLIP_BYTES",
    "MAX_CLIP_SECONDS",
    "Clip",
    "ClipInfo",
    "ClipReader",
    "Frame",
    "OpenClip",
    "is_clip_name",
]

MAX_FPS = 60.0
"""Frames a second that may be asked for."""

MAX_SIDE = 4000
"""Pixels of a frame's longer side that may be asked for."""

ANSWER = struct.Struct(">cIIdd")
"""How an answer of a worker begins."""

_MAX_REASON = 2000  # bytes


@dataclass(frozen=True)
class ClipInfo:
    """What a clip says of itself.

    `seconds`: the duration told, None if none is; once all frames are read, `OpenClip.info` has the one that was found.
    `width`, `height`: in pixels, upright and with square pixels.  `frames_per_second`: the average; None if it is not told.
    """

    name: str
    seconds: float | None
    width: int
    height: int
    frames_per_second: float | None


@dataclass(frozen=True)
class Frame:
    """A frame that is shown `time` seconds after the clip's first one.

    `photo`: upright RGB with square pixels.  `number`: from 0, among the frames taken.
    """

    time: float
    photo: Image.Image
    number: int


class ClipReader:
    """Opens clips, each in a worker process of its own.  Holds no state between calls: threads may share one.

    Args:
        memory: the most that a worker may allocate, in bytes; enforced on Linux.
        patience: the longest that a worker may give no sign of life, in seconds.
        seconds: the longest that a worker may be waited for in all, in seconds.
    """

    def __init__(self, *, memory: int = 1536 * 2**20, patience: float = 60.0, seconds: float = 1200.0) -> None:
        self.memory, self.patience, self.seconds = memory, patience, seconds

    def open(self, clip: Clip, name: str, *, fps: float = 4.0, side: int = 640) -> OpenClip:
        """Begin to decode a clip.

        Args:
            name: what to call it in an error.
            fps: frames to take a second, more than 0, at most `MAX_FPS`.
            side: the most pixels of a frame's longer side, up to `MAX_SIDE`; frames are not enlarged.

        Raises:
            ClipError: if it is empty, too large, longer than `MAX_CLIP_SECONDS` as it tells, not of an accepted kind, holds no
                moving pictures, or none of them can be decoded.  The message names the clip, the reason and what is accepted.
            ValueError: if `fps` or `side` are out of range.
        """
        if not 0 < fps <= MAX_FPS:
            raise ValueError(f"expected more than 0 and at most {MAX_FPS:g} frames a second, found {fps}")
        return self._open(clip, name, fps, side, None)

    def frame(self, clip: Clip, name: str, time: float, *, side: int = 1600) -> Frame:
        """The one frame that is shown at a time, in seconds; of a clip that ends before, the last.  Its `number` is 0.

        Raises:
            ClipError, ValueError: as `open`.
        """
        if not math.isfinite(time) or time < 0:
            raise ValueError(f"expected a time of 0 seconds or more, found {time}")
        with self._open(clip, name, 1.0, side, time) as opened:
            for frame in opened:
                return frame
        raise ClipError(f"{name} holds no picture at {time:g} seconds. Choose another time. {ACCEPTED_CLIPS}")

    def _open(self, clip: Clip, name: str, fps: float, side: int, at: float | None) -> OpenClip:
        if not 1 <= side <= MAX_SIDE:
            raise ValueError(f"expected 1 to {MAX_SIDE} pixels, found {side}")
        with as_file(clip, name) as file:
            container = container_of(file.read(64), name)
            file.seek(0)
            arguments = f"{self.memory}, {self.seconds!r}, {container!r}, {float(fps)!r}, {side}, {at!r}"
            worker = self._start(file, arguments)
        return OpenClip(worker, name, self, fps=fps, side=side)

    def _start(self, file: BinaryIO, arguments: str) -> subprocess.Popen[bytes]:
        """A worker that decodes a file.  It ends with this process, because nobody takes its answers then."""
        return start_worker("clip_worker", arguments, stdin=file)


class OpenClip:
    """A clip that is being decoded, whose frames come while one iterates over it, once.  A context manager.

    `info`: known from the start.  `broken`: after the last frame, why the clip ends there, as a sentence that names it, if
    it should go on: it is cut off, damaged or too long, or decoding it took too much; else None.  For one thread at a time,
    but for `close`.
    """

    info: ClipInfo
    broken: str | None = None

    def __init__(
        self, worker: subprocess.Popen[bytes], name: str, limits: ClipReader, *, fps: float, side: int
    ) -> None:
        self._worker, self._name, self._limits = worker, name, limits
        self._most, self._side = int((MAX_CLIP_SECONDS + 1) * fps) + 2, side
        self._waited = 0.0
        self._frames = self._read()
        self._stop = weakref.finalize(self, _end, worker)
        try:
            kind, width, height, told, rate, _ = self._answer()
            if kind != b"i":
                raise self._gone()
        except BaseException:
            self.close()
            raise
        self.info = ClipInfo(name, _positive(told), width, height, _positive(rate))

    def __iter__(self) -> Iterator[Frame]:
        """The frames shown at 0, 1/fps, 2/fps … seconds, each once however long it is shown.

        Raises:
            ClipError: if the first frame cannot be had, or the clip was closed.
        """
        return self._frames

    def close(self) -> None:
        """Stop decoding.  May be called at any time, by any thread, more than once."""
        self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> Iterator[Frame]:
        number, latest = 0, -1.0
        try:
            while True:
                try:
                    kind, width, height, moment, _, data = self._answer()
                except ClipError as error:
                    if not number or not self._stop.alive:
                        raise
                    self.info = replace(self.info, seconds=_positive(latest))
                    self.broken = str(error).removesuffix(f" {ACCEPTED_CLIPS}")
                    return
                if kind == b"d":
                    self.info = replace(self.info, seconds=_positive(moment))
                    self.broken = f"{self._name} {_words(data)}." if data else None
                    return
                if kind != b"f" or number >= self._most or not latest < moment <= MAX_CLIP_SECONDS + 1:
                    raise self._gone()
                yield Frame(moment, Image.frombytes("RGB", (width, height), data), number)
                number, latest = number + 1, moment
        finally:
            self.close()

    def _answer(self) -> tuple[bytes, int, int, float, float, bytes]:
        """The next answer that is no mere sign of life."""
        kind = b"w"
        while kind == b"w":
            left = min(self._limits.patience, self._limits.seconds - self._waited)
            began, watch = time.monotonic(), threading.Timer(max(0.0, left), self._worker.kill)
            watch.start()
            try:
                kind, first, second, x, y = ANSWER.unpack(self._exactly(ANSWER.size))
                data = self._exactly(self._length(kind, first, second, x, y))
            except (EOFError, OSError, ValueError) as error:  # the worker is gone, or not to be trusted any more
                raise self._gone(too_long=time.monotonic() - began >= left) from error
            finally:
                watch.cancel()
            self._waited += time.monotonic() - began
        if kind == b"e":
            raise ClipError(f"{self._name} {_words(data)}. {ACCEPTED_CLIPS}")
        return kind, first, second, x, y, data

    def _length(self, kind: bytes, first: int, second: int, x: float, y: float) -> int:
        """How many bytes follow an answer, if it can be one."""
        possible = math.isfinite(x) and math.isfinite(y)
        if kind == b"f":
            possible &= 0 < first <= self._side and 0 < second <= self._side
        elif kind == b"i":
            possible &= first > 0 and second > 0 and first * second <= MAX_PIXELS * MAX_ASPECT
        elif kind in (b"d", b"e"):
            possible &= first <= _MAX_REASON
        elif kind != b"w":
            possible = False
        if not possible:
            raise ValueError(f"expected an answer, found {kind!r}, {first}, {second}, {x}, {y}")
        return {b"f": 3 * first * second, b"d": first, b"e": first}.get(kind, 0)

    def _exactly(self, count: int) -> bytes:
        assert self._worker.stdout is not None
        data = self._worker.stdout.read(count)
        if len(data) < count:
            raise EOFError(f"expected {count} bytes, found {len(data)}")
        return data

    def _gone(self, *, too_long: bool = False) -> ClipError:
        """What to say of a worker that is gone, or answers what it should not."""
        if not self._stop.alive:
            reason = "was closed while it was read. Open it again"
        elif too_long:
            reason = "takes too long to decode. Save a smaller or shorter copy"
        else:
            reason = "could not be decoded within the limits for a clip. Choose another, or convert it to MP4"
        return ClipError(f"{self._name} {reason}. {ACCEPTED_CLIPS}")


def _words(data: bytes) -> str:
    return printable(data.decode("utf-8", "replace"))


def _positive(number: float) -> float | None:
    return number if number > 0 else None


def _end(worker: subprocess.Popen[bytes]) -> None:
    worker.kill()
    worker.wait()
    if worker.stdout is not None:
        worker.stdout.close()
