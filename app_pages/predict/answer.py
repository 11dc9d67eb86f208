"""The answer to one photo: the action, probabilities, heatmaps."""

from __future__ import annotations

import io
from functools import partial
from html import escape
from math import ceil
from pathlib import PurePath

import numpy as np
import streamlit as st
from PIL import Image

from app_pages.components.color_bar import heatmap_color_bar
from app_pages.components.contribution_table import contribution_table
from app_pages.predict import own_part
from app_pages.predict.sets import Rule, threshold_slider, words
from app_pages.state import runs
from app_pages.state.jobs import Job, watch
from har_core.cam.methods import CLASS_INDEPENDENT, METHODS, Method, compute_cam
from har_core.cam.scales import to_heatmap, to_heatmaps_on_one_scale
from har_core.inference.prediction import Prediction
from har_core.inference.predictor import Predictor
from har_core.models.spec import ModelSpec
from har_core.runs.manifest import Explanation, View
from har_core.viz import figures, overlays
from har_core.viz.formats import class_label, class_markdown, escape_markdown, percent, short_labels
from har_core.viz.text import IN_HEADLINE

_ALONE: tuple[tuple[View, ...], ...] = (("center",), ("whole",))
"""Views of which one look answers, that which other methods explain too."""

_FEW_PIXELS, _ONE_COLOR = 16, 16
_OWN: dict[Explanation, str] = {
    "closed form": "Grad-CAM",
    "gradient": "Grad-CAM",
    "attention": "Attention",
    "occlusion": "Occlusion",
}
"""What the network's own class maps are called, which `Method` calls Grad-CAM."""

_HELP: dict[Explanation, str] = {
    "closed form": "Grad-CAM is exact for this network and immediate.",
    "gradient": "Grad-CAM takes gradients at the last maps of this network; it is immediate, and does not add up to the "
    "probabilities.",
    "attention": "Attention is what the class token attends to for the sake of the class, in the last layer; it is immediate.",
    "occlusion": "Occlusion hides one of 49 parts of the photo after the other: what the class loses is its evidence.",
}


def answer(prediction: Prediction, rule: Rule, *, level: int) -> None:
    """The action, or the two that it may be, or that the model is unsure.

    Args:
        level: of the heading, 1 if nothing else is the page's.
    """
    doubt = _doubt(prediction.photo)
    _headline(*(words(prediction, rule) if doubt is None else ("nothing to see", doubt)), level)


def _doubt(photo: Image.Image) -> str | None:
    """Why no answer to a picture can be worth anything; None for nearly all."""
    if min(photo.size) < _FEW_PIXELS:
        return f"This picture has {photo.width} × {photo.height} pixels: too few to see anything in it."
    if np.ptp(np.asarray(photo.convert("RGB")), axis=(0, 1)).max() < _ONE_COLOR:
        return "This picture is all of one color: there is nothing to see in it."
    return None


def evidence(prediction: Prediction, predictor: Predictor, rule: Rule, *, of: Prediction) -> None:
    """Where the network looked and what else it considered, then the two likeliest classes compared.

    Args:
        of: the prediction of the photo as a whole, which is the same unless the visitor chose a part.
    """
    left, right = st.columns([5, 4], gap="large")
    with right:
        _probabilities(prediction)
        threshold_slider(rule)
    with left:
        part = own_part.switch()
        above = st.container()
        with st.container(key="heatmap-controls"):
            target, method, opacity = _controls(prediction, predictor, of)
        heatmap = _heatmap(prediction, predictor, target, method)
    with above:
        picture = _picture(prediction, heatmap, opacity, dim=not part)
        name = _name(method, predictor)
        what = name if method in CLASS_INDEPENDENT else f"{name} for {class_label(prediction.classes[target])}"
        if part:
            own_part.draw(of, picture)
        else:
            st.caption(_what_was_seen(predictor.spec))
            with_what = f" with a heatmap: {what}" if heatmap is not None else ""
            st.image(picture, width="stretch", alt=f"{prediction.name}{with_what}", output_format="JPEG")
        if heatmap is not None:
            views = predictor.spec.views
            if part:
                picture = _picture(prediction, heatmap, opacity, dim=True)
                picture = overlays.framed(picture, prediction.photo, prediction.crop)
            several = not part and views not in _ALONE and method != "Grad-CAM"
            _below(prediction, picture, target, method, name, views, several=several, part=part)
    st.divider()
    _comparison(prediction, opacity, predictor)


def png(picture: Image.Image) -> bytes:
    """A picture as a PNG file, which carries nothing but its pixels."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def _headline(action: str, detail: str, level: int) -> None:
    style = "font-size:2.3rem !important;font-weight:700;line-height:1.15;padding:0;margin:0"
    st.html(
        f'<div id="answer" role="status"><h{level} id="answer-action" style="{style}">{escape(action)}</h{level}>'
        f'<div style="font-size:1.05rem;line-height:1.15;margin-top:.3rem">{escape(detail)}</div></div>'
    )


def _probabilities(prediction: Prediction) -> None:
    top = prediction.ranking[:5]
    names, probabilities = prediction.classes, prediction.probabilities
    kinds = runs.what_classes_are(names)
    st.subheader(f"Most likely {kinds}", anchor=False)
    st.plotly_chart(
        figures.probability_bars([names[index] for index in top], [float(probabilities[index]) for index in top]),
        config={"displayModeBar": False},
        key="top-five",
        alt=f"Most likely {kinds}: " + ", ".join(f"{class_label(names[i])} {percent(probabilities[i])}" for i in top),
    )
    st.caption(f"The model knows {len(names)} {kinds}. Of a photo that shows none it often names one all the same.")


def _name(method: Method, predictor: Predictor) -> str:
    return _OWN[predictor.explanation] if method == "Grad-CAM" else method


def _methods(predictor: Predictor) -> tuple[Method, ...]:
    """Those that can be had of a network, each once."""
    others: tuple[Method, ...] = METHODS[1:] if predictor.has_last_maps else ("Occlusion",)
    return ("Grad-CAM", *(one for one in others if one != _OWN[predictor.explanation]))


def _controls(prediction: Prediction, predictor: Predictor, of: Prediction) -> tuple[int, Method, float]:
    left, middle, right = st.columns(3)
    chosen, key = f"target-chosen-{of.key}", f"target-{prediction.key}"

    def choose() -> None:
        st.session_state[chosen] = st.session_state[key]  # holds for every part of the photo

    options = prediction.ranking
    target = left.selectbox(
        "Evidence for",
        options,
        index=options.index(st.session_state.get(chosen, options[0])),
        format_func=lambda index: class_label(prediction.classes[index]),
        key=key,
        on_change=choose,
    )
    methods = _methods(predictor)
    if st.session_state.get("method") not in methods:  # chosen for another network
        st.session_state.pop("method", None)
    method: Method = middle.selectbox(
        "Method",
        methods,
        format_func=lambda one: _name(one, predictor),
        key="method",
        persist_state="session",
        help=_HELP[predictor.explanation]
        + (" Score-CAM runs the network once for each of its last maps." if "Score-CAM" in methods else ""),
    )
    opacity = right.slider(
        "Heatmap opacity", 0.0, 1.0, 0.7, 0.05, key="opacity", persist_state="session", format="percent"
    )
    return target, method, opacity


def _heatmap(prediction: Prediction, predictor: Predictor, target: int, method: Method) -> np.ndarray | None:
    """Over the crop, in [0, 1]; None while a slow method is still at work (or was stopped)."""
    if method == "Grad-CAM":
        return to_heatmap(prediction.class_maps[target], predictor.spec.crop_size)
    key = (predictor, prediction.key, None if method in CLASS_INDEPENDENT else target, method)
    job: Job[np.ndarray] | None = st.session_state.get("cam-job")
    if st.session_state.get("cam-job-key") != key or job is None:
        if job is not None:
            job.stop()
        job = Job(
            lambda progress, cancelled: compute_cam(
                method,
                predictor.model,
                prediction.input.to(predictor.device),
                target,
                progress=progress,
                cancelled=cancelled,
            )
        )
        st.session_state["cam-job"], st.session_state["cam-job-key"] = job, key
    if job.running:
        watch(job, partial(_going_on, method))
        return None
    if job.error:
        st.info(f"{method}: {escape_markdown(job.error)}", icon=":material/info:")
        st.button("Compute it again", on_click=lambda: st.session_state.pop("cam-job", None))
    return job.result


def _going_on(method: Method, job: Job[np.ndarray]) -> None:
    label = f"{method}: {job.done:,} of {job.total:,} passes through the network" if job.total > 1 else f"{method} …"
    if (left := job.seconds_left()) is not None:
        label += f", about {ceil(left / 60)} min left" if left > 60 else ", less than a minute left"
    st.progress(min(1.0, job.done / job.total), text=label)
    st.button("Stopping …" if job.stopping else "Cancel", disabled=job.stopping, on_click=job.stop, key="cancel-cam")


def _picture(prediction: Prediction, heatmap: np.ndarray | None, opacity: float, *, dim: bool) -> Image.Image:
    """The photo with its heatmap; alone while there is none."""
    size = prediction.class_maps.shape[-1]
    picture = overlays.overlay(
        prediction.photo,
        np.zeros((size, size), np.float32) if heatmap is None else heatmap,
        prediction.crop,
        opacity=opacity if heatmap is not None else 0.0,
        dim=dim,
    )
    if prediction.nearer is not None:
        picture = overlays.framed(picture, prediction.photo, prediction.nearer)
    return picture


def _below(
    prediction: Prediction,
    picture: Image.Image,
    target: int,
    method: Method,
    name: str,
    views: tuple[View, ...],
    *,
    several: bool,
    part: bool,
) -> None:
    """What the heatmap is, and a way to keep it.

    Args:
        name: what the method is called.
        several: whether the answer is that of several looks, or of another than the first, and the method shows one.
        part: whether it is that of a part that the visitor chose.
    """
    heatmap_color_bar()
    independent = method in CLASS_INDEPENDENT
    note = ": what stands out in the network's features, whatever the class" if independent else ""
    if several:
        note += f"; of {'one look at the whole photo' if 'whole' in views else 'the look at the center'} alone"
    st.caption(f"{name if independent else f'{name} for {class_markdown(prediction.classes[target])}'}{note}")
    st.download_button(
        "Save this picture",
        png(picture),
        file_name=f"{PurePath(prediction.name).stem}-{'part-' if part else ''}{name}-{prediction.classes[target]}.png".lower(),
        mime="image/png",
        icon=":material/download:",
        on_click="ignore",
    )


def _what_was_seen(spec: ModelSpec) -> str:
    views = spec.views
    if spec.preprocessing.fit == "squash" and "whole" not in views:
        part = "at the whole photo" if spec.crop_size == spec.resize else "only at this part"
        return f"The model looks {part}, squeezed into a square."
    if views == ("evidence",):
        return "The model looks only at what is framed."
    whole = (
        "The model looks at the center, at the whole photo"
        if "center" in views
        else "The model looks at the whole photo"
    )
    first = whole if "whole" in views else "The model looks only at this square"
    return f"{first}, and at what is framed once more, from nearer." if "evidence" in views else f"{first}."


def _comparison(prediction: Prediction, opacity: float, predictor: Predictor) -> None:
    pair = prediction.ranking[:2]
    names = [class_markdown(prediction.classes[index]) for index in pair]
    short = short_labels(prediction.classes, IN_HEADLINE)
    first, second = (escape_markdown(short[index]) for index in pair)
    st.subheader(f"Why {first} rather than {second}?", anchor=False)
    heatmaps = to_heatmaps_on_one_scale(prediction.class_maps[pair], predictor.spec.crop_size)
    for column, index, name, heatmap in zip(st.columns(2, gap="large"), pair, names, heatmaps, strict=True):
        with column:
            st.markdown(f"Why *{name}* ({percent(prediction.probabilities[index])})")
            st.image(
                overlays.overlay(prediction.photo, heatmap, prediction.crop, opacity=opacity),
                width="stretch",
                alt=f"Evidence for {class_label(prediction.classes[index])} in {prediction.name}",
                output_format="JPEG",
            )
    heatmap_color_bar()
    own = _OWN[predictor.explanation]
    st.caption(f"{own} for both, on one scale: the brighter picture has the stronger evidence.")
    if predictor.explanation != "closed form":
        st.caption(
            f"What put {names[0]} before {names[1]} cannot be told in numbers: the heatmaps of this network do not add up to its "
            "answer."
        )
        return
    contribution_table(
        (prediction.classes[pair[0]], prediction.classes[pair[1]]),
        prediction.class_maps[pair],
        prediction.probabilities[pair],
        temperature=predictor.spec.temperature,
    )
