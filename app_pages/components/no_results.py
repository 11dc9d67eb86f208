"""What a page shows for a run that has no results."""

from __future__ import annotations

import streamlit as st

from app_pages.components.run_title import run_title
from app_pages.state import runs, url
from har_core.runs.run import Run


def no_results(run: Run) -> None:
    """In place of a page that needs results: why there are none, and how to get them."""
    training = runs.is_training(run)
    run_title(lambda name: f"{name} {'is still training' if training else 'has no results yet'}", run)
    st.info(
        "It is evaluated when its last epoch is done. Until then the Training page shows how it goes."
        if training
        else "Evaluate a model on labeled photos with: har-lens evaluate DATA --out runs/NAME",
        icon=":material/info:",
    )
    url.publish({})
