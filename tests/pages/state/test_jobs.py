"""Long computations beside a page."""

from __future__ import annotations

import threading

import pytest

from app_pages.state import jobs
from app_pages.state.jobs import Job
from har_core.errors import Cancelled, DataError
from tests.pages.conftest import wait_for


def test_progress_and_result() -> None:
    half_way = threading.Event()

    def compute(progress: object, cancelled: object) -> str:
        progress(1, 2)  # type: ignore[operator]
        half_way.wait(20)
        return "done"

    job = Job(compute)
    wait_for(lambda: job.total == 2)
    assert (job.running, job.done, job.result) == (True, 1, None)
    half_way.set()
    wait_for(lambda: not job.running)
    assert (job.result, job.error) == ("done", None)


@pytest.mark.parametrize("asked", [True, False])
def test_it_ends_when_it_is_stopped_or_abandoned(asked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_ABANDONED_AFTER", 60.0 if asked else 0.1)

    def compute(progress: object, cancelled: object) -> None:
        wait_for(cancelled)  # type: ignore[arg-type]
        raise Cancelled("stopped")

    job = Job(compute)
    if asked:
        job.stop()
    job._thread.join(20)
    assert job.error == "stopped" and job.result is None


def test_an_error_is_said_in_plain_words() -> None:
    def compute(progress: object, cancelled: object) -> None:
        raise DataError("no photo is left")

    job = Job(compute)
    wait_for(lambda: not job.running)
    assert job.error == "no photo is left"
