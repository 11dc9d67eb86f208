"""The chosen cell of the confusion matrix, as the session and the address hold it."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from har_core.analysis import TOTAL
from har_core.runs import Run
from pages import _url

ALL = "*"


class Cell(NamedTuple):
    """Where the session keeps the chosen cell: two select boxes (class index, `TOTAL` or None), and whether its mirror
    image is meant as well.
    """

    true: str
    predicted: str
    both: str

    @classmethod
    def seeded(cls, run: Run) -> Cell:
        known: dict[str, int | None] = {**{name: index for index, name in enumerate(run.classes)}, ALL: TOTAL}
        own = cls(*(f"cell-{name}-{run.folder}" for name in cls._fields))
        _url.seed(own.true, "true", None, _url.one_of(known))
        _url.seed(own.predicted, "predicted", None, _url.one_of(known))
        _url.seed(own.both, "both", False, _url.one_of({"True": True}))
        return own

    def chosen(self) -> tuple[int, int] | None:
        """The chosen cell; where one of the two is left open, the total of the other."""
        true, predicted = st.session_state[self.true], st.session_state[self.predicted]
        if true is None and predicted is None:
            return None
        return TOTAL if true is None else true, TOTAL if predicted is None else predicted

    def both_ways(self) -> bool:
        chosen = self.chosen()
        return (
            bool(st.session_state[self.both]) and chosen is not None and TOTAL not in chosen and chosen[0] != chosen[1]
        )

    def address(self, run: Run) -> dict[str, object | None]:
        true, predicted = st.session_state[self.true], st.session_state[self.predicted]
        both = True if self.both_ways() else None
        return {"true": name_of(run, true), "predicted": name_of(run, predicted), "both": both}

    def one_way(self) -> None:
        """Forget the mirror image: what is chosen in the select boxes is one cell."""
        st.session_state[self.both] = False

    def choose(self, cell: tuple[int, int] | None, both: bool = False) -> None:
        st.session_state[self.true], st.session_state[self.predicted] = cell or (None, None)
        st.session_state[self.both] = both


def name_of(run: Run, index: int | None) -> str | None:
    return index if index is None else ALL if index == TOTAL else run.classes[index]
