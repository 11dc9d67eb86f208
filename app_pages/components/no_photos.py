"""What is said instead of photos, where a run has none."""

from __future__ import annotations

import streamlit as st

from app_pages.components.no_results import no_results
from app_pages.components.run_title import run_title
from app_pages.state import url
from har_core.runs.file_names import PREDICTIONS
from har_core.runs.run import Run


def says_no_photos(run: Run) -> bool:
    """Whether the run has no predictions; if so, the page says it."""
    if not run.is_scored:
        no_results(run)
        return True
    if run.has(PREDICTIONS):
        return False
    run_title(lambda name: f"{name} has no photos to look at", run)
    st.info("It is a matrix only: which photos were misclassified was not published.", icon=":material/info:")
    url.publish({})
    return True
