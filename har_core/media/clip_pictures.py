"""A decoded frame → an upright RGB picture with square pixels.  For the worker process alone."""

from __future__ import annotations

import struct
from typing import cast

from av.buffer import Buffer
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from PIL import Image

from har_core.errors import ClipError
from har_core.media.images import MAX_ASPECT

_UNTOLD, _HD = 2, 720  # a color space that is not told; lines from which on it is then BT.709
_MATRIX = struct.Struct("9i")


def picture(frame: VideoFrame, size: tuple[int, int], side: int) -> Image.Image:
    """A frame, upright, RGB, its longer side `side` at most; transparency is laid on white.

    Args:
        size: width and height in square pixels, before it is turned upright (`ClipDecoder.size`).

    Raises:
        ClipError: without the clip's name, if it is too narrow.
    """
    width, height = size
    if max(size) > MAX_ASPECT * min(size):
        raise ClipError(
            f"has frames of {width} × {height} pixels, the longer side may be {MAX_ASPECT} times the shorter at most. "
            "Cut out the part that matters"
        )
    scale = min(1.0, side / max(size))
    goal = max(1, round(width * scale)), max(1, round(height * scale))
    photo = _converted(frame, (frame.width, frame.height) if frame.interlaced_frame else goal)
    if frame.interlaced_frame:  # two moments in one picture: every other line is of the first
        photo = photo.resize((frame.width, max(1, frame.height // 2)), Image.Resampling.NEAREST).resize(goal)
    for turn in turns(frame):
        photo = photo.transpose(turn)
    return photo


def turns(frame: VideoFrame) -> list[Image.Transpose]:
    """What turns a frame upright, as the container tells, one after the other."""
    told = frame.side_data.get("DISPLAYMATRIX")
    if told is None or len(data := bytes(cast(Buffer, told))) != _MATRIX.size:
        return []
    right_x, right_y, _, down_x, down_y, *_ = _MATRIX.unpack(data)  # where its rows and columns point on the screen
    swapped = abs(right_y) + abs(down_x) > abs(right_x) + abs(down_y)
    found = [Image.Transpose.TRANSPOSE] if swapped else []
    if (down_x if swapped else right_x) < 0:
        found.append(Image.Transpose.FLIP_LEFT_RIGHT)
    if (right_y if swapped else down_y) < 0:
        found.append(Image.Transpose.FLIP_TOP_BOTTOM)
    return found


def turned(frame: VideoFrame, size: tuple[int, int]) -> tuple[int, int]:
    """Width and height, once a frame is upright."""
    return size[::-1] if Image.Transpose.TRANSPOSE in turns(frame) else size


def _converted(frame: VideoFrame, size: tuple[int, int]) -> Image.Image:
    untold_hd = frame.colorspace == _UNTOLD and frame.height >= _HD and not frame.format.is_rgb
    see_through = any(one.is_alpha for one in frame.format.components)
    converted = frame.reformat(
        *size,
        "rgba" if see_through else "rgb24",
        src_colorspace="ITU709" if untold_hd else None,  # as players take it
        interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND,
        threads=1,
    )
    if not see_through:
        return cast(Image.Image, converted.to_image())  # type: ignore[no-untyped-call]
    plane = converted.planes[0]
    photo = Image.frombytes("RGBA", size, bytes(plane), "raw", "RGBA", plane.line_size)
    return Image.alpha_composite(Image.new("RGBA", size, "white"), photo).convert("RGB")
