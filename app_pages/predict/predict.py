"""Which action does this photo show, how sure is the model, and where did it look?"""

from __future__ import annotations

import hashlib

import streamlit as st
from PIL import Image, ImageOps

from app_pages.predict.answer import answer, evidence
from app_pages.predict.batch import AT_ONCE, batch
from app_pages.state import models, runs, url
from har_core.inference.predictor import Prediction, Predictor
from har_core.media.images import ACCEPTED, MAX_BYTES, open_photo
from har_core.runs.manifest import MODEL
from har_core.runs.run import Run, assets_folder, shipped_run
from har_core.viz.overlays import DISPLAY_SIDE
from har_core.viz.text import class_markdown, escape_markdown

SAMPLES = {
    "astronaut.jpg": "Eileen Collins. NASA, public domain",
    "grace_hopper.jpg": "Grace Hopper. James S. Davis, US Navy, public domain",
    "camera.jpg": "A photographer. Lav Varshney, CC0",
}


def page() -> None:
    run = _run_with_model()
    url.publish({})
    top = st.container()
    files = _files()
    if not files:
        with top:
            st.title("What are they doing?")
            actions = ", ".join(class_markdown(name) for name in run.classes)
            st.markdown(
                "Drop a photo. HAR Lens names the action, says how sure it is and shows where it looked. "
                f"It knows {len(run.classes)} actions: {actions}."
            )
        _samples()
        return
    predictor = models.predictor(run.folder)
    if skipped := len(files[AT_ONCE:]):
        st.warning(
            f"At most {AT_ONCE} photos are predicted at once: the last {skipped} were skipped. For more, use "
            "`har-lens predict`.",
            icon=":material/info:",
        )
    predictions, refused = _predict(files[:AT_ONCE], predictor)
    for reason in refused:
        st.error(escape_markdown(reason), icon=":material/broken_image:")
    if len(predictions) > 1:
        with top:
            st.title(f"{len(predictions)} photos predicted" + (f", {len(refused)} refused" if refused else ""))
        evidence(batch(predictions, predictor), predictor)
    elif predictions:
        with top:
            answer(predictions[0])
        evidence(predictions[0], predictor)
    else:
        with top:
            st.title("This could not be read as a photo")


def _run_with_model() -> Run:
    """The chosen run; where that was published without its weights, the shipped one, and a line that says so."""
    run = runs.current_run()
    if run.has(MODEL):
        return run
    shipped = shipped_run()
    st.info(
        f"*{escape_markdown(run.title)}* has results only; predicting uses *{escape_markdown(shipped.title)}*.",
        icon=":material/info:",
    )
    return shipped


def _files() -> list[tuple[str, bytes]]:
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
        files.append((sample, (assets_folder() / "samples" / sample).read_bytes()))
    return files


def _samples() -> None:
    st.subheader("No photo at hand? Try a sample")
    for column, (name, source) in zip(st.columns(len(SAMPLES), gap="medium"), SAMPLES.items(), strict=True):
        with column:
            photo = ImageOps.fit(open_photo(assets_folder() / "samples" / name), (480, 480))
            st.image(photo, width=240, alt=source, output_format="JPEG")
            st.caption(source)
            st.button("Try this sample", key=f"sample-{name}", on_click=_choose, args=(name,))


def _choose(name: str) -> None:
    st.session_state["sample"] = name


def _predict(files: list[tuple[str, bytes]], predictor: Predictor) -> tuple[list[Prediction], list[str]]:
    """Results in the order of the files, and the reasons for those that are not among them.

    What was predicted in this session's last run of the page is not computed again.
    """
    known: dict[str, Prediction | str] = st.session_state.get("predictions", {})
    wanted = {hashlib.sha256(name.encode() + b"\0" + content).hexdigest(): (name, content) for name, content in files}
    current = {key: known[key] for key in wanted if key in known}
    new = [key for key in wanted if key not in known]
    bar = st.progress(0.0) if len(new) > 1 else None
    decoder = models.decoder()

    def load(key: str) -> Image.Image:
        name, content = wanted[key]
        return decoder.open(content, name)

    outcomes = predictor.predict_all(new, load, name=lambda key: wanted[key][0], photo_side=DISPLAY_SIDE)
    for number, (key, outcome) in enumerate(outcomes, start=1):
        current[key] = outcome if isinstance(outcome, Prediction) else str(outcome)
        if bar is not None:
            bar.progress(number / len(new), text=f"{number} of {len(new)} photos")
    if bar is not None:
        bar.empty()
    st.session_state["predictions"] = current = {key: current[key] for key in wanted}
    results = list(current.values())
    return [one for one in results if isinstance(one, Prediction)], [one for one in results if isinstance(one, str)]


page()
