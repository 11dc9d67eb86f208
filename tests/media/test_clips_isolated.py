"""A clip is decoded in a process with few rights, and what that answers is not trusted."""

from __future__ import annotations

import gc
import io
import resource
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
import pytest

from har_core.errors import ClipError
from har_core.media.clips import ANSWER, MAX_SIDE, ClipReader
from tests.conftest import ROOT
from tests.media.clip_makers import make_clip, number_of

CLIP = make_clip()
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


class OtherWorker(ClipReader):
    """Its workers run other code."""

    def __init__(self, code: str, **limits: float) -> None:
        super().__init__(**limits)  # type: ignore[arg-type]
        self.code = code

    def _start(self, file: BinaryIO, arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", self.code], stdin=file, stdout=subprocess.PIPE)


def answering(*answers: bytes) -> OtherWorker:
    code = f"import sys, time; sys.stdout.buffer.write({b''.join(answers)!r}); sys.stdout.flush(); time.sleep(60)"
    return OtherWorker(code)


INFO = ANSWER.pack(b"i", 64, 48, 2.0, 12.0)
FRAME = ANSWER.pack(b"f", 2, 2, 0.0, 0.0) + bytes(12)


@pytest.mark.parametrize(
    "answers",
    [
        [ANSWER.pack(b"i", 2**32 - 1, 2**32 - 1, 1.0, 1.0)],
        [ANSWER.pack(b"i", 0, 5, 1.0, 1.0)],
        [ANSWER.pack(b"i", 64, 48, float("nan"), 1.0)],
        [ANSWER.pack(b"f", 2, 2, 0.0, 0.0) + bytes(12)],
        [ANSWER.pack(b"d", 0, 0, 1.0, 0.0)],
        [ANSWER.pack(b"e", 2**32 - 1, 0, 0.0, 0.0)],
        [ANSWER.pack(b"x", 1, 1, 0.0, 0.0) + b"abc"],
        [INFO, ANSWER.pack(b"f", 64, 1000, 0.0, 0.0)],
        [INFO, ANSWER.pack(b"f", 0, 1, 0.0, 0.0)],
        [INFO, INFO],
        [INFO, FRAME, FRAME],
        [INFO, ANSWER.pack(b"f", 2, 2, 1e9, 0.0) + bytes(12)],
        [INFO, ANSWER.pack(b"f", 2, 2, float("inf"), 0.0) + bytes(12)],
    ],
)
def test_an_answer_that_lies_is_found_out(answers: list[bytes]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ClipError, match="could not be decoded"), answering(*answers).open(CLIP, "a.mp4") as clip:
        list(clip)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_words_of_a_worker_are_made_printable() -> None:
    with pytest.raises(ClipError) as found:
        answering(ANSWER.pack(b"e", 8, 0, 0, 0) + b"is\x1b[31m\xff").open(CLIP, "a.mp4")
    assert str(found.value).isprintable() and "Accepted are" in str(found.value)


def test_frames_before_a_crash_are_kept() -> None:
    write = f"import sys, os; sys.stdout.buffer.write({INFO + FRAME!r}); sys.stdout.flush(); os.abort()"
    with OtherWorker(write).open(CLIP, "a.mp4") as clip:
        assert len(list(clip)) == 1
    assert clip.broken is not None and "could not be decoded" in clip.broken


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"patience": 0.3}, "import time; time.sleep(60)"),
        (
            {"seconds": 0.3},
            f"import sys, time\nwhile True: sys.stdout.buffer.write({ANSWER.pack(b'w', 0, 0, 0.0, 0.0)!r}); sys.stdout.flush(); time.sleep(.01)",
        ),
    ],
)
def test_a_clip_that_takes_too_long_is_given_up(limits: dict[str, float], code: str) -> None:
    with pytest.raises(ClipError, match="takes too long"):
        OtherWorker(code, **limits).open(CLIP, "slow.mp4")


def worker_of(clip: object) -> subprocess.Popen[bytes]:
    worker: subprocess.Popen[bytes] = clip._worker  # type: ignore[attr-defined]
    return worker


@LINUX
def test_a_worker_has_few_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    large = make_clip(size=(1280, 720), frames=24)  # more than a pipe takes: the worker waits
    with ClipReader().open(large, "a.mp4", fps=12, side=MAX_SIDE) as clip:
        process = Path(f"/proc/{worker_of(clip).pid}")
        assert (process / "environ").read_bytes() == b"" and (process / "cwd").readlink() == Path("/")
        assert {path.name for path in (process / "fd").iterdir()} == {"0", "1", "2"}
        limits = {line[:25].strip(): line[26:].split()[0] for line in (process / "limits").read_text().splitlines()[1:]}
        assert limits["Max file size"] == limits["Max processes"] == limits["Max core file size"] == "0"
        assert limits["Max open files"] == "3" and limits["Max cpu time"].isdigit()
        assert limits["Max address space"] == str(ClipReader().memory)


@LINUX
def test_a_worker_can_open_neither_files_nor_connections(tmp_path: Path) -> None:
    there, new = tmp_path / "there", tmp_path / "new"
    there.write_text("text")
    code = (
        "import socket, sys; from har_core.media.clip_worker import *\n"
        "give_up_rights(2**31); give_up_more_rights(60)\n"
        f"for what in (lambda: open({str(there)!r}), lambda: open({str(new)!r}, 'w'), socket.socket):\n"
        "    try: what(); print('opened')\n"
        "    except OSError: print('refused')\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["refused"] * 3 and not new.exists()


@LINUX
def test_memory_is_limited() -> None:
    large = make_clip(size=(3840, 2160), frames=3, options={"preset": "ultrafast"})
    with pytest.raises(ClipError, match=r"memory|limits"):
        list(ClipReader(memory=150 * 2**20).open(large, "heavy.mp4"))


@LINUX
def test_workers_end_when_they_are_not_needed() -> None:
    reader, large = ClipReader(), make_clip(size=(1280, 720), frames=24)
    closed, left, abandoned = (reader.open(large, "a.mp4", fps=12, side=1280) for _ in range(3))
    closed.close()
    closed.close()
    next(iter(left))
    left.close()
    with pytest.raises(ClipError, match="was closed"):
        list(left)
    workers = [worker_of(clip) for clip in (closed, left, abandoned)]
    del abandoned
    gc.collect()
    assert all(worker.poll() is not None for worker in workers)


@LINUX
def test_a_worker_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(make_clip(size=(1280, 720), frames=24))
    code = (
        "import os, sys; from pathlib import Path; from har_core.media.clips import ClipReader\n"
        "clip = ClipReader().open(Path(sys.argv[1]), 'a', fps=12, side=1280); print(clip._worker.pid, flush=True); os._exit(0)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.mp4")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    status = Path(f"/proc/{int(found.stdout)}/status")
    for _ in range(100):
        if not status.exists() or "Z (zombie)" in status.read_text():
            return
        time.sleep(0.1)
    pytest.fail("the worker outlived its parent")


def test_threads_share_a_reader() -> None:
    reader, wrong = ClipReader(), []
    clips = {count: make_clip(frames=3 * count) for count in range(1, 4)}

    def visit(count: int) -> None:
        with reader.open(clips[count], "a.mp4") as clip:
            if [number_of(frame.photo) for frame in clip] != [3 * step for step in range(count)]:
                wrong.append(count)

    threads = [threading.Thread(target=visit, args=(count,)) for count in clips]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_no_other_file_is_read_for_a_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A MOV that says that its pictures are in another file shows nothing of that."""
    monkeypatch.chdir(tmp_path)
    secret, white = tmp_path / "secret.mov", np.full((48, 64, 3), 255, dtype=np.uint8)
    options: dict[str, Any] = {"container": "mov", "codec": "mjpeg", "format": "yuvj420p"}
    secret.write_bytes(make_clip(**options, pictures=[white] * 3))
    hostile = refers_to(make_clip(**options, frames=3), secret)
    with pytest.raises(ClipError, match="holds no picture"):
        ClipReader().open(hostile, "hostile.mov")
    asked: list[str] = []

    def ask(url: str, *_: object) -> None:
        asked.append(url)
        raise PermissionError

    with suppress(Exception):
        av.open(io.BytesIO(hostile), options={"enable_drefs": "1", "use_absolute_path": "1"}, io_open=ask)
    assert any(secret.name in url for url in asked)  # readers that allow it would have opened it


def refers_to(clip: bytes, other: Path) -> bytes:
    """A MOV whose data reference is an alias of another file (Apple's alias record, volume and path)."""
    path = str(other).encode()
    alias = bytearray(150)
    alias[6:8] = struct.pack(">H", 2)
    alias[10:38] = b"\x04disk".ljust(28, b"\0")
    alias[50:114] = (bytes([len(other.name)]) + other.name.encode()).ljust(64, b"\0")
    record = (
        bytes(alias)
        + struct.pack(">hh", 2, len(path))
        + path
        + b"\0" * (len(path) % 2)
        + struct.pack(">hh", 18, len(path))
        + path
    )
    entry = struct.pack(">I4sI", 12 + len(record), b"alis", 0) + record
    at = clip.index(b"url ", clip.index(b"dref")) - 4
    changed = bytearray(clip[:at] + entry + clip[at + 12 :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        place = changed.index(box) - 4
        size = struct.unpack(">I", changed[place : place + 4])[0]
        changed[place : place + 4] = struct.pack(">I", size + len(entry) - 12)
    return bytes(changed)
