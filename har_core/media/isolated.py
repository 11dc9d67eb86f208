"""Untrusted photos, decoded in worker processes: a file that crashes the decoder costs one worker and nothing else.

What it is: isolation of crashes, of memory and of time.  A worker has an empty environment, writes no files, starts no
processes on Linux, and has no network where the system lets everybody make a namespace; what it
answers is checked before memory is spent on it.  What it is not: a sandbox.  A worker that is taken over runs as the same
user and can read that user's files.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path
from queue import Empty, LifoQueue
from typing import IO

from PIL import Image

from har_core.errors import ImageError
from har_core.media.images import ACCEPTED, MAX_BYTES, MAX_PIXELS
from har_core.media.isolated_worker import HEADER
from har_core.media.worker_process import start_worker

_MAX_REASON = 10_000  # bytes


class IsolatedDecoder:
    """`images.open_photo` in another process.  Threads may share a decoder: each call has a worker to itself.

    Args:
        memory: the most a worker may allocate, in bytes; enforced on Linux.
        seconds: the longest that a photo may take.
    """

    def __init__(self, *, memory: int = 2**30, seconds: float = 10.0) -> None:
        self.memory, self.seconds = memory, seconds
        self.crashes = 0
        """Workers that crashed on a photo, or were stopped because it took too long."""
        self._idle: LifoQueue[subprocess.Popen[bytes]] = LifoQueue()
        self._slots = threading.BoundedSemaphore(max(1, os.cpu_count() or 1))

    def open(self, data: bytes, name: str) -> Image.Image:
        """As `images.open_photo(data, name)`.

        Raises:
            ImageError: also if the photo takes too long, needs too much memory, or crashes the worker.
        """
        if len(data) > MAX_BYTES:  # enough for open_photo to refuse it
            data = data[: MAX_BYTES + 1]
        with self._slots:
            worker = self._take()
            try:
                photo = self._ask(worker, data, name)
            except ImageError:
                self._give_back(worker)
                raise
            except BaseException:
                worker.kill()
                worker.wait()
                raise
            self._give_back(worker)
            return photo

    def peak_memory(self) -> int:
        """Peak memory of the idle workers, in bytes (of the largest one); 0 on other systems than Linux."""
        peaks = [0]
        for worker in list(self._idle.queue):
            try:
                status = Path(f"/proc/{worker.pid}/status").read_text()
                peaks.append(int(status.split("VmHWM:")[1].split()[0]) * 1024)
            except (OSError, IndexError):
                continue
        return max(peaks)

    def close(self) -> None:
        """Stop the idle workers; the next call starts new ones."""
        while True:
            try:
                worker = self._idle.get_nowait()
            except Empty:
                return
            worker.kill()
            worker.wait()

    def _take(self) -> subprocess.Popen[bytes]:
        while True:
            try:
                worker = self._idle.get_nowait()
            except Empty:
                return self._start()
            if worker.poll() is None:
                return worker

    def _give_back(self, worker: subprocess.Popen[bytes]) -> None:
        if worker.poll() is None:
            self._idle.put(worker)

    def _start(self) -> subprocess.Popen[bytes]:
        """A new worker.  It ends with this process, because then its input ends."""
        return start_worker("isolated_worker", str(self.memory), stdin=subprocess.PIPE)

    def _ask(self, worker: subprocess.Popen[bytes], data: bytes, name: str) -> Image.Image:
        assert worker.stdin is not None
        assert worker.stdout is not None
        started = time.monotonic()
        watch = threading.Timer(self.seconds, worker.kill)
        watch.start()
        try:
            label = name.encode("utf-8", "replace")
            _write_all(worker.stdin, HEADER.pack(len(label), len(data)) + label)
            _write_all(worker.stdin, data)
            status = _read_exactly(worker.stdout, 1)
            first, second = HEADER.unpack(_read_exactly(worker.stdout, HEADER.size))
            if status == b"k":
                if not (first and second and first * second <= MAX_PIXELS):
                    raise EOFError(f"expected a photo, found {first} × {second} pixels")
                return Image.frombytes("RGB", (first, second), _read_exactly(worker.stdout, first * second * 3))
            if status != b"e" or first > _MAX_REASON:
                raise EOFError(f"expected a photo or a reason, found {status!r} and {first:,} bytes")
            reason = _read_exactly(worker.stdout, first).decode()
        except (EOFError, OSError, ValueError) as error:  # the worker is gone, or not to be trusted any more
            worker.kill()
            worker.wait()
            self.crashes += 1
            reason = (
                f"took longer than {self.seconds:g} seconds to decode"
                if time.monotonic() - started >= self.seconds
                else "could not be decoded within the limits for a photo"
            )
            raise ImageError(f"{name} {reason}. Choose another, or save it anew as JPEG. {ACCEPTED}") from error
        finally:
            watch.cancel()
        raise ImageError(reason)


def _read_exactly(stream: IO[bytes], count: int) -> bytearray:
    data = bytearray(count)
    view, filled = memoryview(data), 0
    while filled < count:
        size = stream.readinto(view[filled:])  # type: ignore[attr-defined]
        if not size:
            raise EOFError(f"expected {count} bytes, found {filled}")
        filled += size
    return data


def _write_all(stream: IO[bytes], data: bytes) -> None:
    view, written = memoryview(data), 0
    while written < len(data):
        written += stream.write(view[written:]) or 0
