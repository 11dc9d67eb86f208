"""Which of two runs is better, where, and on which photos?"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app_pages.analysis.drift_part import drift_part
from app_pages.components.changed_photos import Changes, changed_photos, changes_between
from app_pages.components.matrix_view import matrix_view
from app_pages.components.other_labels import other_labels
from app_pages.components.run_title import run_title, short_titles
from app_pages.state import runs, url
from har_core.analysis.compare import paired_matrices
from har_core.analysis.confusion import Normalize, normalize
from har_core.analysis.scores import Summary, class_scores, summarize, wilson_intervals
from har_core.runs.file_names import PREDICTIONS
from har_core.runs.run import Run, assets_folder, shipped_run
from har_core.viz import figures, formats, text
from har_core.viz.formats import class_label, class_markdown, count_photos, escape_markdown
from har_core.viz.matrix_table import difference_table

_STYLE = """<style>
.st-key-published td:first-child p { overflow-wrap: anywhere }
.st-key-compared thead th:not(:last-child) p { overflow-wrap: anywhere !important }
</style>"""  # long sources and titles fit on a phone


def page() -> None:
    st.html(_STYLE)
    run = runs.current_run()
    named = {name: other for name, other in runs.all_runs()[0].items() if other.folder != run.folder}
    comparable = [name for name, other in named.items() if other.classes == run.classes and other.is_scored]
    if not comparable or not run.is_scored:
        run_title(lambda name: f"Nothing to compare {name} with", run)
        st.info("A comparison needs two evaluated runs with the same classes.", icon=":material/info:")
        _published_results(run)
        url.publish({})
        return
    comparable.sort(key=lambda name: not named[name].has(PREDICTIONS))
    known = {name: name for name in comparable}
    known |= {old: new for old, new in url.RENAMED_RUNS.items() if new in comparable and old not in comparable}
    key = url.seed(f"compare-{run.folder}", "with", comparable[0], url.one_of(known))
    labels, top = runs.labels(named), st.container()
    st.selectbox("Compare with", comparable, format_func=lambda name: labels[name], width=340, **url.widget(key))
    other = named[st.session_state[key]]
    before, after = runs.confusion_matrix(other), runs.confusion_matrix(run)
    changes = changes_between(run, other)
    shared = 0 if changes is None else len(changes.photos)
    some_alone = bool(shared) and not shared == before.sum() == after.sum()
    if changes is not None and (changes.relabeled or some_alone):
        # what each says under its own labels, or of photos of its own, cannot be compared
        before, after = paired_matrices(changes.photos, classes=len(run.classes))
    with top:
        _headline(run, other, summarize(before), summarize(after), changes)
        if some_alone:
            st.caption(f"All on this page is of the {formats.count_photos(shared)} that both were evaluated on.")
    for compared in (run, other):
        if compared.manifest.note:
            st.caption(escape_markdown(f"{compared.title}: {compared.manifest.note}"))
    if changes is not None and changes.relabeled:
        other_labels(run, other, changes)
    _class_scores(run, other, before, after)
    _matrix_difference(run, before, after)
    changed_photos(run, other, changes)
    drift_part(run, other)
    _published_results(run)
    url.publish({"with": st.session_state[key]})


def _headline(run: Run, other: Run, before: Summary, after: Summary, changes: Changes | None) -> None:
    points = (after.accuracy - before.accuracy) * 100
    apart = changes is not None and changes.photos.empty
    one, two = map(escape_markdown, short_titles(run, other))
    if changes is not None and len(changes.photos) == after.n == before.n:
        certain = changes.test.p < 0.05
    else:
        certain = not (_contains(before.interval, after.accuracy) or _contains(after.interval, before.accuracy))
    if apart:
        run_title(lambda one, two: f"{one} and {two} were evaluated on different photos", run, other)
    else:
        run_title(lambda one, two: text.difference_headline(one, two, points, certain=certain), run, other)
    columns = {}
    for title, summary in ((one, after), (two, before)):
        columns[title] = {
            "accuracy": formats.share(summary.accuracy, decimals=2),
            "95 % interval": formats.interval(*summary.interval),
            "correct": f"{summary.correct:,} of {summary.n:,}",
            "macro F1": f"{summary.macro_f1:.4f}",
            "weighted F1": f"{summary.weighted_f1:.4f}",
        }
    columns["difference"] = {
        "accuracy": f"{_difference(before.accuracy * 100, after.accuracy * 100, 2):+.2f} points",
        "macro F1": f"{_difference(before.macro_f1, after.macro_f1, 4):+.4f}",
        "weighted F1": f"{_difference(before.weighted_f1, after.weighted_f1, 4):+.4f}",
    }
    with st.container(key="compared"):
        st.table(pd.DataFrame(columns).fillna(""), alt="Scores of both runs and their difference")


def _difference(before: float, after: float, decimals: int) -> float:
    """Of the numbers as they are shown."""
    return round(after, decimals) - round(before, decimals)


def _contains(bounds: tuple[float, float], value: float) -> bool:
    return bounds[0] <= value <= bounds[1]


def _class_scores(run: Run, other: Run, before: np.ndarray, after: np.ndarray) -> None:
    one, two = short_titles(run, other)
    first, second = class_scores(before, run.classes), class_scores(after, run.classes)
    in_both = (first["support"] > 0) & (
        second["support"] > 0
    )  # elsewhere a difference would be one of photos, not of models
    change = (second["f1"] - first["f1"]).where(in_both, 0.0)
    best, worst = int(change.to_numpy().argmax()), int(change.to_numpy().argmin())
    st.subheader("F1 of each class", anchor=False)
    extremes = []
    if change[best] > 0:
        extremes.append(f"{class_markdown(run.classes[best])} gains most ({change[best]:+.2f})")
    if change[worst] < 0:
        extremes.append(f"{class_markdown(run.classes[worst])} loses most ({change[worst]:+.2f})")
    st.markdown(formats.capitalize(", ".join(extremes)) + "." if extremes else "No class changes.")
    order = change[in_both].sort_values(kind="stable").index
    if not in_both.all():
        st.caption(f"{in_both.sum()} of {len(in_both)} classes have photos in both; the others are not compared.")
    if len(order):
        st.plotly_chart(
            figures.class_score_changes(
                first["f1"][order], second["f1"][order], [run.classes[i] for i in order], (two, one)
            ),
            config={"displayModeBar": False},
            alt="F1 of each class in both runs",
        )
    with st.expander("All scores and their differences"):
        table = pd.DataFrame({"class": [class_label(name) for name in run.classes]})
        for name in ("precision", "recall", "f1"):
            shown = first[name].round(4), second[name].round(4)
            table[f"{name}, {two}"], table[f"{name}, {one}"] = shown
            table[f"{name}, difference"] = (shown[1] - shown[0]).round(4)
        st.dataframe(table, hide_index=True, placeholder="–", height="content" if len(table) <= 20 else 640)


def _matrix_difference(run: Run, before: np.ndarray, after: np.ndarray) -> None:
    same = bool((before.sum(axis=1) == after.sum(axis=1)).all())
    by: Normalize = "none" if same else "true"
    change = normalize(after, by) - normalize(before, by)
    change[(before.sum(axis=1) == 0) | (after.sum(axis=1) == 0)] = 0  # what one was not asked is no change
    st.subheader("What changed in the matrix", anchor=False)
    errors = change - np.diag(np.diag(change))
    largest = []
    for flat in np.argsort(-np.abs(errors), axis=None, kind="stable")[:3]:
        true, predicted = np.unravel_index(flat, errors.shape)
        value = errors[true, predicted]
        if value:
            amount = f"{value:+.0f} photos" if same else f"{value * 100:+.1f} points of its photos"
            names = class_markdown(run.classes[true]), class_markdown(run.classes[predicted])
            largest.append(f"{names[0]} predicted as {names[1]}: {amount}")
    st.markdown(
        "Confusions that changed most: " + "; ".join(largest) + "." if largest else "The matrices are the same."
    )
    matrix_view(
        difference_table(change, run.classes, as_percent=not same),
        key="matrix-difference",
        label="Difference of the two confusion matrices",
    )
    st.caption("Blue is better: more photos on the diagonal, fewer elsewhere. Orange is worse.")
    if not same:
        st.caption("The runs were evaluated on different numbers of photos, so shares of the true class are compared.")


def _published_results(run: Run) -> None:
    """Other results on the photos of the shipped run, each with its protocol, if this run is about the same classes."""
    if run.classes != shipped_run().classes:
        return
    published = json.loads((assets_folder() / "published.json").read_text(encoding="utf-8"))
    st.subheader("Other published results on this data set", anchor=False)
    results: list[dict[str, Any]] = published["results"]
    photos = np.array([one["n"] for one in results])
    low, high = wilson_intervals((np.array([one["accuracy"] for one in results]) * photos).round(), photos)
    table = pd.DataFrame(
        [
            {
                "model": f"**{escape_markdown(one['model'])}** {escape_markdown(one['source'])}",
                "accuracy (95 %)": f"{one['accuracy']:.4f} ({formats.interval(*bounds)})",
                "macro F1": f"{one['macro_f1']:.3f}" if "macro_f1" in one else "–",
                "protocol": f"{escape_markdown(one['protocol'])}; {count_photos(one['n'])}",
            }
            for one, *bounds in zip(results, low, high, strict=True)
        ]
    )
    with st.container(key="published"):
        st.table(table, hide_index=True, alt="Published accuracies with the protocol of each")
    st.caption(
        "Read the protocol before the number: an epoch or a model that was picked on the test photos looks better than "
        f"it is. {published['not_counted']}"
    )


page()
