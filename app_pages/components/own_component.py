"""Components of the app's own: a name and its HTML, with NAME.js and, if there is one, NAME.css beside this file."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer


def own_component(name: str, html: str) -> ComponentRenderer:
    """What draws the component; to be called once, when its module is imported."""
    style, script = (Path(__file__).with_name(f"{name}{suffix}") for suffix in (".css", ".js"))
    css = style.read_text(encoding="utf-8") if style.is_file() else None
    return st.components.v2.component(name, html=html, css=css, js=script.read_text(encoding="utf-8"))
