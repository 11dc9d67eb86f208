"""Untrusted photos, decoded in a process of their own: a hostile file can cost that process, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Empty, LifoQueue
from typing import IO

from PIL import Image

from har_core.decode_worker import HEADER
from har_core.errors import ImageError
from har_core.images import ACCEPTED, MAX_BYTES

_PIPE = 1 << 20  # bytes in flight: the usual 64 kB would make the two processes wait for each other
_ROOT = Path(__file__).parent.parent


class Decoder:
    """`images.open_photo` behind a wall.  Threads may share one: each call has a worker process to itself.

    Args:
        memory: of a worker, in bytes; enforced on Linux.
        seconds: a photo may take to decode.
    """

    def __init__(self, *, memory: int = 2**30, seconds: float = 10.0) -> None:
        self.memory, self.seconds = memory, seconds
        self.deaths = 0
        """Workers that died over a photo, or were stopped for taking too long."""
        self._idle: LifoQueue[subprocess.Popen[bytes]] = LifoQueue()
        self._slots = threading.BoundedSemaphore(max(1, os.cpu_count() or 1))

    def open(self, data: bytes, name: str) -> Image.Image:
        """As `images.open_photo`.

        Raises:
            ImageError: also if the photo takes longer or needs more memory than it may, or breaks the decoder.
        """
        if len(data) > MAX_BYTES:  # not worth sending: refused by open_photo in the same words
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
        """The most memory that an idle worker has held, in bytes; 0 where the system does not tell (not Linux)."""
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
        """A new worker; it ends by itself when this process does, because its input ends."""
        return subprocess.Popen(
            [sys.executable, "-m", "har_core.decode_worker", str(self.memory)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            pipesize=_PIPE if sys.platform == "linux" else -1,
        )

    def _ask(self, worker: subprocess.Popen[bytes], data: bytes, name: str) -> Image.Image:
        assert worker.stdin is not None
        assert worker.stdout is not None
        started = time.monotonic()
        watch = threading.Timer(self.seconds, worker.kill)
        watch.start()
        try:
            label = name.encode("utf-8", "replace")
            _all(worker.stdin, HEADER.pack(len(label), len(data)) + label)
            _all(worker.stdin, data)
            status = _exactly(worker.stdout, 1)
            first, second = HEADER.unpack(_exactly(worker.stdout, HEADER.size))
            if status == b"k":
                return Image.frombytes("RGB", (first, second), _exactly(worker.stdout, first * second * 3))
            raise ImageError(_exactly(worker.stdout, first).decode())
        except (EOFError, OSError) as error:  # the worker is gone
            worker.kill()
            worker.wait()
            self.deaths += 1
            reason = (
                f"took longer than {self.seconds:g} seconds to decode"
                if time.monotonic() - started >= self.seconds
                else "could not be decoded within the limits for a photo"
            )
            raise ImageError(f"{name} {reason}. Choose another, or save it anew as JPEG. {ACCEPTED}") from error
        finally:
            watch.cancel()


def _exactly(stream: IO[bytes], count: int) -> bytearray:
    data = bytearray(count)
    view, filled = memoryview(data), 0
    while filled < count:
        size = stream.readinto(view[filled:])  # type: ignore[attr-defined]
        if not size:
            raise EOFError(f"expected {count} bytes, found {filled}")
        filled += size
    return data


def _all(stream: IO[bytes], data: bytes) -> None:
    view, written = memoryview(data), 0
    while written < len(data):
        written += stream.write(view[written:]) or 0
