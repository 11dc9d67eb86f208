"""Two runs on the same photos."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from har_core.analysis.compare import (
    McNemar,
    mcnemar,
    paired_examples,
    paired_matrices,
    relabeled,
    turned,
    under_both_labels,
)
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
    assert list(both["sample"]) == list(first.samples[:39]) and list(both.index) == list(range(39))
    assert list(both["true_before"]) == list(first.true[:39]) and list(both["true"]) == list(true[::-1])
    assert list(relabeled(both)) == [True] + [False] * 38
    assert list(both["predicted_before"]) == list(first.predicted[:39])
    assert list(both["predicted_after"]) == list(other.predicted[:39])
    assert {"loss_before", "loss_after", "true_rank_after"} < set(both.columns)


def test_other_photos_have_no_pairs() -> None:
    table = example_table(random_predictions())
    other = table.assign(sample=[f"other/{name}" for name in table["sample"]])
    assert isinstance(both := paired_examples(table, other), pd.DataFrame) and both.empty


def relabeled_pair(count: int = 60, classes: tuple[str, ...] = ("a", "b", "c")) -> tuple[Predictions, Predictions]:
    """Two runs; in the second, every fourth photo has another label."""
    first, other = random_predictions(count, classes), random_predictions(count, classes, seed=1)
    true = np.where(np.arange(count) % 4, first.true, (first.true + 1) % len(classes))
    return first, Predictions(classes, first.samples, true, other.probabilities)


def test_scores_under_old_and_new_labels() -> None:
    first, second = relabeled_pair()
    both = paired_examples(example_table(first), example_table(second))
    assert relabeled(both).sum() == 15
    found = under_both_labels(both, classes=3)
    for run, predictions in (("before", first), ("after", second)):
        for whose, labels in (("before", first.true), ("after", second.true)):
            scores = found[run, whose]
            assert scores.accuracy == pytest.approx(accuracy_score(labels, predictions.predicted)) and scores.n == 60
            assert scores.macro_f1 == pytest.approx(f1_score(labels, predictions.predicted, average="macro"))
            assert scores.interval[0] < scores.accuracy < scores.interval[1]
    for matrix, predictions in zip(paired_matrices(both, classes=3), (first, second), strict=True):
        assert (matrix == confusion_matrix(second.true, predictions.predicted)).all()


@pytest.mark.parametrize(("count", "classes"), [(1, 2), (50, 100)])
def test_labels_of_few_photos_and_of_many_classes(count: int, classes: int) -> None:
    first, second = relabeled_pair(count, tuple(f"class {n}" for n in range(classes)))
    both = paired_examples(example_table(first), example_table(second))
    assert {scores.n for scores in under_both_labels(both, classes=classes).values()} == {count}
    assert [matrix.sum() for matrix in paired_matrices(both, classes=classes)] == [count, count]


def test_judged_photos_that_turned() -> None:
    """Each photo turns, or not, for another reason; the last one was not judged."""
    before = pd.DataFrame({"sample": list("abcdef"), "true": [0, 0, 0, 0, 0, 0], "predicted": [1, 1, 0, 1, 0, 1]})
    after = pd.DataFrame({"sample": list("abcdef"), "true": [1, 0, 1, 2, 1, 0], "predicted": [1, 0, 0, 2, 1, 0]})
    both = paired_examples(before, after)
    found = turned(both, set("abcde"))
    assert list(found["sample"]) == ["a", "b", "c", "d"]  # e is correct in both, under another label
    assert list(found["by"]) == ["label", "prediction", "label", "both"]
    assert list(found["now_correct"]) == [True, True, False, True]
    assert turned(both, set()).empty
