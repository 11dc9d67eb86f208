"""A new page of a long list starts at its top, not where the pages were turned."""

from __future__ import annotations

import streamlit as st

_component = st.components.v2.component(
    "scroll_here",
    html="<span></span>",
    css="span { scroll-margin-top: 10rem }",
    js="""
export default function ({ parentElement, data }) {
  const place = parentElement.querySelector("span");
  const changed = place.shown !== undefined && place.shown !== data;
  if (changed && place.getBoundingClientRect().top < 0) place.scrollIntoView();
  place.shown = data;
}
""",
)


def scroll_here(shown: str, *, key: str) -> None:
    """Scroll up to this place whenever what is shown below it has changed.

    Args:
        shown: changes with what is shown.
    """
    _component(key=key, data=shown, height=1)
