"""The photos of a run as tiles of a grid, each picture made once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from app_pages.components import evidence
from app_pages.components.photo_grid import Tile
from app_pages.state import own_runs, runs
from app_pages.state.sharing import shared_unless_own
from har_core.runs.file_names import CLASS_MAPS
from har_core.runs.run import Run
from har_core.runs.verdicts import Verdict
from har_core.viz.formats import class_label, percent
from har_core.viz.overlays import jpeg

_SIDE = 260  # pixels
Stamp = tuple[str, int] | None  # path and time of the photo's last change
Pictures = tuple[bytes | None, bytes | None]


def scored_tiles(run: Run, rows: np.ndarray, judged: dict[str, Verdict], marks: dict[str, str]) -> list[Tile]:
    """Of photos of the evaluation.

    Args:
        rows: (M,) of the run's example table.
        marks: sample → why it deserves a look.
    """
    examples = runs.examples(run)
    tiles = []
    for row in rows.tolist():
        example = examples.iloc[row]
        sample = str(example["sample"])
        true, predicted = (class_label(run.classes[int(example[name])]) for name in ("true", "predicted"))
        outcome = true if true == predicted else f"{true} → {predicted}"
        verdict = judged[sample].verdict if sample in judged else ""
        confidence = float(example["confidence"])
        title = outcome if np.isnan(confidence) else f"{outcome} {percent(confidence)}"
        tiles.append(
            Tile(sample, *_pictures(run, row), title, verdict, marks.get(sample, ""), correct=true == predicted)
        )
    return tiles


def _pictures(run: Run, row: int) -> Pictures:
    """JPEGs of a photo and of the evidence for what was predicted."""
    path = own_runs.photo_store(run).find(runs.predictions(run).samples[row])
    if path is None and not run.has(CLASS_MAPS):
        return None, None
    stamp = (str(path), path.stat().st_mtime_ns) if path is not None else None
    return _make.of(run)(run.folder, runs.version(run), row, stamp)


@shared_unless_own(st.cache_data, max_entries=(6000, 1000), max_size=("128MB", "24MB"), show_spinner=False)
def _make(folder: Path, version: int, row: int, stamp: Stamp) -> Pictures:
    run = Run.open(folder)
    photo = evidence.open_stored_photo(run, row)
    if photo is not None:
        photo.thumbnail((_SIDE, _SIDE))
    found = evidence.heatmaps(run, row, [evidence.compared_classes(run, row)[0]])
    heat = evidence.evidence_picture(run, photo, found[0], side=_SIDE) if found is not None else None
    if heat is not None:
        heat.thumbnail((_SIDE, _SIDE))
    return _encoded(photo), _encoded(heat)


def _encoded(picture: Image.Image | None) -> bytes | None:
    return jpeg(picture, quality=80) if picture is not None else None
