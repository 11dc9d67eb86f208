"""Photos that are dark, blurred, tiny or cut: how many are there, and is the model worse on them?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app_pages.components.thumbnails import thumbnail
from app_pages.decide.slices_part import ask_for_analysis, say_unmeasured
from app_pages.state import own_runs, runs, url
from app_pages.state.once import once_per_run
from har_core.analysis.photo_issues import PREFIX, Issue, evidence_outside, find_issues, issue_kinds
from har_core.analysis.slices import Slice, compare_groups
from har_core.data.photo_properties import crop_boxes, read_photo_properties
from har_core.runs.file_names import PHOTO_PROPERTIES
from har_core.runs.run import Run
from har_core.viz.data_text import photo_issues_headline
from har_core.viz.formats import capitalize, count_photos, interval, share
from har_core.viz.slice_figures import group_figure

_COLUMNS = 3


@dataclass(frozen=True)
class PhotoIssues:
    """`masks`: (N,) bool for each issue by its name.  `measured`: (N,) bool; other photos have no issue."""

    masks: dict[str, np.ndarray]
    measured: np.ndarray


def issue_photos(run: Run, name: str) -> np.ndarray:
    """(N,) bool: the photos with an issue.

    Raises:
        ValueError: if there is no issue of that name, or the photos are not measured.
    """
    found = issues(run).masks if run.has(PHOTO_PROPERTIES) else {}
    if name not in found:
        raise ValueError(f"expected one of {', '.join(found) or 'no issues'}, found {name[:80]!r}")
    return found[name]


def photo_issues_part(run: Run, top: DeltaGenerator) -> None:
    """For a run with predictions."""
    if not run.has(PHOTO_PROPERTIES):
        top.title(photo_issues_headline(None))
        ask_for_analysis(run, "which photos are dark, blurred, tiny or cut")
        return
    predictions, found, measured = runs.predictions(run), issues(run).masks, issues(run).measured
    any_issue = np.any([*found.values()], axis=0)
    top.title(photo_issues_headline(int(any_issue[measured].sum()), int(measured.sum())))
    if measured.any():
        st.markdown(_answer(any_issue[measured], predictions.correct[measured]))
    say_unmeasured(measured)
    if not any_issue.any():
        return
    kinds = [kind for kind in issue_kinds(crop_size=run.manifest.model.crop_size) if kind.name in found]
    labels = {kind.name: kind.label for kind in kinds}
    compared = compare_groups(predictions.correct, found, true=predictions.true, labels=labels)
    if compared:
        st.plotly_chart(
            group_figure(compared, float(predictions.correct.mean())),
            config={"displayModeBar": False},
            key="photo-issues",
            alt="Accuracy on the photos with each issue, with 95 % intervals",
        )
        st.caption(
            "The dotted line is the accuracy of all photos. A large diamond is significantly lower than the others."
        )
    by_name = {one.key: one for one in compared}
    shown = [kind for kind in kinds if found[kind.name].any()]
    for start in range(0, len(shown), _COLUMNS):
        for column, kind in zip(st.columns(_COLUMNS), shown[start : start + _COLUMNS], strict=False):
            with column.container(border=True, height="stretch"):
                _card(run, kind, found[kind.name], by_name.get(kind.name))
    if "whole" in run.manifest.model.views:
        st.caption("The model looks at whole photos as well, so what the center crop leaves out is not lost to it.")


def _answer(any_issue: np.ndarray, correct: np.ndarray) -> str:
    number, total = int(any_issue.sum()), len(any_issue)
    if not number:
        return "None is dark, blurred, tiny or cut."
    words = f"They are dark, blurred, tiny or cut: {share(float(correct[any_issue].mean()))} of them are correct"
    return words + (f", {share(float(correct[~any_issue].mean()))} of the others." if number < total else ".")


def _card(run: Run, kind: Issue, mask: np.ndarray, compared: Slice | None) -> None:
    number = int(mask.sum())
    st.markdown(f"**{capitalize(kind.label)}**: {count_photos(number)}")
    if compared is not None:
        st.markdown(
            f"{share(compared.accuracy)} correct ({interval(compared.low, compared.high, decimals=0)}), others "
            f"{share(compared.others_accuracy)}" + (": significantly lower" if compared.significant else "")
        )
    st.caption(kind.why)
    rows = np.flatnonzero(mask)
    row = int(rows[np.argmax(runs.examples(run)["surprise"].to_numpy()[rows])])
    sample = str(runs.predictions(run).samples[row])
    if own_runs.photo_store(run).find(sample) is not None:
        picture = thumbnail(run, row, with_difference=False)
        if picture is not None:
            st.image(picture, width="stretch", alt=f"{sample}: the most confidently wrong of these photos")
    st.page_link(
        "app_pages/analysis/errors.py",
        label="See the photos" if number > 1 else "See the photo",
        icon=":material/photo_library:",
        query_params=url.query(show="all", group=PREFIX + kind.name),
    )


@once_per_run("Looking for photos that are hard to see …")
def issues(run: Run) -> PhotoIssues:
    """Of a run with predictions and measured photos."""
    predictions, model = runs.predictions(run), run.manifest.model
    table = read_photo_properties(run, predictions.samples)
    maps = runs.class_maps(run) if "whole" in model.views else None
    outside = None
    if maps is not None:
        boxes = crop_boxes(table, crop_size=model.crop_size, resize=model.resize)
        outside = evidence_outside(maps, predictions.predicted, boxes)
    masks = find_issues(table, crop_size=model.crop_size, evidence_outside=outside)
    return PhotoIssues(masks, table["width"].notna().to_numpy())
