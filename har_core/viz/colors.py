"""The colors of all figures and pictures: told apart with any color vision, on light and dark pages."""

from __future__ import annotations

from plotly.colors import sample_colorscale

PRIMARY, SECONDARY, MUTED = "#d9622b", "#3b7dd8", "#8f97a6"
SERIES = (PRIMARY, SECONDARY, "#2a9d77", "#a05fc4")
"""Of several lines of one kind."""

GRID = "rgba(143, 151, 166, 0.25)"
MORE, BETTER = PRIMARY, SECONDARY
"""Of the cells of a matrix: for much or worse, and for what became better."""

STRONGEST = 0.72
"""Opacity of the strongest cell: so much of the page shines through that the page's own text color stays readable."""

HEATMAP_SCALE = "Inferno"
"""Evenly spaced for the eye, with or without color vision, and in grayscale."""

DIFFERENCE_SCALE = "PuOr_r"
"""From -1 (purple) to 1 (orange): told apart with any color vision."""


def css_gradient(scale: str) -> str:
    """The colors of a Plotly scale as a CSS gradient from its low end (left) to its high end (right)."""
    stops = ", ".join(sample_colorscale(scale, [step / 8 for step in range(9)]))
    return f"linear-gradient(to right, {stops})"
