"""A visitor's zip and its scoring, which goes on while the visitor looks at other pages.

A scoring belongs to its zip, its run and its session.  While it goes on, neither of the first two is exchanged: whoever wants that
cancels it first.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app_pages.own import importing
from app_pages.own.run_jobs import RunJob, RunJobs
from app_pages.state import models, own_runs, runs
from app_pages.state.own_runs import OwnRun
from har_core.data.samples import Problem
from har_core.data.scan import LabeledPhotos, scan
from har_core.errors import ArchiveError
from har_core.files import as_written
from har_core.media.archive import unpack_photos
from har_core.media.left_out import LeftOut
from har_core.runs.run import Run
from har_core.viz.formats import count_photos

SKIP, ERROR = "\0skip", "\0error"
"""What a label can count as besides a class; no class has such a name."""

_UPLOAD, _SCORING, _REPORT = "own-upload", "own-job", "own-report"
_PHOTOS = "photos"  # the folder of a zip's photos


@dataclass(frozen=True)
class Upload:
    """A zip and its photos, unpacked below `keeper`, which removes them when the session forgets them.

    `left_out`: what else the zip holds.  `note`: what to say of its names.  `classes`: of the model that the photos were looked for with.
    """

    file_id: str
    name: str
    photos: LabeledPhotos
    keeper: TemporaryDirectory[str]
    left_out: tuple[LeftOut, ...]
    note: str
    classes: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return Path(self.keeper.name) / _PHOTOS


@dataclass(frozen=True)
class Report:
    """What a scoring has left: the name of the own run, its title, whose model it was, and the photos that were not scored.

    `unread` of the `photos` that were to be scored could not be read.
    """

    name: str
    by: Path
    title: str
    skipped: tuple[Problem, ...]
    unread: int
    photos: int


class Scoring(RunJob[Report]):
    """Of an upload by a run's model; the result becomes a run of the session's own."""

    def __init__(self, upload: Upload, run: Run, counts_as: Mapping[str, str]) -> None:
        self.run, self.name = run, upload.name
        by = next(name for name, one in runs.all_runs()[0].items() if one.folder == run.folder)
        super().__init__(_computation(upload, run, counts_as, own_runs.new_name(), by))


def upload() -> Upload | None:
    """The session's zip."""
    held: Upload | None = st.session_state.get(_UPLOAD)
    return held


def upload_for(classes: tuple[str, ...]) -> Upload | None:
    """The session's zip as it is understood with a model's classes.

    Raises:
        DataError: if it holds no labeled photos, by these.
    """
    held = upload()
    if held is not None and held.classes != classes:
        photos = scan(held.folder, classes=classes, beside=_names(held.left_out), verify=False)
        held = st.session_state[_UPLOAD] = dataclasses.replace(held, photos=photos, classes=classes)
    return held


def take(file: UploadedFile, classes: tuple[str, ...]) -> None:
    """Unpack a zip, once; it replaces the one before it.

    Args:
        classes: of the model, by which class folders are known.

    Raises:
        ArchiveError, DataError: if it is not a zip of labeled photos.
    """
    held = upload()
    if held is not None and held.file_id == file.file_id:
        return
    forget()
    keeper: TemporaryDirectory[str] = TemporaryDirectory(prefix="har-lens-")
    with st.spinner("Unpacking …"):
        try:
            unpacked = unpack_photos(file, Path(keeper.name) / _PHOTOS)
            photos = scan(unpacked.folder, classes=classes, beside=_names(unpacked.left_out), verify=False)
        except OSError as error:  # its words name the server's folder
            raise ArchiveError(f"expected room to unpack {file.name}, found none; try a smaller one") from error
    st.session_state[_UPLOAD] = Upload(
        file.file_id, file.name, photos, keeper, unpacked.left_out, unpacked.note, classes
    )


def _names(left_out: tuple[LeftOut, ...]) -> list[str]:
    return [name for one in left_out for name in one.names]


def forget() -> None:
    """The zip, and what was made of it but not finished."""
    forget_scoring()
    st.session_state.pop(_UPLOAD, None)


def forget_scoring() -> None:
    _SCORINGS.stop()
    st.session_state.pop(_REPORT, None)


def start(run: Run, counts_as: Mapping[str, str]) -> None:
    """Score the session's zip.

    Args:
        counts_as: each label → a class of the model, `SKIP` or `ERROR`.
    """
    held = upload()
    if held is not None:
        forget_scoring()
        st.session_state[_SCORING] = Scoring(held, run, counts_as)


def status_line(page: str) -> None:
    """On every page: what is going on, or has ended and was not looked at.  A result becomes an own run here."""
    job, importing_job = scoring(), importing.current()
    if page != "own":
        _SCORINGS.status_line(job)
        importing.status_line(importing_job)


def progress_text(job: Scoring) -> str:
    return f"{job.done:,} of {count_photos(job.total)}" if job.done else "Starting …"


_SCORINGS: RunJobs[Scoring, Report] = RunJobs(
    job_key=_SCORING,
    made_key=_REPORT,
    status_key="scoring-status",
    doing="Scoring",
    done="scored",
    progress_text=progress_text,
)
scoring, report, cancel = _SCORINGS.current, _SCORINGS.made, _SCORINGS.cancel


def _computation(
    upload: Upload, run: Run, counts_as: Mapping[str, str], name: str, by: str
) -> Callable[[Callable[[int, int], None], Callable[[], bool]], tuple[OwnRun, Report]]:
    predictor, decoder = models.predictor(run), models.decoder()
    folder, title = Path(upload.keeper.name) / name, f"Your {Path(upload.name).stem}"[:60]
    title = as_written(title, marks=False)

    def compute(progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> tuple[OwnRun, Report]:
        from har_core.inference.evaluate import evaluate, write_evaluation

        samples = [sample for sample in upload.photos.samples if counts_as[sample.label] != SKIP]
        left_out = Counter(s.label for s in upload.photos.samples if counts_as[s.label] == SKIP)
        found = evaluate(
            samples,
            predictor,
            unknown="error",
            mapping={s.label: counts_as[s.label] for s in samples if counts_as[s.label] != ERROR},
            decode=decoder.open,
            progress=progress,
            cancelled=cancelled,
        )
        skipped = tuple(
            Problem(label, f"{count_photos(number)} left out", "choose what it counts as")
            for label, number in left_out.items()
        )
        by_choice = tuple(
            Problem(s.name, f"{s.label} was skipped", "choose what it counts as")
            for s in upload.photos.samples
            if counts_as[s.label] == SKIP
        )
        kept = dataclasses.replace(found, skipped=found.skipped + by_choice)
        write_evaluation(folder, kept, run, title=title)
        report = Report(name, run.folder, title, found.skipped + skipped, len(found.skipped), len(samples))
        return OwnRun(folder, upload.folder, by, upload.keeper), report

    return compute
