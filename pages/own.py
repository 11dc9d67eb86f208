"""How good is the model on your own labelled photos?"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from har_core.archive import Limits, unpack
from har_core.data import LabelledPhotos, scan
from har_core.runs import MODEL, Run
from har_core.scoring import UNKNOWN, Scored, Unknown, score, write_run
from har_core.words import photos, plain
from pages import _data, _shared, _url
from pages._settings import ROOT, settings

_GO = "own-chosen"


def page() -> None:
    run = _data.current_run()
    if st.session_state.pop(_GO, False):
        st.switch_page("pages/overview.py", query_params=_url.query())
    _url.publish({})
    st.title("How good is it on your own photos?")
    if not run.has(MODEL):
        st.info(f"{run.title} comes without weights: choose a run with a model above.", icon=":material/info:")
        return
    limits = Limits()
    st.markdown(
        "Upload a zip with one folder of photos an action, or with photos and one CSV (columns filename and label). The "
        f"model of **{run.title}** predicts them, and every page of the error analysis then works on them. They are "
        "removed when you leave."
    )
    upload = st.file_uploader(
        f"A zip of at most {limits.packed // 10**6} MB and {limits.entries:,} files",
        type="zip",
        max_upload_size=limits.packed // 10**6,
        key="own-zip",
    )
    if upload is not None:
        keeper, labelled = _unpacked(upload)
        _score(run, upload.name, keeper, labelled)
    _kept()


def _unpacked(upload: st.runtime.uploaded_file_manager.UploadedFile) -> tuple[TemporaryDirectory[str], LabelledPhotos]:
    """The photos of the zip, unpacked once; the folder goes when the session does."""
    known = st.session_state.get("own-unpacked")
    if known is None or known[0] != upload.file_id:
        with st.spinner("Unpacking …"):
            keeper: TemporaryDirectory[str] = TemporaryDirectory(prefix="har-lens-")
            labelled = scan(unpack(upload, Path(keeper.name) / "photos"), verify=False)
            st.session_state["own-unpacked"] = known = (upload.file_id, keeper, labelled)
    return known[1], known[2]


def _score(run: Run, name: str, keeper: TemporaryDirectory[str], labelled: LabelledPhotos) -> None:
    samples, found = labelled.samples, labelled.classes
    unknown = sorted(set(found) - set(run.classes))
    st.subheader(f"{photos(len(samples))} of {len(found)} actions", anchor=False)
    for problem in labelled.problems[:10]:
        st.caption(f":material/warning: {plain(str(problem))}")
    choice: Unknown = "left out"
    if unknown:
        st.warning(f"The model does not know {plain(', '.join(unknown))}.", icon=":material/help:")
        choice = st.radio("Photos of these actions are", UNKNOWN, horizontal=True, key="own-unknown")
    job: _shared.Job[Scored] | None = st.session_state.get("own-job")
    if job is None:
        st.button("Score them", type="primary", on_click=_start, args=(run, labelled, choice))
        return
    if job.running:
        _watch(job)
        return
    del st.session_state["own-job"]
    if job.result is None:
        st.info(job.error or "Scoring stopped.", icon=":material/info:")
        st.button("Score them again", on_click=_start, args=(run, labelled, choice))
        return
    title = f"Your {Path(name).stem}"[:60]
    folder = Path(keeper.name) / f"run-{len(_data.own_runs())}"
    write_run(folder, job.result, run, title=title if title.isprintable() else "Your photos")
    _data.own_runs()[folder.name] = _data.OwnRun(folder, Path(keeper.name) / "photos", keeper)
    for problem in job.result.left_out[:10]:
        st.caption(f":material/warning: {plain(str(problem))}")
    st.success("Done. Choose it as the run above, or start here:", icon=":material/check:")
    st.button("See where it fails", type="primary", on_click=_choose, args=(folder.name,))


def _start(run: Run, labelled: LabelledPhotos, choice: Unknown) -> None:
    recogniser, decoder = _shared.recogniser(run.folder), _shared.decoder()
    st.session_state["own-job"] = _shared.Job(
        lambda progress, stopped: score(
            labelled.samples, recogniser, unknown=choice, decode=decoder.open, progress=progress, cancelled=stopped
        )
    )


def _watch(job: _shared.Job[Scored]) -> None:
    @st.fragment(run_every=0.5)
    def progress() -> None:
        if not job.running:
            st.rerun()
        st.progress(min(1.0, job.done / max(1, job.total)), text=f"{job.done:,} of {job.total:,} photos")
        st.button("Cancel", on_click=job.stop, key="own-cancel")

    progress()


def _choose(name: str) -> None:
    st.session_state[_url.RUN], st.session_state[_GO] = name, True


def _kept() -> None:
    """The session's own runs, and a way to keep one."""
    for name, own in _data.own_runs().items():
        run = Run.open(own.folder)
        with st.container(horizontal=True, vertical_alignment="bottom", border=True):
            st.markdown(f"**{plain(run.title)}**: {run.card['scores']['accuracy'] * 100:.1f} % right")
            st.button("Look at it", key=f"look-{name}", on_click=_choose, args=(name,))
            if settings().trusted:
                kept = st.text_input("Keep it as", key=f"keep-{name}", placeholder="a-name", width=220)
                if st.button("Keep", key=f"keep-button-{name}") and kept:
                    _keep(own.folder, kept)


def _keep(folder: Path, name: str) -> None:
    """Copy a run, without its photos, to where it is found after this session."""
    goal = ROOT / "runs" / name
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", name) or goal.exists():
        st.error(
            "Expected a new name of letters, digits, dots and dashes, found one that is taken or holds something else.",
            icon=":material/error:",
        )
        return
    shutil.copytree(folder, goal)
    st.success(f"Kept as runs/{name}. Its photos stay yours: start the app with `-- --data DIR` to see them beside it.")


page()
