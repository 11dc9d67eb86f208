"""The photos that one run predicts correctly and another does not."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from app_pages.components.run_title import short_titles
from app_pages.components.thumbnails import thumbnail
from app_pages.state import runs, url
from har_core.analysis.compare import McNemar, mcnemar, paired_examples, relabeled
from har_core.runs.file_names import PREDICTIONS
from har_core.runs.run import Run
from har_core.viz.formats import capitalize, class_markdown, count_photos, escape_markdown
from har_core.viz.text import mcnemar_sentence

_MOST = 30  # photos of each kind that are listed


@dataclass(frozen=True)
class Changes:
    """The photos that two runs share, one row each, which of them each predicts correctly, and what McNemar says of it.

    All under the labels of the current run; `relabeled`: how many photos have another one in the other run.
    """

    photos: pd.DataFrame
    before: pd.Series
    after: pd.Series
    test: McNemar
    relabeled: int


def changes_between(run: Run, other: Run) -> Changes | None:
    """From another run to this one; None if one of them has no predictions."""
    if not (run.has(PREDICTIONS) and other.has(PREDICTIONS)):
        return None
    photos = paired_examples(runs.examples(other), runs.examples(run))
    before, after = (photos["true"] == photos[f"predicted_{when}"] for when in ("before", "after"))
    return Changes(photos, before, after, mcnemar(before.to_numpy(), after.to_numpy()), int(relabeled(photos).sum()))


def changed_photos(run: Run, other: Run, changes: Changes | None) -> None:
    """Fixed and broken photos, where both runs have predictions for the same ones (`changes_between`)."""
    st.subheader("Photos fixed and broken", anchor=False)
    one, two = map(escape_markdown, short_titles(run, other))
    if changes is None:
        st.info(
            f"{two if run.has(PREDICTIONS) else one} has no predictions, so photos cannot be compared one by one.",
            icon=":material/info:",
        )
        return
    both, before, after = changes.photos, changes.before, changes.after
    if both.empty:
        st.info("The two runs were evaluated on different photos.", icon=":material/info:")
        return
    st.markdown(
        mcnemar_sentence(changes.test, two, one)
        + f" {count_photos(len(both))} are in both."
        + (f" What is correct is told by the labels of {one}." if changes.relabeled else "")
    )
    left, right = st.columns(2)
    with left:
        _photos(run, "Fixed", both[~before & after].sort_values("surprise_after", kind="stable"))
    with right:
        _photos(run, "Broken", both[before & ~after].sort_values("surprise_after", ascending=False, kind="stable"))


def _photos(run: Run, title: str, changed: pd.DataFrame) -> None:
    """A list of photos, each with its picture and a link to its full view."""
    st.markdown(f"**{title}: {count_photos(len(changed))}**")
    shown = changed.head(_MOST)
    samples = runs.predictions(run).samples
    rows = pd.Index(samples).get_indexer(shown["sample"])
    classes = shown[["true", "true_before", "predicted_before", "predicted_after"]].to_numpy()
    pictures = [thumbnail(run, row, with_difference=False) for row in rows.tolist()]
    if pictures and not any(pictures):
        st.caption(":material/image_not_supported: None of these photos is here.")
    with st.container(height=480 if len(shown) > 4 else "content", border=True):
        for row, picture, (true, old, before, after) in zip(rows.tolist(), pictures, classes.tolist(), strict=True):
            if picture is None:
                right = st.container()
            else:
                left, right = st.columns([2, 3], vertical_alignment="center", wrap=False)
                left.image(picture, width="stretch", alt=f"{samples[row]} with the evidence of {run.title}")
            was, now = (
                f"predicted as {class_markdown(run.classes[index])}" if index != true else "correct"
                for index in (before, after)
            )
            label = capitalize(class_markdown(run.classes[true]))
            if old != true:
                label += f" (old label: {class_markdown(run.classes[old])})"
            right.markdown(f"{label}: was {was}, is now {now}")
            right.page_link(
                "app_pages/analysis/errors.py",
                label=escape_markdown(samples[row]),
                icon=":material/open_in_full:",
                query_params=url.query(show="all", true=run.classes[true], photo=samples[row], **{"from": "compare"}),
            )
    if len(changed) > len(shown):
        st.caption(f"The {'clearest' if runs.known(run).confidence else 'first'} {len(shown)} are shown.")
