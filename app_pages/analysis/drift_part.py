"""Of the Compare page: do two models that answer the same photos look at the same places, and are they as sure?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from app_pages.components import evidence
from app_pages.components.color_bar import heatmap_color_bar
from app_pages.components.run_title import short_titles
from app_pages.state import runs
from app_pages.state.sharing import shared_unless_own
from har_core.analysis.calibration import calibration
from har_core.analysis.heatmap_drift import MOVED, Drift, heatmap_drift, summarize_drift
from har_core.runs.file_names import CLASS_MAPS, PREDICTIONS
from har_core.runs.run import Run
from har_core.viz.formats import class_markdown, count_photos, escape_markdown, percent, share

_MOST = 2000  # photos whose maps are compared
_SHOWN = 4


def drift_part(run: Run, other: Run) -> None:
    """From another run to this one, as far as both tell."""
    if not (run.has(PREDICTIONS) and other.has(PREDICTIONS)):
        return
    if runs.known(run).every_class and runs.known(other).every_class:
        _confidence(run, other)
    if run.has(CLASS_MAPS) and other.has(CLASS_MAPS):
        _maps(run, other)


def _confidence(run: Run, other: Run) -> None:
    st.subheader("Are they as sure?", anchor=False)
    lines = []
    for one, title in zip((run, other), short_titles(run, other), strict=True):
        predictions = runs.predictions(one)
        sure = float(predictions.confidence.mean())
        lines.append(
            f"- **{escape_markdown(title)}**: {percent(sure)} sure on average, {share(float(predictions.correct.mean()))} correct, "
            f"expected calibration error {calibration(predictions).ece:.3f}"
        )
    st.markdown("\n".join(lines))


def _maps(run: Run, other: Run) -> None:
    here, there = map(escape_markdown, short_titles(run, other))
    rows, others = _same_photos(run, other)
    if not len(rows):
        return
    found = _drift.of(run, other)(run.folder, other.folder, runs.version(run), runs.version(other))
    if found is None:
        st.caption("Their heatmaps are not compared: they have another grid, or are of other parts of the photos.")
        return
    summary = summarize_drift(found)
    if not summary.count:
        return
    st.subheader("Do they look at the same places?", anchor=False)
    st.markdown(
        f"Of {count_photos(summary.count)}, the strongest evidence for what {there} predicts is elsewhere for "
        f"**{share(summary.moved)}**. The two heatmaps of a photo have a cosine of {summary.cosine:.2f} (median; 1 is the same), and "
        f"more than {summary.low_cosine:.2f} for 95\u00a0% of photos."
    )
    worst = np.argsort(np.where(np.isnan(found.cosine), np.inf, found.cosine), kind="stable")[:_SHOWN]
    for column, place in zip(st.columns(_SHOWN, gap="medium"), worst, strict=False):
        with column:
            target = int(runs.predictions(other).predicted[others[place]])
            photo = evidence.open_stored_photo(run, int(rows[place]))
            for one, title, row in ((other, there, int(others[place])), (run, here, int(rows[place]))):
                heat = evidence.heatmaps(one, row, [target])
                picture = evidence.evidence_picture(one, photo, None if heat is None else heat[0])
                if picture is not None:
                    st.image(picture, width="stretch", alt=f"Evidence by {one.title}", output_format="JPEG")
                st.caption(title)
            st.caption(f"for {class_markdown(run.classes[target])}, cosine {found.cosine[place]:.2f}")
    heatmap_color_bar()
    st.caption(
        f"The {min(_SHOWN, summary.count)} photos whose heatmaps differ most. Elsewhere: more than {percent(MOVED)} of the diagonal away."
    )


def _same_photos(run: Run, other: Run) -> tuple[np.ndarray, np.ndarray]:
    """Rows of both runs of the photos that are in both, at most `_MOST`, drawn evenly."""
    own, their = runs.predictions(run).samples, runs.predictions(other).samples
    _, rows, others = np.intersect1d(own.astype(str), their.astype(str), assume_unique=True, return_indices=True)
    chosen = np.unique(np.linspace(0, max(0, len(rows) - 1), min(_MOST, len(rows))).astype(int))
    return rows[chosen] if len(rows) else rows, others[chosen] if len(rows) else others


@shared_unless_own(st.cache_data, max_entries=(20, 5), show_spinner="Comparing heatmaps …")
def _drift(folder: Path, other_folder: Path, version: int, other_version: int) -> Drift | None:
    run, other = Run.open(folder), Run.open(other_folder)
    first, second = runs.class_maps(other), runs.class_maps(run)
    same = run.manifest.model.views == other.manifest.model.views
    if first is None or second is None or first.shape[1:] != second.shape[1:] or not same:
        return None
    rows, others = _same_photos(run, other)
    return heatmap_drift(first[others], second[rows], runs.predictions(other).predicted[others])
