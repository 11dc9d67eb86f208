"""Which action does this photo show, how sure is the model, and where did it look?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import streamlit as st
from PIL import Image

from app_pages.components.scroll_here import scroll_here
from app_pages.predict import samples
from app_pages.predict.batch import AT_ONCE, batch
from app_pages.predict.brought import bring, brought, forget, newest, refuse
from app_pages.predict.samples import Sample
from app_pages.predict.sets import claimed, rule_of
from app_pages.predict.show import show
from app_pages.state import models, runs, url
from app_pages.state.settings import settings
from har_core.inference.prediction import Prediction
from har_core.inference.predictor import Predictor
from har_core.media.images import ACCEPTED, MAX_BYTES
from har_core.media.signatures import ACCEPTED_KINDS
from har_core.models.registry import newer_library
from har_core.runs.run import Run
from har_core.viz.formats import class_markdown, count_photos, escape_markdown, short_name
from har_core.viz.overlays import DISPLAY_SIDE

_MOST_CLASSES = 20  # that are named


def page() -> None:
    run = models.run_with_model()
    url.publish({})
    top = st.container()
    files, sample = _files(run)
    with top:
        scroll_here(" ".join(name for name, _ in files), key="predict-top")
    if not files:
        with top:
            kinds = runs.what_classes_are(run.classes)
            st.title("What are they doing?" if kinds == "actions" else "What does the photo show?")
            names = ", ".join(class_markdown(name) for name in run.classes[:_MOST_CLASSES])
            more = " …" if len(run.classes) > _MOST_CLASSES else "."
            st.markdown(
                "Drop a photo. HAR Lens names what it shows, says how sure it is and where it looked. "
                f"It knows {len(run.classes)} {kinds}: {names}{more}"
            )
        samples.offer(run)
        return
    predictor, rule = models.predictor(run), rule_of(run)
    if (newer := newer_library(predictor.spec)) is not None:
        st.warning(f"{escape_markdown(newer)}.", icon=":material/info:")
    if skipped := len(files[AT_ONCE:]):
        more = "For more, use `har-lens predict`" if settings().trusted else "Bring them after these"
        st.warning(
            f"At most {AT_ONCE} photos are predicted at once: the last {skipped} were skipped. {more}.",
            icon=":material/info:",
        )
    outcomes = _predict(files[:AT_ONCE], predictor)
    predictions = [one for _, one in outcomes if isinstance(one, Prediction)]
    refused = [one for _, one in outcomes if isinstance(one, str)]
    contents = {id(one): content for content, one in outcomes}
    if refused:
        _tell_refused(outcomes)
    if len(predictions) > 1:
        with top:
            st.title(f"{len(predictions)} photos predicted" + (f", {len(refused)} refused" if refused else ""))
        last = brought().get(newest() or "")
        first = next((number for number, one in enumerate(predictions) if last and contents[id(one)] is last[1]), 0)
        chosen, place = batch(predictions, predictor, rule, first=first)
        show(chosen, _load(chosen, contents), predictor, rule, place)
    elif predictions:
        only = predictions[0]
        shown = show(only, _load(only, contents), predictor, rule, top, level=1)
        if sample is not None:
            with top:
                samples.tell_truth(run, sample, claimed(shown, rule), shown.ranking[0])
    else:
        with top:
            st.title("This could not be read as a photo")


def _tell_refused(outcomes: list[tuple[bytes, Prediction | str]]) -> None:
    """Why there is no answer to some files, in one place; they are gone once others are brought."""
    reasons = [one for _, one in outcomes if isinstance(one, str)]
    lines = "\n".join(f"- {escape_markdown(one)}" for one in reasons)
    st.error(escape_markdown(reasons[0]) if len(reasons) == 1 else lines, icon=":material/broken_image:")
    bad = {id(content) for content, one in outcomes if isinstance(one, str)}
    refuse(number for number, (_, content) in brought().items() if id(content) in bad)


def _load(prediction: Prediction, contents: dict[int, bytes]) -> Callable[[], Image.Image]:
    """Decodes the photo in its own size."""
    return lambda: models.decoder().open(contents[id(prediction)], prediction.name)


def _files(run: Run) -> tuple[list[tuple[str, bytes]], Sample | None]:
    """(name, content) of what the visitor brought: files, else a picture from the camera, else a sample, which is also
    returned.
    """
    kept = brought()
    sample, taken = samples.chosen(run), None
    answered = bool(kept) or sample is not None
    with st.expander("Another photo" if answered else "Your photo", expanded=not answered):
        uploads = st.file_uploader(
            f"Drop photos here: {ACCEPTED_KINDS}, up to {MAX_BYTES // 10**6} MB each",
            accept_multiple_files=True,
            max_upload_size=MAX_BYTES // 10**6,
            key="uploads",
            help=ACCEPTED,
            on_change=_take,
        )
        if st.toggle("Use the camera", key="camera-on"):
            taken = st.camera_input("Camera", label_visibility="collapsed", key="camera", on_change=_take)
    if kept and not uploads and taken is None:
        what = next(iter(kept.values()))[0] if len(kept) == 1 else count_photos(len(kept))
        st.button(f"Remove {escape_markdown(short_name(what, 40))}", icon=":material/close:", on_click=forget)
    if kept or sample is None:
        return list(kept.values()), None
    st.button("Back to the start", icon=":material/close:", on_click=forget)
    return [(sample.name, sample.content)], sample


def _take() -> None:
    """Keep what was uploaded; it replaces what was kept before."""
    kept = brought()
    files = [*st.session_state["uploads"], *filter(None, [st.session_state.get("camera")])]
    bring({file.file_id: kept.get(file.file_id) or (file.name, file.getvalue()) for file in files})


def _predict(files: list[tuple[str, bytes]], predictor: Predictor) -> list[tuple[bytes, Prediction | str]]:
    """(content, prediction or the reason why there is none) of each different file, in their order.

    What was predicted in this session's last run of the page, by the same model, is not computed again.
    """
    by, known = st.session_state.get("predictions", (None, {}))
    if by is not predictor:
        known = {}
    wanted = {hashlib.sha256(name.encode() + b"\0" + content).hexdigest(): (name, content) for name, content in files}
    current: dict[str, Prediction | str] = {key: known[key] for key in wanted if key in known}
    new = [key for key in wanted if key not in known]
    bar = st.progress(0.0) if len(new) > 1 else None
    decoder = models.decoder()

    def load(key: str) -> Image.Image:
        name, content = wanted[key]
        return decoder.open(content, name)

    outcomes = predictor.predict_all(new, load, name=lambda key: wanted[key][0], photo_side=DISPLAY_SIDE, occlude=False)
    for number, (key, outcome) in enumerate(outcomes, start=1):
        current[key] = outcome if isinstance(outcome, Prediction) else str(outcome)
        if bar is not None:
            bar.progress(number / len(new), text=f"{number} of {len(new)} photos")
    if bar is not None:
        bar.empty()
    current = {key: current[key] for key in wanted}
    st.session_state["predictions"] = predictor, current
    return [(wanted[key][1], one) for key, one in current.items()]


page()
