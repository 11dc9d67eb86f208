"""Below numbers of a run that was imported: what they were in the table, as the import has noted it."""

from __future__ import annotations

import streamlit as st

from app_pages.state import runs
from har_core.runs.file_names import PREDICTIONS
from har_core.runs.run import Run
from har_core.viz.formats import capitalize, escape_markdown


def import_note(run: Run) -> None:
    """Such as that its probabilities are shares of votes; nothing of a run by a model, or if no probability is known."""
    note, made_by = run.manifest.note, run.manifest.model.architecture
    if note and made_by is None and run.has(PREDICTIONS) and runs.known(run).confidence:
        st.caption(f"{escape_markdown(capitalize(note))}.")
