"""Of a run on clips: how long each is, and which of its frames decided."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from PIL import Image

from har_core.files import atomic_path
from har_core.runs.file_names import CLIPS
from har_core.runs.run import Run
from har_core.runs.tables import Number, Schema, Text, read_table, write_table

PEAK_FRAMES = "frames"
"""The folder, in that of the run, with the frame of each clip that decided, `SAMPLE.jpg`.  It is no file of the run: pages
do without it as without photos."""

_SECONDS = Number(low=0, high=1e5)
SCHEMA: Schema = {
    "sample": Text(4096),
    "seconds": _SECONDS,
    "frames": Number(low=1, high=1e6, whole=True),
    "peak": _SECONDS,
    "deciding": Text(100_000),
    "broken": Text(4096, empty=True),
}
"""One row per clip, in the order of the predictions.  `seconds`: how long it is.  `frames`: how many were looked at.  `peak`: the
time of the frame in which its predicted class is most probable; the clip's class map is that frame's.  `deciding`: of each
segment the time of the frame that decided, separated by spaces.  `broken`: why it ends before its end."""


def clip_row(
    sample: str, *, seconds: float, frames: int, peak: float, deciding: Sequence[float], broken: str | None
) -> dict[str, object]:
    """A clip's row of the table, whose columns `SCHEMA` explains.

    Args:
        deciding: times in seconds, ascending.
        broken: None or why the clip ends before its end.
    """
    return {
        "sample": sample,
        "seconds": round(seconds, 3),
        "frames": frames,
        "peak": round(peak, 3),
        "deciding": " ".join(f"{time:.3f}" for time in deciding),
        "broken": broken or "",
    }


def save_peak_frame(folder: Path, sample: str, photo: Image.Image) -> None:
    """Store the frame of a clip that decided below `PEAK_FRAMES` in a run's folder.

    Raises:
        OSError: if it cannot be written.
    """
    with atomic_path(folder / PEAK_FRAMES / f"{sample}.jpg") as partial:
        photo.save(partial, format="JPEG", quality=90)


def write_clips(run: Run, table: pd.DataFrame) -> Run:
    """Store the table, and list it in the manifest.

    Raises:
        RunError, OSError: as `tables.write_table`.
    """
    return write_table(run, CLIPS, table, SCHEMA)


def read_clips(run: Run) -> pd.DataFrame:
    """The table of a run on clips (`Run.has(CLIPS)`).

    Raises:
        RunError: if the run has none, or a damaged one.
    """
    return read_table(run, CLIPS, SCHEMA)


def deciding_times(text: str) -> list[float]:
    """What a cell of `deciding` holds, in seconds."""
    return [float(word) for word in text.split()]
