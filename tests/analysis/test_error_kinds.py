"""Every error is of one kind, and a verdict decides which."""

from __future__ import annotations

import numpy as np

from har_core.analysis.error_kinds import CLOSE, count_kinds, error_kinds
from har_core.analysis.examples import example_table
from har_core.runs.verdicts import Verdict
from tests.helpers import random_predictions

PREDICTIONS = random_predictions(200, ("a", "b", "c", "d"))
EXAMPLES = example_table(PREDICTIONS)
WRONG = ~PREDICTIONS.correct


def test_the_kinds_share_out_the_errors() -> None:
    suspects = PREDICTIONS.samples[:80].tolist()
    kinds = error_kinds(EXAMPLES, suspects, {})
    assert (sum(mask.astype(int) for mask in kinds.values()) == WRONG).all()
    assert (kinds["label"] == (WRONG & (np.arange(200) < 80))).all()
    ranked = np.sort(PREDICTIONS.probabilities, axis=1)
    of_true = PREDICTIONS.probabilities[np.arange(200), PREDICTIONS.true]
    second = WRONG & (of_true == ranked[:, -2]) & (ranked[:, -1] - ranked[:, -2] < CLOSE)
    assert (kinds["ambiguous"] == (second & (np.arange(200) >= 80))).all() and kinds["ambiguous"].any()
    counts = count_kinds(EXAMPLES, kinds, {})
    assert sum(count.photos for count in counts) == WRONG.sum()
    assert sum(count.points for count in counts) == 100 * WRONG.mean()


def test_a_verdict_overrules_the_guess() -> None:
    rows = np.flatnonzero(WRONG)[:4]
    given = ("model is wrong", "label is wrong", "both fit", "unclear")
    verdicts = {PREDICTIONS.samples[row]: Verdict(kind, "") for row, kind in zip(rows, given, strict=True)}  # type: ignore[arg-type]
    kinds = error_kinds(EXAMPLES, PREDICTIONS.samples.tolist(), verdicts)
    assert kinds["model"][rows[0]] and kinds["label"][rows[1]] and kinds["ambiguous"][rows[2]]
    assert not any(mask[rows[3]] for mask in kinds.values())
    assert [count.judged for count in count_kinds(EXAMPLES, kinds, verdicts)] == [1, 1, 1]
