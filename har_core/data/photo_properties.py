"""What photos are like, whatever they show: size, brightness, contrast, sharpness, and how much the evaluation crop leaves out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import laplace

from har_core.data.samples import Problem
from har_core.data.scan import Progress
from har_core.errors import ImageError
from har_core.media.geometry import center_crop_box
from har_core.media.images import open_photo
from har_core.runs.file_names import PHOTO_PROPERTIES
from har_core.runs.run import Run
from har_core.runs.tables import Number, Schema, Text, read_table, write_table

SCHEMA: Schema = {
    "sample": Text(),
    "width": Number(1, whole=True),
    "height": Number(1, whole=True),
    "brightness": Number(0, 1),
    "contrast": Number(0, 0.5),
    "sharpness": Number(0, 10),
    "outside_crop": Number(0, 1),
}
"""The columns of the table of `measure_photos`."""

_SIDE = 256  # pixels: about the scale at which networks see photos
_TILES = 4  # a side
_DECIMALS = 6


@dataclass(frozen=True)
class MeasuredPhotos:
    """`table`: one row per photo that can be read, columns of `SCHEMA`.  `problems`: the others, with the reason."""

    table: pd.DataFrame
    problems: tuple[Problem, ...]


def measure_photos(
    photos: Sequence[tuple[str, Path]],
    *,
    crop_size: int,
    resize: int,
    workers: int | None = None,
    progress: Progress | None = None,
) -> MeasuredPhotos:
    """Measure photos in their order.

    `width` and `height`: of the upright photo in pixels, as `open_photo` gives it (very large ones are reduced).
    `brightness`: mean of the luma (ITU-R BT.601), in [0, 1], 1 is white.  `contrast`: its standard deviation, in [0, 0.5].
    `sharpness`: see `sharpness`.  `outside_crop`: the share of the photo's area that the evaluation crop leaves out, in
    [0, 1].

    Args:
        photos: names and paths; every name once.
        crop_size, resize: of the evaluation crop, in pixels (see `runs.manifest.ModelInfo`).
        workers: threads that decode; the number of cores by default.
        progress: called with (photos done, photos in all).
    """

    def measure(photo: tuple[str, Path]) -> dict[str, object] | Problem:
        name, path = photo
        try:
            return {"sample": name} | _properties(open_photo(path, name), crop_size, resize)
        except (ImageError, OSError) as error:
            return Problem.of_photo(name, error)

    rows: list[dict[str, object]] = []
    problems: list[Problem] = []
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:  # decoding releases the GIL
        for done, found in enumerate(pool.map(measure, photos), start=1):
            if isinstance(found, Problem):
                problems.append(found)
            else:
                rows.append(found)
            if progress is not None:
                progress(done, len(photos))
    return MeasuredPhotos(pd.DataFrame(rows, columns=list(SCHEMA)), tuple(problems))


def write_photo_properties(run: Run, table: pd.DataFrame) -> Run:
    """Store the table of `measure_photos` with a run.

    Raises:
        RunError: if it could not be read back; nothing is written then.
        OSError: if the folder cannot be written.
    """
    return write_table(run, PHOTO_PROPERTIES, table, SCHEMA)


def read_photo_properties(run: Run, samples: np.ndarray) -> pd.DataFrame:
    """What `write_photo_properties` stored, one row for each of (N,) `samples`, in their order.

    Columns of `SCHEMA`, the numbers as float64; NaN where a photo was not measured.

    Raises:
        RunError: if the run has no such table, or a damaged one.
    """
    table = read_table(run, PHOTO_PROPERTIES, SCHEMA).drop_duplicates("sample").set_index("sample")
    return table.reindex(pd.Index(samples, name="sample")).astype(np.float64).reset_index()


def sharpness(luma: Image.Image) -> float:
    """log10(1 + V), 0 or more, higher is sharper; 2 and below looks blurred, 3 is common.

    V is the variance of the Laplacian (Pech-Pacheco et al. 2000) of the luma from 0 to 255, at a shorter side of 256 pixels, in
    the sharpest of 4 × 4 tiles: neither a plain background nor one that is out of focus makes a photo blurred.  Small photos
    are enlarged, as for the network, and are less sharp for that.
    """
    factor = _SIDE / min(luma.size)
    width, height = (max(1, round(side * factor)) for side in luma.size)
    edges = laplace(np.asarray(luma.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32))
    tiles = [tile for rows in np.array_split(edges, _TILES) for tile in np.array_split(rows, _TILES, axis=1)]
    return float(np.log10(1 + max(tile.var(dtype=np.float64) for tile in tiles)))


def _properties(photo: Image.Image, crop_size: int, resize: int) -> dict[str, object]:
    luma = photo.convert("L")
    left, top, right, bottom = _crop_shares(photo.width, photo.height, crop_size, resize)
    values = np.asarray(luma, dtype=np.float32) / 255
    measured = {
        "brightness": float(values.mean(dtype=np.float64).clip(0, 1)),
        "contrast": float(values.std(dtype=np.float64).clip(0, 0.5)),
        "sharpness": sharpness(luma),
        "outside_crop": min(max(0.0, 1 - (right - left) * (bottom - top)), 1.0),
    }
    sizes = {"width": photo.width, "height": photo.height}
    return sizes | {name: round(value, _DECIMALS) for name, value in measured.items()}


def crop_boxes(table: pd.DataFrame, *, crop_size: int, resize: int) -> np.ndarray:
    """(N, 4) left, top, right and bottom of the evaluation crop of each photo, in shares of its width and height, in [0, 1].

    NaN where a photo was not measured.

    Args:
        table: of `read_photo_properties`, with `width` and `height`.
        crop_size, resize: of the crop, in pixels.
    """
    sizes = table[["width", "height"]].to_numpy(dtype=np.float64)
    different, which = np.unique(np.nan_to_num(sizes), axis=0, return_inverse=True)  # many photos share one size
    boxes = [
        _crop_shares(int(width), int(height), crop_size, resize) if width else [np.nan] * 4
        for width, height in different
    ]
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)[which.ravel()]


def _crop_shares(width: int, height: int, crop_size: int, resize: int) -> list[float]:
    box = center_crop_box(width, height, crop_size=crop_size, resize=resize).scaled(1 / width, 1 / height)
    # a crop may be larger than the resized photo
    return [min(max(side, 0.0), 1.0) for side in (box.left, box.top, box.right, box.bottom)]
