"""What a visitor's verdicts make of a run's accuracy, and the labels that they correct."""

from __future__ import annotations

import streamlit as st

from app_pages.state import own_runs, runs, url
from app_pages.state.settings import settings
from har_core.analysis.relabel import after_verdicts, corrected_labels, judged_at_random
from har_core.data.labels_file import labels_bytes, read_labels
from har_core.errors import DataError
from har_core.media.layout import LABELS_FILE
from har_core.runs.manifest import PREDICTIONS
from har_core.runs.run import Run
from har_core.runs.verdicts import Verdict
from har_core.viz import text


def verdict_effect(run: Run) -> None:
    """The accuracy if all verdicts are right, once there are some."""
    if not run.has(PREDICTIONS):
        return
    judged, predictions = own_runs.verdicts(run).all(), runs.predictions(run)
    found = after_verdicts(predictions, judged) if judged else None
    if found is None:
        return
    st.markdown(text.after_verdicts_sentence(found))
    drawn = runs.examples(run)["drawn"].to_numpy()
    fair = judged_at_random(predictions, judged, drawn)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(text.fairness_sentence(fair, int(drawn.sum())))
        st.page_link(
            "app_pages/analysis/errors.py",
            label="Judge photos drawn at random",
            icon=":material/casino:",
            query_params=url.query(show="drawn", sort="file name"),
        )


def offer_corrected_labels(run: Run, judged: dict[str, Verdict]) -> None:
    """A download, once a label was corrected."""
    if not any(verdict.verdict == "label is wrong" and verdict.label for verdict in judged.values()):
        return
    st.download_button(
        "Corrected labels as CSV",
        lambda: labels_bytes(corrected_labels(_labels(run), judged, run.classes)),
        LABELS_FILE,
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="In the form of the data set, for a training with these labels. Photos that show none of the actions are left out; where the right label was not told, the old one stays.",
    )


def _labels(run: Run) -> dict[str, str]:
    """Of all photos of the data set, where its labels are at hand; else of those that the run was evaluated on."""
    predictions = runs.predictions(run)
    own = {name: run.classes[true] for name, true in zip(predictions.samples, predictions.true.tolist(), strict=True)}
    if own_runs.is_own(run):
        return own
    try:
        known = {name: label for _, name, label in read_labels(settings().data / LABELS_FILE)}
    except (DataError, OSError):
        return own
    return known if own.keys() <= known.keys() else own
