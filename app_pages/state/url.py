"""The view in the address: a link shows a colleague the same run, cell, filters and photo.

A page seeds its widgets from the address when it is opened, and publishes their values at the end of every rerun.

Streamlit's own `bind="query-params"` cannot do this: it writes the label of an option rather than its value, names the
parameter after the widget's key (which differs from run to run here), replaces the entry in the browser's history
(so that Back never returns to an earlier view), and forbids links to a page with other values
(`switch_page(query_params=…)`).  Settings that are no part of a view (opacity, threshold, …) use `persist_state`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import streamlit as st

RUN = "run"
RENAMED_RUNS = {"report-recipe": "baseline"}
"""Links that were made when a run had another name."""

_PAGE, _SEEDED = "page-shown", "seeded-keys"
T = TypeVar("T")


def enter_page(page: str) -> None:
    """Called before a page runs: whoever comes from another page gets what the address says, not what was left here."""
    if st.session_state.get(_PAGE) != page:
        for key in st.session_state.get(_SEEDED, ()):
            st.session_state.pop(key, None)
        st.session_state[_PAGE], st.session_state[_SEEDED] = page, []


def seed(key: str, name: str, default: T, parse: Callable[[str], T]) -> str:
    """Give a widget its first value, from the address if that holds a usable one; returns the widget's key.

    Args:
        key: of the widget, unique among all pages.
        name: in the address.
        parse: raises ValueError, KeyError or IndexError for a value that cannot be used; it is then ignored.
    """
    if key not in st.session_state:
        if name != RUN:
            st.session_state[_SEEDED].append(key)
        try:
            st.session_state[key] = parse(st.query_params[name])
        except (ValueError, KeyError, IndexError):
            st.session_state[key] = default
    return key


def read_once(name: str) -> str | None:
    """What the address says, for the first who asks after a page was opened; None for those who ask later."""
    key = f"asked-{name}"
    if key in st.session_state:
        return None
    st.session_state[key] = True
    st.session_state[_SEEDED].append(key)
    return st.query_params.get(name)


def one_of(values: Mapping[str, T]) -> Callable[[str], T]:
    """A parser that knows the words of a choice."""
    return lambda text: values[text]


def publish(values: Mapping[str, object | None]) -> None:
    """Put a page's view into the address; what is None is left out.  The chosen run is always in it."""
    wanted = query(**values)
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def query(**values: object | None) -> dict[str, str]:
    """The address of another page for the chosen run, as `st.switch_page` and `st.page_link` take it."""
    return {
        RUN: str(st.session_state[RUN]),
        **{name: str(value) for name, value in values.items() if value is not None},
    }
