"""What is this model, how far can it be trusted, and where does it fail?"""

from __future__ import annotations

from typing import Any

import streamlit as st

from har_core import analysis, words
from har_core.runs import Run
from har_core.words import readable
from pages import _data, _shared, _url


def page() -> None:
    run = _data.current_run()
    if run.scored:
        _scored(run)
    else:
        _shared.not_scored(run)
    _about(run)
    for folder, error in _data.all_runs()[1]:
        st.error(f"{folder.name} is left out. {error}", icon=":material/error:")
    _url.publish({})


def _scored(run: Run) -> None:
    counts = _data.counts(run)
    found = analysis.summary(counts)
    low, high = found.interval
    unseen = " it was not trained on" if "validation" in run.card.get("data", {}) else ""
    st.title(f"{words.share(found.accuracy)} right on {words.photos(found.n)}{unseen}")
    chosen = run.card.get("training", {}).get("best_epoch")
    config = run.card.get("config", {})
    picked, members = config.get("selection", "best") == "best", config.get("members", 1)
    whose = f"those of epoch {chosen}, the last" if members == 1 else f"the mean of those of {members} trainings"
    st.markdown(
        f"**{run.title}** knows {len(run.classes)} actions. The 95 % interval is {low * 100:.1f} to {high * 100:.1f} %, "
        f"macro F1 {found.macro_f1:.3f}."
        + (
            (
                f" Read it as slightly too good: epoch {chosen} was picked because it did best on these very photos."
                if picked
                else f" No epoch was picked on these photos: the weights are {whose}."
            )
            if chosen
            else ""
        )
    )
    if "note" in run.card:
        st.caption(words.plain(run.card["note"]))
    ranked = analysis.confusions(counts)[:3]
    st.subheader("Its worst confusions" if ranked else "It confuses nothing here", anchor=False)
    for column, row in zip(st.columns(3), ranked, strict=False):
        true, predicted = run.classes[row.true], run.classes[row.predicted]
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{words.capital(readable(true))}** taken for **{readable(predicted)}**")
            bounds = f"{row.low * 100:.0f} to {row.high * 100:.0f} %"
            st.caption(f"{words.photos(row.photos)}: {words.share(row.share)} of {readable(true)} ({bounds})")
            st.page_link(
                "pages/confusions.py",
                label="See the photos",
                icon=":material/photo_library:",
                query_params=_url.query(true=true, predicted=predicted),
            )
    st.subheader("Where to go next", anchor=False)
    ways = {
        "pages/predict.py": ("Try your own photo", ":material/photo_camera:"),
        "pages/confusions.py": ("Which actions are confused", ":material/grid_on:"),
        "pages/errors.py": ("Every misclassified photo", ":material/photo_library:"),
        "pages/scores.py": ("Action by action", ":material/bar_chart:"),
        "pages/training.py": ("How it was trained", ":material/monitoring:"),
        "pages/compare.py": ("Against other results", ":material/compare_arrows:"),
    }
    with st.container(horizontal=True):
        for target, (label, icon) in ways.items():
            st.page_link(target, label=label, icon=icon, query_params=_url.query())


def _about(run: Run) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("What it is", anchor=False)
        st.markdown("\n".join(f"- {line}" for line in _facts(run)))
    with right:
        st.subheader("What it is not for", anchor=False)
        st.markdown(
            "- deciding anything about a person: such photos come from the web, labelled by unknown hands, with wrong and "
            "doubtful labels among them\n"
            "- watching people, or judging their work, health or behaviour\n"
            "- recognising who somebody is\n"
            "- photos unlike those it was trained on: drawings, night shots, crowds, surveillance cameras"
        )


def _facts(run: Run) -> list[str]:
    """What the card says, as far as it says it."""
    card: dict[str, Any] = run.card
    model, data = card.get("model", {}), card.get("data", {})
    facts = []
    if "source" in card:
        facts.append(f"from: {words.plain(card['source'])}")
    if "architecture" in model:
        facts.append(f"{model['architecture']}, started from {model.get('starting_weights', 'unknown weights')}")
    if "training" in data:
        facts.append(
            f"trained on {data['training']:,} photos, scored on {data['validation']:,} others ({data.get('split', '')})"
        )
    if "soft_labels" in data:
        facts.append(
            f"learned from {words.photos(data['soft_labels'])} without labels too, by what an earlier model made of them"
        )
    if "crop_size" in model:
        facts.append(
            f"sees the centre of a photo, {model['crop_size']} × {model['crop_size']} pixels, and nothing else of it"
        )
    if isinstance(left_out := data.get("left_out_of_training"), list) and left_out:
        facts.append(f"{words.photos(len(left_out))} did not train, being nearly identical to scored ones")
    if card.get("data", {}).get("skipped"):
        facts.append(f"{len(data['skipped'])} files were left out of its data; its card names them")
    actions = ", ".join(readable(name) for name in run.classes[:20])
    facts.append(f"knows {actions}{' …' if len(run.classes) > 20 else ''}, and always answers with one of these")
    return facts


page()
