"""200 seeded mutations of clips: each ends in frames or a reason, within the limits, and this process goes on."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from har_core.errors import ClipError
from har_core.media.clips import ClipReader
from tests.media.clip_makers import make_clip

COUNT = 200
CLIPS: dict[str, dict[str, object]] = {
    "mp4-h264": {"sound": True},
    "webm-vp9": {"container": "webm", "codec": "libvpx-vp9"},
    "avi-mjpeg": {"container": "avi", "codec": "mjpeg", "format": "yuvj420p"},
    "mkv-mpeg4": {"container": "matroska", "codec": "mpeg4"},
    "mov-turned": {"container": "mov", "rotation": -90},
}
PATIENCE = 60.0


def mutated(data: bytes, seed: int) -> bytes:
    """Bytes changed, a part cut off, taken out, swapped with another or repeated, or a size replaced."""
    draw = random.Random(seed)
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8))):
        kind, size = draw.randrange(6), max(1, len(changed))
        a, b = sorted(draw.randrange(size) for _ in range(2))
        if kind == 0:
            for _ in range(draw.choice((1, 4, 64))):
                changed[draw.randrange(size)] = draw.randrange(256)
        elif kind == 1:
            del changed[max(16, b) :]
        elif kind == 2:
            del changed[a : min(b, a + 200)]
        elif kind == 3:
            part = min(100, (size - b), b - a)
            changed[a : a + part], changed[b : b + part] = changed[b : b + part], changed[a : a + part]
        elif kind == 4:
            changed[b:b] = changed[a : a + draw.choice((4, 100, 1000))]
        else:  # headers lie at both ends
            place = draw.choice((draw.randrange(min(size, 800)), max(0, size - 1 - draw.randrange(min(size, 1500)))))
            changed[place : place + 4] = draw.choice(
                (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1")
            )
    return bytes(changed)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mutated_clips_are_read_or_refused() -> None:
    clips = {kind: make_clip(**options) for kind, options in CLIPS.items()}  # type: ignore[arg-type]
    reader, names = ClipReader(patience=PATIENCE), list(clips)

    def outcome(seed: int) -> str:
        data = mutated(clips[names[seed % len(names)]], seed)
        try:
            with reader.open(data, "clip", fps=6) as clip:
                frames = list(clip)
        except ClipError as error:
            return (
                "too long" if "takes too long" in str(error) else "refused" if str(error).isprintable() else "unclear"
            )
        assert frames and all(min(frame.photo.size) > 0 for frame in frames)
        assert [frame.time for frame in frames] == sorted({frame.time for frame in frames})
        return "broken" if clip.broken else "read"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(outcome, range(COUNT)))
    assert len(outcomes) == COUNT and {*outcomes} == {"read", "refused", "broken"}
    assert all(outcomes.count(kind) >= 10 for kind in ("read", "refused", "broken"))
