"""Predictions that a visitor has: a table, what was understood of it, and the way to its error analysis."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app_pages.components.follow import follow
from app_pages.own import importing, table_file, table_upload
from app_pages.own.importing import Importing
from app_pages.own.table_columns import column_boxes
from app_pages.own.table_preview import preview
from app_pages.own.table_upload import Held
from app_pages.own.table_words import asks_for_classes, missing_sentence, page_words
from app_pages.own.understanding import Understanding
from app_pages.state import url
from app_pages.state.jobs import watch
from har_core.analysis.known import what_is_known
from har_core.errors import HarError
from har_core.files import as_written
from har_core.media.archive import Limits
from har_core.viz.formats import capitalize, count_photos, escape_markdown, short_name

_OVERVIEW = "app_pages/home/overview.py"
_OPEN = "Open the error analysis"
_MEGABYTE = 10**6


def table_way() -> None:
    _lead_on()
    held = table_upload.held()
    if held is None:
        st.markdown(
            "Upload a table with one row per photo: its file name, its true label, and what any classifier predicted: a label, a "
            "probability or logit for each class, or the few most probable classes. All pages then show the results. What you upload "
            "is removed when you leave."
        )
        _uploader(
            f"CSV, TSV, JSON lines, Parquet or NPZ, at most {table_file.MAX_BYTES // _MEGABYTE} MB",
            "table",
            table_file.MAX_BYTES,
            table_upload.take,
        )
        return
    try:
        _table(held, table_upload.understood(held))
    except HarError as error:
        _error(str(error))


def _table(held: Held, found: Understanding) -> None:
    job, about = importing.current(), importing.about_of(held, found)
    running = job is not None and job.running
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        rows = f"{count_rows(found.rows)} in " if found.rows is not None else ""
        st.subheader(f"{rows}{escape_markdown(short_name(held.name))}", anchor=False, width="content")
        st.button("Another table", icon=":material/close:", on_click=_forget, key="table-remove", disabled=running)
    _lead_on()
    if job is not None and running:
        preview(held, found)
        st.caption("To change what the columns are, or bring another table, wait for it or cancel it.")
        watch(job, _going_on)
        return
    column_boxes(held, found)
    _class_names(held, found)
    if found.error is not None:
        _error(page_words(found.error))
    _unknown(held, found)
    for left_out in found.left_out:
        st.caption(f":material/warning: {escape_markdown(capitalize(as_written(str(left_out))))}")
    preview(held, found)
    if found.rows is not None and found.columns is not None:
        _photos(held, found)
    if job is not None and job.about != about:
        importing.stop()
        job = None
    if job is not None:
        st.info(escape_markdown(page_words(job.error or "")), icon=":material/info:")
    made = importing.made()
    made = made if made is not None and made.about == about else None
    if made is not None and made.skipped:
        _list_skipped(made.skipped)
    # Neither a callback, which would start what the last rerun drew, nor a link to what was made then: a choice of a moment before
    # may not be drawn yet.
    if st.button(_OPEN, type="primary", key="table-open", disabled=found.error is not None) and found.error is None:
        if made is not None:
            follow(_OVERVIEW, _OPEN, url.query(run=made.name))
        importing.start(held, found)
        st.rerun()


def _lead_on() -> None:
    """To a run that was made a moment ago; the rest of this rerun is then not drawn."""
    if (made := importing.just_made()) is not None:
        follow(_OVERVIEW, _OPEN, url.query(run=made.name))


def count_rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def _class_names(held: Held, found: Understanding) -> None:
    """Asked for where their order is not known, or labels are numbers."""
    given = held.choices.classes
    if given is not None:
        names = ", ".join(escape_markdown(short_name(name, 24)) for name in given[:4])
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                f"{len(given):,} class names from {escape_markdown(short_name(held.classes_name))}: {names}"
                + (", …" if len(given) > 4 else ""),
                width="content",
            )
            st.button("Without them", key="table-classes-remove", type="tertiary", on_click=table_upload.forget_classes)
        return
    numbers = bool(found.classes) and all(name.isdecimal() for name in found.classes)
    if numbers or (found.error is not None and asks_for_classes(found.error)):
        _uploader(
            "A text file with one class name a line, in the order of the numbers"
            if numbers or "numbers" in (found.error or "")
            else "A text file with all class names, one a line",
            "classes",
            _MEGABYTE,
            table_upload.take_classes,
        )


def _unknown(held: Held, found: Understanding) -> None:
    """What becomes of rows whose true label is no class."""
    if not found.unknown:
        return
    labels = [f"“{short_name(name, 24)}”" for name in found.unknown]
    words = ", ".join(labels[:4]) + (f" and {len(labels) - 4:,} more" if len(labels) > 4 else "")
    names = {"skip": "Leave them out", "error": "Count them as errors"}
    key = f"table-unknown-{held.number}-{held.choices.unknown}"
    st.selectbox(
        f"{count_rows(sum(found.unknown.values()))} with a true label that is no class ({escape_markdown(words)})",
        list(names),
        index=list(names).index(held.choices.unknown),
        format_func=names.__getitem__,
        key=key,
        on_change=lambda: table_upload.choose(unknown=st.session_state[key]),
        width=420,
    )


def _photos(held: Held, found: Understanding) -> None:
    """How many of the photos are here, what is missing in the table, and a way to bring the photos."""
    rows = found.rows or 0
    if found.found:
        words = (
            "All photos were found" if found.found == rows else f"{found.found:,} of {count_photos(rows)} were found"
        )
    else:
        words = "None of the photos were found: the pages work without them, but show no pictures"
    lines = [f"{words}."]
    if found.preview is not None:
        known = what_is_known(found.preview.probabilities, found.preview.predictions)
        lines.append(missing_sentence(known))
        lines += [f"{note[:1].upper()}{note[1:]}." for note in map(escape_markdown, found.preview.notes)]
    st.caption(" ".join(lines))
    if held.photos is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                f"{count_photos(held.photos.count)} in {escape_markdown(short_name(held.photos.name))}", width="content"
            )
            st.button("Without them", key="table-photos-remove", type="tertiary", on_click=table_upload.forget_photos)
        if held.photos.note:
            st.caption(f":material/warning: {escape_markdown(capitalize(held.photos.note))}.")
        for left_out in held.photos.left_out:
            st.caption(f":material/warning: Not read: {escape_markdown(str(left_out))}")
    elif found.found < rows:
        limits = Limits()
        with st.expander("Add the photos"):
            _uploader(
                f"A zip of at most {limits.packed // _MEGABYTE} MB and {limits.entries:,} files, with the names of the table",
                "photos",
                limits.packed,
                table_upload.take_photos,
            )


def _uploader(label: str, what: str, most: int, take: Callable[[UploadedFile], None]) -> None:
    """An empty one after each file, which is taken or refused with a reason that stays until the next.

    Any file may be dropped: what it is, its content says.
    """
    number_key, error_key = f"own-{what}-upload", f"own-{what}-error"
    number = st.session_state.setdefault(number_key, 0)
    file = st.file_uploader(label, max_upload_size=most // _MEGABYTE, key=f"{number_key}-{number}")
    if file is not None:
        st.session_state.pop(error_key, None)
        try:
            with st.spinner("Reading …"):
                take(file)
        except HarError as error:
            st.session_state[error_key] = page_words(str(error))
        st.session_state[number_key] = number + 1
        st.rerun()
    if error_key in st.session_state:
        _error(st.session_state[error_key])


def _going_on(job: Importing) -> None:
    st.progress(min(1.0, job.done / max(1, job.total)), text=importing.progress_text(job))
    st.button(
        "Stopping …" if job.stopping else "Cancel", disabled=job.stopping, on_click=importing.cancel, key="table-cancel"
    )


def _list_skipped(skipped: tuple[str, ...]) -> None:
    for line in skipped[:5]:
        st.caption(f":material/warning: {escape_markdown(as_written(line))}")
    if len(skipped) > 5:
        st.caption(f"… and {len(skipped) - 5:,} more rows that were left out.")


def _error(text: str) -> None:
    st.error(escape_markdown(text), icon=":material/error:")


def _forget() -> None:
    importing.stop()
    table_upload.forget()
    for what in ("table", "classes", "photos"):
        st.session_state.pop(f"own-{what}-error", None)
