"""Clips as people and programs make them: the frames that are shown at a moment, upright, and clear reasons for others."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from har_core.errors import ClipError
from har_core.media.clip_files import is_clip_file
from har_core.media.clips import MAX_CLIP_BYTES, ClipReader, Frame, OpenClip, is_clip_name
from tests.media.clip_makers import RATE, is_upright, make_clip, number_of, numbered, only_sound

READER = ClipReader()
PNG = b"\x89PNG\r\n\x1a\n" + bytes(25)
KINDS: dict[str, dict[str, object]] = {
    "mp4": {},
    "mov": {"container": "mov", "codec": "prores_ks", "format": "yuv422p10le"},
    "webm-vp9": {"container": "webm", "codec": "libvpx-vp9"},
    "webm-vp8": {"container": "webm", "codec": "libvpx", "sound": True},
    "mkv": {"container": "matroska", "codec": "mpeg4"},
    "avi": {"container": "avi", "codec": "mjpeg", "format": "yuvj420p"},
    "avi-mpeg4": {"container": "avi", "codec": "mpeg4"},
    "hevc-10-bit": {"codec": "libx265", "format": "yuv420p10le", "options": {"x265-params": "log-level=none"}},
    "444": {"format": "yuv444p"},
    "odd": {"size": (61, 47), "format": "yuv444p"},
    "alpha": {"container": "mov", "codec": "qtrle", "format": "argb"},
    "sound": {"sound": True},
    "cover": {"cover": "mjpeg"},
    "interlaced": {"options": {"x264-params": "tff=1"}},
    "no-length": {"container": "webm", "codec": "libvpx", "muxer": {"live": "1"}},
    "fragments": {"muxer": {"movflags": "frag_keyframe+empty_moov"}},
}


def read(clip: bytes, **options: float) -> tuple[OpenClip, list[Frame]]:
    with READER.open(clip, "clip", **options) as opened:  # type: ignore[arg-type]
        return opened, list(opened)


@pytest.mark.parametrize("kind", KINDS)
def test_the_frames_of_a_kind(kind: str) -> None:
    clip, frames = read(make_clip(**KINDS[kind]))  # type: ignore[arg-type]
    assert [frame.time for frame in frames] == [step / 4 for step in range(8)]
    assert [number_of(frame.photo) for frame in frames] == [3 * step for step in range(8)]
    assert [frame.number for frame in frames] == list(range(8))
    assert all(is_upright(frame.photo) and frame.photo.mode == "RGB" for frame in frames)
    size = KINDS[kind].get("size", (64, 48))
    assert (clip.info.width, clip.info.height) == size and frames[0].photo.size == size
    assert clip.info.seconds == pytest.approx(2, abs=0.1) and clip.broken is None


@pytest.mark.parametrize(("rotation", "flipped"), [(-90, False), (90, False), (180, False), (0, True), (-90, True)])
def test_clips_of_phones_are_upright(rotation: int, flipped: bool) -> None:
    clip, frames = read(make_clip("mov", rotation=rotation, flipped=flipped, frames=3))
    assert is_upright(frames[0].photo) and frames[0].photo.size == (64, 48) == (clip.info.width, clip.info.height)


def test_of_a_variable_rate_the_frame_that_is_shown_at_a_moment() -> None:
    _, frames = read(make_clip(milliseconds=[0, 40, 490, 510, 1500, 1600, 1740, 1760]))
    found = [(frame.time, number_of(frame.photo)) for frame in frames]
    assert found[:6] == [(0.0, 0), (0.25, 1), (0.5, 2), (0.75, 3), (1.5, 4), (1.75, 6)]


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_time_begins_with_the_first_frame(container: str) -> None:
    _, frames = read(make_clip(container, milliseconds=[5000 + 100 * step for step in range(6)]))
    assert [(frame.time, number_of(frame.photo)) for frame in frames] == [(0.0, 0), (0.25, 2), (0.5, 5)]


def test_pixels_that_are_not_square_are_stretched() -> None:
    clip, frames = read(make_clip(pixel=Fraction(2), frames=2))
    assert (clip.info.width, clip.info.height) == (128, 48) == frames[0].photo.size and is_upright(frames[0].photo)


def test_a_palette_and_gray() -> None:
    _, frames = read(make_clip("avi", "msrle", format="pal8", frames=3))
    assert is_upright(frames[0].photo) and frames[0].photo.size == (64, 48)
    _, frames = read(make_clip(format="gray"))
    levels = [float(np.asarray(frame.photo)[40].mean()) for frame in frames]
    assert levels == sorted(levels) and levels[-1] - levels[0] > 60


def test_large_frames_are_shrunk_and_colors_stay() -> None:
    """4K: 25 MB a frame as it is decoded, 7 MB of RGB for ten."""
    picture = np.repeat(np.repeat(numbered(9), 45, axis=0), 60, axis=1)
    clip, frames = read(make_clip(size=(3840, 2160), pictures=[picture] * 3, options={"preset": "ultrafast"}), side=640)
    assert (clip.info.width, clip.info.height) == (3840, 2160)
    assert frames[0].photo.size == (640, 360) and is_upright(frames[0].photo) and number_of(frames[0].photo) == 9
    red = np.asarray(frames[0].photo)[60, 100].astype(int)
    assert (
        np.abs(red - (200, 20, 20)).max() <= 24
    )  # encoded by the colors of small pictures, shown by those of large ones


def test_few_and_many_frames_a_second() -> None:
    data = make_clip(frames=24)
    assert [number_of(frame.photo) for frame in read(data, fps=0.5)[1]] == [0]
    assert [number_of(frame.photo) for frame in read(data, fps=60)[1]] == list(range(24))
    assert len(read(make_clip(frames=1))[1]) == 1
    for wrong in ({"fps": 0.0}, {"fps": 61.0}, {"side": 0}):
        with pytest.raises(ValueError, match="expected"):
            read(data, **wrong)


@pytest.mark.parametrize("kind", ["mp4", "webm-vp9", "avi-mpeg4", "no-length", "fragments"])
def test_the_frame_at_a_time(kind: str) -> None:
    """Near the end, decoding begins in the middle of the clip."""
    options = KINDS[kind] | {"milliseconds": ()}
    data = make_clip(**options, rate=4, frames=30)  # type: ignore[arg-type]
    for time, number in ((0.0, 0), (0.3, 1), (6.0, 24), (7.1, 28), (99.0, 29)):
        frame = READER.frame(data, "clip", time, side=200)
        assert number_of(frame.photo) == number and frame.time == pytest.approx(number / 4, abs=0.002)
    with pytest.raises(ValueError, match="expected a time"):
        READER.frame(data, "clip", -1.0)


@pytest.mark.parametrize(
    ("data", "fragment"),
    [
        (b"", "empty"),
        (b"these are notes, not a clip", "not a clip that can be read"),
        (b"GIF89a" + bytes(50), "GIF"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "a photo"),
        (b"\x00\x00\x00\x1cftypheic" + bytes(50), "a photo"),
        (b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\x02" + bytes(20), "an animated WebP.*convert it"),
        (b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\x10" + bytes(20), "a photo"),
        (PNG + b"\0\0\0\x08acTL" + bytes(12), "an animated PNG.*convert it"),
        (PNG + b"\0\0\0\x08IDAT" + bytes(12), "a photo"),
        (b"\0\0\0\x1cftypavis" + bytes(50), "an animated AVIF.*convert it"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/a.ts\n", "a playlist"),
        (b"ffconcat version 1.0\nfile /etc/hostname\n", "not a clip"),
        (b"\x00\x00\x00\x1cftypisom" + bytes(50), "damaged"),
        (b"\x1aE\xdf\xa3" + bytes(50), "damaged"),
        (b"RIFF\x00\x00\x00\x00AVI " + bytes(50), "damaged|no moving pictures"),
    ],
)
def test_what_is_no_clip_is_refused_with_its_reason(data: bytes, fragment: str) -> None:
    with pytest.raises(ClipError, match=fragment) as found:
        read(data)
    assert str(found.value).startswith("clip ") and "Accepted are" in str(found.value)


def test_without_pictures() -> None:
    with pytest.raises(ClipError, match="only sound"):
        read(only_sound())


def test_a_codec_that_is_not_accepted_is_named() -> None:
    with pytest.raises(ClipError, match="found snow"):
        read(make_clip("avi", "snow", frames=2, options={"strict": "-2"}))


def test_a_long_clip_is_refused_by_what_it_tells() -> None:
    with pytest.raises(ClipError, match="takes 11:4"):
        read(make_clip("matroska", milliseconds=[10_000 * step for step in range(71)]))


def test_a_clip_that_hides_its_length_ends_after_ten_minutes() -> None:
    data = make_clip("matroska", milliseconds=[10_000 * step for step in range(71)], muxer={"live": "1"})
    clip, frames = read(data, fps=1)
    assert frames[-1].time == 590 and clip.broken is not None and "goes on after 10:00 minutes" in clip.broken


@pytest.mark.parametrize(("container", "muxer"), [("mp4", {"moov_size": "9000"}), ("matroska", {}), ("avi", {})])
def test_of_a_clip_that_is_cut_off_the_frames_until_there(container: str, muxer: dict[str, str]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (24, 48, 64, 3)).astype(np.uint8)
    whole = make_clip(container, "mjpeg", format="yuvj420p", rate=4, pictures=list(noise), muxer=muxer)
    clip, frames = read(whole)
    assert len(frames) == 24 and clip.broken is None
    clip, frames = read(whole[: len(whole) // 2])
    assert 8 <= len(frames) <= 15 and clip.broken is not None and "is cut off" in clip.broken


@pytest.mark.parametrize("container", ["matroska", "avi"])
def test_a_short_clip_that_is_cut_in_half_says_so(container: str) -> None:
    """Two seconds: less is missing than what long clips may lack."""
    noise = np.random.default_rng(0).integers(0, 255, (24, 48, 64, 3)).astype(np.uint8)
    whole = make_clip(container, "mjpeg", format="yuvj420p", pictures=list(noise))
    assert read(whole)[0].broken is None
    clip, frames = read(whole[: len(whole) // 2])
    assert 3 <= len(frames) <= 5 and clip.broken is not None and "is cut off" in clip.broken


@pytest.mark.parametrize("times", [[0, 900], [0, 100, 150, 1400], [0, 1000, 2000, 3000]])
def test_slow_and_uneven_clips_are_whole(times: list[int]) -> None:
    for container in ("mp4", "matroska"):
        assert read(make_clip(container, milliseconds=times))[0].broken is None


@pytest.mark.parametrize(
    ("name", "content", "is_clip"),
    [
        ("a.mp4", b"", True),
        ("a", b"\0\0\0\x14ftypisom" + bytes(20), True),
        ("a.JPG", b"RIFF\0\0\0\0AVI ", True),
        ("a.mts", b"\x1aE\xdf\xa3", True),
        ("a.gif", b"GIF89a", True),
        ("a.ts", b"\x47\x40\x00", True),
        ("a.png", PNG + b"\0\0\0\x08acTL", True),
        ("a.jpg", b"\xff\xd8\xff\xe0" + bytes(50), False),
        ("a.txt", b"The free lunch is over", False),
        ("a.m4a", b"\0\0\0\x14ftypM4A " + bytes(20), False),
        ("a.heic", b"\0\0\0\x14ftypheic" + bytes(20), False),
        ("a.ts", b"export const a = 1", False),
        ("a.zip", b"PK\x03\x04", False),
        ("a", b"", False),
    ],
)
def test_what_is_opened_as_a_clip(tmp_path: Path, name: str, content: bytes, is_clip: bool) -> None:
    (tmp_path / name).write_bytes(content)
    assert is_clip_file(tmp_path / name) is is_clip
    assert not is_clip_file(tmp_path) and not is_clip_file(tmp_path / "gone.mp4")


def test_files_by_path_and_open_ones(tmp_path: Path) -> None:
    data = make_clip(frames=3)
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    upload = io.BytesIO(data)
    upload.seek(7)
    for source in (path, upload):
        with READER.open(source, "clip") as clip:
            assert len(list(clip)) == 1
    assert upload.tell() == 7
    with path.open("r+b") as file:
        file.truncate(MAX_CLIP_BYTES + 1)
    for bad, fragment in ((path, "200.0 MB"), (tmp_path / "none.mp4", "cannot be read"), (tmp_path, "no file")):
        with pytest.raises(ClipError, match=fragment) as found:
            READER.open(bad, "clip")
        assert str(tmp_path) not in str(found.value)


def test_names_of_clips() -> None:
    assert (
        is_clip_name("A.MP4")
        and is_clip_name("a.3GP")
        and is_clip_name("a.b.webm")
        and not is_clip_name("mp4")
        and not is_clip_name("a.jpg")
    )


def test_the_rate_of_the_makers() -> None:
    clip, _ = read(make_clip(frames=2))
    assert clip.info.frames_per_second == RATE
