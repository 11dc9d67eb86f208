"""What programs call the true label, the predicted one and its confidence, beside other columns, in any order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from har_core.errors import DataError
from har_core.imports.columns import Chosen, Columns, recognize
from har_core.imports.opening import open_table
from tests.imports.making import KINDS, frame

FILES = [f"{number}.jpg" for number in range(6)]
TRUE = ["cat", "dog", "cow", "cat", "dog", "cow"]
PREDICTED = ["cat", "dog", "cow", "dog", "dog", "cat"]
CONFIDENCE = [0.9, 0.8, 0.7, 0.6, 0.95, 0.85]
PLACES = {"cat": 0, "cow": 1, "dog": 2}

TRUE_NAMES = (
    "label_true", "true_label_name", "class_true", "gold", "gold_label", "reference", "references", "ground_truth_class", "gt_class_name",
    "label_gt", "actual_category", "y_test", "human_label", "expected_class", "correct_label", "Observed", "label_orig",
    "true.label", "target_true",
)  # fmt: skip
TRUE_NUMBERS = ("true_idx", "gt_class_id", "true_label_index", "y_true_id", "true_id")
PREDICTED_NAMES = (
    "label_pred", "class_predicted", "y_hat", "prediction_label", "pred_class_name", "predicted_label_name", "y_pred_label", "pred_labels",
    "label_hat", "guess", "result.label", "output_class", "inferred_label", "top_class", "model_prediction", "prediction(label)",
    "target_predicted", "Estimated Class", "top1_name",
)  # fmt: skip
PREDICTED_NUMBERS = ("pred_idx", "pred_class_id", "predicted_index", "y_pred_id", "argmax_idx")
CONFIDENCES = (
    "prediction_probability", "predicted_conf", "max_confidence", "top_prob", "prob_pred", "y_proba", "pred_class_score", "result.score",
    "softmax", "max softmax", "prob_max", "predicted_label_probability", "confidence_level", "msp",
)  # fmt: skip


def columns_of(columns: dict[str, Any], folder: Path, kind: str = "csv", **how: Any) -> Columns:
    return recognize(open_table(frame(columns, f"t.{kind}")(folder)), **how)


def numbers(labels: list[str]) -> list[int]:
    return [PLACES[name] for name in labels]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(("change", "reverse"), [(str, False), (str.upper, True)])
@pytest.mark.parametrize("name", TRUE_NAMES)
def test_the_true_label(name: str, change: Any, reverse: bool, kind: str, tmp_path: Path) -> None:
    """A second column of the same classes is no truth, so that content alone does not tell."""
    columns = {"file": FILES, change(name): TRUE, "pred": PREDICTED, "second_annotator": TRUE[::-1]}
    found = columns_of(dict(reversed(columns.items())) if reverse else columns, tmp_path, kind)
    assert (found.true, found.predicted) == (change(name), "pred")


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(("change", "reverse"), [(str, False), (str.upper, True)])
@pytest.mark.parametrize("name", PREDICTED_NAMES)
def test_the_predicted_label(name: str, change: Any, reverse: bool, kind: str, tmp_path: Path) -> None:
    columns = {"file": FILES, "label": TRUE, change(name): PREDICTED}
    found = columns_of(dict(reversed(columns.items())) if reverse else columns, tmp_path, kind)
    assert (found.true, found.predicted) == ("label", change(name))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("true", "predicted"),
    [*((name, "y_pred") for name in (*TRUE_NAMES, *TRUE_NUMBERS)), *(("label", name) for name in (*PREDICTED_NAMES, *PREDICTED_NUMBERS))],
)  # fmt: skip
def test_labels_that_are_numbers(true: str, predicted: str, reverse: bool, kind: str, tmp_path: Path) -> None:
    columns = {"file": FILES, true: numbers(TRUE), predicted: numbers(PREDICTED)}
    found = columns_of(dict(reversed(columns.items())) if reverse else columns, tmp_path, kind)
    assert (found.true, found.predicted) == (true, predicted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CONFIDENCES)
def test_the_confidence(name: str, kind: str, tmp_path: Path) -> None:
    for column in (name, name.upper()):
        found = columns_of({"file": FILES, "label": TRUE, "pred": PREDICTED, column: CONFIDENCE}, tmp_path, kind)
        assert found.confidence == column and not found.scores


def test_the_confidence_that_is_called_so_counts(tmp_path: Path) -> None:
    columns = {"file": FILES, "label": TRUE, "pred": PREDICTED, "y_score": CONFIDENCE[::-1], "conf": CONFIDENCE}
    assert columns_of(columns, tmp_path).confidence == "conf"


@pytest.mark.parametrize("stem", ["cat", "species", "is_a"])
@pytest.mark.parametrize(
    "form", ["{}_true {}_pred", "true_{} predicted_{}", "{}.gt {}.prediction", "{}_orig {}_predicted"]
)
def test_two_columns_of_one_stem(form: str, stem: str, tmp_path: Path) -> None:
    true, predicted = form.replace("{}", stem).split()
    for labels, answers in ((TRUE, PREDICTED), (numbers(TRUE), numbers(PREDICTED))):
        found = columns_of({predicted: answers, "file": FILES, true: labels, "notes": TRUE[::-1]}, tmp_path)
        assert (found.true, found.predicted) == (true, predicted)


def test_true_and_predicted_columns_a_class_are_no_labels(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"file": FILES}
    for name in PLACES:
        columns |= {f"{name}_true": [int(one == name) for one in TRUE], f"{name}_pred": [int(one == name) for one in PREDICTED]}  # fmt: skip
    with pytest.raises(DataError, match="--predicted"):
        columns_of(columns, tmp_path)


def test_names_count_before_numbers(tmp_path: Path) -> None:
    columns = {"file": FILES, "true_idx": numbers(TRUE), "true_class_name": TRUE, "pred_idx": numbers(PREDICTED), "pred_class_name": PREDICTED}  # fmt: skip
    found = columns_of(columns, tmp_path)
    assert (found.true, found.predicted) == ("true_class_name", "pred_class_name")


@pytest.mark.parametrize("more", [*PREDICTED_NUMBERS, "guess", "prediction(label)", "top_class"])
def test_further_names_do_not_stand_beside_surer_ones(more: str, tmp_path: Path) -> None:
    """What was read without them is read as before."""
    columns: dict[str, Any] = {"file": FILES, "label": TRUE, more: numbers(PREDICTED)}
    assert columns_of(columns | {"pred": PREDICTED}, tmp_path).predicted == "pred"
    scores = {f"prob_{name}": [0.6 if one == name else 0.2 for one in PREDICTED] for name in PLACES}
    found = columns_of(columns | scores, tmp_path)
    assert found.predicted is None and found.classes == tuple(PLACES)


@pytest.mark.parametrize("name", ["answer", "correct", "label_score", "annotator", "decision"])
def test_names_that_may_be_anything_are_not_taken(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--true|--predicted"):
        columns_of({"file": FILES, "pred": numbers(PREDICTED), name: numbers(TRUE)}, tmp_path)


UNSURE = ("observed", "reference", "human_label", "manual_label", "real_label", "verified_label", "correct_answer")


@pytest.mark.parametrize(
    ("unsure", "label", "kind"),
    [*((name, "label", "csv") for name in UNSURE), *(("observed", name, "csv") for name in ("class", "category", "tag", "target")),
     *(("observed", "label", kind) for kind in KINDS[1:])],
)  # fmt: skip
def test_two_opinions_are_refused(unsure: str, label: str, kind: str, tmp_path: Path) -> None:
    scores = {f"prob_{name}": [0.6 if one == name else 0.2 for one in TRUE] for name in PLACES}
    for answers in ({"pred": TRUE}, {"pred": PREDICTED}, scores):
        columns = {"file": FILES, label: TRUE, unsure: PREDICTED, **answers}
        with pytest.raises(DataError, match="2 that may be it"):
            columns_of(columns, tmp_path, kind)
        assert columns_of(columns, tmp_path, kind, chosen=Chosen(true=label)).true == label
        for sure in ("true_label", "gt", "label_true"):
            assert columns_of(columns | {sure: TRUE}, tmp_path, kind).true == sure
    with pytest.raises(DataError, match="2 that may be it"):
        columns_of({"file": FILES, label: TRUE, unsure: TRUE, "groundtruthed_by": TRUE, "reference_class": PREDICTED, "pred": TRUE}, tmp_path)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unsure", UNSURE[:2])
def test_a_column_without_classes_is_no_opinion(unsure: str, kind: str, tmp_path: Path) -> None:
    same = {"file": FILES, "label": TRUE, unsure: TRUE, "pred": PREDICTED}
    assert columns_of(same, tmp_path, kind).true in ("label", unsure)
    for true, other in (("label", unsure), (unsure, "label")):
        columns = {"file": FILES, true: TRUE, other: ["yes", "no"] * 3, "pred": PREDICTED}
        assert columns_of(columns, tmp_path, kind).true == true
