"""Of the overview: what the errors call for, with what is gained at most, each a link."""

from __future__ import annotations

import streamlit as st

from app_pages.decide.duplicates_part import leaks
from app_pages.state import groups, own_runs, runs, url
from app_pages.state.suspects import suspects
from har_core.analysis.error_kinds import PREFIX, ErrorKindCount, count_kinds
from har_core.runs.run import Run
from har_core.viz.formats import count_photos
from har_core.viz.known_text import instead_sentence

_WORDS = {
    "label": ("Labels that may be wrong", "Look at them and correct what is wrong."),
    "ambiguous": (
        "Too close to call",
        "The label came second by a hair: both may fit. Merge or redefine the two classes.",
    ),
    "model": ("Errors of the model", "More photos like these, a better model, or an answer only where it is sure."),
}


def what_to_do(run: Run) -> None:
    """For a run with predictions."""
    examples, judged = runs.examples(run), own_runs.verdicts(run).all()
    counts = count_kinds(examples, groups.error_kinds_of(run), judged)
    total = sum(count.photos for count in counts)
    if not total:
        return
    known = runs.known(run)
    guessed = {"label": suspects(run) is not None or known.every_class, "ambiguous": known.margin, "model": True}
    st.subheader("What to do about the errors", anchor=False)
    shown = [count for count in counts if guessed[count.kind] or count.photos]
    for column, count in zip(st.columns(3), shown, strict=False):
        with column.container(border=True, height="stretch"):
            _card(count, all_guessed=all(guessed.values()))
    if not all(guessed.values()):
        guesses = {"label": "which labels may be wrong", "ambiguous": "which errors are too close to call"}
        missing = [words for kind, words in guesses.items() if not guessed[kind]]
        st.caption(f"{instead_sentence(known, every_class=missing)} Without, your verdicts say it.")
    found = leaks(run)
    if found:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                f"{count_photos(found)} of the test {'shows' if found == 1 else 'show'} what a training photo shows too: the "
                "score may be a little too good."
            )
            st.page_link(
                "app_pages/decide/data.py",
                label="See the copies",
                icon=":material/content_copy:",
                query_params=url.query(part="copies"),
            )


def _card(count: ErrorKindCount, *, all_guessed: bool) -> None:
    title, remedy = _WORDS[count.kind]
    if count.kind == "model" and not all_guessed and count.judged < count.photos:
        title += ", or not judged yet"
        remedy = "Is the label wrong, do both classes fit, or is the model wrong? Look, and say it."
    judged = f", {count.judged:,} by your verdicts" if count.judged else ""
    st.markdown(f"**{title}**: {count_photos(count.photos)}{judged}")
    if not count.photos:
        st.caption("Nothing to do here.")
        return
    st.caption(f"{remedy} At most {count.points:.1f} points of accuracy.")
    st.page_link(
        "app_pages/analysis/errors.py",
        label="Look and judge",
        icon=":material/grid_view:",
        query_params=url.query(group=PREFIX + count.kind, view="grid"),
    )
