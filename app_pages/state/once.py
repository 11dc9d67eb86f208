"""What is computed once from a run and then shared: by all sessions, or, of a visitor's own run, within theirs alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import streamlit as st

from app_pages.state import runs
from app_pages.state.sharing import shared_unless_own
from har_core.runs.run import Run

T = TypeVar("T")


def once_per_run(spinner: str, *, most: int = 6) -> Callable[[Callable[[Run], T]], Callable[[Run], T]]:
    """A decorator for what is computed from a run; computed anew when the run's manifest is written.

    Args:
        spinner: what is shown meanwhile.
        most: outcomes that are kept.
    """

    def decorate(compute: Callable[[Run], T]) -> Callable[[Run], T]:
        def outcome(folder: Path, version: int) -> T:
            return compute(Run.open(folder))

        outcome.__qualname__ = f"{compute.__module__}.{compute.__qualname__}"  # by which Streamlit tells caches apart
        cached = shared_unless_own(st.cache_resource, max_entries=(most, most), show_spinner=spinner)(outcome)

        def found(run: Run) -> T:
            return cached.of(run)(run.folder, runs.version(run))

        return found

    return decorate
