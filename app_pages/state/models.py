"""The models and the decoder that all sessions share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from har_core.media.isolated import IsolatedDecoder
from har_core.runs.run import Run

if TYPE_CHECKING:
    from har_core.inference.predictor import Predictor


@st.cache_resource(show_spinner="Loading the model …")
def predictor(folder: Path) -> Predictor:
    """Of a run folder.  It holds no state between calls, so sessions may share it."""
    from har_core.inference.predictor import Predictor  # imports PyTorch, which most pages do without

    return Predictor.from_run(Run.open(folder))


@st.cache_resource
def decoder() -> IsolatedDecoder:
    """Its worker processes decode what visitors bring."""
    return IsolatedDecoder()
