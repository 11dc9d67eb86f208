"""A visitor's clip and the answers to its frames, which are computed beside the pages.

A clip is kept in a folder of its own until the session ends or another one is brought.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app_pages.state import models, runs
from app_pages.state.jobs import Job
from har_core.errors import Cancelled, ClipError
from har_core.inference.predictor import Predictor
from har_core.inference.video import FrameAnswer, predict_clip
from har_core.media.clips import ClipInfo, ClipReader, Frame
from har_core.runs.run import Run

_CLIP, _ANSWERING, _BEFORE = "clip", "clip-answering", "clip-answered-before"
_PIECE = 2**20  # bytes
_AT_ONCE = 2


@dataclass(frozen=True)
class Clip:
    """`path`: in the folder that `keeper` removes."""

    file_id: str
    name: str
    path: Path
    keeper: TemporaryDirectory[str]


@dataclass(frozen=True)
class Found:
    """`broken`: what the clip lacks of what it tells of, in a sentence."""

    info: ClipInfo
    broken: str | None


class Answering(Job[Found]):
    """The frames of a clip, by a run's model; `answers` grows while it runs, and `info` is known soon."""

    def __init__(self, clip: Clip, run: Run, fps: float) -> None:
        self.fps, self.of = fps, (clip.file_id, run.folder, runs.version(run), fps)
        self.answers: list[FrameAnswer] = []
        self.known: list[ClipInfo] = []
        super().__init__(_computation(clip, models.predictor(run), fps, self.answers, self.known))

    @property
    def info(self) -> ClipInfo | None:
        return self.result.info if self.result is not None else self.known[0] if self.known else None


def brought() -> Clip | None:
    """The session's clip."""
    clip: Clip | None = st.session_state.get(_CLIP)
    return clip


def take(file: UploadedFile) -> None:
    """Keep an uploaded clip, in place of the one before it.

    Raises:
        ClipError: if there is no room for it.
    """
    held = brought()
    if held is not None and held.file_id == file.file_id:
        return
    forget()
    keeper: TemporaryDirectory[str] = TemporaryDirectory(prefix="har-lens-")
    path = Path(keeper.name) / "clip"
    try:
        with path.open("wb") as copy:
            file.seek(0)
            while piece := file.read(_PIECE):
                copy.write(piece)
    except OSError as error:  # its words name the server's folder
        raise ClipError(f"expected room to keep {file.name}, found none; try a smaller one") from error
    st.session_state[_CLIP] = Clip(file.file_id, file.name, path, keeper)


def forget() -> None:
    again()
    st.session_state.pop(_BEFORE, None)
    st.session_state.pop(_CLIP, None)


def cancel() -> None:
    if (job := _answering()) is not None and job.running:
        job.stop()


def rate_being_read() -> float | None:
    """How many frames a second are being answered of the session's clip; None if that has not begun, or has ended."""
    job = _answering()
    return job.fps if job is not None and job.running else None


def _answering() -> Answering | None:
    job: Answering | None = st.session_state.get(_ANSWERING)
    return job


def answering(clip: Clip, run: Run, fps: float) -> Answering:
    """The session's answers to a clip, begun if there are none of this run's model at so many frames a second.

    Those before them are kept, as far as they go: whoever compares two runs reads the clip with each of them once.
    """
    job, wanted = _answering(), (clip.file_id, run.folder, runs.version(run), fps)
    if job is None or job.of != wanted:
        cancel()
        before: Answering | None = st.session_state.pop(_BEFORE, None)
        if job is not None and job.answers:
            st.session_state[_BEFORE] = job
        job = before if before is not None and before.of == wanted else Answering(clip, run, fps)
        st.session_state[_ANSWERING] = job
    return job


def again() -> None:
    """Forget the answers, so that they are computed once more."""
    cancel()
    st.session_state.pop(_ANSWERING, None)


def frame(clip: Clip, time: float, side: int) -> Frame:
    """The frame at a time in seconds, its longer side `side` pixels at most.

    Raises:
        ClipError: if it cannot be read.
    """
    return ClipReader().frame(clip.path, clip.name, time, side=side)


@st.cache_resource
def _places() -> threading.BoundedSemaphore:
    """Of clips that are decoded at once, for all visitors: each may take the memory of `ClipReader`."""
    return threading.BoundedSemaphore(_AT_ONCE)


def _computation(
    clip: Clip, predictor: Predictor, fps: float, answers: list[FrameAnswer], known: list[ClipInfo]
) -> Callable[[Callable[[int, int], None], Callable[[], bool]], Found]:
    places = _places()

    def compute(progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Found:
        while not places.acquire(timeout=0.2):
            if cancelled():
                raise Cancelled("stopped while waiting for another visitor's clip; nothing was kept")
        try:
            return watched(progress, cancelled)
        finally:
            places.release()

    def watched(progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Found:
        with ClipReader().open(clip.path, clip.name, fps=fps) as opened:
            known.append(opened.info)
            frames = max(1, round((opened.info.seconds or 0.0) * fps))
            progress(0, frames)
            for answer in predict_clip(predictor, opened, cancelled=cancelled):
                answers.append(answer)
                progress(len(answers), max(frames, len(answers)))
            return Found(opened.info, opened.broken)

    return compute
