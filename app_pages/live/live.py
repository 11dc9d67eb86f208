"""What does the camera show right now, and where does the model see it?"""

from __future__ import annotations

import streamlit as st

from app_pages.components.camera import camera, camera_link, sent_frame
from app_pages.components.follow import follow
from app_pages.predict.brought import bring
from app_pages.state import runs, url
from har_core.errors import HarError
from har_core.runs.manifest import CENTER_ALONE
from har_core.runs.run import SHIPPED, Run
from har_core.viz.formats import escape_markdown

_QUICK = "edge"
"""The shipped run whose model answers a frame quickly."""

_CAMERA, _LINK, _KEPT = "live-camera", "live-link", "live-kept"

_STYLE = """<style>
.st-key-live-answer [data-stale=true] { opacity: 1 !important }
@media (max-width: 640px) { .st-key-live-answer h1 { box-sizing: content-box; min-height: 2.4em } }
</style>"""  # an answer is not old while the next one is computed; one of two lines does not push the picture down


def page() -> None:
    if st.session_state.pop(_KEPT, False):
        follow("app_pages/predict/predict.py", "Predict", url.query())
    options = {name: run for name, run in runs.all_runs()[0].items() if run.has_model}
    key, default = _seed_model(options)
    chosen, labels = st.session_state[key], runs.labels(options)
    url.publish({"model": chosen if chosen != default else None})
    run = options[chosen]
    st.html(_STYLE)
    with st.container(key="live-answer"):
        _answers(run)
    camera(key=_CAMERA, side=run.manifest.model.resize, on_keep=_keep)
    st.selectbox(
        "Model",
        list(options),
        format_func=lambda name: labels[name],
        width=320,
        help="A small network answers more often, a large one is right more often.",
        **url.widget(key),
    )
    st.caption(
        "The answer and its probabilities are means over the frames of the last second; when it is “unsure” is decided as on Predict. "
        "The heatmap is that of the newest frame, for the likeliest class. To be quick, the model looks only at the bright square"
        f"{_other_views(run)}. No frame is stored."
    )


@st.fragment
def _answers(run: Run) -> None:
    """The page's first line, which is the answer while the camera runs."""
    frame, found, refusal = sent_frame(_LINK), None, ""
    if frame is not None:
        from app_pages.live.answering import answer  # imports PyTorch, for which the page need not wait

        try:
            found = answer(frame.content, run)
        except HarError as error:
            refusal = str(error)
    kinds = runs.what_classes_are(run.classes)
    question = "What are they doing right now?" if kinds == "actions" else "What does the camera show?"
    st.title(escape_markdown(found.headline) if found is not None else question, anchor=False)
    camera_link(key=_LINK, frame=frame, answer=found, refusal=refusal)


def _seed_model(options: dict[str, Run]) -> tuple[str, str]:
    """The key of the model's choice, and what it is to begin with: the chosen run if it is not the one that every visitor
    begins with, else the quickest.
    """
    chosen = st.session_state[url.RUN]
    quick = _QUICK if _QUICK in options else SHIPPED
    default = chosen if chosen != SHIPPED and chosen in options else quick
    key = url.seed(f"live-model-{chosen}", "model", default, url.one_of({name: name for name in options}))
    if st.session_state[key] not in options:  # it was removed
        url.put(key, default)
    return key, default


def _other_views(run: Run) -> str:
    return "" if run.manifest.model.views == CENTER_ALONE else "; on Predict it looks at more of a photo"


def _keep(content: bytes) -> None:
    """Predict opens with this frame."""
    bring({"frame": ("camera.jpg", content)})
    st.session_state[_KEPT] = True


page()
