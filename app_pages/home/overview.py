"""What is this model, how far can it be trusted, and where does it fail?"""

from __future__ import annotations

import streamlit as st

from app_pages.components import download_photos
from app_pages.components.no_results import no_results
from app_pages.components.verdict_effect import verdict_effect
from app_pages.home.what_to_do import what_to_do
from app_pages.state import runs, url
from har_core.analysis.confusion import confused_pairs
from har_core.analysis.scores import Summary, summarize
from har_core.runs.file_names import PREDICTIONS
from har_core.runs.run import Run, shipped_run
from har_core.viz import formats, text
from har_core.viz.formats import class_markdown, count_photos
from har_core.viz.known_text import known_sentence

_NEXT_PAGES = {
    "app_pages/predict/predict.py": ("Try your own photo", ":material/photo_camera:"),
    "app_pages/analysis/confusions.py": ("Which classes are confused", ":material/grid_on:"),
    "app_pages/analysis/errors.py": ("Every misclassified photo", ":material/photo_library:"),
    "app_pages/decide/data.py": ("Wrong labels and copies", ":material/rule:"),
    "app_pages/decide/map.py": ("Where errors gather", ":material/scatter_plot:"),
    "app_pages/analysis/scores.py": ("Scores per class", ":material/bar_chart:"),
    "app_pages/analysis/training.py": ("How it was trained", ":material/monitoring:"),
    "app_pages/analysis/compare.py": ("Compare with other results", ":material/compare_arrows:"),
}
_WITHOUT_ERRORS = {
    "app_pages/analysis/confusions.py": "The confusion matrix",
    "app_pages/analysis/errors.py": "Every photo",
    "app_pages/decide/map.py": "The map of all photos",
}
"""Labels of links, where all is correct."""

_MOST_CLASSES = 20  # that are named
_MOST_SKIPPED = 3  # photos that are named


def page() -> None:
    run = runs.current_run()
    if run.is_scored:
        _results(run)
    else:
        no_results(run)
    _about(run)
    for folder, error in runs.all_runs()[1]:
        words = f"{formats.escape_markdown(folder.name)} cannot be opened. {formats.escape_markdown(str(error))}"
        st.error(words, icon=":material/error:")
    url.publish({})


def _results(run: Run) -> None:
    matrix = runs.confusion_matrix(run)
    summary = summarize(matrix)
    st.title(text.accuracy_headline(summary, unseen=_is_unseen(run)))
    verdict_effect(run)
    if _picked_on_these_photos(run):
        st.caption("Slightly too good: the epoch was picked because it did best on these very photos.")
    with st.expander("How was this measured?"):
        st.markdown("\n".join(f"- {line}" for line in _measurement(run, summary)))
    pairs = confused_pairs(matrix)[:3]
    st.subheader("Most frequent confusions" if pairs else "No photo is misclassified", anchor=False)
    for column, pair in zip(st.columns(3), pairs, strict=False):
        true, predicted = run.classes[pair.true], run.classes[pair.predicted]
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{formats.capitalize(class_markdown(true))}** predicted as **{class_markdown(predicted)}**")
            bounds = formats.interval(pair.low, pair.high, decimals=0)
            st.caption(f"{count_photos(pair.count)}: {formats.share(pair.share)} of {class_markdown(true)} ({bounds})")
            st.page_link(
                "app_pages/analysis/confusions.py",
                label="See the photos",
                icon=":material/photo_library:",
                query_params=url.query(true=true, predicted=predicted),
            )
    if run.has(PREDICTIONS):
        what_to_do(run)
    if download_photos.are_missing(run):
        download_photos.say_with_way(run, "The photos behind these numbers are not on this machine.")
    st.subheader("Where to go next", anchor=False)
    with st.container(horizontal=True):
        for target, (label, icon) in _NEXT_PAGES.items():
            shown = label if pairs else _WITHOUT_ERRORS.get(target, label)
            every = "all" if not pairs and target.endswith("errors.py") else None
            st.page_link(target, label=shown, icon=icon, query_params=url.query(show=every))


def _is_unseen(run: Run) -> bool:
    """Whether the run says that the photos measured on took no part in its training."""
    data = run.manifest.data
    return data.train is not None and data.test is not None


def _picked_on_these_photos(run: Run) -> bool:
    """Whether the shipped epoch is the best one on the photos measured on."""
    training, data = run.manifest.training, run.manifest.data
    return training.checkpoint == "best" and _is_unseen(run) and training.selected_on in (None, data.eval_split)


def _measurement(run: Run, summary: Summary) -> list[str]:
    """How the accuracy came about, as far as the manifest says it."""
    manifest = run.manifest
    data, training = manifest.data, manifest.training
    lines = [
        f"{summary.correct:,} of {count_photos(summary.n)} are predicted correctly. The 95\u00a0% interval (Wilson) is "
        f"{formats.interval(*summary.interval)}.",
        f"Macro F1 is {summary.macro_f1:.3f}.",
    ]
    if _is_unseen(run):
        split = f" The split: {formats.escape_markdown(data.split)}." if data.split else ""
        lines.append(f"These {data.eval_split} photos took no part in the training.{split}")
    if data.near_duplicates_dropped:
        dropped = count_photos(data.near_duplicates_dropped_count or len(data.near_duplicates_dropped))
        lines.append(
            f"{dropped} that are nearly identical to {data.eval_split} photos were dropped from the training set."
        )
    if training.epoch is not None:
        if training.checkpoint == "best":
            where = "on the photos measured here" if _picked_on_these_photos(run) else "on others"
            lines.append(f"The weights are those of epoch {training.epoch}, the best {where}.")
        elif training.soup_size > 1:
            lines.append(f"No epoch was picked: the weights are the mean of those of {training.soup_size} trainings.")
        else:
            lines.append(f"No epoch was picked: the weights are those of epoch {training.epoch}, the last.")
    if run.has(PREDICTIONS) and not (known := runs.known(run)).every_class:
        lines.append(known_sentence(known))
    if manifest.note:
        lines.append(formats.escape_markdown(manifest.note))
    return lines


def _about(run: Run) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("About this model", anchor=False)
        st.markdown("\n".join(f"- {line}" for line in _facts(run)))
    if run.classes != shipped_run().classes:  # what is said here is said of the photos of one data set
        return
    with right:
        st.subheader("What it must not be used for", anchor=False)
        st.markdown(
            "- decisions about a person: the photos come from the web, with labels of unknown origin, some of them wrong\n"
            "- watching people, or judging their work, health or behavior\n"
            "- recognizing who somebody is\n"
            "- photos unlike those it was trained on: drawings, night shots, crowds, surveillance cameras"
        )


def _facts(run: Run) -> list[str]:
    """What the manifest says, as far as it says it."""
    manifest = run.manifest
    model, data = manifest.model, manifest.data
    facts = []
    if manifest.source:
        facts.append(f"Source: {formats.escape_markdown(manifest.source)}")
    if model.architecture:
        weights = formats.escape_markdown(model.starting_weights or "unknown weights")
        facts.append(f"{formats.escape_markdown(model.architecture)}, fine-tuned from {weights}")
        facts.append(text.what_it_sees(model.views, model.crop_size, whole=model.fit == "squash"))
    if data.train is not None and data.test is not None:
        facts.append(f"Trained on {count_photos(data.train)}, evaluated on {data.test:,} others.")
    if data.skipped:
        shown = "; ".join(map(formats.escape_markdown, data.skipped[:_MOST_SKIPPED]))
        count = data.skipped_count or len(data.skipped)
        more = " …" if count > _MOST_SKIPPED else ""
        facts.append(f"{count_photos(count)} were not used: {shown}{more}")
    named = ", ".join(class_markdown(name) for name in run.classes[:_MOST_CLASSES])
    more = " …" if len(run.classes) > _MOST_CLASSES else ""
    facts.append(f"It knows {len(run.classes)} classes, {named}{more}, and often names one where a photo shows none.")
    return facts


page()
