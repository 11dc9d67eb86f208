"""A person's verdict on a prediction: who is wrong here?"""

from __future__ import annotations

import streamlit as st

from app_pages.state import own_runs, runs
from har_core.errors import RunError
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
    if (failed := st.session_state.pop(f"{key}-error", None)) is not None:
        st.error(failed, icon=":material/error:")
    if not allowed:
        st.caption("Only the person who starts the app may judge photos (`-- --trust-visitors` lets everyone).")


def verdicts_on(run: Run, sample: str) -> tuple[Kind, ...]:
    """The verdicts that there can be on a photo, in the order of their keys."""
    return kinds(correct=not _predicted_instead(run, sample))


def judge(run: Run, sample: str, verdict: Kind) -> None:
    """Save a verdict; the one that was given already is taken back."""
    given = own_runs.verdicts(run).all().get(sample)
    again = given is not None and given.verdict == verdict
    label = _predicted_instead(run, sample) if verdict == "label is wrong" else ""
    _save(run, sample, None if again else verdict, label)


def _right_label(run: Run, sample: str, given: Verdict, key: str, *, allowed: bool) -> None:
    """Which label is right, at first the predicted one."""
    options = ["", *run.classes, NO_CLASS]
    shown = f"{key}-label-{given.label}"  # a new widget for what was not chosen here
    st.selectbox(
        "The right label",
        options,
        index=options.index(given.label) if given.label in options else 0,
        format_func=lambda name: class_label(name) if name else "not told",
        key=shown,
        on_change=lambda: _save(run, sample, given.verdict, st.session_state[shown]),
        disabled=not allowed,
    )


def _predicted_instead(run: Run, sample: str) -> str:
    """The predicted class, if it is not that of the label."""
    predictions = runs.predictions(run)
    (row,) = (predictions.samples == sample).nonzero()[0][:1]
    predicted = int(predictions.probabilities[row].argmax())
    return run.classes[predicted] if predicted != predictions.true[row] else ""


def _annotate(run: Run, sample: str) -> None:
    given = own_runs.verdicts(run).all().get(sample)
    _save(run, sample, given.verdict if given else None, given.label if given else "")


def _save(run: Run, sample: str, verdict: Kind | None, label: str) -> None:
    store, key = own_runs.verdicts(run), f"verdict-{run.folder}-{sample}"
    try:
        if verdict is None:
            store.remove(sample)
        else:
            store.set(sample, verdict, st.session_state.get(f"{key}-note", ""), label)
    except RunError as error:
        st.session_state[f"{key}-error"] = str(error)
