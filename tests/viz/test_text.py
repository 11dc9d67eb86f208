"""Results in words."""

from __future__ import annotations

import numpy as np
import pytest

from har_core.analysis.compare import McNemar
from har_core.analysis.confusion import TOTAL
from har_core.analysis.history import Curves
from har_core.analysis.scores import summarize
from har_core.viz import text

MATRIX, CLASSES = np.array([[114, 12], [0, 126]]), ("dancing", "listening_to_music")


def test_the_accuracy_headline() -> None:
    summary = summarize(MATRIX)
    low, high = (f"{bound * 100:.1f}" for bound in summary.interval)
    assert (
        text.accuracy_headline(summary, unseen=True)
        == f"95.2\u00a0% correct on 252 unseen photos ({low}–{high}\u00a0%)"
    )
    assert "unseen" not in text.accuracy_headline(summary, unseen=False)


@pytest.mark.parametrize(
    ("true", "predicted", "expected"),
    [
        (0, 1, "12 dancing photos predicted as listening to music: 9.5\u00a0% of dancing"),
        (1, 1, "126 listening to music photos predicted correctly: 100.0\u00a0% of listening to music"),
        (0, TOTAL, "126 dancing photos, whatever was predicted"),
        (TOTAL, 1, "138 photos predicted as listening to music"),
        (TOTAL, TOTAL, "252 photos in all"),
    ],
)
def test_what_a_cell_holds(true: int, predicted: int, expected: str) -> None:
    assert text.cell_headline(MATRIX, CLASSES, true, predicted) == expected


def test_the_most_frequent_confusions() -> None:
    one = text.confusions_headline(MATRIX, CLASSES)
    assert one == "Most frequent confusion: dancing predicted as listening to music (12 photos)"
    two = text.confusions_headline(np.array([[1, 2], [2, 1]]), ("a", "b"))
    assert two == "Most frequent confusions: a predicted as b and b predicted as a (2 photos each)"
    assert text.confusions_headline(np.ones((3, 3), int), ("a", "b", "c")) == "6 confusions lead with 1 photo each"
    assert text.confusions_headline(np.diag([1, 2]), CLASSES) == "All 3 photos are predicted correctly"
    assert text.pair_headline(MATRIX, CLASSES, 1, 0).startswith("12 photos confused between listening to music and")


@pytest.mark.parametrize(
    ("last", "overfits", "headline"),
    [
        (0.5, False, "No overfitting seen: test loss is still at its lowest (0.500)"),
        (0.504, False, "No overfitting seen: test loss is within 1 % of its lowest (0.504)"),
        (0.7, True, "Overfitting: test loss was lowest after epoch 2 (0.500) and has risen to 0.700"),
    ],
)
def test_overfitting(last: float, overfits: bool, headline: str) -> None:
    curves = Curves(
        shipped_epoch=3,
        shipped_accuracy=0.8,
        gap=0.1,
        lowest_loss_epoch=2,
        lowest_loss=0.5,
        last_loss=last,
        overfits=overfits,
        lr_drops=[],
    )
    assert text.overfitting_headline(curves, "test") == headline
    assert text.generalization_gap(curves, "test").startswith("After epoch 3, training accuracy is 10.0 points above")


def test_mcnemar_in_words() -> None:
    assert "more than chance" in text.mcnemar_sentence(McNemar(3, 12, 0.03), "A", "B")
    assert "chance alone" in text.mcnemar_sentence(McNemar(3, 5, 0.7), "A", "B")
    assert "p < 0.001" in text.mcnemar_sentence(McNemar(3, 50, 1e-9), "A", "B")
    assert "no difference" in text.mcnemar_sentence(McNemar(3, 3, 1.0), "A", "B")
