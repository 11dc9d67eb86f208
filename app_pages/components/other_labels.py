"""Two runs whose photos are labeled otherwise: the accuracy of both under either labels, and the judged photos that turned."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app_pages.components.changed_photos import Changes
from app_pages.components.run_title import short_titles
from app_pages.state import own_runs
from har_core.analysis.compare import turned, under_both_labels
from har_core.runs.run import Run
from har_core.viz.formats import class_label, count_photos, escape_markdown, interval, share

_BECAUSE = {"label": "the label", "prediction": "the prediction", "both": "label and prediction"}


def other_labels(run: Run, other: Run, changes: Changes) -> None:
    """For runs with photos that both were evaluated on, some of them under another label."""
    one, two = map(escape_markdown, short_titles(run, other))
    shared = len(changes.photos)
    st.subheader("Under the old and the new labels", anchor=False)
    st.markdown(
        f"**{count_photos(changes.relabeled)}** of the {shared:,} in both runs "
        f"{'has' if changes.relabeled == 1 else 'have'} another label in {one} than in {two}."
    )
    scores = under_both_labels(changes.photos, classes=len(run.classes))
    columns = {"before": f"old labels (those of {two})", "after": f"new labels (those of {one})"}
    table = {
        title: {
            column: f"{share(found.accuracy)} ({interval(*found.interval)})"
            for whose, column in columns.items()
            for found in [scores[when, whose]]
        }
        for title, when in ((two, "before"), (one, "after"))
    }
    st.table(
        pd.DataFrame.from_dict(table, orient="index", columns=list(columns.values())),
        alt="Accuracy of both runs under the old and the new labels, with 95 % intervals",
    )
    sources = ", ".join(run.manifest.data.corrections)
    st.caption(
        f"95\u00a0% intervals in parentheses, {count_photos(shared)} each. All else on this page is under the labels of {one}"
        + (f", corrected by {escape_markdown(sources)}." if sources else ".")
    )
    _judged(run, other, changes)


def _judged(run: Run, other: Run, changes: Changes) -> None:
    """What became of the photos that somebody judged in one of the two runs."""
    judged = own_runs.verdicts(other).all() | own_runs.verdicts(run).all()
    known = int(changes.photos["sample"].isin(list(judged)).sum())
    if not known:
        return
    rows = turned(changes.photos, judged)
    better = int(rows["now_correct"].sum())
    st.markdown(
        f"Of the {count_photos(known)} that you judged, **{len(rows):,} turned**: {better:,} were wrong and are correct now, "
        f"{len(rows) - better:,} were correct and are wrong now, each run under its own labels."
    )
    if not len(rows):
        return
    one, two = short_titles(run, other)
    names = [class_label(name) for name in run.classes]
    table = pd.DataFrame(
        {
            "photo": rows["sample"],
            "is now": ["correct" if now else "wrong" for now in rows["now_correct"]],
            "because of": rows["by"].map(_BECAUSE),
            "verdict": [judged[sample].verdict for sample in rows["sample"]],
            **{
                title: [names[index] for index in rows[column]]
                for title, column in (
                    ("old label", "true_before"),
                    ("new label", "true"),
                    (f"{two} predicts", "predicted_before"),
                    (f"{one} predicts", "predicted_after"),
                )
            },
        }
    )
    st.dataframe(
        table, hide_index=True, height="content" if len(table) <= 12 else 460, alt="The judged photos that turned"
    )
