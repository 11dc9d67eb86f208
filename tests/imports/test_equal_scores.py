"""Scores that do not tell the answer: the first of equals counts, and the notes say so; most rows cannot be so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import har_core
from har_core.errors import DataError
from tests.imports.making import KINDS, frame, read

FILES = ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]
TRUE = ["cat", "cow", "dog", "dog", "cow"]
CLASSES = ("cat", "cow", "dog")
SURE = [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.1, 0.7]]


def table(prefix: str, rows: list[list[float]], **more: Any) -> dict[str, Any]:
    values = np.array(rows)
    count = len(values)
    scores = {f"{prefix}{name}": values[:, place] for place, name in enumerate(CLASSES)}
    return {"file": FILES[:count], "true": TRUE[:count], **more, **scores}


LOGITS = [[5.0, -1, 0.5], [-2, 4.5, 1], [0.5, -3, 6]]
EQUAL: dict[str, tuple[str, list[list[float]], list[list[float]]]] = {
    "probabilities": ("p:", SURE, [[0.33333] * 3]),
    "percentages": ("p:", [[100 * one for one in row] for row in SURE], [[33.333] * 3]),
    "logits of 0": ("logit_", LOGITS, [[0.0] * 3]),
    "equal logits": ("logit_", LOGITS, [[0.5] * 3]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", EQUAL)
def test_they_count_as_the_first_class(case: str, kind: str, tmp_path: Path) -> None:
    prefix, sure, equal = EQUAL[case]
    found = read(frame(table(prefix, [*sure, *equal]), f"t.{kind}")(tmp_path))
    assert found.predictions.predicted.tolist() == [0, 1, 2, 0]
    assert any("all equal" in note and "cat: 1" in note for note in found.notes)


@pytest.mark.parametrize("case", EQUAL)
def test_most_rows_cannot_be_so(case: str, tmp_path: Path) -> None:
    prefix, sure, equal = EQUAL[case]
    path = frame(table(prefix, [sure[0], sure[1], *equal * 3]))(tmp_path)
    with pytest.raises(DataError, match=r"row 3 \(c\.jpg\) and 2 more") as caught:
        read(path, scores="logits" if "logit" in case else None)
    assert "predicted labels" in str(caught.value)


def test_a_predicted_label_tells_the_answer(tmp_path: Path) -> None:
    path = frame(table("p:", [SURE[0], *[[1 / 3] * 3] * 3], pred=["cat", "cow", "dog", "dog"]))(tmp_path)
    found = read(path)
    assert found.predictions.predicted.tolist() == [0, 1, 2, 2] and not any("equal" in note for note in found.notes)


def test_a_highest_score_that_is_shared_is_told(tmp_path: Path) -> None:
    found = read(frame(table("p:", [*SURE, [0.2, 0.4, 0.4]]))(tmp_path))
    assert found.predictions.predicted.tolist() == [0, 1, 2, 1]
    assert [note for note in found.notes if "share" in note and note.endswith(": 1")]
    assert read(frame(table("p:", SURE))(tmp_path)).notes == ()


@pytest.mark.parametrize(("score", "name"), [(0.5, "score"), (50, "score"), (0, "logit")])
def test_one_column_of_two_classes(score: float, name: str, tmp_path: Path) -> None:
    others = {0.5: [0.2, 0.9], 50: [20.5, 90.5], 0: [-1.5, 2.5]}[score]
    found = read(frame({"file": FILES[:3], "true": [0, 1, 1], name: [*others, score]})(tmp_path))
    assert found.predictions.predicted.tolist() == [0, 1, 0] and any("0: 1" in note for note in found.notes)


def test_arrays_of_a_notebook(tmp_path: Path) -> None:
    run = har_core.from_arrays(
        [0, 1, 2, 2], probabilities=np.array([*SURE, [1 / 3] * 3]), classes=CLASSES, out=tmp_path / "run"
    )
    assert "all equal" in (run.manifest.note or "")
    with pytest.raises(DataError, match="row_1"):
        har_core.from_arrays(
            [0, 1, 2], probabilities=np.array([SURE[0], *[[1 / 3] * 3] * 2]), classes=CLASSES, out=tmp_path / "other"
        )
