"""A class and its score as the whole prediction of a row, beside scores of two classes, which look alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from har_core.errors import DataError
from tests.imports.forms import FILES, FORMS, written
from tests.imports.making import read, text

TRUE, PLACES, SCORES = [1, 0, 2, 2], [1, 0, 2, 1], [0.9, 0.8, 0.7, 0.6]
PARTS: dict[str, Any] = {
    "pair": lambda place, score: [place, score],
    "pair of floats": lambda place, score: [float(place), score],
    "the other way": lambda place, score: [score, place],
    "in a list": lambda place, score: [[place, score]],
    "in a list, of floats": lambda place, score: [[float(place), score]],
    "in a list, the other way": lambda place, score: [[score, float(place)]],
}
KINDS = [form for form in FORMS if form != "inside"]


@pytest.mark.parametrize("form", KINDS)
@pytest.mark.parametrize("column", ["predictions", "prediction", "pred", "output"])
@pytest.mark.parametrize("part", PARTS)
def test_a_class_and_its_score(part: str, column: str, form: str, tmp_path: Path) -> None:
    path = written([PARTS[part](*one) for one in zip(PLACES, SCORES, strict=True)], form, tmp_path, TRUE, column)
    for classes in (None, ["cat", "cow", "dog"]):
        found = read(path, classes=classes)
        assert found.probabilities == "confidence" and found.predictions.predicted.tolist() == PLACES
        assert found.predictions.true.tolist() == TRUE
        np.testing.assert_allclose(found.predictions.confidence, SCORES, atol=1e-6)


@pytest.mark.parametrize("form", KINDS)
def test_all_of_the_first_class(form: str, tmp_path: Path) -> None:
    """[0, 0.99] is no probability of 0.99 for the second."""
    found = read(written([[0, p] for p in (0.99, 0.995, 0.99, 0.999)], form, tmp_path, [0, 1, 0, 0])).predictions
    assert found.predicted.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("form", KINDS)
@pytest.mark.parametrize(
    ("column", "scores"),
    [("predictions", [3.2, -0.5, 7.1, 2.2]), ("predictions", [90.5, 80.0, 70.5, 60.0]), ("scores", SCORES), ("probs", SCORES)],
)  # fmt: skip
def test_what_may_be_either_is_refused_with_the_way_out(
    column: str, scores: list[float], form: str, tmp_path: Path
) -> None:
    cells = [[place % 2, score] for place, score in zip(PLACES, scores, strict=True)]
    path = written(cells, form, tmp_path, [1, 0, 0, 1], column)
    for classes in (None, ["cat", "dog"]):
        with pytest.raises(DataError, match="call them predicted and confidence"):
            read(path, classes=classes)


TWO: dict[str, list[list[float]]] = {
    "probabilities": [[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]],
    "one of each": [[0, 1], [1, 0], [0, 1], [1, 0]],
    "always certain": [[1.0, 1e-9], [1.0, 1e-5], [1.0, 1e-8], [1.0, 1e-12]],
    "logits beside 0": [[0, 3.2], [0, -0.5], [0, 7.1], [0, 2.2]],
    "called logits": [[1, 3.2], [0, -0.5], [1, 7.1], [0, 2.2]],
}


@pytest.mark.parametrize("form", KINDS)
@pytest.mark.parametrize("case", TWO)
def test_scores_of_two_classes_stay(case: str, form: str, tmp_path: Path) -> None:
    column = "logits" if case == "called logits" else "predictions"
    values = np.array(TWO[case])
    found = read(written([list(map(float, row)) for row in TWO[case]], form, tmp_path, [1, 0, 1, 0], column))
    assert found.probabilities == "all" and list(found.predictions.samples) == FILES
    assert found.predictions.predicted.tolist() == values.argmax(axis=1).tolist()


def test_an_array_of_pairs(tmp_path: Path) -> None:
    values = np.stack([PLACES, SCORES], axis=1)
    np.savez(tmp_path / "t.npz", filenames=np.array(FILES), label=np.array(TRUE), predictions=values)
    assert read(tmp_path / "t.npz").predictions.predicted.tolist() == PLACES


def test_scores_of_all_classes_beside_a_pair_count(tmp_path: Path) -> None:
    """The pair says nothing that they do not."""
    records = [
        {"file": f, "label": t, "prediction": [0, 0.9], "cat": 0.2, "dog": 0.8} for f, t in zip(FILES, ["cat", "dog"] * 2, strict=True)
    ]  # fmt: skip
    found = read(text(json.dumps(records), "t.json")(tmp_path))
    assert found.probabilities == "all" and found.predictions.predicted.tolist() == [1, 1, 1, 1]
