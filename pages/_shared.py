"""The model, loaded once for all sessions, and long computations beside a page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Generic, TypeVar

import streamlit as st

from har_core.decoder import Decoder
from har_core.errors import Cancelled, HarError
from har_core.recogniser import Recogniser
from har_core.runs import TRAINING, Run
from pages import _url

T = TypeVar("T")
_ABANDONED_AFTER = 5.0  # seconds without anyone asking for a computation's progress


@st.cache_resource(show_spinner="Loading the model …")
def recogniser(folder: Path) -> Recogniser:
    """Shared by all sessions: it holds no state between calls."""
    return Recogniser.of(Run.open(folder))


@st.cache_resource
def decoder() -> Decoder:
    """Shared by all sessions: its worker processes decode what visitors bring."""
    return Decoder()


def not_scored(run: Run) -> None:
    """In place of a page that needs results: why there are none, and how to get them."""
    training = run.card.get("status") == TRAINING
    st.title(f"{run.title} is still training" if training else f"{run.title} has not been scored")
    st.info(
        "It is scored when its last epoch is done. Until then the Training page shows how it goes."
        if training
        else "Score a model on labelled photos with: python -m har_core evaluate DATA --out runs/NAME",
        icon=":material/info:",
    )
    _url.publish({})


def answer(action: str, detail: str) -> None:
    """The page's answer: a large word or two, and what qualifies it."""
    st.html(
        f'<div id="answer" role="status" style="line-height:1.15"><div style="font-size:2.3rem;font-weight:700" '
        f'id="answer-action">{escape(action)}</div><div style="font-size:1.05rem;margin-top:.3rem">{escape(detail)}</div></div>'
    )


class Job(Generic[T]):
    """A long computation beside the page: it can be asked for progress, and stops when nobody asks any more."""

    def __init__(self, compute: Callable[[Callable[[int, int], None], Callable[[], bool]], T]) -> None:
        self.done, self.total = 0, 1
        self.result: T | None = None
        self.error: str | None = None
        self._compute, self._stop, self._asked = compute, threading.Event(), time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        self._asked = time.monotonic()
        return self._thread.is_alive()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        try:
            self.result = self._compute(self._report, self._stopped)
        except Cancelled as error:
            self.error = str(error)
        except HarError as error:
            self.error = str(error)

    def _report(self, done: int, total: int) -> None:
        self.done, self.total = done, total

    def _stopped(self) -> bool:
        return self._stop.is_set() or time.monotonic() - self._asked > _ABANDONED_AFTER
