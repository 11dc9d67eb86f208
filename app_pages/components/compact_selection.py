"""Tells the server of a selection in the map by one bit for each point (`viz.map_figures.selected_points` reads it)."""

from __future__ import annotations

from app_pages.components.own_component import own_component

_component = own_component("compact_selection", "<span></span>")


def compact_selection() -> None:
    """To be called beside the figure.  Without it, Streamlit reports every selected point with its texts."""
    _component(key="compact-selection", height=1)
