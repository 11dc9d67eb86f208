"""A person's verdict on a photo: who is wrong here?"""

from __future__ import annotations

import streamlit as st

from app_pages.state import own_runs
from app_pages.state.judging import Subject, failures, judging
from har_core.errors import RunError
from har_core.runs.run import Run
from har_core.runs.verdicts import MAX_NOTE, MAX_TAG, NO_CLASS, Kind, Verdict
from har_core.viz.formats import class_label, escape_markdown


def photo_verdict(run: Run, subject: Subject, given: Verdict | None) -> None:
    """The choice, a note and tags, saved as soon as they are made."""
    st.markdown("Your verdict")
    verdict_choice(run, subject, given)
    st.caption(f"Keys: 1 to {len(subject.verdicts)} judge, the arrows turn to the next photo.")
    verdict_words(run, subject, given)


def verdict_choice(run: Run, subject: Subject, given: Verdict | None) -> None:
    """A button for each verdict, and the right label of one that is wrong.

    Buttons, not a choice of Streamlit's: that keeps the arrow keys to itself once it was clicked.  The keyboard's digits
    come by way of `photo_keys` and `photo_grid`.
    """
    key, allowed = _key(run, subject.sample), own_runs.may_judge(run)
    with st.container(horizontal=True, gap="xsmall"):
        for number, kind in enumerate(subject.verdicts, start=1):
            chosen = given is not None and given.verdict == kind
            st.button(
                kind,
                key=f"{key}-{number}",
                type="primary" if chosen else "secondary",
                icon=":material/check:" if chosen else None,
                disabled=not allowed,
                on_click=_judge,
                args=(run, subject, kind),
            )
    if given is not None and given.verdict == "label is wrong":
        _right_label(run, subject, given, key, allowed=allowed)
    if (failed := failures().pop(subject.sample, None)) is not None:
        st.error(escape_markdown(failed), icon=":material/error:")
    if not allowed:
        st.caption("Only the person who starts the app may judge photos (`-- --trust-visitors` lets everyone).")


def verdict_words(run: Run, subject: Subject, given: Verdict | None) -> None:
    """A note on the verdict, and the photo's tags."""
    key, allowed = _key(run, subject.sample), own_runs.may_judge(run)
    st.session_state.setdefault(f"{key}-note", given.note if given else "")
    st.text_input(
        "Note",
        key=f"{key}-note",
        max_chars=MAX_NOTE,
        placeholder="Why? For whoever reads it later" if given is not None else "Judge first, then say why",
        on_change=_annotate,
        args=(run, subject.sample),
        disabled=not allowed or given is None,
    )
    _tags(run, subject.sample, allowed=allowed)


def _key(run: Run, sample: str) -> str:
    return f"verdict-{run.folder}-{sample}"


def _judge(run: Run, subject: Subject, verdict: Kind) -> None:
    """Save a verdict; the one that was given already is taken back."""
    save = judging(run, lambda sample: subject)
    if save is not None:
        save([subject.sample], subject.verdicts.index(verdict))


def _right_label(run: Run, subject: Subject, given: Verdict, key: str, *, allowed: bool) -> None:
    """Which label is right, at first the one that is suggested."""
    options = ["", *(name for name in run.classes if name != subject.label), NO_CLASS]
    shown = f"{key}-label-{given.label}"  # a new widget for what was not chosen here
    st.selectbox(
        "The right label",
        options,
        index=options.index(given.label) if given.label in options else 0,
        format_func=lambda name: class_label(name) if name else "not told",
        key=shown,
        on_change=lambda: _relabel(run, subject.sample, st.session_state[shown]),
        disabled=not allowed,
    )


def _tags(run: Run, sample: str, *, allowed: bool) -> None:
    """The photo's tags: those that there are, or new ones."""
    store, key = own_runs.verdicts(run), f"tags-{run.folder}-{sample}"
    known = store.tags()
    st.session_state.setdefault(key, list(known.get(sample, ())))

    def change() -> None:
        try:
            store.set_tags({sample: st.session_state[key]})
        except RunError as error:
            failures()[sample] = str(error)

    st.multiselect(
        "Tags",
        sorted({tag for tags in known.values() for tag in tags} | set(st.session_state[key])),
        key=key,
        accept_new_options=True,
        placeholder=f"Choose or type one (up to {MAX_TAG} characters)",
        on_change=change,
        disabled=not allowed,
    )


def _relabel(run: Run, sample: str, label: str) -> None:
    """Of a verdict as it stands now: it may have been changed, or taken back, since the page was drawn."""
    given = own_runs.verdicts(run).all().get(sample)
    if given is not None and given.verdict == "label is wrong":
        _change(run, sample, given.verdict, label)


def _annotate(run: Run, sample: str) -> None:
    given = own_runs.verdicts(run).all().get(sample)
    if given is not None:
        _change(run, sample, given.verdict, given.label)


def _change(run: Run, sample: str, verdict: Kind, label: str) -> None:
    store, key = own_runs.verdicts(run), _key(run, sample)
    try:
        store.set(sample, verdict, st.session_state.get(f"{key}-note", ""), label)
    except RunError as error:
        failures()[sample] = str(error)
