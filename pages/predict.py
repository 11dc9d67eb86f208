"""Which action does this photo show, how sure is the model, and where did it look?"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from pathlib import PurePath

import pandas as pd
import streamlit as st
from PIL import ImageOps

from har_core import plots
from har_core.errors import ImageError
from har_core.explain import heatmap
from har_core.images import ACCEPTED, MAX_BYTES, open_photo
from har_core.plots import readable
from har_core.recogniser import Recognised, Recogniser
from pages import _photo, _shared

SAMPLES = {
    "astronaut.jpg": "Eileen Collins. NASA, public domain",
    "grace_hopper.jpg": "Grace Hopper. James S. Davis, US Navy, public domain",
    "camera.jpg": "A photographer. Lav Varshney, CC0",
}


def page() -> None:
    run = _shared.current_run()
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
    seen, refused = _recognise(files, recogniser)
    for reason in refused:
        st.error(reason, icon=":material/broken_image:")
    if len(seen) > 1:
        with top:
            st.title(f"{len(seen)} photos recognised" + (f", {len(refused)} refused" if refused else ""))
        chosen = _table(seen, recogniser)
        _photo.show(chosen, recogniser)
    elif seen:
        with top:
            _photo.answer(seen[0])
        _photo.show(seen[0], recogniser)


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
        files.append((sample, (_shared.ROOT / "assets" / "samples" / sample).read_bytes()))
    return files


def _samples() -> None:
    st.subheader("No photo at hand? Try a sample")
    for column, (name, source) in zip(st.columns(len(SAMPLES), gap="medium"), SAMPLES.items(), strict=True):
        with column:
            photo = ImageOps.fit(open_photo(_shared.ROOT / "assets" / "samples" / name), (480, 480))
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
                current[key] = recogniser.recognise(open_photo(content, name), name)
            except ImageError as error:
                current[key] = str(error)
        if bar is not None:
            bar.progress(number / len(files), text=f"{number} of {len(files)} photos")
    if bar is not None:
        bar.empty()
    st.session_state["recognised"] = current
    results = list(current.values())
    return [one for one in results if isinstance(one, Recognised)], [one for one in results if isinstance(one, str)]


def _table(seen: list[Recognised], recogniser: Recogniser) -> Recognised:
    """All photos as a sortable table; returns the chosen one."""
    threshold = st.session_state.get("threshold", 0.5)
    table = pd.DataFrame(
        {
            "photo": [_thumbnail(one) for one in seen],
            "file": [one.name for one in seen],
            "action": [readable(one.predicted) if one.confidence >= threshold else "unsure" for one in seen],
            "likeliest": [readable(one.predicted) for one in seen],
            "probability": [one.confidence * 100 for one in seen],
        }
    )
    event = st.dataframe(
        table,
        key="photos",
        hide_index=True,
        row_height=64,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "photo": st.column_config.ImageColumn("photo", width="small"),
            "probability": st.column_config.ProgressColumn("probability", format="%.0f %%", min_value=0, max_value=100),
        },
        alt="The recognised photos with action and probability",
    )
    with st.container(horizontal=True):
        st.download_button(
            "Table as CSV", _csv(seen), "recognised.csv", "text/csv", icon=":material/download:", on_click="ignore"
        )
        st.download_button(
            "Heatmaps as PNG (zip)",
            lambda: _overlays(seen, recogniser.spec.crop_size),
            "heatmaps.zip",
            "application/zip",
            icon=":material/download:",
            on_click="ignore",
        )
    rows = event.selection.rows
    chosen = seen[rows[0] if rows and rows[0] < len(seen) else 0]
    st.subheader(chosen.name, divider="gray")
    st.caption("Choose another photo by its row in the table.")
    _photo.answer(chosen)
    return chosen


def _thumbnail(seen: Recognised) -> str:
    small = seen.photo.copy()
    small.thumbnail((128, 128))
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _csv(seen: list[Recognised]) -> bytes:
    rows = [
        {"file": one.name, "predicted": one.predicted, "confidence": one.confidence}
        | dict(zip(one.classes, one.probabilities.tolist(), strict=True))
        for one in seen
    ]
    return pd.DataFrame(rows).to_csv(index=False).encode()


def _overlays(seen: list[Recognised], crop_size: int) -> bytes:
    """A zip of one PNG a photo: the heatmap of its predicted class."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, one in enumerate(seen, start=1):
            heat = heatmap(one.maps[one.ranking[0]], crop_size)
            picture = plots.overlay(one.photo, heat, one.crop, opacity=0.7)
            archive.writestr(f"{number:03d}-{PurePath(one.name).stem}-{one.predicted}.png", _photo.png(picture))
    return buffer.getvalue()


page()
