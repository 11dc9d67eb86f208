"""Clips that only the order of their frames tells apart: a square that moves to the right, or to the left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np

from har_core.data.samples import Sample
from har_core.media.clips import Clip, ClipInfo, ClipReader, Frame, OpenClip

SIDE, FRAMES, FPS = 64, 8, 8


def write_clip(path: Path, pictures: Sequence[np.ndarray], fps: int = FPS) -> Path:
    """Frames (height, width, 3) uint8 → a clip in .mkv, without loss: what a codec blurs would tell the direction."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=fps)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "bgr0"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def moving_square(*, to_right: bool, seed: int) -> list[np.ndarray]:
    """The frames of one clip.  Played backwards, one of the other class: no frame alone tells the class."""
    rng = np.random.default_rng(seed)
    row, color = int(rng.integers(8, 40)), rng.integers(150, 255, 3)
    pictures = []
    for place in np.linspace(2, SIDE - 18, FRAMES).astype(int):
        picture = rng.integers(0, 60, (SIDE, SIDE, 3)).astype(np.uint8)
        picture[row : row + 16, place : place + 16] = color
        pictures.append(picture)
    return pictures if to_right else pictures[::-1]


def make_clips(folder: Path, count: int, *, first_seed: int = 0) -> list[Sample]:
    """`count` clips of each class, `left/0.mkv`, `right/0.mkv` …; those of one number are each other backwards."""
    samples = []
    for label in ("left", "right"):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            path = folder / label / f"{number}.mkv"
            write_clip(path, moving_square(to_right=label == "right", seed=first_seed + number))
            samples.append(Sample(f"{label}/{number}.mkv", path, label))
    return samples


class PlainReader(ClipReader):
    """Decodes in this process, which saves starting one for each of many clips."""

    def open(self, clip: Clip, name: str, *, fps: float = 4.0, side: int = 640) -> OpenClip:
        return _PlainClip(clip, name)


class _PlainClip(OpenClip):
    def __init__(self, clip: Clip, name: str) -> None:
        self.clip, self.broken = clip, None
        self.info = ClipInfo(name, FRAMES / FPS, SIDE, SIDE, FPS)

    def __iter__(self) -> Iterator[Frame]:
        with av.open(str(self.clip)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                yield Frame(float(frame.time or 0), frame.to_image(), number)

    def close(self) -> None:
        pass
