"""A column of scores that is partly from 0 to 1 and partly in percent is refused by the first row of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from har_core.errors import DataError
from tests.imports.making import KINDS, frame, read

FILES = [f"{number}.jpg" for number in range(120)]
MANY = [f"class {number}" for number in range(120)]
"""So many that a confidence of 0.9 percent can be the highest."""


def confidences(first: float, other: float) -> dict[str, Any]:
    values = [first, first, other, *[first] * 117]
    return {"file": FILES, "true": MANY, "pred": MANY, "conf": values}


def ranks(first: float, other: float) -> dict[str, Any]:
    second = [0.005 if one <= 1 else 0.5 for one in (first, first, other, *[first] * 117)]
    columns = confidences(first, other)
    return {
        "file": FILES, "true": MANY, "top1": MANY, "top1_prob": columns["conf"], "top2": MANY[1:] + MANY[:1], "top2_prob": second,
    }  # fmt: skip


def single(first: float, other: float) -> dict[str, Any]:
    return {"file": FILES[:4], "label": [1, 0, 1, 0], "score": [first, first, other, first]}


def of_predictions(first: float, other: float) -> dict[str, Any]:
    labels = ["dog" if one > 1 else "cat" for one in (first, first, other, first)]
    return {
        "file": FILES[:4],
        "true": ["cat", "dog", "cat", "dog"],
        "pred": labels,
        "conf": [first, first, other, first],
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("first", "other"), [(0.93, 87), (87, 0.93), (87.5, 0.93), (0.93, 87.5)])
@pytest.mark.parametrize("columns", [confidences, ranks, single, of_predictions])
def test_the_first_row_of_each_scale_is_named(
    columns: Any, first: float, other: float, kind: str, tmp_path: Path
) -> None:
    path = frame(columns(first, other), f"t.{kind}")(tmp_path)
    with pytest.raises(
        DataError, match=rf"{first:g} in row 1 \(0\.jpg\) and {other:g} in row 3 \(2\.jpg\).*--scores percentages"
    ):
        read(path)


def test_the_caller_may_say_that_all_are_percentages(tmp_path: Path) -> None:
    for columns in (confidences, single):
        found = read(frame(columns(87, 0.93))(tmp_path), scores="percentages").predictions
        assert found.probabilities[2].max() == pytest.approx(0.0093 if columns is confidences else 0.9907)


@pytest.mark.parametrize(
    "values", [[0.4, 99.6, 12.5, 3.1], [0.01, 99.98, 0.2, 99.7], [1, 99, 0, 35], [87.5, 0.2, 91.5, 0.9]]
)
def test_percentages_of_one_class_may_be_small(values: list[float], tmp_path: Path) -> None:
    found = read(frame({"file": FILES[:4], "label": [1, 0, 1, 0], "score": values})(tmp_path)).predictions
    assert found.probabilities[:, 1].tolist() == pytest.approx([one / 100 for one in values], abs=1e-6)


@pytest.mark.parametrize("small", [[0.4], [0.6], [0.4] + [12] * 20 + [0.6]])
@pytest.mark.parametrize("kind", KINDS)
def test_few_percentages_with_a_decimal_are_no_other_scale(small: list[float], kind: str, tmp_path: Path) -> None:
    values = [97, 99, 60, 88, *small, 0, 100, 66]
    count = len(values)
    path = frame({"file": FILES[:count], "label": [0, *[1] * (count - 1)], "prob_pos": values}, f"t.{kind}")(tmp_path)
    assert read(path).predictions.probabilities[:, 1].tolist() == pytest.approx([one / 100 for one in values])


@pytest.mark.parametrize("kind", KINDS)
def test_many_shares_among_whole_percentages_are(kind: str, tmp_path: Path) -> None:
    values = [97, 3, 0.4, 88, 0.93, 0, 100, 66]
    path = frame({"file": FILES[:8], "label": [0, 1] * 4, "prob_pos": values}, f"t.{kind}")(tmp_path)
    with pytest.raises(DataError, match=r"97 in row 1 \(0\.jpg\) and 0\.4 in row 3"):
        read(path)


def test_later_ranks_may_be_small(tmp_path: Path) -> None:
    found = read(frame(ranks(87, 91))(tmp_path))
    assert found.predictions.probabilities.max(axis=1)[:3].tolist() == pytest.approx([0.87, 0.87, 0.91])
