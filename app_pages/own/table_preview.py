"""The first rows of a table as they are understood."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pandas as pd
import streamlit as st

from app_pages.own.table_upload import Held
from app_pages.own.understanding import Understanding
from app_pages.state import models
from har_core.analysis.known import what_is_known
from har_core.errors import ImageError
from har_core.files import as_written
from har_core.media.images import MAX_BYTES
from har_core.media.photo_store import PhotoStore
from har_core.viz.formats import class_label, percent

_ROWS, _SIDE = 5, 120


def preview(held: Held, found: Understanding) -> None:
    """The first rows that are not left out, with photos where there are some."""
    if found.preview is None:
        return
    predictions = found.preview.predictions
    known = what_is_known(found.preview.probabilities, predictions)
    count = min(_ROWS, len(predictions))
    table = pd.DataFrame(
        {
            "photo": [_picture(found.root, str(name)) for name in predictions.samples[:count]],
            "file": [as_written(str(name)) for name in predictions.samples[:count]],
            "true label": [class_label(predictions.classes[place]) for place in predictions.true[:count]],
            "predicted": [class_label(predictions.classes[place]) for place in predictions.predicted[:count]],
            "probability": [percent(value) for value in predictions.confidence[:count]],
        }
    )
    pictures = table["photo"].notna().any()
    left_out = ([] if pictures else ["photo"]) + ([] if known.confidence else ["probability"])
    st.dataframe(
        table.drop(columns=left_out),
        hide_index=True,
        row_height=64 if pictures else None,
        column_config={"photo": st.column_config.ImageColumn(width="small")},
        alt=f"The first {count} rows as they are understood",
    )


def _picture(root: Path | None, sample: str) -> str | None:
    """A small picture as a data address; None if there is none."""
    path = PhotoStore(root).find(sample) if root is not None else None
    return (_made(str(path), path.stat().st_mtime_ns) or None) if path is not None else None


@st.cache_data(max_entries=100, max_size="4MB", scope="session", show_spinner=False)
def _made(path: str, changed: int) -> str:
    try:
        with Path(path).open("rb") as file:
            photo = models.decoder().open(file.read(MAX_BYTES + 1), Path(path).name)
    except (ImageError, OSError):
        return ""
    photo.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    photo.convert("RGB").save(buffer, format="JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
