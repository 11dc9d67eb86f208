"""What the colors of heatmaps mean."""

from __future__ import annotations

from html import escape

import streamlit as st

from har_core.viz.colors import DIFFERENCE_SCALE, HEATMAP_SCALE, css_gradient


def heatmap_color_bar() -> None:
    _color_bar("weak", "strong (this photo only)", HEATMAP_SCALE)


def difference_color_bar(low: str, high: str) -> None:
    """Args: what the low end (purple) and the high end (orange) speak for."""
    _color_bar(low, high, DIFFERENCE_SCALE)


def _color_bar(low: str, high: str, scale: str) -> None:
    st.html(
        '<div style="display:flex;align-items:center;gap:.6rem;font-size:.85rem;opacity:.85">'
        f"<span>{escape(low)}</span>"
        f'<span style="flex:1;min-width:3rem;height:.6rem;border-radius:.3rem;background:{css_gradient(scale)}"></span>'
        f"<span>{escape(high)}</span></div>"
    )
