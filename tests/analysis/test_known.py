"""What is filled in for probabilities that are not known is never taken for one."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from sklearn.metrics import top_k_accuracy_score

from har_core.analysis.calibration import calibration
from har_core.analysis.error_kinds import error_kinds
from har_core.analysis.examples import example_table, to_csv
from har_core.analysis.filters import SORTS, Filters, select, sorts_of
from har_core.analysis.known import EVERYTHING, what_is_known
from har_core.runs.manifest import Probabilities
from har_core.runs.predictions import Predictions
from tests.helpers import filled_in, random_predictions

KINDS: tuple[Probabilities, ...] = get_args(Probabilities)
CLASSES = tuple(f"class {number:02d}" for number in range(15))
FULL = random_predictions(400, CLASSES)
TOP = 4


@pytest.mark.parametrize(
    ("kind", "classes", "ranks", "confidence", "every_class"),
    [
        ("all", 15, 15, True, True),
        ("top", 15, TOP, True, False),
        ("confidence", 15, 1, True, False),
        ("none", 15, 1, False, False),
        ("all", 2, 2, True, True),
        ("top", 2, 2, True, True),
        ("confidence", 2, 2, True, True),
        ("none", 2, 2, False, False),
    ],
)
def test_what_is_known(kind: Probabilities, classes: int, ranks: int, confidence: bool, every_class: bool) -> None:
    predictions = filled_in(random_predictions(60, CLASSES[:classes]), kind, top=TOP)
    known = what_is_known(kind, predictions)
    assert (known.ranks, known.confidence, known.every_class) == (ranks, confidence, every_class)
    assert known.margin == (confidence and ranks >= 2)
    number = {"all": classes, "top": TOP, "confidence": 1, "none": 0}[kind] if not every_class else classes
    mask = known.mask(predictions.probabilities)
    assert (mask.sum(axis=1) == number).all()
    original = random_predictions(60, CLASSES[:classes]).probabilities
    assert predictions.probabilities[mask] == pytest.approx(original[mask], abs=1e-6)


def test_the_top_of_the_photo_that_names_fewest() -> None:
    """All but one class is all; next to nothing that is left to the others does not count."""
    few, many = filled_in(FULL, "top", top=2), filled_in(FULL, "top", top=6)
    mixed = few.probabilities.copy()
    mixed[:-1] = many.probabilities[:-1]
    assert what_is_known("top", replace(FULL, probabilities=mixed)).ranks == 2
    assert what_is_known("top", filled_in(FULL, "top", top=14)).every_class
    certain = many.probabilities.copy()
    certain[0] = 0.0001 / 14
    certain[0, 3] = 0.9999
    assert what_is_known("top", replace(FULL, probabilities=certain)).ranks == 6
    one = np.full((5, 15), 1e-6, np.float32)
    one[:, 2] = 1 - 14e-6
    known = what_is_known("top", Predictions(CLASSES, FULL.samples[:5], FULL.true[:5], one))
    assert known.ranks == 1 and not known.every_class
    empty = Predictions(CLASSES, FULL.samples[:0], FULL.true[:0], one[:0])
    assert all(what_is_known(kind, empty).ranks >= 1 for kind in KINDS)
    even = Predictions(CLASSES, FULL.samples[:5], FULL.true[:5], np.full((5, 15), 1 / 15, np.float32))
    assert what_is_known("top", even).ranks == 1


@pytest.mark.parametrize("kind", KINDS)
def test_examples_hold_nothing_that_was_filled_in(kind: Probabilities) -> None:
    predictions, full = filled_in(FULL, kind, top=TOP), example_table(FULL)
    known = what_is_known(kind, predictions)
    table = example_table(predictions, known)
    assert (table["predicted"] == full["predicted"]).all() and (table["drawn"] == full["drawn"]).all()
    for column in ("confidence", "true_probability", "margin", "loss"):
        is_known = table[column].notna()
        assert table[column][is_known].to_numpy() == pytest.approx(full[column][is_known].to_numpy(), abs=1e-5)
    assert table["confidence"].notna().all() == known.confidence and table["margin"].notna().all() == known.margin
    assert table["loss"].notna().all() == known.every_class
    assert (table["second"] == (full["second"] if known.margin else -1)).all()
    for rank in range(1, min(known.ranks, 5) + 1):
        expected = top_k_accuracy_score(FULL.true, FULL.probabilities, k=rank)
        assert (table["true_rank"] <= rank).mean() == pytest.approx(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_the_most_confidently_wrong_come_first(kind: Probabilities) -> None:
    predictions = filled_in(FULL, kind, top=TOP)
    known = what_is_known(kind, predictions)
    table = example_table(predictions, known)
    found = table.iloc[select(table, Filters(show="all"), sort="loss").rows]
    wrong = (found["true"] != found["predicted"]).to_numpy()
    if kind == "all":
        assert (np.diff(found["loss"]) <= 0).all()
        return
    assert wrong[: wrong.sum()].all() and not wrong[wrong.sum() :].any()
    if known.confidence:
        assert (np.diff(found["confidence"][wrong]) <= 0).all() and (np.diff(found["confidence"][~wrong]) >= 0).all()


def test_orders_that_mean_something() -> None:
    found = {kind: sorts_of(what_is_known(kind, filled_in(FULL, kind, top=TOP))) for kind in KINDS}
    assert found["all"] == found["top"] == SORTS == sorts_of(EVERYTHING)
    assert found["confidence"] == ("loss", "confidence", "file name") and found["none"] == ("file name",)


@pytest.mark.parametrize("kind", ["top", "confidence"])
def test_calibration_of_the_predicted_class_alone(kind: Probabilities) -> None:
    predictions = filled_in(FULL, kind, top=TOP)
    found, full = calibration(predictions, what_is_known(kind, predictions)), calibration(FULL)
    assert found.ece == pytest.approx(full.ece) and found.confidence == pytest.approx(full.confidence)
    assert found.brier is None and found.class_wise_ece is None and full.brier is not None


def test_labels_alone_have_no_calibration() -> None:
    labels = filled_in(FULL, "none")
    with pytest.raises(ValueError, match="labels alone"):
        calibration(labels, what_is_known("none", labels))


def test_no_error_is_a_close_call_where_nothing_is_known() -> None:
    labels = filled_in(FULL, "none")
    kinds = error_kinds(example_table(labels, what_is_known("none", labels)), [], {})
    assert kinds["model"].sum() == (~FULL.correct).sum() and not kinds["ambiguous"].any()


@pytest.mark.parametrize(("kind", "number"), [("all", 15), ("top", TOP), ("confidence", 1), ("none", 0)])
def test_csv_leaves_out_what_is_not_known(kind: Probabilities, number: int) -> None:
    predictions = filled_in(FULL, kind, top=TOP)
    text = to_csv(predictions, np.arange(10), {}, known=what_is_known(kind, predictions)).decode("utf-8-sig")
    for line in csv.DictReader(io.StringIO(text)):
        assert sum(bool(value) for name, value in line.items() if name.startswith("p:")) == number
