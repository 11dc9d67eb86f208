"""The chosen cell of the confusion matrix, as the session and the address hold it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

import streamlit as st

from app_pages.state import url
from har_core.analysis.confusion import TOTAL

ALL = "*"


class Classified(Protocol):
    """A run, or whatever else has a folder of its own and a confusion matrix of its classes."""

    @property
    def folder(self) -> Path: ...

    @property
    def classes(self) -> tuple[str, ...]: ...


class Cell(NamedTuple):
    """The session's keys of the chosen cell: its ends (class index, `TOTAL` or None), and whether its mirror
    image is meant as well.
    """

    true: str
    predicted: str
    both: str

    @classmethod
    def seeded(cls, run: Classified) -> Cell:
        """The keys, once they hold what the address says."""
        known: dict[str, int | None] = {**{name: index for index, name in enumerate(run.classes)}, ALL: TOTAL}
        cell = cls(*(f"cell-{name}-{run.folder}" for name in cls._fields))
        url.seed(cell.true, "true", None, url.one_of(known))
        url.seed(cell.predicted, "predicted", None, url.one_of(known))
        url.seed(cell.both, "both", False, url.one_of({"True": True}))
        return cell

    def chosen(self) -> tuple[int, int] | None:
        """(true, predicted); where one of the two is left open, the total of the other."""
        true, predicted = st.session_state[self.true], st.session_state[self.predicted]
        if true is None and predicted is None:
            return None
        return TOTAL if true is None else true, TOTAL if predicted is None else predicted

    def both_directions(self) -> bool:
        """Whether the photos of the mirror image are chosen as well."""
        chosen = self.chosen()
        if chosen is None or TOTAL in chosen or chosen[0] == chosen[1]:
            return False
        return bool(st.session_state[self.both])

    def address(self, run: Classified) -> dict[str, object | None]:
        true, predicted = st.session_state[self.true], st.session_state[self.predicted]
        both = True if self.both_directions() else None
        return {"true": address_name(run, true), "predicted": address_name(run, predicted), "both": both}

    def one_direction(self) -> None:
        """Forget the mirror image: what is chosen in the select boxes is one cell."""
        url.put(self.both, False)

    def choose(self, cell: tuple[int, int] | None, both: bool = False) -> None:
        for key, value in zip(self, (*(cell or (None, None)), both), strict=True):
            url.put(key, value)


def address_name(run: Classified, index: int | None) -> str | None:
    """What a class index, `TOTAL` or None is called in the address."""
    return index if index is None else ALL if index == TOTAL else run.classes[index]
