"""The line above every page: the pages, and the run they show."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.navigation.page import Page

from app_pages.state import runs, url
from har_core.viz.formats import escape_markdown

_STYLE = """<style>
h1 { font-size: 1.75rem !important }
.stMainBlockContainer { max-width: 76rem; padding-top: 4.4rem }
.stHtml { overflow-wrap: anywhere }
.js-plotly-plot text { fill: currentColor !important }
.st-key-run-bar { gap: .6rem .35rem }
.st-key-run-bar [data-testid=stPageLink] a { padding: .2rem .3rem; margin: 0 }
a:focus-visible { outline: 2px solid currentColor !important; outline-offset: 1px }
.st-key-run-bar [data-testid=stPageLink] a > span:has([data-testid=stIconMaterial]) { display: none }
.stMainBlockContainer:has(h1:not(.st-key-error-title h1)) .st-key-error-title { display: none }
</style>"""  # lines of text stay readable on a wide screen; Streamlit writes in charts in a gray that is hard to read


def run_picker(pages: Sequence[Page], current: Page) -> bool:
    """What is chosen stands in the session and, unless it is the default, in the address.

    The links are the app's own, since those of `st.navigation` forget the run, which would then be a step of the browser's
    history of its own.  A page opens as it was left.

    Returns:
        Whether there is a run to show.
    """
    named, broken = runs.all_runs()
    key, labels = runs.seed_run(list(named)), runs.labels(named)
    st.html(_STYLE)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="run-bar"):
        views = url.links([page.url_path for page in pages], current.url_path)
        for page in pages:
            label = f"**{page.title}**" if page.url_path == current.url_path else page.title
            st.page_link(page, label=label, query_params=views[page.url_path])
        for folder, error in broken:
            words, reason = f"{escape_markdown(folder.name)} cannot be opened", escape_markdown(str(error))
            st.badge(words, icon=":material/error:", color="red", help=reason)
        st.selectbox(
            "Run",
            list(named),
            index=None if st.session_state[key] is None else 0,
            placeholder="Choose a run",
            format_func=lambda name: f"Run: {labels[name]}",
            width=230,
            label_visibility="collapsed",
            **url.widget(key),
        )
    if st.session_state[key] is not None:
        return True
    url.wait_for_run()
    st.title(f"There is no run called {escape_markdown(st.query_params.get(url.RUN, ''))}")
    st.markdown(
        "It was renamed or removed, is on another machine, or was an upload that ended with its visit: a reload of the page ends one too. These are here:"
    )
    for name in named:
        st.page_link(current, label=escape_markdown(labels[name]), query_params={url.RUN: name})
    return False
