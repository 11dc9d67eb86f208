"""Verdicts change the accuracy as they say, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from har_core.analysis.after_verdicts import after_verdicts, judged_at_random
from har_core.analysis.scores import summarize
from har_core.runs.verdicts import NO_CLASS, Verdict
from tests.helpers import random_predictions

PREDICTIONS = random_predictions(60, ("a", "b", "c"))
WRONG = np.flatnonzero(~PREDICTIONS.correct)
NAMES = PREDICTIONS.samples


def predicted(row: int) -> str:
    return PREDICTIONS.classes[PREDICTIONS.predicted[row]]


def test_each_kind_of_verdict() -> None:
    given = {
        NAMES[WRONG[0]]: Verdict("label is wrong", "", predicted(WRONG[0])),
        NAMES[WRONG[1]]: Verdict("label is wrong", "", NO_CLASS),
        NAMES[WRONG[2]]: Verdict("label is wrong", "", ""),
        NAMES[WRONG[3]]: Verdict("both fit", ""),
        NAMES[WRONG[4]]: Verdict("model is wrong", ""),
        NAMES[WRONG[5]]: Verdict("unclear", ""),
        "not among them": Verdict("both fit", ""),
    }
    found = after_verdicts(PREDICTIONS, given)
    assert found is not None
    assert (found.judged, found.relabeled, found.left_out, found.both_fit) == (6, 1, 2, 1)
    true, kept = PREDICTIONS.true.copy(), np.ones(60, dtype=bool)
    true[WRONG[[0, 3]]] = PREDICTIONS.predicted[WRONG[[0, 3]]]
    kept[WRONG[[1, 2]]] = False
    assert found.summary.n == 58
    assert found.summary.accuracy == accuracy_score(true[kept], PREDICTIONS.predicted[kept])
    expected = f1_score(true[kept], PREDICTIONS.predicted[kept], average="macro")
    assert found.summary.macro_f1 == pytest.approx(expected)
    assert found.summary.correct == summarize(PREDICTIONS.confusion_matrix()).correct + 2


def test_a_correct_prediction_can_lose() -> None:
    row = int(np.flatnonzero(PREDICTIONS.correct)[0])
    other = next(name for name in PREDICTIONS.classes if name != predicted(row))
    found = after_verdicts(PREDICTIONS, {NAMES[row]: Verdict("label is wrong", "", other)})
    assert found is not None and found.summary.correct == PREDICTIONS.correct.sum() - 1


def test_nothing_judged_and_nothing_left() -> None:
    assert after_verdicts(PREDICTIONS, {}) is None
    assert after_verdicts(PREDICTIONS, {"another.jpg": Verdict("both fit", "")}) is None
    assert after_verdicts(PREDICTIONS, {name: Verdict("label is wrong", "", NO_CLASS) for name in NAMES}) is None


def test_photos_drawn_at_random_lean_to_neither_side() -> None:
    drawn = np.zeros(60, dtype=bool)
    drawn[[WRONG[0], WRONG[1], *np.flatnonzero(PREDICTIONS.correct)[:3]]] = True
    right = np.flatnonzero(PREDICTIONS.correct)
    given = {
        NAMES[WRONG[0]]: Verdict("label is wrong", "", predicted(WRONG[0])),
        NAMES[WRONG[1]]: Verdict("model is wrong", ""),
        NAMES[right[0]]: Verdict("label is right", ""),
        NAMES[right[1]]: Verdict("label is wrong", "", NO_CLASS),
        NAMES[right[9]]: Verdict("label is right", ""),  # not drawn
    }
    found = judged_at_random(PREDICTIONS, given, drawn)
    assert found is not None
    assert (found.summary.correct, found.summary.n, found.judged, found.left_out) == (2, 3, 4, 1)
    assert judged_at_random(PREDICTIONS, {}, drawn) is None
