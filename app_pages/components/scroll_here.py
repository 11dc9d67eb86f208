"""What a click did is seen: a new page of a long list starts at its top, and photos below the screen come onto it."""

from __future__ import annotations

from app_pages.components.own_component import own_component

_component = own_component("scroll_here", "<span></span>")


def scroll_here(shown: str, *, key: str, at_once: bool = False) -> None:
    """Scroll to this place, if it is not on the screen, whenever what is shown below it has changed.

    Args:
        shown: changes with what is shown.
        at_once: also when the place itself is new.
    """
    _component(key=key, data={"shown": shown, "atOnce": at_once}, height=1)
