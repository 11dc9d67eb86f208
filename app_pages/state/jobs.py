"""Long computations beside a page, which can be watched and stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from har_core.errors import HarError

T = TypeVar("T")
_ABANDONED_AFTER = 5.0  # seconds without anyone asking for a computation's progress


class Job(Generic[T]):
    """A computation in a thread of its own.  It stops by itself when nobody asks for it any more.

    Args:
        compute: gets `progress(done, total)`, to be called now and then, and `cancelled()`, to be asked often.

    Once it has ended, either `result` is set or `error` says in plain words why there is none.
    """

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
        """Returns at once; the computation ends the next time that it asks."""
        self._stop.set()

    def _run(self) -> None:
        try:
            self.result = self._compute(self._progress, self._cancelled)
        except HarError as error:
            self.error = str(error)

    def _progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total

    def _cancelled(self) -> bool:
        return self._stop.is_set() or time.monotonic() - self._asked > _ABANDONED_AFTER
