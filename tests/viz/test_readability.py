"""What is written in charts can be read, whatever the classes are called."""

from __future__ import annotations

import tomllib

import numpy as np
import pandas as pd
import pytest

from har_core.analysis.scores import class_scores
from har_core.viz import figures, formats
from har_core.viz.colors import BETTER, MORE, STRONGEST
from har_core.viz.matrix_table import difference_table
from tests.conftest import ROOT

NAMES = ("0", "1", "1e3", "true", "None", "<b>x</b>", "走る", "a" * 60 + "b", "a" * 60 + "c")
THEMES = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"]


def luminance(color: tuple[float, ...]) -> float:
    """Relative, as WCAG 2 has it."""
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in color]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one: tuple[float, ...], two: tuple[float, ...]) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def from_hex(color: str) -> tuple[float, ...]:
    return tuple(int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))


@pytest.mark.parametrize("color", [MORE, BETTER])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("strength", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_numbers_in_cells_have_contrast(theme: str, color: str, strength: float) -> None:
    """They have the page's text color, on a color through which the page shines."""
    page = from_hex(THEMES[theme]["backgroundColor"])
    opacity = STRONGEST * strength
    cell = tuple(back + (part - back) * opacity for back, part in zip(page, from_hex(color), strict=True))
    assert contrast(from_hex(THEMES[theme]["textColor"]), cell) >= 4.5


def test_class_axes_are_categories_of_different_names() -> None:
    matrix = np.eye(len(NAMES), dtype=int)
    values = pd.Series(np.ones(len(NAMES)))
    bars = figures.class_score_bars(class_scores(matrix, NAMES), "f1")
    changes = figures.class_score_changes(values, values, list(NAMES), ("one", "two"))
    likely = figures.probability_bars(list(NAMES), [0.1] * len(NAMES))
    for figure in (bars, changes, likely):
        assert figure.layout.yaxis.type == "category"
        labels = next(list(trace.y) for trace in figure.data if len(trace.y) == len(NAMES))
        assert len(set(labels)) == len(NAMES) and max(map(len, labels)) <= 40 and "<b>x</b>" not in labels
    shown = difference_table(matrix, NAMES, as_percent=False).names
    assert len(set(shown)) == len(NAMES)


def test_select_boxes_get_different_labels() -> None:
    assert formats.distinct_labels(["a_b", "a b", "c", "a_b (2)"]) == ["a b", "a b (2)", "c", "a b (2) (2)"]


@pytest.mark.parametrize(
    ("value", "whole", "one"),
    [(0.005, "< 1", "0.5"), (0.995, "> 99", "99.5"), (0.0004, "< 1", "< 0.1"), (0.0, "0", "0.0"), (1.0, "100", "100.0"),
     (0.154, "15", "15.4"), (float("nan"), "–", "–")],
)  # fmt: skip
def test_no_false_0_or_100(value: float, whole: str, one: str) -> None:
    assert (formats.rounded(value), formats.rounded(value, 1)) == (whole, one)
