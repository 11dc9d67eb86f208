"""Long computations beside a page, which can be watched and stopped."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import streamlit as st

from har_core.errors import HarError

T = TypeVar("T")
J = TypeVar("J", bound="Job[Any]")
Compute = Callable[[Callable[[int, int], None], Callable[[], bool]], T]
_PATIENCE = 1.5  # seconds that a stopped computation gets to end

FAILED = "Something went wrong here. The reason is in the log of the app; try again, or with other photos."
STOPPED = "It was stopped, nothing was kept."


class Job(Generic[T]):
    """A computation in a thread of its own.  It goes on while somebody holds the job: a session that ends stops its jobs.

    Args:
        compute: gets `progress(done, total)`, to be called now and then, and `cancelled()`, to be asked often.

    `started`: by `time.monotonic`.  Once it has ended, either `result` is set or `error` says in plain words why there is none.
    """

    def __init__(self, compute: Compute[T]) -> None:
        self.done, self.total = 0, 1
        self.result: T | None = None
        self.error: str | None = None
        self.started = time.monotonic()
        self._began = self._stopped = 0.0
        self._thread = threading.Thread(target=_run, args=(weakref.ref(self), compute), daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether there is something to wait for.  What does not end soon after it was stopped is not waited for."""
        return self._thread.is_alive() and not (self.stopping and time.monotonic() - self._stopped > _PATIENCE)

    @property
    def stopping(self) -> bool:
        return self._stopped > 0

    def stop(self) -> None:
        """Returns at once; the computation ends the next time that it asks."""
        self._stopped, self.error = time.monotonic(), STOPPED

    def seconds_left(self) -> float | None:
        """At the pace so far; None before the first part is done."""
        if not 1 < self.done <= self.total:
            return None
        return (time.monotonic() - self._began) / self.done * (self.total - self.done)

    def progress(self, done: int, total: int) -> None:
        """Called by the computation."""
        if done == 0:
            self._began = time.monotonic()
        self.done, self.total = done, total


def watch(job: J, show: Callable[[J], None]) -> None:
    """Show a job again and again; the whole page runs anew when it has ended."""
    held = weakref.ref(job)  # Streamlit keeps fragments longer than the session keeps its job

    @st.fragment(run_every=0.5)
    def shown() -> None:
        job = held()
        if job is None or not job.running:
            st.rerun()
        show(job)

    shown()


def _run(held: weakref.ref[Job[T]], compute: Compute[T]) -> None:
    def progress(done: int, total: int) -> None:
        if (job := held()) is not None:
            job.progress(done, total)

    def cancelled() -> bool:
        return (job := held()) is None or job.stopping

    result, reason = None, None
    try:
        result = compute(progress, cancelled)
    except HarError as error:
        reason = str(error)
    except Exception:
        logging.getLogger(__name__).exception("a computation beside a page failed")
        reason = FAILED
    if (job := held()) is not None and not job.stopping:
        job.result, job.error = result, reason
