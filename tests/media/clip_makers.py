"""Clips that the tests make themselves, whose frames tell their number and which way is up."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from PIL import Image

RATE = 12


def numbered(number: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    """(H, W, 3) uint8: gray that gets lighter with the number, modulo 32; red in the upper left quarter, blue in the upper right."""
    width, height = size
    picture = np.full((height, width, 3), 20 + 7 * (number % 32), dtype=np.uint8)
    picture[: height // 2, : width // 2] = (200, 20, 20)
    picture[: height // 2, width // 2 :] = (20, 20, 200)
    return picture


def number_of(photo: Image.Image) -> int:
    """Which `numbered` picture an upright frame is."""
    width, height = photo.size
    below = np.asarray(photo)[3 * height // 4, width // 4 : 3 * width // 4]
    return round((float(below.mean()) - 20) / 7)


def is_upright(photo: Image.Image) -> bool:
    """Whether red is in the upper left quarter and blue in the upper right."""
    width, height = photo.size
    left, right = photo.getpixel((width // 4, height // 4)), photo.getpixel((3 * width // 4, height // 4))
    assert isinstance(left, tuple) and isinstance(right, tuple)
    return left[0] > left[2] + 80 and right[2] > right[0] + 80


def make_clip(
    container: str = "mp4",
    codec: str = "libx264",
    *,
    frames: int = 24,
    rate: int = RATE,
    size: tuple[int, int] = (64, 48),
    format: str = "yuv420p",
    milliseconds: Sequence[int] = (),
    rotation: int | None = None,
    flipped: bool = False,
    pixel: Fraction | None = None,
    sound: bool = False,
    cover: str | None = None,
    options: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
    pictures: Sequence[np.ndarray] = (),
) -> bytes:
    """A clip of `numbered` pictures, as the bytes of a file.

    Args:
        size: upright.
        milliseconds: when each frame is shown, in place of `rate`.
        rotation: the pictures are stored so that they are upright once a player turns them by so many degrees counterclockwise.
        flipped: and mirrors them then.
        muxer: options of the container.
        pixel: width over height of a pixel.
        cover: the codec of a still picture that is no frame.
        options: of the encoder.
        pictures: in place of the numbered ones.
    """
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=muxer or {}) as out:
        stream: Any = out.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height = size if not (rotation or 0) % 180 else size[::-1]
        stream.pix_fmt, stream.bit_rate = format, 2_000_000
        if milliseconds:
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        if pixel is not None:
            stream.codec_context.sample_aspect_ratio = pixel
        if rotation is not None:
            stream.set_display_rotation(rotation, hflip=flipped)
        if cover is not None:
            still: Any = out.add_stream(cover, rate=1)
            still.width, still.height, still.pix_fmt = 32, 32, "yuvj420p"
            still.disposition = Disposition.attached_pic
        noise: Any = out.add_stream("libopus" if container == "webm" else "aac", rate=48000) if sound else None
        if cover is not None:
            art = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 250, dtype=np.uint8)).reformat(format=still.pix_fmt)
            out.mux(still.encode(art))
            out.mux(still.encode())
        for number in range(len(pictures) or len(milliseconds) or frames):
            array = pictures[number] if pictures else numbered(number, size)
            if rotation is not None:
                array = np.rot90(array[:, ::-1] if flipped else array, -rotation // 90)
            frame = (
                _with_palette(array) if format == "pal8" else av.VideoFrame.from_ndarray(np.ascontiguousarray(array))
            )
            frame = frame.reformat(format=format)
            frame.pts = milliseconds[number] if milliseconds else number
            frame.time_base = Fraction(1, 1000) if milliseconds else Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
        if noise is not None:
            _mux_silence(out, noise, 48000 * frames // rate)
    return file.getvalue()


def only_sound(container: str = "mp4") -> bytes:
    """A second of silence, without pictures."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        noise: Any = out.add_stream("aac", rate=48000)
        _mux_silence(out, noise, 48000)
    return file.getvalue()


def _with_palette(array: np.ndarray) -> av.VideoFrame:
    colors, numbers = np.unique(array.reshape(-1, 3), axis=0, return_inverse=True)
    palette = np.zeros((256, 4), dtype=np.uint8)
    palette[:, 0], palette[: len(colors), 1:] = 255, colors
    return av.VideoFrame.from_ndarray((numbers.reshape(array.shape[:2]).astype(np.uint8), palette), format="pal8")


def _mux_silence(out: Any, stream: Any, length: int) -> None:
    for start in range(0, length, 960):
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 1920), dtype=np.int16), format="s16", layout="stereo")
        samples.sample_rate, samples.pts = 48000, start
        out.mux(stream.encode(samples))
    out.mux(stream.encode())
