"""What a visitor brought of predictions: a table, what they say of it, class names and photos.  It lasts as long as the session.

An upload is written into a folder of the session once; what the server then still holds of it in memory is let go.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app_pages.own import table_file
from app_pages.own.understanding import Choices, Understanding, understand
from app_pages.state.settings import settings
from har_core.errors import ArchiveError, DataError
from har_core.files import as_written
from har_core.imports.class_lists import read_classes
from har_core.imports.tables import Table, shown
from har_core.media.archive import unpack_photos
from har_core.media.layout import PHOTO_SUFFIXES, TABLE_SUFFIXES
from har_core.media.left_out import LeftOut, all_kinds
from har_core.media.signatures import ACCEPTED_KINDS

_HELD, _UNDERSTOOD, _NUMBER = "own-table", "own-table-understood", "own-table-number"


@dataclass(frozen=True)
class Photos:
    """A zip's photos, unpacked below `keeper`; `roots`: data folders that names in a table may be relative to.  `left_out`: what else
    the zip holds.  `note`: what to say of its names.
    """

    name: str
    count: int
    roots: tuple[Path, ...]
    keeper: TemporaryDirectory[str]
    left_out: tuple[LeftOut, ...]
    note: str


@dataclass(frozen=True)
class Held:
    """A table below `keeper`, of which the first rows are in memory.  `number`: no other of the session has it."""

    number: int
    name: str
    path: Path
    table: Table
    keeper: TemporaryDirectory[str]
    choices: Choices = field(default_factory=Choices)
    classes_name: str = ""
    photos: Photos | None = None


def held() -> Held | None:
    found: Held | None = st.session_state.get(_HELD)
    return found


def take(file: UploadedFile) -> None:
    """Keep a table; it replaces the one before it.

    Raises:
        DataError: in one sentence, if it is none.
    """
    forget()
    keeper: TemporaryDirectory[str] = TemporaryDirectory(prefix="har-lens-")
    try:
        path = table_file.stored(file, file.name, Path(keeper.name))
    finally:
        _let_go(file)
    table = table_file.light(table_file.opened(path))
    st.session_state[_NUMBER] = number = st.session_state.get(_NUMBER, 0) + 1
    st.session_state[_HELD] = Held(number, as_written(file.name)[-100:], path, table, keeper)


def take_classes(file: UploadedFile) -> None:
    """Take the names of the classes from a text file.

    Raises:
        DataError: if it is none.
    """
    if (found := held()) is None:
        return
    with TemporaryDirectory(prefix="har-lens-") as folder:
        try:
            names = read_classes(table_file.stored(file, file.name, Path(folder)))
        finally:
            _let_go(file)
    choices = dataclasses.replace(found.choices, classes=names)
    _put(dataclasses.replace(found, choices=choices, classes_name=as_written(file.name)[-100:]))


def take_photos(file: UploadedFile) -> None:
    """Unpack a zip of the photos; it replaces the one before it.

    Raises:
        ArchiveError: if it is none.
    """
    if (found := held()) is None:
        return
    keeper: TemporaryDirectory[str] = TemporaryDirectory(prefix="har-lens-")
    try:
        unpacked = unpack_photos(file, Path(keeper.name) / "photos")
    except OSError as error:  # its words name the server's folder
        raise ArchiveError(f"expected room to unpack {shown(file.name)}, found none; try a smaller one") from error
    finally:
        _let_go(file)
    count = sum(path.suffix.lower() in PHOTO_SUFFIXES for path in unpacked.folder.rglob("*"))
    if not count:
        raise ArchiveError(
            f"expected photos in {shown(file.name)}, found {all_kinds(unpacked.left_out) or 'none'}; pack {ACCEPTED_KINDS} files"
        )
    name, roots = as_written(file.name)[-100:], _roots(unpacked.folder)
    _put(dataclasses.replace(found, photos=Photos(name, count, roots, keeper, unpacked.left_out, unpacked.note)))


def choose(**choices: object) -> None:
    """Change what the visitor says of the table."""
    if (found := held()) is not None:
        _put(dataclasses.replace(found, choices=dataclasses.replace(found.choices, **choices)))  # type: ignore[arg-type]


def forget() -> None:
    """The table, and what was brought for it."""
    st.session_state.pop(_HELD, None)
    st.session_state.pop(_UNDERSTOOD, None)


def forget_classes() -> None:
    choose(classes=None)


def forget_photos() -> None:
    if (found := held()) is not None:
        _put(dataclasses.replace(found, photos=None))


def understood(held: Held) -> Understanding:
    """What the table is, with all that was said of it; read anew when that has changed.

    Raises:
        DataError: if the file is gone.
    """
    data = settings().data
    roots = (*(held.photos.roots if held.photos is not None else ()), data)
    about = (held.number, held.choices, roots)
    known: tuple[object, Understanding] | None = st.session_state.get(_UNDERSTOOD)
    if known is None or known[0] != about:
        with st.spinner("Reading the table …"):
            try:
                known = about, understand(held.table, held.path, held.choices, roots)
            except OSError as error:  # its words name the server's folder
                raise DataError(
                    "expected the table that you uploaded, found that it is gone; upload it again"
                ) from error
        st.session_state[_UNDERSTOOD] = known
    return known[1]


def _put(held: Held) -> None:
    st.session_state[_HELD] = held


def _roots(folder: Path) -> tuple[Path, ...]:
    """The folder, and those within it that hold all photos: a zip of one folder has its name before those of the photos."""
    found: Sequence[Path] = [folder]
    while (
        len(inside := [one for one in found[-1].iterdir() if one.suffix.lower() not in TABLE_SUFFIXES]) == 1
        and inside[0].is_dir()
    ):
        found = [*found, inside[0]]
    return tuple(found)


def _let_go(file: UploadedFile) -> None:
    """Free the memory in which the server holds an upload until the session ends."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
