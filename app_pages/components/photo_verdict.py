"""A person's verdict on a prediction: who is wrong here?"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app_pages.state import own_runs, runs
from har_core.errors import RunError
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run
from har_core.runs.verdicts import MAX_NOTE, NO_CLASS, Kind, Verdict, kinds
from har_core.viz.text import class_label


def photo_verdict(run: Run, sample: str, given: Verdict | None) -> None:
    """The choice and a note, saved as soon as they are made.

    Buttons, not a choice of Streamlit's: that keeps the arrow keys to itself once it was clicked.  The keyboard's digits
    come by way of `photo_keys`.
    """
    key = f"verdict-{run.folder}-{sample}"
    possible = verdicts_on(run, sample)
    allowed = own_runs.may_judge(run)
    st.session_state.setdefault(f"{key}-note", given.note if given else "")
    st.markdown("Your verdict")
    with st.container(horizontal=True, gap="xsmall"):
        for number, kind in enumerate(possible, start=1):
            chosen = given is not None and given.verdict == kind
            st.button(
                kind,
                key=f"{key}-{number}",
                type="primary" if chosen else "secondary",
                icon=":material/check:" if chosen else None,
                disabled=not allowed,
                on_click=judge,
                args=(run, sample, kind),
            )
    if given is not None and given.verdict == "label is wrong":
        _right_label(run, sample, given, key, allowed=allowed)
    st.caption(f"Keys: 1 to {len(possible)} judge, the arrows turn to the next photo.")
    st.text_input(
        "Note",
        key=f"{key}-note",
        max_chars=MAX_NOTE,
        placeholder="Why? For whoever reads it later",
        on_change=_annotate,
        args=(run, sample),
        disabled=not allowed or given is None,
    )
    if (failed := _failures().pop(sample, None)) is not None:
        st.error(failed, icon=":material/error:")
    if not allowed:
        st.caption("Only the person who starts the app may judge photos (`-- --trust-visitors` lets everyone).")


def verdicts_on(run: Run, sample: str) -> tuple[Kind, ...]:
    """The verdicts that there can be on a photo, in the order of their keys."""
    return kinds(correct=not _predicted_instead(runs.predictions(run), sample))


def judge(run: Run, sample: str, verdict: Kind) -> None:
    """Save a verdict; the one that was given already is taken back."""
    judge_now = judging(run)
    if judge_now is not None:
        judge_now(sample, verdicts_on(run, sample).index(verdict))


def judging(run: Run) -> Callable[[str, int], None] | None:
    """What saves a verdict, given by its place in `verdicts_on`, without another look into the session; None if this visitor may
    not judge.

    A verdict that was given already is taken back.
    """
    if not own_runs.may_judge(run):
        return None
    store, predictions, failed = own_runs.verdicts(run), runs.predictions(run), _failures()

    def save(sample: str, place: int) -> None:
        instead = _predicted_instead(predictions, sample)
        verdict = kinds(correct=not instead)[place]
        try:
            given = store.all().get(sample)
            if given is not None and given.verdict == verdict:
                store.remove(sample)
            else:
                label = instead if verdict == "label is wrong" else ""
                store.set(sample, verdict, given.note if given is not None else "", label)
        except RunError as error:
            failed[sample] = str(error)

    return save


def _failures() -> dict[str, str]:
    """Sample → why its verdict could not be saved, until that has been shown."""
    failures: dict[str, str] = st.session_state.setdefault("verdict-failures", {})
    return failures


def _right_label(run: Run, sample: str, given: Verdict, key: str, *, allowed: bool) -> None:
    """Which label is right, at first the predicted one."""
    predictions = runs.predictions(run)
    labeled = run.classes[int(predictions.true[(predictions.samples == sample).nonzero()[0][0]])]
    options = ["", *(name for name in run.classes if name != labeled), NO_CLASS]
    shown = f"{key}-label-{given.label}"  # a new widget for what was not chosen here
    st.selectbox(
        "The right label",
        options,
        index=options.index(given.label) if given.label in options else 0,
        format_func=lambda name: class_label(name) if name else "not told",
        key=shown,
        on_change=lambda: _change(run, sample, given.verdict, st.session_state[shown]),
        disabled=not allowed,
    )


def _predicted_instead(predictions: Predictions, sample: str) -> str:
    """The predicted class, if it is not that of the label."""
    row = int((predictions.samples == sample).nonzero()[0][0])
    predicted = int(predictions.probabilities[row].argmax())
    return predictions.classes[predicted] if predicted != predictions.true[row] else ""


def _annotate(run: Run, sample: str) -> None:
    given = own_runs.verdicts(run).all().get(sample)
    if given is not None:
        _change(run, sample, given.verdict, given.label)


def _change(run: Run, sample: str, verdict: Kind, label: str) -> None:
    store, key = own_runs.verdicts(run), f"verdict-{run.folder}-{sample}"
    try:
        store.set(sample, verdict, st.session_state.get(f"{key}-note", ""), label)
    except RunError as error:
        _failures()[sample] = str(error)
