"""Two classes with one column of scores: the other's is what is left; never guessed whose it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from har_core.errors import DataError
from har_core.imports.columns import Chosen
from tests.imports.making import KINDS, Make, frame, read, text

P = [0.9, 0.2, 0.6, 0.45]
NUMBERS = ["1", "0", "0", "1"]
NAMES = ["dog", "cat", "cat", "dog"]


def table(header: str, labels: list[str], values: list[object], more: list[str] | None = None) -> Make:
    rows = [f"{n}.jpg,{label},{value}" for n, (label, value) in enumerate(zip(labels, values, strict=True))]
    if more is not None:
        rows = [f"{row},{one}" for row, one in zip(rows, more, strict=True)]
    return text("\n".join([header, *rows]) + "\n")


SURE: dict[str, tuple[Make, tuple[str, str]]] = {
    **{name: (table(f"file,label,{name}", NUMBERS, P), ("0", "1")) for name in ("score", "prob", "probability", "y_score", "y_prob", "proba", "y_pred", "pred", "confidence", "prob_1", "prob_positive")},
    "true and false": (table("file,label,score", ["True", "False", "False", "True"], P), ("False", "True")),
    "the class's name": (table("file,label,dog", NAMES, P), ("cat", "dog")),
    "its name behind a prefix": (table("file,label,prob_dog", NAMES, P), ("cat", "dog")),
    "percentages": (table("file,label,score", NUMBERS, [100 * p for p in P]), ("0", "1")),
    "percent signs": (table("file,label,score", NUMBERS, [f"{100 * p:.0f}%" for p in P]), ("0", "1")),
    "logits": (table("file,label,logit", NUMBERS, [np.log(p / (1 - p)) for p in P]), ("0", "1")),
    "a decision function": (table("file,label,decision_function", NUMBERS, [np.log(p / (1 - p)) for p in P]), ("0", "1")),
    "a score that is a logit": (table("file,label,score", NUMBERS, [np.log(p / (1 - p)) for p in P]), ("0", "1")),
    "beside predictions that follow from it": (table("file,label,score,pred", NUMBERS, P, ["1", "0", "1", "0"]), ("0", "1")),
    "-1 and 1": (table("file,label,decision_function", ["1", "-1", "-1", "1"], [np.log(p / (1 - p)) for p in P]), ("-1", "1")),
    "beside predictions of names": (table("file,label,score,pred", NAMES, P, ["dog", "cat", "dog", "cat"]), ("cat", "dog")),
    "percentages beside them": (table("file,label,score,pred", NAMES, [100 * p for p in P], ["dog", "cat", "dog", "cat"]), ("cat", "dog")),
    "beside an index": (text("".join(f"{a},{b}\n" for a, b in zip(["", 0, 1, 2, 3], ["file,label,score", *(f"{n}.jpg,{x},{p}" for n, (x, p) in enumerate(zip(NUMBERS, P, strict=True)))], strict=True))), ("0", "1")),
    "Parquet": (frame({"file": [f"{n}.jpg" for n in range(4)], "label": [1, 0, 0, 1], "score": P}, "t.parquet"), ("0", "1")),
    "Parquet of truths": (frame({"file": [f"{n}.jpg" for n in range(4)], "label": [True, False, False, True], "score": P}, "t.parquet"), ("false", "true")),
}  # fmt: skip


@pytest.mark.parametrize("case", SURE)
def test_the_other_class_has_what_is_left(case: str, tmp_path: Path) -> None:
    make, classes = SURE[case]
    found = read(make(tmp_path))
    assert found.predictions.classes == classes and found.probabilities == "all"
    assert np.allclose(found.predictions.probabilities, np.stack([1 - np.array(P), P], axis=1), atol=1e-6)
    assert [classes[number] for number in found.predictions.true] == [classes[int(one)] for one in NUMBERS]


def test_a_column_called_like_the_first_class(tmp_path: Path) -> None:
    found = read(table("file,label,cat", NAMES, [1 - p for p in P])(tmp_path)).predictions
    assert found.classes == ("dog", "cat") and found.true.tolist() == [0, 1, 1, 0]
    assert np.allclose(found.probabilities, np.stack([P, 1 - np.array(P)], axis=1), atol=1e-6)


@pytest.mark.parametrize("labels", [NUMBERS, ["sick", "well", "well", "sick"]])
def test_classes_that_are_told_say_whose_it_is(labels: list[str], tmp_path: Path) -> None:
    """The last of them."""
    found = read(table("file,label,score", labels, P)(tmp_path), classes=("well", "sick")).predictions
    assert found.classes == ("well", "sick") and found.true.tolist() == [1, 0, 0, 1]
    assert np.allclose(found.probabilities[:, 1], P)


def test_beside_predictions_it_may_be_of_the_predicted_class(tmp_path: Path) -> None:
    confident = [0.9, 0.8, 0.6, 0.55]
    found = read(table("file,label,score,pred", NUMBERS, confident, ["1", "0", "1", "0"])(tmp_path))
    assert found.probabilities == "confidence"
    assert np.allclose(found.predictions.probabilities.max(axis=1), confident)
    with pytest.raises(DataError, match=r"1/2 or more"):  # neither of the class 1 nor of the predicted one
        read(table("file,label,score,pred", NUMBERS, P, ["0", "1", "0", "1"])(tmp_path))


@pytest.mark.parametrize("labels", [NAMES, ["yes", "no", "no", "yes"], ["1", "2", "2", "1"], ["0", "1", "2", "0"]])
def test_whose_it_is_is_not_guessed(labels: list[str], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--classes FILE"):
        read(table("file,label,score", labels, P)(tmp_path))


HIGH = [0.9, 0.8, 0.7, 0.95]
"""As a score of the second class they make it the answer of every row; as confidences they say nothing of it."""

TRUTHS: dict[str, list[object]] = {
    "numbers": [1, 0, 0, 1],
    "booleans": [True, False, False, True],
    "-1 and 1": [1, -1, -1, 1],
    "one class alone": [1, 1, 1, 1],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["score", "prob", "conf", "confidence", "y_score", "pred_prob"])
@pytest.mark.parametrize("truths", TRUTHS)
def test_what_may_be_a_confidence_of_the_answer_is_not_taken_for_a_score(
    truths: str, name: str, kind: str, tmp_path: Path
) -> None:
    columns = {"image": [f"{n}.jpg" for n in range(4)], "true": TRUTHS[truths], name: HIGH}
    with pytest.raises(DataError, match=r"which of the two classes .*--predicted.*--classes FILE"):
        read(frame(columns, f"t.{kind}")(tmp_path))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("score", [90.5, 80, 70, 95]),
        ("score", [90, 80, 50, 95]),
        ("score", ["90%", "80%", "50%", "95%"]),
        ("logit", [2.5, 1.5, 0.1, 3]),
        ("margin", [0.9, 0.02, 0.4, 0.3]),
    ],
)
def test_nor_are_percentages_or_logits_of_the_answer(name: str, values: list[object], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="which of the two classes"):
        read(table(f"file,label,{name}", NUMBERS, values)(tmp_path))


@pytest.mark.parametrize(
    "header", ["image,true,label,score", "image,truth,class,confidence", "image,label,true,confidence"]
)
def test_answers_beside_their_confidences_are_asked_for(header: str, tmp_path: Path) -> None:
    names = header.split(",")
    true, label = sorted(names[1:3], key=lambda name: not name.startswith("tru"))
    columns = {"image": ["a.jpg", "b.jpg", "c.jpg", "d.jpg"], true: [0, 1, 0, 1], label: [0, 1, 1, 1], names[3]: HIGH}
    path = frame({name: columns[name] for name in names})(tmp_path)
    with pytest.raises(DataError, match="which of the two classes"):
        read(path)
    found = read(path, chosen=Chosen(predicted=label))
    assert found.probabilities == "confidence"
    assert (found.predictions.predicted == found.predictions.true).mean() == 0.75
    found = read(path, classes=("0", "1"))
    assert found.probabilities == "all" and np.allclose(found.predictions.probabilities[:, 1], HIGH)


def test_nor_beside_labels_in_folders_of_other_names(tmp_path: Path) -> None:
    path = frame(
        {"filename": ["pos/1.jpg", "neg/2.jpg", "neg/3.jpg", "pos/4.jpg"], "label": [1, 0, 1, 1], "confidence": HIGH}
    )(tmp_path)
    with pytest.raises(DataError, match="which of the two classes"):
        read(path)
    found = read(path, classes=("0", "1"), chosen=Chosen(true="label"))
    assert np.allclose(found.predictions.probabilities[:, 1], HIGH)


@pytest.mark.parametrize("name", ["prob_1", "prob_positive", "1"])
def test_a_name_that_says_the_class_is_enough(name: str, tmp_path: Path) -> None:
    found = read(table(f"file,label,{name}", NUMBERS, HIGH)(tmp_path)).predictions
    assert found.classes == ("0", "1") and np.allclose(found.probabilities[:, 1], HIGH)


@pytest.mark.parametrize("key", ["classes", "id2label"])
def test_classes_that_the_table_brings_do_not_say_that_it_is_a_score(key: str, tmp_path: Path) -> None:
    def made(values: list[float]) -> Path:
        names = ["cat", "dog"] if key == "classes" else {"0": "cat", "1": "dog"}
        rows = [{"file": f"{n}.jpg", "true": n % 2, "score": value} for n, value in enumerate(values)]
        return text(json.dumps({key: names, "predictions": rows}), "t.json")(tmp_path)

    assert np.allclose(read(made(P)).predictions.probabilities[:, 1], P)
    with pytest.raises(DataError, match="which of the two classes"):
        read(made(HIGH))
    assert np.allclose(read(made(HIGH), classes=["cat", "dog"]).predictions.probabilities[:, 1], HIGH)


def test_one_low_value_below_the_first_rows_is_enough(tmp_path: Path) -> None:
    found = read(table("file,label,score", [*NUMBERS * 300, "0"], [*HIGH * 300, 0.1])(tmp_path)).predictions
    assert found.probabilities[-1].tolist() == pytest.approx([0.9, 0.1])


@pytest.mark.parametrize("values", [P, HIGH])
@pytest.mark.parametrize("name", ["max_prob", "top1_prob", "pred_conf", "certainty", "msp", "max_softmax", "max_conf"])
@pytest.mark.parametrize("classes", [None, ("0", "1")])
def test_a_confidence_by_its_name_is_never_a_score(
    classes: tuple[str, str] | None, name: str, values: list[float], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="--predicted"):
        read(table(f"file,true,{name}", NUMBERS, values)(tmp_path), classes=classes)


@pytest.mark.parametrize("values", [[1, 5, 3, 2], [4.5, 3.5, 1.0, 2.0], [0, 1, 1, 0]])
@pytest.mark.parametrize("name", ["score", "dog"])
def test_ratings_and_counts_are_no_scores(values: list[object], name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="predicted label"):
        read(table(f"file,label,{name}", NUMBERS if name == "score" else NAMES, values)(tmp_path))


def test_a_label_that_comes_later_is_no_third_class(tmp_path: Path) -> None:
    path = table("file,label,score", [*NUMBERS * 300, "2"], [*P * 300, 0.5])(tmp_path)
    with pytest.raises(DataError, match="'2'"):
        read(path)


def test_values_beyond_those_of_the_first_rows_are_refused(tmp_path: Path) -> None:
    path = table("file,label,score", [*NUMBERS * 300, "1"], [*P * 300, 1.5])(tmp_path)
    with pytest.raises(DataError, match="row 1,201"):
        read(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("labels", [[1, 2, 2, 1], ["no", "yes", "yes", "no"]])
def test_the_error_says_which_lines_to_write(labels: list[object], kind: str, tmp_path: Path) -> None:
    path = frame({"file": [f"{n}.jpg" for n in range(4)], "label": labels, "score": P}, f"t.{kind}")(tmp_path)
    first, second = map(str, labels[:2])
    with pytest.raises(DataError, match=f"--classes FILE .*{first}, then {second} if .* or {second}, then {first} if"):
        read(path)
    for order in ((first, second), (second, first)):
        (tmp_path / "classes.txt").write_text("\n".join(order))
        found = read(path, classes=tmp_path / "classes.txt").predictions
        assert found.classes == order and np.allclose(found.probabilities[:, 1], P)
        assert [order[number] for number in found.true] == list(map(str, labels))
