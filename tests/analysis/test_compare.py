"""Two runs on the same photos."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from har_core.analysis.compare import McNemar, mcnemar, paired_examples
from har_core.analysis.examples import example_table
from har_core.runs.predictions import Predictions
from tests.helpers import random_predictions


def test_mcnemars_test() -> None:
    first = np.array([True] * 90 + [True] * 3 + [False] * 12)
    second = np.array([True] * 90 + [False] * 3 + [True] * 12)
    found = mcnemar(first, second)
    assert (found.broken, found.fixed) == (3, 12)
    assert found.p == pytest.approx(2 * sum([1, 15, 105, 455]) / 2**15)  # by hand: 2 · P(at most 3 of 15 heads)
    assert mcnemar(first, first) == McNemar(0, 0, 1.0)


def test_photos_are_paired_by_name() -> None:
    """40 photos in another order, of which one has another label and one is missing in the second run."""
    first, other = random_predictions(), random_predictions(seed=1)
    order = np.arange(39)[::-1]
    true = first.true[order].copy()
    true[-1] = (true[-1] + 1) % 3  # that of Image_0.jpg
    second = Predictions(first.classes, first.samples[order], true, other.probabilities[order])
    both = paired_examples(example_table(first), example_table(second))
    assert list(both["sample"]) == list(first.samples[1:39]) and list(both.index) == list(range(38))
    assert list(both["true"]) == list(first.true[1:39])
    assert list(both["predicted_before"]) == list(first.predicted[1:39])
    assert list(both["predicted_after"]) == list(other.predicted[1:39])
    assert {"loss_before", "loss_after", "true_rank_after"} < set(both.columns)


def test_other_photos_have_no_pairs() -> None:
    table = example_table(random_predictions())
    other = table.assign(sample=[f"other/{name}" for name in table["sample"]])
    assert isinstance(both := paired_examples(table, other), pd.DataFrame) and both.empty
