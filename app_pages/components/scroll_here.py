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
  const changed = place.shown !== data.shown && (place.shown !== undefined || data.atOnce);
  if (changed && place.getBoundingClientRect().top < 0) place.scrollIntoView();
  place.shown = data.shown;
}
""",
)


def scroll_here(shown: str, *, key: str, at_once: bool = False) -> None:
    """Scroll up to this place whenever what is shown below it has changed.

    Args:
        shown: changes with what is shown.
        at_once: also when the place itself is new.
    """
    _component(key=key, data={"shown": shown, "atOnce": at_once}, height=1)
