"""A clip → the few frames of it that a temporal model looks at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from har_core.data.transforms import Preprocessing, eval_transform
from har_core.media.clips import Clip, ClipReader, Frame

_FPS = 30.0  # frames a second that are looked through
_KEPT = 8  # times as many frames as are wanted, at most: those of a long clip are thinned out while it is decoded


@dataclass(frozen=True)
class ClipFrames:
    """`frames`: evenly spaced over a clip of so many `seconds`.  `broken`: why it ends before its end, if it does."""

    frames: list[Frame]
    seconds: float
    broken: str | None


def read_frames(reader: ClipReader, clip: Clip, name: str, *, count: int, side: int) -> ClipFrames:
    """`count` frames of a clip, evenly spaced over all of it that can be read (see `evenly_spaced`).

    Args:
        name: what to call the clip in an error.
        side: pixels of the square that they will become; they are decoded at twice that.

    Raises:
        ClipError: if no frame can be read.
    """
    with reader.open(clip, name, fps=_FPS, side=max(64, 2 * side)) as opened:
        frames = evenly_spaced(opened, count)
        return ClipFrames(frames, opened.info.seconds or frames[-1].time, opened.broken)


def evenly_spaced(frames: Iterable[Frame], count: int) -> list[Frame]:
    """The frames nearest to the middles of `count` equal parts of a clip, in their order; of a short clip, some repeated.

    Memory for `_KEPT` times as many is needed, however many there are.

    Raises:
        ValueError: if there is no frame.
    """
    kept: list[Frame] = []
    step, seen, last = 1, 0, 0.0
    for frame in frames:
        if seen % step == 0:
            kept.append(frame)
        if len(kept) > _KEPT * count:
            kept, step = kept[::2], 2 * step
        seen, last = seen + 1, frame.time
    if not kept:
        raise ValueError("expected a frame, found none")
    times = np.array([frame.time for frame in kept])
    length = last + last / max(1, seen - 1)  # the last one is shown as long as the others are
    wanted = (np.arange(count) + 0.5) / count * length
    return [kept[int(np.abs(times - time).argmin())] for time in wanted]


def to_input(frames: Iterable[Frame], side: int, preprocessing: Preprocessing) -> Tensor:
    """The whole of each frame, squashed to a square: (T, 3, side, side) float32, normalized.

    A crop would lose what happens at the ends of a wide picture; networks that learned from random crops of aspects from 3:4
    to 4:3 bear with the squash.
    """
    transform = eval_transform(side, side, replace(preprocessing, fit="squash", crop_down=False))
    return torch.stack([transform(frame.photo) for frame in frames])
