"""The models and the decoder that all sessions share."""

from __future__ import annotations

import gc
import importlib
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from app_pages.state import own_runs, runs
from har_core.errors import RunError
from har_core.media.images import MAX_BYTES, open_photo
from har_core.media.isolated import IsolatedDecoder
from har_core.runs.file_names import CLIP_MODEL, EMBEDDINGS
from har_core.runs.run import Run, shipped_run
from har_core.viz.formats import escape_markdown

if TYPE_CHECKING:
    from har_core.inference.predictor import Predictor

_FORGET_EVERY = 60.0  # seconds
_PREDICTOR = "har_core.inference.predictor"  # imports PyTorch, which most pages do without


def predictor(run: Run) -> Predictor:
    """Of a run with a model.  It holds no state between calls, so sessions may share it."""
    return _predictor(run.folder, runs.version(run))


@st.cache_resource(max_entries=3, show_spinner="Loading the model …")
def _predictor(folder: Path, version: int) -> Predictor:
    import torch

    from har_core.inference import engines
    from har_core.inference.predictor import Predictor

    run = Run.open(folder)
    found = Predictor.from_run(run, torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    if found.device.type == "cpu" and (network := engines.faster(run)) is not None:
        found.run_by(network)
    keep_out_of_collections()
    return found


def least_known(run: Run) -> float | None:
    """What 95 % of the photos that a run was evaluated on reach (`analysis.unknown`); None if that cannot be told."""
    return _least_known(run.folder, runs.version(run)) if run.has(EMBEDDINGS) and run.has_model else None


@st.cache_resource(max_entries=20, show_spinner=False)
def _least_known(folder: Path, version: int) -> float | None:
    from har_core.inference.answer_rules import least_known_of

    run = Run.open(folder)
    try:
        return least_known_of(run, predictor(run))
    except (RunError, ValueError):  # no model that can be loaded: the page says so where it predicts
        return None


@st.cache_resource
def preload() -> None:
    """Import PyTorch beside the pages, once in a server's life."""
    threading.Thread(target=_import, daemon=True).start()


def _import() -> None:
    importlib.import_module(_PREDICTOR)
    while True:
        keep_out_of_collections()
        time.sleep(_FORGET_EVERY)


def keep_out_of_collections() -> None:
    """Let the garbage collector pass over all that is there now: modules, models that are kept, visitors who are still here.

    Streamlit has it look at everything after each run of a script and of each part of a page that shows progress.  With PyTorch's
    modules loaded that takes so long, twice a second, that a network beside it comes to nothing.  What visitors who have left
    meanwhile were passed over with, and with it the photos of theirs, goes here.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


@st.cache_resource
def decoder() -> IsolatedDecoder:
    """Its worker processes decode what visitors bring."""
    return IsolatedDecoder()


def read_photo(run: Run, path: Path) -> Image.Image:
    """A photo behind a run: a visitor's own is decoded in a process of its own.

    Raises:
        ImageError, OSError: if it cannot be read.
    """
    if not own_runs.is_own(run):
        return open_photo(path)
    with path.open("rb") as file:
        return decoder().open(file.read(MAX_BYTES + 1), path.name)


def run_with_model() -> Run:
    """The chosen run; where that has no weights, the one that predicted it or the shipped one, and a line that says so."""
    run = runs.current_run()
    if run.has_model:
        return run
    made_by = runs.all_runs()[0].get(own_runs.predicted_by(run))
    other = made_by if made_by is not None and made_by.has_model else shipped_run()
    has = "is a model of whole clips, which har-lens video uses" if run.has(CLIP_MODEL) else "has results only"
    st.info(
        f"*{escape_markdown(run.title)}* {has}; predicting uses *{escape_markdown(other.title)}*.",
        icon=":material/info:",
    )
    return other
