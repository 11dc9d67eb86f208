"""A way to get the photos of the data set, where they are not on this machine."""

from __future__ import annotations

import streamlit as st

from app_pages.state.settings import settings
from har_core.data.download import KAGGLE_PAGE, download
from har_core.runs.run import Run, shipped_run


def offer_download(run: Run) -> None:
    """A button that fetches the data set, for whoever started the app."""
    if run.classes != shipped_run().classes:
        st.caption("Start the app with `-- --data DIR` to see them.")
        return
    with st.popover("Get the photos", icon=":material/download:"):
        st.markdown(
            f"The photos are those of [Human Action Recognition]({KAGGLE_PAGE}) on Kaggle (ODbL-1.0, no account needed). "
            "To use a copy you have, start the app with `streamlit run app.py -- --data DIR`."
        )
        if not settings().trusted:
            st.caption("Only the person who starts the app can fetch them.")
        elif st.button(f"Download them into {settings().data}", type="primary", key="download-photos"):
            with st.spinner("Downloading the photos …"):
                download(settings().data)
            st.rerun()
