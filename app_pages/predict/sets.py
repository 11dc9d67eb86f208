"""When the answer is one action, when two, and when "unsure": one rule, whose threshold the visitor may set."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from app_pages.state import models, runs, url
from har_core.analysis.answers import STEP, AnswerRule, named_in_order
from har_core.analysis.timeline import FrameRule
from har_core.errors import RunError
from har_core.inference.prediction import Prediction
from har_core.runs.file_names import PREDICTIONS
from har_core.runs.run import Run
from har_core.viz.formats import percent
from har_core.viz.text import answer_rule_caption, answer_words, none_words

DEFAULT_THRESHOLD = FrameRule.threshold
"""Of runs that cannot tell a better one."""

_THRESHOLD, _SET_BY_VISITOR = "threshold", "threshold-set"


@dataclass(frozen=True)
class Rule(FrameRule):
    """How the chosen model answers; `threshold` may be the visitor's.

    `known`: what the photos on which the model was scored tell, None if nothing.
    """

    known: AnswerRule | None = None


def rule_of(run: Run) -> Rule:
    """Of the run whose model predicts.  Its own threshold holds until the visitor sets one, which then holds for every run."""
    known = _known(run)
    default = DEFAULT_THRESHOLD if known is None or known.threshold is None else known.threshold
    if not st.session_state.get(_SET_BY_VISITOR, False) and st.session_state.get(_THRESHOLD) != default:
        url.put(_THRESHOLD, default)
    lowest = FrameRule.lowest if known is None else known.lowest
    return Rule(lowest, st.session_state[_THRESHOLD], models.least_known(run), known)


def claimed(prediction: Prediction, rule: Rule) -> tuple[int, ...]:
    """The classes that the answer names, the likeliest first: one, two, or none."""
    if rule.is_none(prediction.known):
        return ()
    return named_in_order(prediction.probabilities[None], rule.lowest, rule.threshold)[0]


def words(prediction: Prediction, rule: Rule) -> tuple[str, str]:
    """The headline of the answer, and a line on how sure it is."""
    probabilities, ranking = prediction.probabilities, prediction.ranking
    possible = [index for index in ranking if probabilities[index] >= rule.lowest]
    if rule.is_none(prediction.known):
        return none_words(prediction.classes, probabilities, kinds=runs.what_classes_are(prediction.classes))
    return answer_words(
        prediction.classes,
        probabilities,
        claimed(prediction, rule),
        possible if len(possible) > 2 else ranking[:2],
        rule.known.stated if rule.known is not None else 0.0,
    )


def threshold_slider(rule: Rule) -> None:
    """With what it means and what it buys."""
    st.slider(
        "Say “unsure” below",
        0.0,
        1.0,
        step=STEP,
        format="percent",
        help=_why_there(rule.known),
        **url.widget(_THRESHOLD, _keep),
    )
    if rule.known is not None:
        st.caption(answer_rule_caption(rule.known, rule.threshold))


def _known(run: Run) -> AnswerRule | None:
    if not run.has(PREDICTIONS):
        return None
    try:
        return runs.answers(run) if len(runs.predictions(run)) and runs.known(run).every_class else None
    except RunError:  # its model answers all the same
        return None


def _why_there(known: AnswerRule | None) -> str:
    if known is None:
        return "If the likeliest class is less probable than this, none is claimed; the two likeliest are named."
    if known.threshold is None:
        return f"{percent(DEFAULT_THRESHOLD)} to begin with: the scored photos are too few, or too often wrong, to tell better."
    return (
        f"{percent(known.threshold)} to begin with: from there on, the likeliest class is right for at least 90\u00a0% of "
        "photos, as far as the scored ones can tell (95\u00a0% interval)."
    )


def _keep() -> None:
    st.session_state[_SET_BY_VISITOR] = True
