"""What is said of a file that answers otherwise, and when it is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from har_core.errors import CheckpointError
from har_core.export.comparison import Compared, compared, require_as_good, require_same, told
from tests.helpers import random_predictions

CLASSES = ("a", "b", "c")


def tables(count: int, changed: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Answers that are sure of class a, of which some become sure of class b."""
    first = np.tile(np.array([0.8, 0.1, 0.1]), (count, 1))
    second = first.copy()
    second[:changed] = [0.1, 0.8, 0.1]
    return [f"{number}.jpg" for number in range(count)], first, second


def test_the_largest_difference_and_its_photo() -> None:
    names, first, second = tables(10, 0)
    second[7] += [0.002, -0.002, 0]
    found = compared(CLASSES, names, first, second)
    assert found.name == "7.jpg" and found.difference == pytest.approx(0.002) and found.agreement == 1
    with pytest.raises(CheckpointError, match=r"7\.jpg"):
        require_same(found)
    require_same(compared(CLASSES, names, first, first + 5e-4))
    with pytest.raises(CheckpointError, match="differs"):
        require_same(compared(CLASSES, names, first, first * np.nan))


def test_accuracy_is_measured_where_labels_are_known() -> None:
    names, first, second = tables(400, 4)
    right = compared(CLASSES, names, first, second, ["a"] * 400)
    assert right.measured and right.fall == pytest.approx(0.01) and right.interval[0] < 0.01 < right.interval[1]
    wrong = compared(CLASSES, names, first, second, ["b"] * 400)
    assert wrong.fall == pytest.approx(-0.01) and "rises by 1.00" in told(wrong)
    with pytest.raises(CheckpointError, match=r"1\.00 points"):
        require_as_good(right)
    require_as_good(wrong)
    require_as_good(compared(CLASSES, names, *tables(400, 2)[1:], ["a"] * 400))
    for labels in (["a"] * 399 + [None], ["a"] * 399 + ["other"]):
        assert not compared(CLASSES, names, first, second, labels).measured


def test_without_labels_it_is_expected_from_the_probabilities() -> None:
    """If the model's probabilities are right, the fall is right too, on the average."""
    random = np.random.default_rng(0)
    first = random_predictions(20_000, CLASSES).probabilities.astype(np.float64)
    second = first + random.normal(0, 0.05, first.shape)
    labels = [CLASSES[int((random.random() > row.cumsum()).sum())] for row in first]
    names = [str(number) for number in range(len(first))]
    expected, measured = compared(CLASSES, names, first, second), compared(CLASSES, names, first, second, labels)
    assert not expected.measured and expected.fall > 0
    assert measured.interval[0] < expected.fall < measured.interval[1]
    assert expected.interval[1] - expected.interval[0] < (measured.interval[1] - measured.interval[0]) / 4


def test_too_few_photos_prove_nothing() -> None:
    found = compared(CLASSES, *tables(199, 0), ["a"] * 199)
    with pytest.raises(CheckpointError, match="200"):
        require_as_good(found)
    require_as_good(replace(found, count=200))
    assert isinstance(found, Compared) and compared(CLASSES, *tables(1, 1)).count == 1
