"""Of the map: the chart in which points are selected, and the photos of the selection.

The selection is the session's: the chart knows it only until somebody goes to another page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import streamlit as st

from app_pages.components.compact_selection import compact_selection
from app_pages.components.gallery import gallery
from app_pages.components.photo_detail import ORIGINS
from app_pages.components.photo_tile import photo_tile
from app_pages.state import runs, url
from har_core.analysis.embedding_map import EmbeddingMap, drawn_points
from har_core.runs.run import Run
from har_core.viz import map_figures as figures
from har_core.viz.formats import class_label, class_markdown, count_photos, escape_markdown, short_labels
from har_core.viz.map_figures import Group
from har_core.viz.text import IN_HEADLINE

SELECTED, CHART = "map-selected", "map-chart"
"""The session's keys of the selected points, with the run they belong to, and of the chart that is shown."""

_MOST_TRAINING, _COLUMNS = 24, 6  # small pictures of training photos
_PICTURE = 240  # pixels
_STYLE = """<style>
.st-key-map-figure .annotation-text { paint-order: stroke; stroke: Canvas; stroke-width: 4px; stroke-linejoin: round }
</style>"""
"""The names on the map stay readable on any color."""


@dataclass
class _Chart:
    """The chart that is shown: what it was drawn for, its number, and the points that were selected then."""

    drawn_for: object
    number: int
    selected: np.ndarray | None


def map_chart(run: Run, places: EmbeddingMap, groups: list[Group], hover: np.ndarray, *, signature: object) -> None:
    """The figure.  It is drawn anew, with what is selected, when it shows something else; after a selection in it, it stays
    as it is, with its zoom.
    """
    identity = (run.folder, runs.version(run))
    chart: _Chart | None = st.session_state.get(CHART)
    here = chart is not None and f"{CHART}-{chart.number}" in st.session_state  # not after a visit to another page
    if chart is None or not here or chart.drawn_for != (identity, signature):
        chart = _Chart((identity, signature), chart.number + 1 if chart else 1, selected_points(run))
        st.session_state[CHART] = chart
    key = f"{CHART}-{chart.number}"

    def select() -> None:
        points = figures.selected_points(st.session_state[key].selection.points, groups)
        if len(points):
            st.session_state[SELECTED] = identity, points
        else:
            st.session_state.pop(SELECTED, None)

    scored = places.subset(places.scored)
    st.html(_STYLE)
    compact_selection()
    with st.container(key="map-figure"):
        st.plotly_chart(
            figures.embedding_figure(
                places.positions,
                groups,
                hover,
                figures.class_places(scored.positions, scored.true, run.classes),
                selected=chart.selected,
            ),
            key=key,
            on_select=select,
            selection_mode=("lasso", "box"),
            config={
                "displayModeBar": True,
                "modeBarButtonsToRemove": ["toImage", "autoScale2d"],
                "plotGlPixelRatio": figures.pixel_ratio(len(places)),
            },
            alt=f"Map of {count_photos(len(places))}: those that look alike to the model lie near each other",
        )


def selected_points(run: Run) -> np.ndarray | None:
    """(m,) points; None if nothing is selected.  Another run has other points."""
    identity, points = st.session_state.get(SELECTED, (None, None))
    if identity != (run.folder, runs.version(run)):
        st.session_state.pop(SELECTED, None)
        return None
    return cast("np.ndarray", points)


def _clear() -> None:
    st.session_state.pop(SELECTED, None)
    if CHART in st.session_state:
        st.session_state[CHART].drawn_for = None


def selected_photos(run: Run, places: EmbeddingMap, points: np.ndarray) -> dict[str, object | None]:
    """What is selected, in words and photos; returns what of that belongs into the address."""
    chosen = places.subset(points)
    scored, training = chosen.subset(chosen.scored), chosen.subset(~chosen.scored)
    predictions = runs.predictions(run)
    predicted = predictions.predicted[scored.rows]
    headline, in_full = (
        figures.selection_sentence(scored.true, predicted, names, training=len(training))
        for names in (short_labels(run.classes, IN_HEADLINE), run.classes)
    )
    st.subheader(headline, anchor=False, help=in_full if in_full != headline else None)
    st.button("Clear the selection", icon=":material/close:", on_click=_clear)
    address: dict[str, object | None] = {}
    if len(scored):
        surprise = runs.examples(run)["surprise"].to_numpy()[scored.rows]
        rows = scored.rows[np.argsort(-surprise, kind="stable")]
        origin = url.query(show="all", **({"from": "map"} if "map" in ORIGINS else {}))
        address = gallery(run, rows, key=f"map-{abs(hash(rows.tobytes()))}", origin=origin)
    if len(training):
        _training_photos(run, training)
    return address


def _training_photos(run: Run, training: EmbeddingMap) -> None:
    """Small pictures with their labels, those that are here."""
    st.subheader(f"{count_photos(len(training)).replace('photo', 'training photo')}", anchor=False)
    shown = training.subset(drawn_points(len(training), _MOST_TRAINING))
    for start in range(0, len(shown), _COLUMNS):
        for column, place in zip(st.columns(_COLUMNS), range(start, min(start + _COLUMNS, len(shown))), strict=False):
            sample, label = str(shown.samples[place]), run.classes[int(shown.true[place])]
            picture = photo_tile(run, sample, side=_PICTURE // 2)
            with column:
                if picture is not None:
                    st.image(picture, width="stretch", alt=f"{sample}: {class_label(label)}")
                st.caption(f"**{class_markdown(label)}**  \n{escape_markdown(sample)}")
    if len(training) > len(shown):
        st.caption(f"{len(shown)} of {len(training):,} are shown, chosen at random.")
