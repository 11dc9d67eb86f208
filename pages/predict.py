"""Which action does this photo show, how sure is the model, and where did it look?"""

from __future__ import annotations

import hashlib

import streamlit as st
from PIL import ImageOps

from har_core.errors import ImageError
from har_core.images import ACCEPTED, MAX_BYTES, open_photo
from har_core.pictures import DISPLAY_SIDE
from har_core.recogniser import Recognised, Recogniser, shipped_run
from har_core.runs import MODEL, Run
from har_core.words import readable
from pages import _data, _many, _photo, _shared, _url
from pages._settings import ROOT

SAMPLES = {
    "astronaut.jpg": "Eileen Collins. NASA, public domain",
    "grace_hopper.jpg": "Grace Hopper. James S. Davis, US Navy, public domain",
    "camera.jpg": "A photographer. Lav Varshney, CC0",
}


def page() -> None:
    run = _run_with_model()
    _url.publish({})
    top = st.container()
    files = _intake()
    if not files:
        with top:
            st.title("What are they doing?")
            actions = ", ".join(readable(name) for name in run.classes)
            st.markdown(
                "Drop a photo. HAR Lens names the action, says how sure it is and shows where it looked. "
                f"It knows {len(run.classes)} actions: {actions}."
            )
        _samples()
        return
    recogniser = _shared.recogniser(run.folder)
    if left_out := len(files[_many.AT_ONCE :]):
        st.warning(
            f"At most {_many.AT_ONCE} photos are recognised at once: the last {left_out} were left out. For more, use "
            "python -m har_core predict.",
            icon=":material/info:",
        )
    seen, refused = _recognise(files[: _many.AT_ONCE], recogniser)
    for reason in refused:
        st.error(reason, icon=":material/broken_image:")
    if len(seen) > 1:
        with top:
            st.title(f"{len(seen)} photos recognised" + (f", {len(refused)} refused" if refused else ""))
        _photo.show(_many.table(seen, recogniser), recogniser)
    elif seen:
        with top:
            _photo.answer(seen[0])
        _photo.show(seen[0], recogniser)
    else:
        with top:
            st.title("This could not be read as a photo")


def _run_with_model() -> Run:
    """The chosen run; where that was published without its weights, the shipped one, and a line that says so."""
    run = _data.current_run()
    if run.has(MODEL):
        return run
    shipped = shipped_run(ROOT)
    st.info(f"{run.title} comes without weights: {shipped.title} recognises photos instead.", icon=":material/info:")
    return shipped


def _intake() -> list[tuple[str, bytes]]:
    """(name, content) of what the visitor brought: files, else a picture from the camera, else a sample."""
    uploads = st.file_uploader(
        f"Drop photos here: JPEG, PNG or WebP, up to {MAX_BYTES // 10**6} MB each",
        accept_multiple_files=True,
        max_upload_size=MAX_BYTES // 10**6,
        key="uploads",
        help=ACCEPTED,
        on_change=lambda: st.session_state.pop("sample", None),
    )
    files = [(upload.name, upload.getvalue()) for upload in uploads]
    with st.container(horizontal=True):
        camera = st.toggle("Use the camera", key="camera-on")
        if "sample" in st.session_state and not files:
            st.button("Back to the start", icon=":material/close:", on_click=lambda: st.session_state.pop("sample"))
    if camera and (taken := st.camera_input("Camera", label_visibility="collapsed")):
        files.append(("camera.jpg", taken.getvalue()))
    if not files and (sample := st.session_state.get("sample")):
        st.caption(f"Sample: {SAMPLES[sample]}")
        files.append((sample, (ROOT / "assets" / "samples" / sample).read_bytes()))
    return files


def _samples() -> None:
    st.subheader("No photo at hand? Try a sample")
    for column, (name, source) in zip(st.columns(len(SAMPLES), gap="medium"), SAMPLES.items(), strict=True):
        with column:
            photo = ImageOps.fit(open_photo(ROOT / "assets" / "samples" / name), (480, 480))
            st.image(photo, width=240, alt=source, output_format="JPEG")
            st.caption(source)
            st.button("Try this sample", key=f"sample-{name}", on_click=_choose, args=(name,))


def _choose(name: str) -> None:
    st.session_state["sample"] = name


def _recognise(files: list[tuple[str, bytes]], recogniser: Recogniser) -> tuple[list[Recognised], list[str]]:
    """Results in the order of the files, and the reasons for those that are not among them.

    What was recognised in this session's last run of the page is not computed again.
    """
    known: dict[str, Recognised | str] = st.session_state.get("recognised", {})
    current: dict[str, Recognised | str] = {}
    bar = st.progress(0.0) if len(files) > 1 else None
    for number, (name, content) in enumerate(files, start=1):
        key = hashlib.sha256(name.encode() + b"\0" + content).hexdigest()
        if key in known:
            current[key] = known[key]
        else:
            try:
                photo = _shared.decoder().open(content, name)
                current[key] = recogniser.recognise(photo, name).shrunk(DISPLAY_SIDE)
            except ImageError as error:
                current[key] = str(error)
        if bar is not None:
            bar.progress(number / len(files), text=f"{number} of {len(files)} photos")
    if bar is not None:
        bar.empty()
    st.session_state["recognised"] = current
    results = list(current.values())
    return [one for one in results if isinstance(one, Recognised)], [one for one in results if isinstance(one, str)]


page()
