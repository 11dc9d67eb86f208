"""What is said instead of photos, where a run has none."""

from __future__ import annotations

import streamlit as st

from app_pages.components.no_results import no_results
from app_pages.state import url
from har_core.runs.file_names import PREDICTIONS
from har_core.runs.run import Run
from har_core.viz.formats import escape_markdown


def says_no_photos(run: Run) -> bool:
    """Whether the run has no predictions; if so, the page says it."""
    if not run.is_scored:
        no_results(run)
        return True
    if run.has(PREDICTIONS):
        return False
    st.title(f"{escape_markdown(run.title)} has no photos to look at")
    st.info("It is a matrix only: which photos were misclassified was not published.", icon=":material/info:")
    url.publish({})
    return True
