"""Labels that are numbers: counted from 0 in one column and from 1 in the other, below 0, or with fractions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from har_core.errors import DataError
from tests.imports.making import KINDS, frame, read

FROM_ONE = [1, 2, 3, 1, 2, 3, 1, 2, 3, 2]
FROM_ZERO = [0, 1, 2, 0, 1, 2, 0, 1, 0, 1]  # one of them is wrong
FILES = [f"{n}.jpg" for n in range(len(FROM_ONE))]


@pytest.mark.parametrize("named", ["label", "pred"])
@pytest.mark.parametrize(
    ("more", "kind"), [*(("", kind) for kind in KINDS), *((one, "csv") for one in ("conf", "floats", "unseen", "top"))]
)
def test_two_ways_of_counting_are_refused(more: str, named: str, kind: str, tmp_path: Path) -> None:
    """They would be four classes, of which hardly any photo has the right one."""
    true, pred = (FROM_ONE, FROM_ZERO) if named == "label" else (FROM_ZERO, FROM_ONE)
    predicted = "top1_label" if more == "top" else "pred"
    columns: dict[str, list[Any]] = {"file": FILES, "label": true, predicted: pred}
    if more == "conf":
        columns["conf"] = [0.9] * len(FILES)
    if more == "floats":
        columns["label"] = [float(one) for one in true]
    if more == "unseen":
        columns["pred"] = [1 if one == 2 and named == "label" else one for one in pred]
    if more == "top":
        columns["top1_score"] = [0.6] * len(FILES)
        columns["top2_label"] = [(one + 1) % 3 + min(pred) for one in pred]
        columns["top2_score"] = [0.3] * len(FILES)
    path = frame(columns, f"t.{kind}")(tmp_path)
    one, zero = ("label", predicted) if named == "label" else (predicted, "label")
    with pytest.raises(DataError, match=f"column {one} from 1 and those in {zero} from 0"):
        read(path)


def test_the_caller_may_insist(tmp_path: Path) -> None:
    path = frame({"file": FILES, "label": FROM_ONE, "pred": FROM_ZERO})(tmp_path)
    assert read(path, classes=("0", "1", "2", "3")).predictions.classes == ("0", "1", "2", "3")
    with pytest.raises(DataError):
        read(path, classes=("cat", "cow", "dog"))


@pytest.mark.parametrize(
    ("true", "pred"),
    {
        "a class without photos": ([1, 2, 3, 1, 2, 3], [1, 2, 0, 1, 2, 2]),
        "classes never predicted": ([0, 1, 2, 3, 2, 3], [0, 1, 1, 1, 2, 1]),
        "a bad model": ([1, 2, 3, 1, 2, 3], [0, 3, 1, 2, 0, 2]),
        "photos of one class": ([1, 1, 1, 1], [0, 0, 0, 1]),
        "alike": (FROM_ONE, [one + 1 for one in FROM_ZERO]),
        "other numbers": ([10, 20, 30, 10], [10, 20, 20, 10]),
    }.values(),
)
def test_labels_that_are_counted_alike(true: list[int], pred: list[int], tmp_path: Path) -> None:
    found = read(frame({"file": FILES[: len(true)], "label": true, "pred": pred})(tmp_path)).predictions
    assert [int(found.classes[n]) for n in found.true] == true and [
        int(found.classes[n]) for n in found.predicted
    ] == pred


def scores(answers: list[int], prefix: str, first: int, size: int = 4) -> dict[str, list[Any]]:
    return {f"{prefix}{first + place}": [0.7 if place == one else 0.1 for one in answers] for place in range(size)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("columns", "classes"),
    {
        "scores from 0": (scores(FROM_ZERO, "p_", 0), None),
        "names that are told": (scores(FROM_ZERO, "prob_", 1), ("cat", "cow", "dog", "owl")),
        "predictions": ({"pred": FROM_ZERO}, ("cat", "cow", "dog", "owl")),
    }.values(),
)
def test_labels_from_1_that_are_places_are_refused(
    columns: dict[str, list[Any]], classes: tuple[str, ...] | None, kind: str, tmp_path: Path
) -> None:
    """The last class has no photo, so that no label is too high."""
    path = frame({"file": FILES, "label": FROM_ONE} | columns, f"t.{kind}")(tmp_path)
    with pytest.raises(DataError, match=r"found those from 1, of which 0% agree .* 90% if 1 is subtracted"):
        read(path, classes=classes)


def test_columns_that_are_called_from_1(tmp_path: Path) -> None:
    path = frame({"file": FILES, "label": FROM_ONE} | scores(FROM_ZERO, "prob_", 1))(tmp_path)
    found = read(path).predictions
    assert (found.true == found.predicted).mean() == 0.9


@pytest.mark.parametrize(("shift", "told"), [(1, True), (0, False)])
def test_numbers_that_never_are_0_are_told(shift: int, told: bool, tmp_path: Path) -> None:
    pred = [one + shift for one in FROM_ZERO]
    path = frame({"file": FILES, "label": [one + shift - 1 for one in FROM_ONE], "pred": pred})(tmp_path)
    assert any("never occurs" in note for note in read(path, classes=("cat", "cow", "dog", "owl")).notes) == told


@pytest.mark.parametrize(
    ("true", "pred", "notes"),
    [
        (["cat", "dog", "dog"], ["cat", "-", "dog"], ["only predicted: 1 (-)"]),
        (["cat", "dog", "dgo"], ["cat", "dog", "dog"], ["only true: 1 (dgo)"]),
        (["Katze", "owl"], ["cat", "owl"], ["only predicted: 1 (cat)", "only true: 1 (Katze)"]),
        (["cat", "dog", "dog"], ["cat", "cat", "dog"], []),
    ],
)
def test_classes_that_are_only_true_or_only_predicted_are_told(
    true: list[str], pred: list[str], notes: list[str], tmp_path: Path
) -> None:
    found = read(frame({"file": FILES[: len(true)], "label": true, "pred": pred})(tmp_path))
    assert [note.removeprefix("classes that are ") for note in found.notes if "that are only" in note] == notes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["labels", "confidence", "scores"])
def test_classes_that_are_fractions(form: str, kind: str, tmp_path: Path) -> None:
    names, true, pred = [0.5, 1.0, 1.5], [0.5, 1.0, 1.5, 0.5, 1.0], [0.5, 1.0, 1.0, 1.5, 1.0]
    columns: dict[str, list[Any]] = {"file": FILES[:5], "label": true}
    if form == "scores":
        columns |= {str(name): [0.8 if one == name else 0.1 for one in pred] for name in names}
    else:
        columns["pred"] = pred
    if form == "confidence":
        columns["conf"] = [0.9, 0.8, 0.7, 0.6, 0.5]
    found = read(frame(columns, f"t.{kind}")(tmp_path)).predictions
    assert [float(name) for name in found.classes] == names
    assert [float(found.classes[n]) for n in found.true] == true and [
        float(found.classes[n]) for n in found.predicted
    ] == pred


def test_fractions_that_are_scores_are_no_labels(tmp_path: Path) -> None:
    path = frame({"file": FILES[:4], "label": [1, 0, 0, 1], "pred": [0.9, 0.5, 0.25, 0.75]})(tmp_path)
    np.testing.assert_allclose(read(path).predictions.probabilities[:, 1], [0.9, 0.5, 0.25, 0.75], atol=1e-6)
