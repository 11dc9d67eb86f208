"""What happens when in this clip, and where does the model see it?"""

from __future__ import annotations

from math import ceil

import streamlit as st
from PIL import Image

from app_pages.components.clip_player import clip_player
from app_pages.components.scroll_here import scroll_here
from app_pages.predict.sets import Rule, rule_of
from app_pages.predict.show import show
from app_pages.state import models, runs, url
from app_pages.state.jobs import FAILED, watch
from app_pages.video import clips, timeline_part
from app_pages.video.clips import Answering, Clip
from har_core.errors import ClipError
from har_core.files import printable
from har_core.inference.prediction import Prediction
from har_core.inference.predictor import Predictor
from har_core.inference.video import ClipAnswer, clip_answer
from har_core.media.clip_files import ACCEPTED_CLIPS
from har_core.media.clips import MAX_CLIP_BYTES
from har_core.runs.run import Run
from har_core.viz.formats import capitalize, clock, escape_markdown, short_name
from har_core.viz.overlays import DISPLAY_SIDE

_RATES = (1.0, 2.0, 4.0, 8.0)
_SIDE = 1600  # pixels of a frame that is looked at closely
_LOOKED_AT = "clip-looked-at"


def page() -> None:
    run = models.run_with_model()
    url.publish({})
    top, going_on = st.container(), clips.rate_being_read() is not None
    try:
        clip, fps = _clip()
    except ClipError as error:
        clip, fps = None, 4.0
        st.error(escape_markdown(str(error)), icon=":material/broken_image:")
    with top:
        scroll_here(clip.file_id if clip is not None else "", key="video-top")
    if clip is None:
        with top:
            st.title("What happens when?")
            kinds = runs.what_classes_are(run.classes)
            st.markdown(
                f"Drop a clip. HAR Lens names what each moment shows, of {len(run.classes)} {kinds}, cuts it into segments, and shows "
                "where it looked. Clips are removed when you leave."
            )
        return
    rule = rule_of(run)
    job = clips.answering(clip, run, fps)
    if job.running != going_on:
        st.rerun()  # the uploader closes, or opens
    if job.running:
        name = clip.name  # not the clip: Streamlit keeps what it draws longer than the session does
        with top:
            watch(job, lambda job: _going_on(job, name, rule, run.classes))
        return
    if not job.answers:
        with top:
            st.title("This clip was not read")
        (st.info if job.stopping else st.error)(escape_markdown(job.error or ""), icon=":material/info:")
        if job.stopping or job.error == FAILED:
            st.button("Try again", on_click=clips.again)
        return
    info = job.info
    assert info is not None  # known before the first answer
    found = clip_answer(info, run.classes, job.answers, rule=rule, finished=job.result is not None)
    with top:
        st.title(escape_markdown(capitalize(timeline_part.headline(found))))
        st.caption(
            f"{len(found.frames):,} frame{'' if len(found.frames) == 1 else 's'} of {clock(found.end)}, {fps:g} a second, each answered as on Predict. Click a moment."
        )
        _notes(job, found)
    _result(clip, found, run, rule)


def _notes(job: Answering, found: ClipAnswer) -> None:
    """What is missing of the clip."""
    length = f" of {clock(found.info.seconds)}" if found.info.seconds else ""
    if job.stopping:
        st.warning(f"Stopped at {clock(found.end)}{length}: what is below is of that part.", icon=":material/info:")
        st.button("Watch it all", on_click=clips.again, key="clip-again")
    elif job.error:
        st.warning(
            f"{escape_markdown(job.error)} What is below is of the first {clock(found.end)}{length}.",
            icon=":material/info:",
        )
    elif job.result is not None and job.result.broken:
        st.warning(escape_markdown(job.result.broken), icon=":material/info:")


def _result(clip: Clip, found: ClipAnswer, run: Run, rule: Rule) -> None:
    left, right = st.columns([4, 7], gap="large")
    with left:
        clip_player(clip.path, clip.name, start=float(found.times[timeline_part.chosen(found)]))
    with right:
        timeline_part.segments(found)
        timeline_part.downloads(clip.name, found)
    timeline_part.timeline(found)
    st.caption(timeline_part.HOW_SMOOTHED)
    timeline_part.strip(found)
    st.divider()
    place = st.container()
    predictor = models.predictor(run)
    try:
        prediction, photo = _looked_at(clip, found, predictor)
    except ClipError as error:
        st.error(escape_markdown(str(error)), icon=":material/broken_image:")
        return
    with place:
        timeline_part.ways(found)
    show(prediction, lambda: photo, predictor, rule, place)


def _clip() -> tuple[Clip | None, float]:
    """The visitor's clip, and how many frames a second are wanted of it; while these are being answered, both stay.

    Raises:
        ClipError: if the one that was brought cannot be kept.
    """
    held, file, fps = clips.brought(), None, clips.rate_being_read()
    if fps is not None:
        st.caption("For another clip, or other frames of this one, wait for it or stop it.")
    else:
        with st.expander("Another clip" if held is not None else "Your clip", expanded=held is None):
            number = st.session_state.setdefault("clip-number", 0)  # another widget is an empty one
            file = st.file_uploader(
                f"Drop a clip here: MP4, MOV, WebM, AVI or MKV, up to {MAX_CLIP_BYTES // 2**20} MB and 10 minutes",
                max_upload_size=MAX_CLIP_BYTES // 2**20,
                key=f"clip-file-{number}",
                help=ACCEPTED_CLIPS,
            )
            fps = st.segmented_control(
                "Frames a second",
                _RATES,
                default=4.0,
                required=True,
                format_func=lambda rate: f"{rate:g}",
                key="clip-fps",
                persist_state="session",
                help="More frames take longer, and show shorter actions.",
            )
    if file is not None and (held is None or held.file_id != file.file_id):
        clips.take(file)
        timeline_part.choose(None)
        held = clips.brought()
        st.rerun()  # the box closes
    if held is not None:
        st.button(
            f"Remove {escape_markdown(short_name(held.name, 40))}",
            icon=":material/close:",
            on_click=_forget,
            key="clip-remove",
        )
    return held, float(fps or 4.0)


def _forget() -> None:
    clips.forget()
    st.session_state["clip-number"] += 1
    timeline_part.choose(None)


def _going_on(job: Answering, name: str, rule: Rule, classes: tuple[str, ...]) -> None:
    """How far it is, and what is known so far."""
    st.title(f"Watching {escape_markdown(printable(name))} …")
    done = f"{job.done:,} of about {job.total:,} frames" if job.done else "Reading the clip …"
    if (left := job.seconds_left()) is not None:
        done += f", about {ceil(left / 60)} min left" if left > 60 else f", about {max(1, round(left))} s left"
    st.progress(min(1.0, job.done / job.total), text=done)
    st.button(
        "Stopping …" if job.stopping else "Stop here", disabled=job.stopping, on_click=clips.cancel, key="clip-stop"
    )
    answers, info = list(job.answers), job.info
    if answers and info is not None:
        found = clip_answer(info, classes, answers, rule=rule)
        timeline_part.growing_timeline(found, info.seconds)


def _looked_at(clip: Clip, found: ClipAnswer, predictor: Predictor) -> tuple[Prediction, Image.Image]:
    """The chosen frame in its own size, and what the model says of it; the last one is kept."""
    time = float(found.times[timeline_part.chosen(found)])
    key = clip.file_id, time
    known: tuple[object, Predictor, Prediction, Image.Image] | None = st.session_state.get(_LOOKED_AT)
    if known is None or known[0] != key or known[1] is not predictor:
        photo = clips.frame(clip, time, _SIDE).photo
        name = f"{clip.name} at {clock(time, tenths=True)}"
        prediction = predictor.predict(photo, name, photo_side=DISPLAY_SIDE, occlude=False)
        st.session_state[_LOOKED_AT] = known = key, predictor, prediction, photo
    return known[2], known[3]


page()
