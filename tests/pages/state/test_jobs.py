"""Long computations beside a page."""

from __future__ import annotations

import threading
import time

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


@pytest.mark.parametrize("stopped", [True, False])
def test_it_ends_when_it_is_stopped_or_nobody_holds_it(stopped: bool) -> None:
    ended = threading.Event()

    def compute(progress: object, cancelled: object) -> None:
        wait_for(cancelled)  # type: ignore[arg-type]
        ended.set()
        raise Cancelled("stopped")

    job: Job[None] | None = Job(compute)
    assert job is not None and not ended.wait(0.3)
    if stopped:
        job.stop()
        assert job.stopping and job.error == jobs.STOPPED
    else:
        del job
    assert ended.wait(20)


def test_what_does_not_end_is_not_waited_for_when_it_was_stopped() -> None:
    asked = threading.Event()
    job = Job(lambda progress, cancelled: asked.wait(30))
    job.stop()
    wait_for(lambda: not job.running)
    assert job._thread.is_alive()
    asked.set()
    job._thread.join(20)
    assert (job.result, job.error) == (None, jobs.STOPPED)


def test_a_fault_of_the_program_is_logged_and_shown(caplog: pytest.LogCaptureFixture) -> None:
    job = Job(lambda progress, cancelled: 1 / 0)
    wait_for(lambda: not job.running)
    assert (job.result, job.error) == (None, jobs.FAILED) and "ZeroDivisionError" in caplog.text


def test_the_time_left_is_measured() -> None:
    began = time.monotonic()
    job = Job(lambda progress, cancelled: None)
    job.progress(0, 100)
    assert job.seconds_left() is None
    time.sleep(0.1)
    job.progress(50, 100)
    left = job.seconds_left()
    assert left is not None and 0.1 <= left <= time.monotonic() - began


def test_an_error_is_said_in_plain_words() -> None:
    def compute(progress: object, cancelled: object) -> None:
        raise DataError("no photo is left")

    job = Job(compute)
    wait_for(lambda: not job.running)
    assert job.error == "no photo is left"
