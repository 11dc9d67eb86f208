"""The list of pages.  Start it with: streamlit run app.py"""

from __future__ import annotations

import streamlit as st

from app_pages.components.follow import lead_on
from app_pages.components.run_picker import run_picker
from app_pages.own.scoring import status_line
from app_pages.state import models, scored_folders, url
from har_core.errors import HarError
from har_core.files import printable
from har_core.runs.run import assets_folder
from har_core.viz.formats import escape_markdown

# Not a folder called pages/: Streamlit would take it for a list of pages of its own until st.navigation has run once in a
# server's life, and tell the first visitor who comes by a deep link "Page not found".
PAGES = [
    st.Page("app_pages/home/overview.py", title="Overview", icon=":material/home:", default=True),
    st.Page("app_pages/predict/predict.py", title="Predict", icon=":material/photo_camera:"),
    st.Page("app_pages/video/video.py", title="Video", icon=":material/movie:"),
    st.Page("app_pages/live/live.py", title="Live", icon=":material/videocam:"),
    st.Page("app_pages/analysis/confusions.py", title="Confusions", icon=":material/grid_on:"),
    st.Page("app_pages/analysis/errors.py", title="Errors", icon=":material/photo_library:"),
    st.Page("app_pages/decide/data.py", title="Data", icon=":material/rule:", url_path="data"),
    st.Page("app_pages/decide/map.py", title="Map", icon=":material/scatter_plot:", url_path="map"),
    st.Page("app_pages/analysis/scores.py", title="Scores", icon=":material/bar_chart:"),
    st.Page("app_pages/analysis/training.py", title="Training", icon=":material/monitoring:"),
    st.Page("app_pages/own/your_photos.py", title="Your photos", icon=":material/folder_zip:", url_path="own"),
    st.Page("app_pages/analysis/compare.py", title="Compare", icon=":material/compare_arrows:"),
]

SCORED = st.Page("app_pages/scored/scored.py", title="Scored", icon=":material/database:", url_path="scored")
"""For those alone who have millions of photos: others see no link, and who comes by one is told how to get there."""

st.set_page_config(page_title="HAR Lens", page_icon=str(assets_folder() / "icon.svg"), layout="wide")
st.logo(str(assets_folder() / "logo.svg"), size="large")
page = st.navigation([*PAGES, SCORED], position="hidden")
try:
    url.enter_page(page.url_path)
    status_line(page.url_path)
    if run_picker([*PAGES, SCORED] if scored_folders.folders() else PAGES, page):
        lead_on()
        notice = st.empty()
        page.run()
        if asked := url.ignored():
            words = ", ".join(escape_markdown(printable(value[:100])) for value in asked)
            notice.warning(f"The link asks for something that is not here: {words}.", icon=":material/link_off:")
except HarError as error:  # told in plain words; anything else is a fault of the program and is logged
    with st.container(key="error-title"):  # hidden where the page has a title of its own
        st.title(f"{page.title} cannot be shown")
    st.error(escape_markdown(str(error)), icon=":material/error:")
models.preload()  # after the first page, which must not wait for it
