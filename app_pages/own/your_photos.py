"""How good is the model on a visitor's own labeled photos?"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app_pages.state import models, own_runs, runs, url
from app_pages.state.jobs import Job
from app_pages.state.own_runs import OwnRun
from app_pages.state.settings import settings
from har_core.data.scan import LabeledPhotos, scan
from har_core.errors import RunError
from har_core.inference.evaluate import UNKNOWN, Evaluation, Unknown, evaluate, write_evaluation
from har_core.media.archive import Limits, unpack
from har_core.runs.manifest import MODEL
from har_core.runs.run import Run
from har_core.viz.text import count_photos, escape_markdown, share

UNKNOWN_LABELS: dict[Unknown, str] = {"skip": "Skip", "error": "Score as wrong"}
_OPEN = "own-opened"
_MOST_PROBLEMS = 10  # that are listed


def page() -> None:
    run = runs.current_run()
    if st.session_state.pop(_OPEN, False):
        st.switch_page("app_pages/home/overview.py", query_params=url.query())
    url.publish({})
    st.title("How good is it on your own photos?")
    if not run.has(MODEL):
        st.info(
            f"*{escape_markdown(run.title)}* has results only: choose a run with a model above.", icon=":material/info:"
        )
        _list_own_runs()
        return
    limits = Limits()
    st.markdown(
        "Upload a zip with one folder per action, named calling/, using_laptop/, …, or with photos and one CSV (columns "
        f"filename and label). The model of **{escape_markdown(run.title)}** predicts them, and all pages then show the "
        "results. Your photos are removed when you leave."
    )
    upload = st.file_uploader(
        f"A zip of at most {limits.packed // 10**6} MB and {limits.entries:,} files",
        type="zip",
        max_upload_size=limits.packed // 10**6,
        key="own-zip",
    )
    if upload is not None:
        keeper, photos = _unpacked(upload)
        _evaluation(run, upload.name, keeper, photos)
    _list_own_runs()


def _unpacked(upload: UploadedFile) -> tuple[TemporaryDirectory[str], LabeledPhotos]:
    """The photos of the zip, unpacked once; the folder goes when the session does."""
    known = st.session_state.get("own-unpacked")
    if known is None or known[0] != upload.file_id:
        with st.spinner("Unpacking …"):
            keeper: TemporaryDirectory[str] = TemporaryDirectory(prefix="har-lens-")
            photos = scan(unpack(upload, Path(keeper.name) / "photos"), verify=False)
            st.session_state["own-unpacked"] = known = (upload.file_id, keeper, photos)
    return known[1], known[2]


def _evaluation(run: Run, name: str, keeper: TemporaryDirectory[str], photos: LabeledPhotos) -> None:
    st.subheader(f"{count_photos(len(photos.samples))} of {len(photos.classes)} actions", anchor=False)
    for problem in photos.problems[:_MOST_PROBLEMS]:
        st.caption(f":material/warning: {escape_markdown(str(problem))}")
    unknown: Unknown = "skip"
    if others := sorted(set(photos.classes) - set(run.classes)):
        st.warning(f"The model does not know {escape_markdown(', '.join(others))}.", icon=":material/help:")
        unknown = st.radio(
            "What to do with these photos",
            UNKNOWN,
            format_func=UNKNOWN_LABELS.__getitem__,
            horizontal=True,
            key="own-unknown",
        )
    job: Job[Evaluation] | None = st.session_state.get("own-job")
    if job is None:
        st.button("Evaluate", type="primary", key="own-start", on_click=_start, args=(run, photos, unknown))
        return
    if job.running:
        _watch(job)
        return
    del st.session_state["own-job"]
    if job.result is None:
        st.info(escape_markdown(job.error or "The evaluation stopped."), icon=":material/info:")
        st.button("Evaluate again", key="own-start", on_click=_start, args=(run, photos, unknown))
        return
    folder = _keep_result(job.result, run, name, keeper)
    for problem in job.result.skipped[:_MOST_PROBLEMS]:
        st.caption(f":material/warning: {escape_markdown(str(problem))}")
    st.success("Done. Choose it as the run above, or start here:", icon=":material/check:")
    st.button("See where it fails", type="primary", key="own-open", on_click=_open, args=(folder.name,))


def _start(run: Run, photos: LabeledPhotos, unknown: Unknown) -> None:
    predictor, decoder = models.predictor(run.folder), models.decoder()
    st.session_state["own-job"] = Job(
        lambda progress, cancelled: evaluate(
            photos.samples, predictor, unknown=unknown, decode=decoder.open, progress=progress, cancelled=cancelled
        )
    )


def _watch(job: Job[Evaluation]) -> None:
    @st.fragment(run_every=0.5)
    def progress() -> None:
        if not job.running:
            st.rerun()
        st.progress(min(1.0, job.done / max(1, job.total)), text=f"{job.done:,} of {job.total:,} photos")
        st.button("Cancel", on_click=job.stop, key="own-cancel")

    progress()


def _keep_result(evaluation: Evaluation, run: Run, name: str, keeper: TemporaryDirectory[str]) -> Path:
    """Write the session's own run beside the photos."""
    title = f"Your {Path(name).stem}"[:60]
    folder = Path(keeper.name) / f"run-{len(own_runs.own_runs())}"
    write_evaluation(folder, evaluation, run, title=title if title.isprintable() else "Your photos")
    own_runs.own_runs()[folder.name] = OwnRun(folder, Path(keeper.name) / "photos", keeper)
    return folder


def _open(name: str) -> None:
    st.session_state[url.RUN], st.session_state[_OPEN] = name, True


def _list_own_runs() -> None:
    """The session's own runs, and a way to keep one."""
    for name, own in own_runs.own_runs().items():
        run = Run.open(own.folder)
        with st.container(horizontal=True, vertical_alignment="bottom", border=True):
            scores = run.manifest.scores
            correct = f": {share(scores.accuracy)} correct" if scores is not None else ""
            st.markdown(f"**{escape_markdown(run.title)}**{correct}")
            st.button("Open", key=f"open-{name}", on_click=_open, args=(name,))
            if settings().trusted:
                wanted = st.text_input("Keep it as", key=f"keep-{name}", placeholder="a-name", width=220)
                if st.button("Keep", key=f"keep-button-{name}") and wanted:
                    _keep(own.folder, wanted)


def _keep(folder: Path, name: str) -> None:
    try:
        own_runs.keep(folder, name)
    except RunError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return
    st.success(f"Kept as runs/{name}, without its photos: start the app with `-- --data DIR` to see them beside it.")


page()
