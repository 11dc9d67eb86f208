"""A visitor's table → a run of the session's own, read while the visitor looks at other pages.

An import belongs to its table, what was said of it, and its session: it is stopped and forgotten with them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

import streamlit as st

from app_pages.own import table_file
from app_pages.own.run_jobs import RunJob, RunJobs
from app_pages.own.table_upload import Held
from app_pages.own.understanding import Choices, Understanding
from app_pages.state import own_runs, runs, url
from app_pages.state.own_runs import OwnRun
from har_core.errors import Cancelled, RunError
from har_core.files import printable
from har_core.imports.build import read_predictions
from har_core.imports.packed import unpacked_name
from har_core.imports.storing import write_import
from har_core.imports.tables import Chunk, Table
from har_core.media.layout import photo_folder

_JOB, _NEW = "own-import", "own-import-new"


About = tuple[int, Choices, Path | None]
"""A table's number, what was said of it, and where its photos are."""


@dataclass(frozen=True)
class Made:
    """An own run of a table: its name and title, and what it was made of.  `skipped`: rows that are not in it."""

    name: str
    title: str
    about: About
    skipped: tuple[str, ...]
    notes: tuple[str, ...]


class Importing(RunJob[Made]):
    def __init__(self, held: Held, understood: Understanding) -> None:
        self.about, self.name = about_of(held, understood), held.name
        super().__init__(_computation(held, understood, own_runs.new_name(), _shown_run()))


def about_of(held: Held, understood: Understanding) -> About:
    return held.number, held.choices, understood.root


def start(held: Held, understood: Understanding) -> None:
    stop()
    st.session_state[_JOB] = Importing(held, understood)


def progress_text(job: Importing) -> str:
    return f"{job.done:,} of {job.total:,} rows" if job.done < job.total else "Writing the run …"


_IMPORTS: RunJobs[Importing, Made] = RunJobs(
    job_key=_JOB,
    made_key="own-imported",
    new_key=_NEW,
    status_key="import-status",
    doing="Reading",
    done="read",
    progress_text=progress_text,
)
current, made, just_made = _IMPORTS.current, _IMPORTS.made, _IMPORTS.just_made
cancel, stop, status_line = _IMPORTS.cancel, _IMPORTS.stop, _IMPORTS.status_line


def _shown_run() -> str:
    """The run to return to when the new one is removed: never an own one, which may be removed before it."""
    run = runs.current_run()
    return own_runs.predicted_by(run) or str(st.session_state[url.RUN])


def _computation(
    held: Held, understood: Understanding, name: str, by: str
) -> Callable[[Callable[[int, int], None], Callable[[], bool]], tuple[OwnRun, Made]]:
    columns, choices, root = understood.columns, held.choices, understood.root
    assert columns is not None  # else there is no button
    keeper: TemporaryDirectory[str] = TemporaryDirectory(prefix="har-lens-")
    title = f"Your {PurePath(unpacked_name(held.name)).stem}"[:60]
    title = title if title.isprintable() else "Your predictions"
    keepers = (keeper, *([held.photos.keeper] if held.photos is not None else []))
    rows, kind, path, about = understood.rows or 1, choices.kind, held.path, about_of(held, understood)
    source = f"predictions of {printable(held.name)[:200]}, imported"
    table_keeper = held.keeper  # the table stays until it is read

    def compute(progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> tuple[OwnRun, Made]:
        assert table_keeper is not None
        table = _counted(table_file.opened(path), rows, progress, cancelled)
        imported = read_predictions(
            table,
            columns,
            scores=kind,
            unknown=choices.unknown,
            folder=photo_folder(root) if root is not None else None,
        )
        if cancelled():
            raise Cancelled("the import was stopped")
        folder = Path(keeper.name) / name
        try:
            write_import(folder, imported, title=title, source=source)
        except OSError as error:  # its words name the server's folder
            raise RunError("expected room for a run of this table, found none; try a smaller table") from error
        photos = root if root is not None else Path(keeper.name) / "no-photos"
        return OwnRun(folder, photos, by, keepers), Made(name, title, about, imported.skipped, imported.notes)

    return compute


def _counted(table: Table, rows: int, progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Table:
    """The table, that says how far it was read, and stops when nobody waits for it."""

    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        done = 0
        progress(0, rows)
        for chunk in table.read(texts, numbers):
            if cancelled():
                raise Cancelled("the import was stopped")
            yield chunk
            done += len(next(iter(chunk.values())))
            progress(min(done, rows), rows)

    return dataclasses.replace(table, read=read)
