"""The table of pages.  Start it with: streamlit run app.py"""

from __future__ import annotations

import streamlit as st

from har_core.errors import HarError
from pages import _data, _url

PAGES = [
    st.Page("pages/overview.py", title="Overview", icon=":material/home:", default=True),
    st.Page("pages/predict.py", title="Predict", icon=":material/photo_camera:"),
    st.Page("pages/confusions.py", title="Confusions", icon=":material/grid_on:"),
    st.Page("pages/errors.py", title="Errors", icon=":material/photo_library:"),
    st.Page("pages/scores.py", title="Scores", icon=":material/bar_chart:"),
    st.Page("pages/training.py", title="Training", icon=":material/monitoring:"),
    st.Page("pages/own.py", title="Your photos", icon=":material/folder_zip:"),
    st.Page("pages/compare.py", title="Compare", icon=":material/compare_arrows:"),
]

st.set_page_config(page_title="HAR Lens", page_icon="assets/icon.svg", layout="wide")
st.logo("assets/logo.svg", size="large")
page = st.navigation(PAGES, position="top")
try:
    with _data.inside_app():
        _data.pick_run()
        _url.arrive(page.url_path)
        page.run()
except HarError as error:  # told in plain words; anything else is a fault of the program and is logged
    st.error(str(error), icon=":material/error:")
st.html("<style>.stMainBlockContainer { max-width: 76rem }</style>")  # lines of text stay readable on a wide screen
