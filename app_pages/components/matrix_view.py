"""A confusion matrix whose cells can be clicked, the same with 1 as with 200 classes.

Streamlit's charts lose a click that comes while they are drawn anew, and take the second of a double click back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from app_pages.components.own_component import own_component
from har_core.viz.colors import BETTER, MORE, SECONDARY, STRONGEST
from har_core.viz.matrix_table import MatrixTable

_component = own_component("matrix_view", '<div class="matrix"></div>')


def matrix_view(
    table: MatrixTable,
    *,
    key: str,
    label: str,
    chosen: Sequence[tuple[int, int]] = (),
    on_click: Callable[[tuple[int, int]], object] | None = None,
) -> None:
    """Draw a matrix.

    Args:
        label: what the matrix shows, for who cannot see it.
        chosen: the cells to outline, (true, predicted), of `table.places`.
        on_click: called with the cell that was clicked, likewise.
    """

    def clicked() -> None:
        cell = st.session_state[key].cell
        if on_click is not None and cell and set(cell[:2]) <= set(table.places):
            on_click((cell[0], cell[1]))

    drawn = table._asdict() | {"colors": [MORE, BETTER], "outlined": SECONDARY, "strongest": STRONGEST}
    drawn |= {"clickable": on_click is not None, "label": label}
    _component(key=key, data={"table": drawn, "chosen": list(chosen)}, on_cell_change=clicked)
