"""Groups of photos that are alike: where is the model wrong more often than elsewhere?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app_pages.components.on_disk import by_command
from app_pages.state import runs, url
from app_pages.state.once import once_per_run
from har_core.analysis.clusters import cluster_names, embedding_clusters
from har_core.analysis.slices import (
    CLUSTER,
    FDR,
    PREFIX,
    Slice,
    find_slices,
    slice_mask,
    slice_values,
)
from har_core.data.photo_properties import read_photo_properties
from har_core.runs.file_names import PHOTO_PROPERTIES
from har_core.runs.run import Run
from har_core.viz.data_text import slices_headline
from har_core.viz.formats import class_markdown, count_photos, interval, percent, share, short_label
from har_core.viz.slice_figures import group_figure, property_figure
from har_core.viz.text import IN_HEADLINE

SHOWN = 10
"""Slices in the table."""

_MOST_CLUSTERED = 100_000  # photos: of more, finding clusters takes longer than a visitor waits
_PLAIN = {"displayModeBar": False}
_WIDTHS = [4, 2, 1.2, 2, 1, 1.6]


@dataclass(frozen=True)
class SliceTable:
    """`slices`: all of a run, with what `slice_mask` needs: (N,) `values` of each property, and (N,) `clusters` if known."""

    slices: list[Slice]
    values: dict[str, np.ndarray]
    clusters: np.ndarray | None


def slice_photos(run: Run, key: str) -> np.ndarray:
    """(N,) bool: the photos of a slice.

    Raises:
        ValueError: if the run has no such slice.
    """
    table = slice_table(run)
    return slice_mask(key, table.values, table.clusters)


def slices_part(run: Run, top: DeltaGenerator) -> None:
    """For a run with predictions."""
    table = slice_table(run)
    weak = _worst_first(table.slices)
    is_known = bool(table.slices or table.values)
    worst = weak[0].label if weak else ""
    headline, in_full = (
        slices_headline(len(weak) if is_known else None, len(table.slices), name)
        for name in (short_label(worst, IN_HEADLINE), worst)
    )
    top.title(headline, help=in_full if in_full != headline else None)
    if not table.slices and table.values:
        st.markdown("The photos do not differ, or there are too few.")
    elif table.slices:
        st.markdown(_answer(table.slices))
    if not table.values:
        ask_for_analysis(run, "by brightness, size, shape and sharpness")
    accuracy = float(runs.predictions(run).correct.mean()) if table.slices else 0.0
    properties = [one for one in table.slices if one.measure != CLUSTER]
    clusters = [one for one in table.slices if one.measure == CLUSTER]
    if properties:
        st.plotly_chart(
            property_figure(properties, accuracy),
            config=_PLAIN,
            key="slices",
            alt="Accuracy of groups of photos from low to high brightness, contrast, sharpness, size, shape and crop",
        )
        st.caption(
            "Each dot is a group of about as many photos, with its 95\u00a0% interval; the dotted line is the accuracy of all. "
            "A large diamond is significantly lower than the other photos."
        )
        say_unmeasured(~np.isnan(next(iter(table.values.values()))))
    _table(table.slices)
    if clusters:
        with st.expander(f"All {len(clusters)} clusters of photos that look alike to the model"):
            st.plotly_chart(
                group_figure(clusters, accuracy),
                config=_PLAIN,
                key="slice-clusters",
                alt="Accuracy of each cluster of photos that look alike to the model, with 95 % intervals",
            )
            st.caption("The model confuses what looks alike to it, so some clusters always differ from the others.")
    elif len(runs.predictions(run)) > _MOST_CLUSTERED:
        st.caption(f"Clusters are found in runs of at most {count_photos(_MOST_CLUSTERED)}.")


def ask_for_analysis(run: Run, what: str) -> None:
    """In place of what needs the measured photos."""
    how = by_command(run, "`har-lens analyze RUN DATA` measures them.")
    st.markdown(f"Not known {what}: the photos are not measured. {how}")


def say_unmeasured(measured: np.ndarray) -> None:
    """(N,) bool: how many photos are left out, if any are."""
    if missing := int((~measured).sum()):
        st.caption(f":material/image_not_supported: {count_photos(missing)} could not be measured and are left out.")


def points(gap: float) -> str:
    """A difference of shares: -0.0345 → '−3.5 points'."""
    return f"{gap * 100:+.1f} points".replace("-", "−")


def _answer(slices: Sequence[Slice]) -> str:
    found = _worst_first(slices)
    by_property = [one for one in slices if one.measure != CLUSTER]
    if not found:
        return (
            f"None of {len(slices):,} groups is less accurate than the others (at most {percent(FDR)} false discoveries, "
            "Benjamini–Hochberg)."
        )
    worst = found[0]
    words = (
        f"There, {share(worst.accuracy)} of {count_photos(worst.photos)} {'is' if worst.photos == 1 else 'are'} correct, "
        f"{share(worst.others_accuracy)} of the others."
    )
    if by_property and not any(one.measure != CLUSTER for one in found):
        words += " No property alone (brightness, size, shape …) makes a significant difference."
    return words


def _worst_first(slices: Sequence[Slice]) -> list[Slice]:
    """The significant ones, by the errors that their classes do not explain."""
    return sorted((one for one in slices if one.significant), key=lambda one: -one.extra_errors)


def _table(slices: Sequence[Slice]) -> None:
    found = _worst_first(slices)
    if not found:
        return
    heads = ("Photos", "Correct (95 %)", "Others", "Same classes", "q", "")
    for column, head in zip(st.columns(_WIDTHS), heads, strict=True):
        column.caption(head)
    for one in found[:SHOWN]:
        cells = (
            f"**{class_markdown(one.label)}**, {count_photos(one.photos)}",
            f"{share(one.accuracy)} ({interval(one.low, one.high, decimals=0)})",
            share(one.others_accuracy),
            points(one.adjusted_gap) + ("" if one.adjusted_p <= FDR else ", may be chance"),
            "< 0.001" if one.q < 0.001 else f"{one.q:.3f}",
        )
        *columns, last = st.columns(_WIDTHS, vertical_alignment="center")
        for column, cell in zip(columns, cells, strict=True):
            column.markdown(cell)
        last.page_link(
            "app_pages/analysis/errors.py",
            label="See the photos",
            icon=":material/photo_library:",
            query_params=url.query(show="all", group=PREFIX + one.key),
        )
    more = f"{len(found) - SHOWN:,} more are in the charts. " if len(found) > SHOWN else ""
    st.caption(
        f"{more}Same classes: how far the accuracy is from what the group's classes reach over all photos. Near 0, the group "
        "merely shows more of the classes that are hard everywhere. q: Fisher's exact test, corrected for many tests "
        f"(Benjamini–Hochberg); significant up to {FDR:g}."
    )


@once_per_run("Comparing groups of photos …")
def slice_table(run: Run) -> SliceTable:
    """Of a run with predictions; without measured photos there are clusters alone, without embeddings there are none."""
    predictions = runs.predictions(run)
    values: dict[str, np.ndarray] = {}
    if run.has(PHOTO_PROPERTIES):
        values = slice_values(read_photo_properties(run, predictions.samples))
    clusters, names, embeddings = None, None, runs.embeddings(run)
    if embeddings is not None and len(embeddings) <= _MOST_CLUSTERED:
        clusters = embedding_clusters(embeddings)
        names = cluster_names(clusters, predictions.true, run.classes)
    slices = find_slices(predictions.correct, values, clusters, true=predictions.true, cluster_names=names)
    return SliceTable(slices, values, clusters)
