"""The clip behind a photo's name: it plays, with the frames that decided; nothing of runs on photos."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from app_pages.components.clip_player import clip_player
from app_pages.state import own_runs, runs
from har_core.errors import ClipError, RunError
from har_core.media.clips import ClipReader
from har_core.runs.clip_table import deciding_times, read_clips
from har_core.runs.file_names import CLIPS
from har_core.runs.run import Run
from har_core.viz.formats import clock, escape_markdown

_SIDE = 480  # pixels of a frame
_MOST = 6  # frames that decided


def clip_detail(run: Run, row: int) -> None:
    """The clip of a row of the run's predictions."""
    if not run.has(CLIPS):
        return
    sample = str(runs.predictions(run).samples[row])
    try:
        table = read_clips(run)
    except RunError as error:
        st.caption(f"What is known of the clip cannot be read: {escape_markdown(str(error))}")
        return
    found: dict[Any, Any] = next(iter(table[table["sample"] == sample].to_dict("records")), {})
    if not found:
        return
    peak = float(found["peak"])
    st.subheader("The clip", anchor=False)
    st.caption(
        f"{clock(found['seconds'], tenths=True)}, {int(found['frames']):,} frames looked at. The frame at {clock(peak, tenths=True)} "
        "stands for it above."
    )
    if found["broken"]:
        st.caption(escape_markdown(str(found["broken"])))
    path = own_runs.photo_store(run).find_clip(sample)
    if path is None:
        st.caption("The clip itself is not on this machine.")
        return
    times = deciding_times(str(found["deciding"]))[:_MOST]
    if not clip_player(path, sample, start=peak):
        times = np.linspace(0, float(found["seconds"]), _MOST, endpoint=False).tolist()
    for column, time in zip(st.columns(_MOST, gap="small"), times, strict=False):
        with column:
            picture = _frame(path, path.stat().st_mtime_ns, time)
            if isinstance(picture, str):
                st.caption(escape_markdown(picture))
            else:
                st.image(
                    picture, width="stretch", alt=f"{PurePath(sample).name} at {clock(time)}", output_format="JPEG"
                )
                st.caption(clock(time, tenths=True))


@st.cache_data(max_entries=200, show_spinner=False)
def _frame(path: Path, version: int, time: float) -> Image.Image | str:
    """The picture, or why there is none."""
    try:
        return ClipReader().frame(path, path.name, time, side=_SIDE).photo
    except ClipError as error:
        return str(error)
