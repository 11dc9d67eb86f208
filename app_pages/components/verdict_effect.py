"""What a visitor's verdicts make of a run's accuracy, and the files that carry them on."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app_pages.state import own_runs, runs, url
from app_pages.state.settings import settings
from app_pages.state.suspects import suspects
from har_core.analysis.after_verdicts import after_verdicts, judged_at_random
from har_core.data.labels_file import read_labels
from har_core.errors import DataError
from har_core.media.layout import LABELS_FILE
from har_core.runs.corrected_labels import (
    corrected_labels,
    diff_bytes,
    known_labels,
    label_changes,
    labels_bytes,
    removed_bytes,
)
from har_core.runs.exports import cleanlab_bytes, fiftyone_bytes
from har_core.runs.file_names import PREDICTIONS
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


def offer_exports(run: Run, judged: dict[str, Verdict]) -> None:
    """Downloads for a training, for people, and for other tools, behind one button; those of labels once one was corrected."""
    if not run.has(PREDICTIONS):
        return
    corrected = any(verdict.verdict == "label is wrong" and verdict.label for verdict in judged.values())
    every_class = runs.known(run).every_class  # what is filled in must not leave the app as a probability
    if not (corrected or every_class):
        return
    with st.popover("Export", icon=":material/download:"):
        if corrected:
            is_own = own_runs.is_own(run)  # whoever brought photos or a table need not have the program
            st.caption("Labels, corrected by your verdicts")
            _download(
                "Corrected labels as CSV",
                lambda: labels_bytes(corrected_labels(_labels(run), judged, run.classes)),
                LABELS_FILE,
                help=f"All labels in the form of the data set{'' if is_own else ', for `train.py --labels`'}. Photos that show none of the classes are not in it; where the right label was not told, the old one stays.",
            )
            _download(
                "Removed photos as CSV",
                lambda: removed_bytes(label_changes(_labels(run), judged, run.classes)),
                "removed.csv",
                help=f"Those that show none of the classes{'' if is_own else ', for `train.py --leave-out`'}.",
            )
            _download(
                "Differences as CSV",
                lambda: diff_bytes(label_changes(_labels(run), judged, run.classes)),
                "label_changes.csv",
                help="Only the photos whose label is another now, or that are removed: before, after, verdict and note.",
            )
        if not every_class:
            return
        st.caption("Predictions, verdicts and label suspects, for other tools")
        _download(
            "For cleanlab (NPZ)",
            lambda: cleanlab_bytes(runs.predictions(run), judged, _suspected(run)),
            "cleanlab.npz",
            "application/octet-stream",
            help="Arrays `labels`, `pred_probs`, `classes`, `filenames`, `is_label_issue`, `verdict` and `right_label`.",
        )
        _download(
            "For FiftyOne (JSON)",
            lambda: fiftyone_bytes(runs.predictions(run), judged, _suspected(run)),
            "labels.json",
            "application/json",
            help="A `FiftyOneImageClassificationDataset`, beside the folder of photos.",
        )


def _download(label: str, make: Callable[[], bytes], file: str, kind: str = "text/csv", *, help: str) -> None:
    st.download_button(
        label, make, file, kind, icon=":material/download:", on_click="ignore", help=help, width="stretch"
    )


def _suspected(run: Run) -> list[str] | None:
    table = suspects(run)
    return None if table is None else table["sample"].tolist()


def _labels(run: Run) -> dict[str, str]:
    """Of all photos of the data set, where its labels are at hand; else of those that the run knows."""
    own = known_labels(runs.predictions(run), runs.training(run))
    if own_runs.is_own(run):
        return own
    try:
        known = {name: label for _, name, label in read_labels(settings().data / LABELS_FILE)}
    except (DataError, OSError):
        return own
    return known | own if own.keys() <= known.keys() else own  # the run may have been made with corrected labels
