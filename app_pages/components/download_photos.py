"""A way to get the photos of the data set, where they are not on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import streamlit as st

from app_pages.state import own_runs
from app_pages.state.jobs import Job, watch
from app_pages.state.settings import settings
from har_core.data.download import BYTES, KAGGLE_PAGE, download
from har_core.media.layout import LABELS_FILE
from har_core.runs.file_names import CLIPS
from har_core.runs.run import Run, shipped_run
from har_core.viz.formats import escape_markdown

_MEGABYTES = BYTES // 10**6
_JOB = "download"
_LOOKED_FOR = 200  # photos
_beginning = Lock()


def are_missing(run: Run) -> bool:
    """Whether the run is one of the data set's whose photos are not here."""
    return (
        run.classes == shipped_run().classes
        and not run.has(CLIPS)
        and not own_runs.is_own(run)
        and not (settings().data / LABELS_FILE).is_file()
    )


def say_what_is_missing(run: Run, samples: Sequence[str], *, instead: str = "") -> None:
    """Say how many of these photos are not on this machine, and offer to fetch them; nothing if all are here.

    Args:
        samples: names; of many, the first are looked for.
        instead: what is shown in their place.
    """
    store, checked = own_runs.photo_store(run), samples[:_LOOKED_FOR]
    missing = sum(store.find(str(sample)) is None for sample in checked)
    if not missing:
        return
    are_not = "is not" if missing == 1 else "are not"
    count = "None of these photos is" if missing == len(checked) else f"{missing} of these photos {are_not}"
    if len(samples) > len(checked) and missing < len(checked):
        count = "Some of these photos are not"
    say_with_way(run, f"{count} on this machine{f': {instead}' if instead else ''}.")


def say_with_way(run: Run, missing: str) -> None:
    """What is missing, in a sentence, and beside it how to get the photos."""
    missing = f":material/image_not_supported: {missing}"
    if own_runs.is_own(run):
        st.caption(f"{missing} Add them on *Your photos* to see them.")
    elif run.classes != shipped_run().classes:
        st.caption(f"{missing} Start the app with `-- --data DIR` to see them.")
    else:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(missing, width="content")
            offer_download()


def offer_download() -> None:
    """A button that fetches the data set, for whoever started the app."""
    job = _jobs().get(_JOB)
    with st.popover("Get the photos", icon=":material/download:"):
        st.markdown(
            f"The photos are those of [Human Action Recognition]({KAGGLE_PAGE}) on Kaggle (ODbL-1.0, no account needed): "
            f"{_MEGABYTES} MB, a minute at 50 Mbit/s. "
            "To use a copy you have, start the app with `streamlit run app.py -- --data DIR`."
        )
        if not settings().trusted:
            st.caption("Only the person who starts the app can fetch them.")
        elif job is None or not job.running:
            st.button(f"Download them into {settings().data}", type="primary", key="download-photos", on_click=_begin)
    if job is None:
        return
    if job.running:
        watch(job, _going_on)
    elif job.error:
        st.error(escape_markdown(job.error), icon=":material/error:")


@st.cache_resource
def _jobs() -> dict[str, Job[Path]]:
    """The one download of this server, whichever page or session began it."""
    return {}


def _begin() -> None:
    target = settings().data
    with _beginning:  # a second press, of whichever session, joins the first
        job = _jobs().get(_JOB)
        if job is None or not job.running:
            _jobs()[_JOB] = Job(lambda progress, _: download(target, progress))


def _going_on(job: Job[Path]) -> None:
    megabytes = job.done // 10**6
    if megabytes < _MEGABYTES:
        st.progress(megabytes / _MEGABYTES, text=f"Downloading the photos: {megabytes} of {_MEGABYTES} MB")
    else:
        unpacked = min(megabytes - _MEGABYTES, _MEGABYTES)
        st.progress(unpacked / _MEGABYTES, text=f"Unpacking the photos: {unpacked} of {_MEGABYTES} MB")
