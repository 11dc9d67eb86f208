"""What is wrong with the data: labels, copies, photos that are hard to see, and groups of photos that the model gets wrong?"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app_pages.components.no_photos import says_no_photos
from app_pages.decide.duplicates_part import duplicates_part
from app_pages.decide.photo_issues_part import photo_issues_part
from app_pages.decide.slices_part import slices_part
from app_pages.decide.suspects_part import suspects_part
from app_pages.state import runs, url
from har_core.runs.run import Run

Address = dict[str, object | None]
Part = Callable[[Run, DeltaGenerator], Address]
"""Draws a part, its answer as the page's title into the given place, and returns what belongs into the address."""


def _without_address(part: Callable[[Run, DeltaGenerator], None]) -> Part:
    def draw(run: Run, top: DeltaGenerator) -> Address:
        part(run, top)
        return {}

    return draw


PARTS: dict[str, tuple[str, Part]] = {
    "labels": ("Label suspects", suspects_part),
    "copies": ("Near-duplicates", duplicates_part),
    "photos": ("Hard to see", _without_address(photo_issues_part)),
    "slices": ("Weak groups", _without_address(slices_part)),
}


def page() -> None:
    run = runs.current_run()
    if says_no_photos(run):
        return
    known = {name: name for name in PARTS}
    key = url.seed(f"data-part-{run.folder}", "part", "labels", url.one_of(known))
    top = st.container()
    st.segmented_control(
        "Part",
        list(PARTS),
        format_func=lambda name: PARTS[name][0],
        required=True,
        label_visibility="collapsed",
        **url.widget(key),
    )
    chosen: str = st.session_state[key]
    address = PARTS[chosen][1](run, top)
    url.publish({"part": chosen if chosen != "labels" else None, **address})


page()
