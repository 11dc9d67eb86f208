"""One recognised photo in full: answer, probabilities, heatmaps."""

from __future__ import annotations

import io
from pathlib import PurePath

import numpy as np
import streamlit as st
from PIL import Image

from har_core import pictures, plots
from har_core.explain import CLASS_INDEPENDENT, METHODS, Method, heatmap, heatmap_by, heatmaps_on_one_scale
from har_core.recogniser import Recognised, Recogniser
from har_core.words import bare, percent, readable
from pages import _evidence, _shared


def show(seen: Recognised, recogniser: Recogniser) -> None:
    """Where the network looked and what else it considered, then the two likeliest classes compared."""
    picture, words = st.columns([5, 4], gap="large")
    with words:
        _probabilities(seen)
    with picture:
        placeholder = st.container()
        with st.container(key="heatmap-controls"):
            target, method, opacity = _controls(seen)
        heat = _heat(seen, recogniser, target, method)
    with placeholder:
        _heatmap(seen, heat, target, method, opacity)
    st.divider()
    _compare(seen, opacity, recogniser.spec.crop_size)


def answer(seen: Recognised) -> None:
    """The action, or that the model is unsure and between which two."""
    first, second = seen.ranking[:2]
    one, other = bare(seen.classes[first]), bare(seen.classes[second])
    threshold = st.session_state.setdefault("threshold", 0.5)
    if seen.confidence >= threshold:
        _shared.answer(one, f"{percent(seen.confidence)} probable")
    else:
        chances = f"{percent(seen.probabilities[first])} and {percent(seen.probabilities[second])}"
        _shared.answer("unsure", f"perhaps {one} or {other} ({chances})")


def _probabilities(seen: Recognised) -> None:
    top = seen.ranking[:5]
    st.subheader("The five likeliest actions")
    st.plotly_chart(
        plots.probability_bars([seen.classes[i] for i in top], [float(seen.probabilities[i]) for i in top]),
        config={"displayModeBar": False},
        key="top-five",
        alt="The five likeliest actions: "
        + ", ".join(f"{bare(seen.classes[i])} {percent(seen.probabilities[i])}" for i in top),
    )
    st.caption(
        f"The model always answers with one of its {len(seen.classes)} actions, also for a photo that shows none of them."
    )
    st.slider(
        "Say “unsure” below",
        0.0,
        1.0,
        step=0.05,
        key="threshold",
        format="percent",
        help="If the likeliest action is less probable than this, no action is claimed; the two likeliest are named.",
    )


def _controls(seen: Recognised) -> tuple[int, Method, float]:
    left, middle, right = st.columns(3)
    target = left.selectbox(
        "Evidence for", seen.ranking, format_func=lambda index: bare(seen.classes[index]), key=f"target-{seen.key}"
    )
    method: Method = middle.selectbox(
        "Method",
        METHODS,
        key="method",
        help="Grad-CAM is exact for this network and immediate. Score-CAM runs the network about 2,000 times.",
    )
    opacity = right.slider("Heatmap opacity", 0.0, 1.0, 0.7, 0.05, key="opacity", format="percent")
    return target, method, opacity


def _heat(seen: Recognised, recogniser: Recogniser, target: int, method: Method) -> np.ndarray | None:
    """The heatmap over the crop, or None while a slow method is still at work (or was stopped)."""
    if method == "Grad-CAM":
        return heatmap(seen.maps[target], recogniser.spec.crop_size)
    key = (seen.key, None if method in CLASS_INDEPENDENT else target, method)
    job: _shared.Job[np.ndarray] | None = st.session_state.get("job")
    if st.session_state.get("job-key") != key or job is None:
        if job is not None:
            job.stop()
        job = _shared.Job(
            lambda progress, stopped: heatmap_by(
                method, recogniser.model, seen.input, target, progress=progress, cancelled=stopped
            )
        )
        st.session_state["job"], st.session_state["job-key"] = job, key
    if job.running:
        _watch(job, method)
        return None
    if job.error:
        st.info(f"{method}: {job.error}", icon=":material/info:")
        st.button("Compute it again", on_click=lambda: st.session_state.pop("job", None))
    return job.result


def _watch(job: _shared.Job[np.ndarray], method: Method) -> None:
    @st.fragment(run_every=0.4)
    def progress() -> None:
        if not job.running:
            st.rerun()
        label = f"{method}: {job.done} of {job.total} passes through the network" if job.total > 1 else f"{method} …"
        st.progress(min(1.0, job.done / job.total), text=label)
        if method == "Score-CAM":
            st.warning(
                "Score-CAM runs the whole network once for each of its channels: minutes on a CPU.",
                icon=":material/timer:",
            )
        st.button("Cancel", on_click=job.stop, key="cancel-job")

    progress()


def _heatmap(seen: Recognised, heat: np.ndarray | None, target: int, method: Method, opacity: float) -> None:
    size = seen.maps.shape[-1]
    shown = np.zeros((size, size), np.float32) if heat is None else heat
    picture = pictures.overlay(seen.photo, shown, seen.crop, opacity=opacity if heat is not None else 0.0)
    what = method if method in CLASS_INDEPENDENT else f"{method} for {readable(seen.classes[target])}"
    st.image(picture, width="stretch", alt=f"{seen.name} with a heatmap: {what}", output_format="JPEG")
    _evidence.colour_bar()
    note = (
        " EigenCAM shows what stands out in the network's features, whatever the class."
        if method in CLASS_INDEPENDENT
        else ""
    )
    st.caption(f"{what}. The network sees the bright square only.{note}")
    if heat is not None:
        st.download_button(
            "Save this picture",
            png(picture),
            file_name=f"{PurePath(seen.name).stem}-{method}-{seen.classes[target]}.png".lower(),
            mime="image/png",
            icon=":material/download:",
            on_click="ignore",
        )


def _compare(seen: Recognised, opacity: float, crop_size: int) -> None:
    pair = seen.ranking[:2]
    names = [readable(seen.classes[index]) for index in pair]
    st.subheader(f"Why {names[0]} rather than {names[1]}?")
    st.caption("Grad-CAM for both, on one scale: the brighter picture has the stronger evidence.")
    heats = heatmaps_on_one_scale(seen.maps[pair], crop_size)
    for column, index, heat in zip(st.columns(2, gap="large"), pair, heats, strict=True):
        with column:
            name, chance = readable(seen.classes[index]), percent(seen.probabilities[index])
            st.image(
                pictures.overlay(seen.photo, heat, seen.crop, opacity=opacity),
                width="stretch",
                caption=f"{name}, {chance}",
                alt=f"Evidence for {name} in {seen.name}",
                output_format="JPEG",
            )
    _evidence.colour_bar()


def png(picture: Image.Image) -> bytes:
    """A picture as a PNG file, which carries nothing but its pixels."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()
