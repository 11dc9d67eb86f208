"""The table of pages.  Start it with: streamlit run app.py"""

from __future__ import annotations

import streamlit as st

from har_core.errors import HarError

PAGES = [
    st.Page("pages/predict.py", title="Predict", icon=":material/photo_camera:", default=True),
    st.Page("pages/model.py", title="The model", icon=":material/description:"),
]

st.set_page_config(page_title="HAR Lens", page_icon="assets/icon.svg", layout="wide")
st.logo("assets/logo.svg", size="large")
st.html("<style>.stMainBlockContainer { max-width: 76rem }</style>")  # lines of text stay readable on a wide screen
page = st.navigation(PAGES, position="top")
try:
    page.run()
except HarError as error:  # told in plain words; anything else is a fault of the program and is logged
    st.error(str(error), icon=":material/error:")
