"""Confusion matrices as tables."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from har_core.analysis.confusion import TOTAL, normalize
from har_core.viz.matrix_table import MatrixTable, confusion_table, difference_table, matrix_png

MATRIX = np.array([[5, 1, 0], [2, 7, 3], [0, 0, 4]])
CLASSES = ("a", "b", "c")
ORDER = [2, 0, 1]


def table(*, hide_diagonal: bool = True, as_percent: bool = False, order: list[int] = ORDER) -> MatrixTable:
    values = normalize(MATRIX, "true" if as_percent else "none")
    return confusion_table(MATRIX, values, CLASSES, order, as_percent=as_percent, hide_diagonal=hide_diagonal)


@pytest.mark.parametrize("hide_diagonal", [True, False])
def test_colors_follow_the_order(hide_diagonal: bool) -> None:
    expected = MATRIX[np.ix_(ORDER, ORDER)].astype(float)
    if hide_diagonal:
        np.fill_diagonal(expected, 0)
    assert np.allclose(table(hide_diagonal=hide_diagonal).shades, expected / expected.max(), atol=1e-3)


def test_numbers_and_totals() -> None:
    shown = table(hide_diagonal=False)
    assert shown.names == shown.heads == ["c", "a", "b", "all"] and shown.places == [2, 0, 1, TOTAL]
    assert shown.texts[2] == ["3", "2", "7", "12"] and shown.texts[3] == ["7", "7", "8", "22"]
    assert shown.texts[0][1] == "" and shown.details[1][2] == "1 photo" and shown.details[3][3] == "22 photos"


def test_a_hidden_diagonal_is_not_written_either() -> None:
    shown = table()
    assert [shown.texts[place][place] for place in range(4)] == ["", "", "", "22"] and shown.details[2][2] == "7 photos"


def test_shares() -> None:
    shown = table(as_percent=True, hide_diagonal=False)
    assert shown.texts[2] == ["25", "17", "58", "12"] and shown.texts[0] == ["100", "", "", "4"]


def test_some_actions_alone() -> None:
    """The totals stay those of all."""
    shown = table(order=[1, 0], hide_diagonal=False)
    assert shown.texts == [["7", "2", "12"], ["1", "5", "6"], ["8", "7", "22"]]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1"),
        (999, "999"),
        (1000, "1.0k"),
        (5390, "5.4k"),
        (9949, "9.9k"),
        (9950, "10k"),
        (39_121, "39k"),
        (99_499, "99k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (1_204_000, "1.2M"),
        (999_500_000, "1.0G"),
        (123_456_789_012, "123G"),
    ],
)
def test_large_matrices_have_short_counts(number: int, text: str) -> None:
    """Where one cell is large all are written short; what is said of a cell is the whole number."""
    matrix = np.array([[10_000, number], [0, 7]])
    shown = confusion_table(matrix, matrix, ("a", "b"), [0, 1], as_percent=False, hide_diagonal=False)
    assert shown.texts[0][1] == text and len(text) <= 4
    assert shown.texts[0][0] == "10k" and shown.texts[1] == ["", "7", "7"] and shown.texts[2][0] == "10k"
    assert shown.details[0][1] == f"{number:,} photo{'' if number == 1 else 's'}"


def test_short_counts_never_say_more_than_four_characters_nor_far_from_the_truth() -> None:
    for number in np.unique(np.geomspace(1, 9e11, 3000).astype(np.int64)).tolist():
        matrix = np.array([[number, 0], [0, 10_000]])
        text = confusion_table(matrix, matrix, ("a", "b"), [0, 1], as_percent=False, hide_diagonal=False).texts[0][0]
        value = float(text.rstrip("kMG")) * {"k": 1e3, "M": 1e6, "G": 1e9}.get(text[-1], 1)
        assert len(text) <= 4 and value == pytest.approx(number, rel=0.0503), (number, text)


def test_whole_counts_where_none_is_large() -> None:
    """Totals may be larger than that, and shares are as they are."""
    matrix = np.array([[9999, 1], [2, 9999]])
    shown = confusion_table(matrix, matrix, ("a", "b"), [0, 1], as_percent=False, hide_diagonal=False)
    assert shown.texts == [["9,999", "1", "10,000"], ["2", "9,999", "10,001"], ["10,001", "10,000", "20,001"]]
    many = np.array([[90_000, 10_000], [0, 50]])
    shares = confusion_table(many, normalize(many, "true"), ("a", "b"), [0, 1], as_percent=True, hide_diagonal=False)
    assert shares.texts == [["90", "10", "100k"], ["", "100", "50"], ["90k", "10k", "100k"]]


def test_better_and_worse_have_their_own_colors() -> None:
    """A gain on the diagonal is not colored as a new confusion."""
    shown = difference_table(np.array([[3, 2], [-1, -4]]), ("a", "b"), as_percent=False)
    assert shown.shades == [[-0.75, 0.5], [-0.25, 1.0]]
    assert shown.texts == [["+3", "+2"], ["-1", "-4"]] and shown.details[0][1] == "change: +2 photos"


def test_changes_of_shares() -> None:
    shown = difference_table(np.array([[0.125, 0.0], [0.0, -0.5]]), ("a", "b"), as_percent=True)
    assert shown.texts == [["+12", ""], ["", "-50"]] and shown.details[0][0].startswith("change: +12.5 points")


def test_no_differences() -> None:
    shown = difference_table(np.zeros((2, 2), dtype=int), ("a", "b"), as_percent=False)
    assert shown.shades == [[0, 0], [0, 0]] and shown.texts == [["", ""], ["", ""]]


def test_a_picture_for_a_report() -> None:
    content = matrix_png(MATRIX, ("a", "$b$", "c_d"))
    assert Image.open(io.BytesIO(content)).format == "PNG"
