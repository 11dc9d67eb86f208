"""What is computed from a visitor's own run stays in their session; the rest is computed once for all."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.caching import cache_data_api, cache_resource_api

from app_pages.state import sharing
from app_pages.state.sharing import Shared, shared_unless_own
from har_core.runs.run import Run
from tests.helpers import random_predictions
from tests.pages.conftest import write_run

Enter = Callable[[str], None]


@pytest.fixture
def two(tmp_path: Path) -> tuple[Run, Run]:
    """A run that everybody sees, and one of the visitor's own."""
    shipped, own = (
        Run.open(write_run(tmp_path / name, random_predictions(5, ("a", "b")), maps=False))
        for name in ("shipped", "own")
    )
    return shipped, own


@pytest.fixture
def enter(two: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch) -> Enter:
    """Go on as another session."""
    monkeypatch.setattr(sharing, "is_own", lambda run: run.folder == two[1].folder)

    def enter(session: str) -> None:
        for module in (cache_data_api, cache_resource_api):
            monkeypatch.setattr(module, "get_session_id_or_throw", lambda: session)

    return enter


@pytest.mark.parametrize("cache", [st.cache_data, st.cache_resource])
def test_who_shares_what(cache: Callable[..., Any], two: tuple[Run, Run], enter: Enter) -> None:
    computed = count()
    shipped, own = two

    @shared_unless_own(cache, max_entries=(9, 9), show_spinner=False)
    def number(folder: Path, version: int) -> int:
        return next(computed)

    for session, expected in (("one", [0, 1, 2]), ("two", [0, 3, 4]), ("one", [0, 1, 2])):
        enter(session)
        found = [
            number.of(shipped)(shipped.folder, 1),
            number.of(own)(own.folder, 1),
            number.of(shipped, own)(own.folder, 2),
        ]
        assert found == expected


@pytest.mark.parametrize(("own", "most"), [(False, 3), (True, 2)])
def test_each_cache_is_bounded_by_its_own_number(own: bool, most: int, two: tuple[Run, Run], enter: Enter) -> None:
    computed: list[int] = []
    run = two[own]

    @shared_unless_own(st.cache_data, max_entries=(3, 2), max_size=("1MB", "1MB"), show_spinner=False)
    def echo(folder: Path, version: int) -> int:
        computed.append(version)
        return version

    enter(run.folder.as_posix())
    for version in (*range(most + 1), most, 0):
        assert echo.of(run)(run.folder, version) == version
    assert computed == [*range(most + 1), 0]


def test_each_cache_is_bounded_by_its_own_size(two: tuple[Run, Run], enter: Enter) -> None:
    computed: list[int] = []

    @shared_unless_own(st.cache_data, max_entries=(9, 9), max_size=("1MB", "10KB"), show_spinner=False)
    def blank(folder: Path, version: int) -> bytes:
        computed.append(version)
        return bytes(8000)

    enter("sizes")
    for run in two:
        for version in (0, 1, 0):
            blank.of(run)(run.folder, version)
    assert computed == [0, 1, 0, 1, 0]


def test_the_function_is_the_session_s_if_any_run_is(two: tuple[Run, Run], enter: Enter) -> None:
    shipped, own = two
    shared: Shared[[], str] = Shared(lambda: "all", lambda: "session")
    assert [shared.of(*runs)() for runs in ((shipped,), (own,), (shipped, own), (own, shipped))] == [
        "all", "session", "session", "session",
    ]  # fmt: skip
