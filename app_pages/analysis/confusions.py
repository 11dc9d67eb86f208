"""Which classes are predicted as which, and what do those photos look like?"""

from __future__ import annotations

import streamlit as st

from app_pages.components.gallery import gallery
from app_pages.components.matrix_panel import cell_boxes, matrix_panel, ranking
from app_pages.components.no_results import no_results
from app_pages.components.scroll_here import scroll_here
from app_pages.state import runs, url
from app_pages.state.cell import Cell, address_name
from app_pages.state.filters import select_photos
from har_core.analysis.confusion import TOTAL
from har_core.analysis.filters import Filters
from har_core.runs.file_names import PREDICTIONS
from har_core.runs.run import Run
from har_core.viz import formats, text

_STYLE = "<style>@media (min-width: 641px) { .st-key-matrix-title h1 { min-height: 6.6rem } }</style>"
"""Room for two lines: the matrix must not move under the pointer when a title of one line takes the place of a longer one."""


def page() -> None:
    run = runs.current_run()
    if not run.is_scored:
        no_results(run)
        return
    matrix = runs.confusion_matrix(run)
    cell = Cell.seeded(run)
    chosen, both = cell.chosen(), cell.both_directions()
    headline, in_full = text.matrix_headline(matrix, run.classes, chosen, both=both)
    st.html(_STYLE)
    with st.container(key="matrix-title"):
        st.title(headline, help=in_full)
    left, right = st.columns([11, 8], gap="large")
    with left:
        address = cell.address(run) | matrix_panel(run, matrix, cell, page="confusions")
    with right:
        scroll_here(f"{chosen} {both}", key="cell-top")
        cell_boxes(run, cell)
        if chosen is None:
            address |= ranking(run, matrix, cell, page="confusions")
        else:
            st.button("All confusions", icon=":material/arrow_back:", on_click=cell.choose, args=(None,))
            address |= _photos(run, *chosen, both=both)
    url.publish(address)


def _photos(run: Run, true: int, predicted: int, *, both: bool) -> dict[str, object | None]:
    """The photos of the chosen cell, and of its mirror image if both directions are meant, beside the matrix."""
    if not run.has(PREDICTIONS):
        st.info(
            f"{formats.escape_markdown(run.title)} is a matrix only: which photos these were was not published.",
            icon=":material/info:",
        )
        return {}
    filters = Filters("all", None if true == TOTAL else true, None if predicted == TOTAL else predicted)
    rows = select_photos(run, filters, pair=both).rows
    origin = url.query(
        show="all",
        true=address_name(run, filters.true),
        predicted=address_name(run, filters.predicted),
        both=both or None,
        **{"from": "confusions"},
    )
    return gallery(run, rows, key=f"cell-{true}-{predicted}-{both}", origin=origin, columns=1)


page()
