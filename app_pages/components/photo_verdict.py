"""A person's verdict on a prediction: who is wrong here?"""

from __future__ import annotations

import streamlit as st

from app_pages.state import own_runs
from har_core.errors import RunError
from har_core.runs.run import Run
from har_core.runs.verdicts import MAX_NOTE, VERDICTS, Verdict


def photo_verdict(run: Run, sample: str, given: Verdict | None) -> None:
    """The choice and a note, saved as soon as they are made."""
    store, key = own_runs.verdicts(run), f"verdict-{run.folder}-{sample}"
    allowed = own_runs.may_judge(run)
    st.session_state.setdefault(key, given.verdict if given else None)
    st.session_state.setdefault(f"{key}-note", given.note if given else "")

    def save() -> None:
        chosen = st.session_state[key]
        try:
            if chosen is None:
                store.remove(sample)
            else:
                store.set(sample, chosen, st.session_state[f"{key}-note"])
        except RunError as error:
            st.session_state[key] = given.verdict if given else None  # what is on the disk
            st.session_state[f"{key}-error"] = str(error)

    st.segmented_control("Your verdict", VERDICTS, key=key, on_change=save, disabled=not allowed)
    st.text_input(
        "Note",
        key=f"{key}-note",
        max_chars=MAX_NOTE,
        placeholder="Why? For whoever reads it later",
        on_change=save,
        disabled=not allowed or st.session_state[key] is None,
    )
    if (failed := st.session_state.pop(f"{key}-error", None)) is not None:
        st.error(failed, icon=":material/error:")
    if not allowed:
        st.caption("Only the person who starts the app may judge photos (`-- --trust-visitors` lets everyone).")
