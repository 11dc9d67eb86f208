"""Verdicts as a visitor gives them: on one photo or on many, taken back, undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import streamlit as st

from app_pages.state import own_runs, runs
from har_core.errors import RunError
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run
from har_core.runs.verdicts import Kind, Verdict, kinds

_STEPS = 200  # that can be undone


class Subject(NamedTuple):
    """What is judged: a photo's label, and the class that is said to be right instead; empty if it is the same.

    `misclassified`: whether the model says something else than the label; of a training photo nobody asked it.
    """

    sample: str
    label: str
    instead: str
    misclassified: bool

    @property
    def verdicts(self) -> tuple[Kind, ...]:
        """Those that there can be, in the order of their keys."""
        return kinds(correct=not self.misclassified)


def scored_subject(run: Run, sample: str) -> Subject:
    """A photo of the evaluation: its label and its prediction."""
    return _subject(runs.predictions(run), sample)


def _subject(predictions: Predictions, sample: str) -> Subject:
    row = int((predictions.samples == sample).nonzero()[0][0])
    label, predicted = int(predictions.true[row]), int(predictions.probabilities[row].argmax())
    classes = predictions.classes
    return Subject(sample, classes[label], classes[predicted] if predicted != label else "", predicted != label)


def judging(
    run: Run, subject_of: Callable[[str], Subject] | None = None
) -> Callable[[Sequence[str], int], None] | None:
    """What saves a verdict, given by its place in `Subject.verdicts`, on photos, without another look into the session; None if
    this visitor may not judge.

    A verdict that all of the photos have already is taken back.

    Args:
        subject_of: a photo's name → what is judged; by default of the photos of the evaluation.
    """
    if not own_runs.may_judge(run):
        return None
    predictions = runs.predictions(run)  # now: later a look at the session may break the work off
    store, failed, steps = own_runs.verdicts(run), failures(), _steps(run)
    find = subject_of or (lambda sample: _subject(predictions, sample))

    def save(samples: Sequence[str], place: int) -> None:
        try:
            given = store.all()
            before = {sample: given.get(sample) for sample in samples}
            after = {sample: _judged(find(sample), place, before[sample]) for sample in samples}
            same = all(old is not None and old.verdict == after[name].verdict for name, old in before.items())
            store.set_all(dict.fromkeys(samples) if same else after)
            steps.append(before)
            del steps[:-_STEPS]
        except RunError as error:
            failed.update(dict.fromkeys(samples, str(error)))

    return save


def undoing(run: Run) -> Callable[[], list[str]] | None:
    """What takes the session's last change of verdicts back and returns the photos it was about; None if this visitor may not judge."""
    if not own_runs.may_judge(run):
        return None
    store, failed, steps = own_runs.verdicts(run), failures(), _steps(run)

    def undo() -> list[str]:
        if not steps:
            return []
        before = steps[-1]
        try:
            store.set_all(before)
            del steps[-1]
        except RunError as error:
            failed.update(dict.fromkeys(before, str(error)))
        return list(before)

    return undo


def is_undoable(run: Run) -> bool:
    """Whether this session has changed a verdict."""
    return bool(_steps(run)) and own_runs.may_judge(run)


def failures() -> dict[str, str]:
    """Sample → why its verdict could not be saved, until that has been shown."""
    found: dict[str, str] = st.session_state.setdefault("verdict-failures", {})
    return found


def _judged(subject: Subject, place: int, given: Verdict | None) -> Verdict:
    verdict = subject.verdicts[place]
    label = subject.instead if verdict == "label is wrong" else ""
    return Verdict(verdict, given.note if given is not None else "", label)


def _steps(run: Run) -> list[Mapping[str, Verdict | None]]:
    steps: list[Mapping[str, Verdict | None]] = st.session_state.setdefault(f"verdict-steps-{run.folder}", [])
    return steps
