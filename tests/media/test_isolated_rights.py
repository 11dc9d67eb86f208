"""A decode worker has few rights, and what it answers is not trusted."""

from __future__ import annotations

import fcntl
import resource
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from har_core.errors import ImageError
from har_core.media.isolated import IsolatedDecoder
from tests.conftest import picture
from tests.media.test_images import encoded
from tests.media.test_isolated import other_worker

PHOTO = encoded(picture((200, 90, 30)), "JPEG")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def decoder() -> Iterator[IsolatedDecoder]:
    decoder = IsolatedDecoder()
    yield decoder
    decoder.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"k" + struct.pack(">II", 2**32 - 1, 2**32 - 1),
        b"k" + struct.pack(">II", 10_000, 10_000),
        b"k" + struct.pack(">II", 0, 5),
        b"e" + struct.pack(">II", 2**32 - 1, 0),
        b"e" + struct.pack(">II", 2, 0) + b"\xff\xfe",
        b"x" + struct.pack(">II", 1, 1) + b"abc",
    ],
)
def test_an_answer_that_lies_costs_a_worker_and_no_memory(
    decoder: IsolatedDecoder, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    code = f"import sys, time; sys.stdout.buffer.write({answer!r}); sys.stdout.flush(); time.sleep(60)"
    other_worker(monkeypatch, decoder, code)
    with pytest.raises(ImageError, match="could not be decoded"):
        decoder.open(PHOTO, "a.jpg")
    assert decoder.crashes == 1 and resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
    assert decoder.open(PHOTO, "a.jpg").size == (60, 48)


def test_a_worker_has_few_rights(decoder: IsolatedDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    decoder.open(PHOTO, "a.jpg")
    (worker,) = decoder._idle.queue
    process = Path(f"/proc/{worker.pid}")
    assert (process / "environ").read_bytes() == b"" and (process / "cwd").readlink() == Path("/")
    assert {path.name for path in (process / "fd").iterdir()} == {"0", "1", "2"}
    limits = {line[:25].strip(): line[26:].split()[0] for line in (process / "limits").read_text().splitlines()[1:]}
    assert limits["Max file size"] == "0" and limits["Max open files"] == "16"
    assert "Seccomp:\t2\n" in (process / "status").read_text() or limits["Max processes"] == "0"
    assert limits["Max address space"] == str(decoder.memory)


def test_workers_start_when_pipes_may_not_grow(decoder: IsolatedDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    assert decoder.open(PHOTO, "a.jpg").size == (60, 48)
