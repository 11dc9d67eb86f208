"""The view in the address: a link shows a colleague the same run, cell, filters and photo.

A page seeds its widgets from the address when it is opened, and publishes their values at the end of every rerun.  An
address leaves out what is the default, so that a page that is merely opened writes nothing.

Streamlit's own `bind="query-params"` cannot do this: it writes the label of an option rather than its value, names the
parameter after the widget's key (which differs from run to run here), replaces the entry in the browser's history
(so that Back never returns to an earlier view), and forbids links to a page with other values
(`switch_page(query_params=…)`).  Settings that are no part of a view (opacity, threshold, …) use `persist_state`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple, TypeVar, cast
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

RUN = "run"
RENAMED_RUNS = {"report-recipe": "baseline", "efficientnet-lite2": "edge"}
"""Links that were made when a run had another name."""

_DEFAULT_RUN, _HERE, _VIEW, _VIEWS, _SEEDED = "default-run", "address-shown", "view-shown", "views", "seeded-values"
_LEFT, _DRAWN, _IGNORED = "addresses-left", "widgets-drawn", "values-ignored"
_LINKS, _SENT = "links-drawn", "page-of-address-sent"
_ON_ITS_WAY = 1.5  # seconds until the browser has certainly got a new address
T = TypeVar("T")
View = dict[str, str]
"""The parameters of an address."""


class _Links(NamedTuple):
    """Where the links to all pages lead: the run that was chosen when they were drawn, and page (`url_path`) → view.  `former`: those
    for the run before, which the browser still showed at the time `since`.
    """

    run: str | None
    views: dict[str, View]
    former: dict[str, View]
    since: float


def enter_page(page: str) -> None:
    """Called before a page runs: an address that was changed from outside (a link, Back, Forward) counts, not what was left here.

    Widgets keep their state when somebody presses Back.  An address that is merely older than the last click, because
    that came before the browser had the new one, is told by the values that changed since, or by being one that was left
    a moment ago though nobody pressed Back.
    """
    here, seeded = (page, st.query_params.to_dict()), st.session_state.setdefault(_SEEDED, {})
    known = st.session_state.get(_HERE, (None, {}))
    if page != known[0] and _is_of_former_run(*here):
        st.session_state.setdefault(_LEFT, {})[urlencode(here[1])] = monotonic()
        here = (page, last_view(page))
        st.query_params.from_dict(here[1])
    clicked = any(key in st.session_state and st.session_state[key] != value for key, value in seeded.items())
    if here == known or (page == known[0] and (clicked or _is_late(here[1]))):
        return
    for key in seeded:
        st.session_state.pop(key, None)
    st.session_state[_HERE], st.session_state[_SEEDED] = here, {}
    st.session_state.pop(_VIEW, None)
    st.session_state.pop(_IGNORED, None)
    if page == known[0]:
        st.query_params.from_dict(here[1])  # a link to the page that is shown does not change the browser's address


def _is_late(address: dict[str, str]) -> bool:
    """Whether the browser sent an address that it had not yet exchanged for the one published last."""
    left = st.session_state.get(_LEFT, {}).get(urlencode(address), 0.0)
    return monotonic() - left < _ON_ITS_WAY and not _pressed_back()


def _is_of_former_run(page: str, address: View) -> bool:
    """Whether a link to a page was clicked that the browser had not yet exchanged for the one to the chosen run."""
    links: _Links | None = st.session_state.get(_LINKS)
    if links is None or st.session_state.get(RUN) is None or _pressed_back():
        return False
    if st.session_state[RUN] != links.run:  # chosen since the links were drawn
        return address == links.views.get(page)
    return monotonic() - links.since < _ON_ITS_WAY and address == links.former.get(page)


def _pressed_back() -> bool:
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def seed(key: str, name: str, default: T, parse: Callable[[str], T]) -> str:
    """Give a value of the session its first one, from the address if that holds a usable one; returns its key.

    Args:
        key: of the value, unique among all pages.
        name: in the address.
        parse: raises ValueError, KeyError or IndexError for a value that cannot be used; it is then ignored.
    """
    if key not in st.session_state:
        try:
            st.session_state[key] = parse(st.query_params[name])
        except (ValueError, KeyError, IndexError):
            st.session_state[key] = default
            if name in st.query_params and name != RUN:
                st.session_state.setdefault(_IGNORED, []).append(st.query_params[name])
        put(key, st.session_state[key])
    st.session_state[_SEEDED].setdefault(key, st.session_state[key])
    return key


def ignored() -> list[str]:
    """What the address asks for that there is not."""
    values: list[str] = st.session_state.get(_IGNORED, [])
    return values


def put(key: str, value: object) -> None:
    """Set a seeded value otherwise than by its widget."""
    st.session_state[key] = value
    drawn = st.session_state.setdefault(_DRAWN, {})
    drawn[key] = drawn.get(key, 0) + 1


def widget(key: str, then: Callable[[], object] | None = None) -> dict[str, Any]:
    """Arguments (`key`, `on_change`) of the widget that shows and changes a seeded value.

    With every click the browser sends what all its widgets show.  A click that comes before it has drawn what the click
    before had `put` would set that back: so what was put is shown by a new widget.

    Args:
        then: called after a change.
    """
    version: int = st.session_state[_DRAWN][key]
    name = f"{key}-{version}"
    st.session_state.setdefault(name, st.session_state[key])

    def take() -> None:
        if st.session_state[_DRAWN][key] != version:
            return  # the browser still shows a former widget
        st.session_state[key] = st.session_state[name]
        if then is not None:
            then()

    return {"key": name, "on_change": take}


def read_once(name: str) -> str | None:
    """What the address says, for the first who asks after a page was opened; None for those who ask later."""
    key = f"asked-{name}"
    if key in st.session_state:
        return None
    seed(key, name, True, bool)
    return st.query_params.get(name)


def one_of(values: Mapping[str, T]) -> Callable[[str], T]:
    """A parser that knows the words of a choice."""
    return lambda text: values[text]


def share_range(text: str) -> tuple[float, float]:
    """A parser of two shares with a dash between, as 0.5-0.9.

    Raises:
        ValueError: if it is something else.
    """
    low, high = (float(part) for part in text.split("-"))
    if not 0 <= low <= high <= 1:
        raise ValueError(text)
    return low, high


def publish(values: Mapping[str, object | None]) -> None:
    """Put a page's view into the address; what is None is left out.

    The address somebody came by stays as it is until the view changes: every change is a step of the browser's history.
    """
    view = query(**values)
    page = st.session_state[_HERE][0]
    if st.session_state.setdefault(_VIEW, view) != view:
        st.session_state.setdefault(_LEFT, {})[urlencode(st.session_state[_HERE][1])] = monotonic()
        st.query_params.from_dict(view)
        st.session_state[_HERE], st.session_state[_VIEW] = (page, view), view
        st.session_state.pop(_IGNORED, None)
    elif st.session_state.get(_SENT, page) != page:
        # The page before sent its address last: on a slow machine the browser gets it after its visitor has come here.
        st.query_params.from_dict(st.session_state[_HERE][1])
    st.session_state[_SENT] = page
    st.session_state.setdefault(_VIEWS, {})[page] = view
    seeded = st.session_state[_SEEDED]
    st.session_state[_SEEDED] = {key: st.session_state.get(key, value) for key, value in seeded.items()}


def links(pages: Sequence[str], current: str) -> dict[str, View]:
    """Where links to these pages (`url_path`) lead: each opens as it was left, the current one afresh."""
    run: str | None = st.session_state.get(RUN)
    views = {page: query() if page == current else last_view(page) for page in pages}
    before: _Links = st.session_state.get(_LINKS) or _Links(run, views, {}, 0.0)
    former, since = (before.former, before.since) if before.run == run else (before.views, monotonic())
    st.session_state[_LINKS] = _Links(run, views, former, since)
    return views


def last_view(page: str, **default: object | None) -> dict[str, str]:
    """The address of another page (`url_path`) as it was left in this session with the chosen run, else the default."""
    view: dict[str, str] = st.session_state.get(_VIEWS, {}).get(page, {})
    return view if view and view.get(RUN) == query().get(RUN) else query(**default)


def query(**values: object | None) -> dict[str, str]:
    """The address of another page for the chosen run, as `st.page_link` takes it.  The default run is left out."""
    run = st.session_state.get(RUN)
    values = {RUN: run if run != st.session_state.get(_DEFAULT_RUN) else None, **values}
    return {name: str(value) for name, value in values.items() if value is not None}


def seed_run(names: list[str], default: str) -> str:
    """The key of the run picker, once it holds a run; None if there is no run of the name in the address."""
    st.session_state[_DEFAULT_RUN] = default

    def parse(text: str) -> str | None:
        name = text if text in names else RENAMED_RUNS.get(text, text)
        return name if name in names else None

    key = seed(RUN, RUN, cast("str | None", default), parse)
    if st.session_state[key] not in {*names, None}:
        put(key, None)
    return key


def leads_elsewhere(view: View) -> bool:
    """Whether an address is of another run than the chosen one."""
    return view.get(RUN) != query().get(RUN)


def show_run(name: str | None) -> None:
    """Choose a run, None the default one, otherwise than by an address or the run picker: the page that is shown then publishes it."""
    wait_for_run()
    put(RUN, st.session_state.get(_DEFAULT_RUN) if name is None else name)


def wait_for_run() -> None:
    """Called instead of a page whose address names no run that there is."""
    st.session_state.setdefault(_VIEW, st.query_params.to_dict())
