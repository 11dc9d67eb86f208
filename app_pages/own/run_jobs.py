"""Jobs whose result becomes a run of the session's own: who holds them, and what other pages say of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Generic, Protocol, TypeVar

import streamlit as st

from app_pages.own.status import status
from app_pages.state import own_runs, url
from app_pages.state.jobs import Job, watch
from app_pages.state.own_runs import OwnRun
from har_core.viz.formats import escape_markdown


class MadeRun(Protocol):
    """What is kept of an own run that was made: its name, its title, and what else its page tells."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...


AT_ONCE, SOON = 4.0, 20.0
"""Seconds after a job was started.  Who goes on to another page at once wants to see the result there, if it comes soon; later, it
would change what they are looking at."""

M = TypeVar("M", bound=MadeRun)


class RunJob(Job[tuple[OwnRun, M]]):
    """`name`: of the visitor's file, from which the run is made.  `left`: when the visitor went on to another page, by
    `time.monotonic`.
    """

    name: str
    left: float | None = None

    def is_awaited(self) -> bool:
        """Whether the visitor went on at once, and only a moment ago."""
        now = monotonic()
        return (now if self.left is None else self.left) - self.started < AT_ONCE and now - self.started < SOON


J = TypeVar("J", bound=RunJob[Any])


@dataclass(frozen=True)
class RunJobs(Generic[J, M]):
    """Jobs of one kind.  A session has at most one of them, which it holds itself.

    `job_key`, `made_key`: where the session holds the job, and what the last one made.  `new_key`: where it holds whether the latter
    is awaited, until the page has led there; None of a page that does not lead.  `status_key`: of the line on other pages.
    `doing`, `done`: what happens to the file, as "Reading" and "read".
    """

    job_key: str
    made_key: str
    status_key: str
    doing: str
    done: str
    progress_text: Callable[[J], str]
    new_key: str | None = None

    def current(self) -> J | None:
        """The session's job, until its result is an own run."""
        job: J | None = st.session_state.get(self.job_key)
        if job is None or job.running or job.result is None:
            return job
        own, made = job.result
        own_runs.own_runs()[made.name] = own
        st.session_state[self.made_key] = made
        if self.new_key is not None:
            st.session_state[self.new_key] = job.is_awaited()
        del st.session_state[self.job_key]
        return None

    def made(self) -> M | None:
        """By the job that was finished last, unless its run was removed."""
        found: M | None = st.session_state.get(self.made_key)
        return found if found is not None and found.name in own_runs.own_runs() else None

    def just_made(self) -> M | None:
        """As `made`, but once: the page leads there."""
        is_new = self.new_key is not None and st.session_state.pop(self.new_key, None) is not None
        return self.made() if is_new else None

    def cancel(self) -> None:
        """Not a method of the job: Streamlit keeps what a button calls longer than the session keeps its job."""
        if (job := self.current()) is not None:
            job.stop()

    def stop(self) -> None:
        """Also forgets it."""
        if (job := st.session_state.pop(self.job_key, None)) is not None:
            job.stop()

    def status_line(self, job: J | None) -> None:
        """On other pages: the session's job, if it is going on, or has ended and was not looked at.  Drawn before the links to all
        pages, which lead to a result that is awaited.
        """
        is_awaited = self.new_key is not None and st.session_state.get(self.new_key, False)
        if is_awaited and (awaited := self.just_made()) is not None:
            url.show_run(awaited.name)
        if job is not None and job.left is None:
            job.left = monotonic()
        if job is not None and job.running:
            watch(job, self._going_on)
        elif job is not None and job.result is None:
            self._line(f":material/info: {self._words(job)} has ended without a result", "Your photos")
        elif (found := self.made()) is not None and self._is_news(found):
            self._line(f":material/check: {escape_markdown(found.title)}: {self.done}", "See the result")

    def _is_news(self, made: M) -> bool:
        led_there = self.new_key is not None and self.new_key not in st.session_state
        return not led_there and st.session_state.get(url.RUN) != made.name

    def _going_on(self, job: J) -> None:
        self._line(f":material/hourglass_top: {self._words(job)}: {self.progress_text(job)}", "Your photos")

    def _words(self, job: J) -> str:
        return f"{self.doing} {escape_markdown(job.name)}"

    def _line(self, text: str, link: str) -> None:
        status(text, link, self.status_key)
