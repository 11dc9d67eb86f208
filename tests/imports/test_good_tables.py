"""Tables as tools write them: each is understood without a flag, except for the names of classes that it does not tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

import har_core
from har_core.errors import DataError
from har_core.imports.build import read_predictions
from har_core.imports.columns import Chosen, recognize
from har_core.imports.opening import open_table
from tests.imports.good_cases import (
    CHANCES,
    CLASSES,
    CONFIDENCE,
    FILES,
    GOOD,
    PREDICTED,
    TRUE,
    by_class,
    files,
    jsonl,
    numbered,
)
from tests.imports.making import CSV, frame, read, text


@pytest.mark.parametrize("case", GOOD)
def test_a_table_is_understood(case: str, tmp_path: Path) -> None:
    make, known, needs_classes = GOOD[case]
    found = read(make(tmp_path), classes=CLASSES if needs_classes else None)
    predictions = found.predictions
    assert (predictions.classes, found.probabilities) == (CLASSES, known)
    assert [CLASSES[index] for index in predictions.true] == TRUE
    assert [CLASSES[index] for index in predictions.predicted] == PREDICTED
    if "Keras" not in case:
        assert list(predictions.samples) == FILES
    if known == "all":
        np.testing.assert_allclose(predictions.probabilities, CHANCES, atol=1e-6)
    if known in ("confidence", "top"):
        np.testing.assert_allclose(predictions.confidence, CONFIDENCE, atol=1e-6)
        rest = (1 - CONFIDENCE) / 2 if known == "confidence" else 1 - np.sort(CHANCES, axis=1)[:, 1:].sum(axis=1)
        np.testing.assert_allclose(predictions.probabilities.min(axis=1), rest, atol=1e-6)


@pytest.mark.parametrize("case", [case for case in GOOD if GOOD[case][2]])
def test_the_order_of_classes_is_not_guessed(case: str, tmp_path: Path) -> None:
    """Without it such a table is refused; or its numbers are the names, where labels and columns bear the same."""
    path = GOOD[case][0](tmp_path)
    if case in ("indices", "numbered", "timm, lists in cells", "NPZ of logits"):
        assert read(path).predictions.classes == ("0", "1", "2")
        return
    with pytest.raises(DataError, match="--classes"):
        read(path)


def test_the_file_names_of_a_frame_are_found_by_content(tmp_path: Path) -> None:
    table = pd.DataFrame({**by_class(""), "y_true": TRUE}, index=FILES)
    table.to_csv(tmp_path / "t.csv")
    assert list(read(tmp_path / "t.csv").predictions.samples) == FILES


def test_softmax_is_that_of_scipy(tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(0, 8, (200, 5))
    columns = {"file": [f"{n}.jpg" for n in range(200)], "true": ["a"] * 200}
    path = frame({**columns, **{f"logit_{name}": logits[:, n] for n, name in enumerate("abcde")}})(tmp_path)
    np.testing.assert_allclose(read(path).predictions.probabilities, softmax(logits, axis=1), atol=1e-7)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_32_bit_probabilities_come_back_bit_for_bit(kind: str, tmp_path: Path) -> None:
    values = np.random.default_rng(1).dirichlet(np.ones(7), 3000).astype(np.float32)
    columns = {"file": [f"{n}.jpg" for n in range(3000)], "true": list("abc") * 1000}
    path = frame({**columns, **{f"p:{name}": values[:, n] for n, name in enumerate("abcdefg")}}, f"t.{kind}")(tmp_path)
    assert np.array_equal(read(path).predictions.probabilities, values)


def test_classes_that_a_model_rules_out_have_no_probability(tmp_path: Path) -> None:
    logits = np.array([[3, -np.inf, 1], [-1, 2, -np.inf], [-np.inf, -np.inf, 0]])
    columns = {"file": ["1.jpg", "2.jpg", "3.jpg"], "true": list("abc")}
    expected = softmax(logits, axis=1)
    for kind in ("csv", "parquet"):
        path = frame({**columns, **{name: logits[:, n] for n, name in enumerate("abc")}}, f"t.{kind}")(tmp_path)
        np.testing.assert_allclose(read(path).predictions.probabilities, expected, atol=1e-7)
    run = har_core.from_arrays(list("abc"), logits=logits, classes=list("abc"), out=tmp_path / "run")
    np.testing.assert_allclose(run.predictions().probabilities, expected, atol=1e-7)


def test_rounded_rows_are_divided_by_their_sum(tmp_path: Path) -> None:
    found = read(text("file,true,p:a,p:b,p:c\n1.jpg,a,0.33,0.33,0.33\n2.jpg,b,0.2,0.6,0.2\n")(tmp_path))
    assert found.predictions.probabilities[0].sum() == pytest.approx(1) and found.notes[0].endswith(": 1")


def test_labels_alone_are_certain(tmp_path: Path) -> None:
    found = read(text("file,true,pred\n1.jpg,b,a\n2.jpg,a,a\n")(tmp_path), classes=("c", "b", "a")).predictions
    assert found.probabilities.tolist() == [[0, 0, 1], [0, 0, 1]] and found.confusion_matrix()[1, 2] == 1


@pytest.mark.parametrize(
    ("row", "predicted"),
    [("0.5,0.5,0", "b"), ("0.5,0.5,0", "a"), ("0.333333333333,0.333333333334,0.333333333333", "c")],
)
def test_a_tie_goes_to_the_predicted_class(row: str, predicted: str, tmp_path: Path) -> None:
    found = read(text(f"file,true,predicted,p:a,p:b,p:c\n1.jpg,a,{predicted},{row}\n")(tmp_path)).predictions
    assert found.classes[found.predicted[0]] == predicted and abs(found.probabilities.sum() - 1) < 1e-6


@pytest.mark.parametrize("share", ["0.5", "0.50001", "1"])
def test_a_confidence_of_two_classes(share: str, tmp_path: Path) -> None:
    found = read(text(f"file,true,pred,conf\n1.jpg,a,b,{share}\n2.jpg,b,a,{share}\n")(tmp_path)).predictions
    assert found.predicted.tolist() == [1, 0] and found.confidence == pytest.approx(float(share))


def test_all_ranks_are_all_probabilities(tmp_path: Path) -> None:
    found = read(text("file,true,top1,top1_prob,top2,top2_prob\n1.jpg,a,b,0.7,a,0.3\n2.jpg,b,a,1,b,0\n")(tmp_path))
    assert found.probabilities == "all"
    np.testing.assert_allclose(found.predictions.probabilities, [[0.3, 0.7], [1, 0]], atol=1e-7)


def test_fewer_ranks_in_some_rows(tmp_path: Path) -> None:
    rows = [
        {"file": "1.jpg", "true": "a", "predictions": [{"label": "a", "score": 0.7}, {"label": "b", "score": 0.2}]},
        {"file": "2.jpg", "true": "c", "predictions": [{"label": "c", "score": 0.8}]},
    ]
    found = read(jsonl(rows)(tmp_path)).predictions
    np.testing.assert_allclose(found.probabilities, [[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], atol=1e-7)


def test_columns_are_shown_and_can_be_named(tmp_path: Path) -> None:
    path = frame(files(label=TRUE, second=TRUE, pred=PREDICTED, other=PREDICTED, conf=CONFIDENCE, width=[3] * 6))(
        tmp_path
    )
    columns = recognize(open_table(path))
    assert (columns.file, columns.true, columns.predicted, columns.confidence) == ("filename", "label", "pred", "conf")
    assert columns.ignored == ("second", "other", "width") and ("true label", "label") in columns.rows()
    columns = recognize(open_table(path), chosen=Chosen(true="second", predicted="other", no_confidence=True))
    assert (columns.true, columns.predicted, columns.confidence) == ("second", "other", None)


def test_other_columns_of_numbers_are_no_classes(tmp_path: Path) -> None:
    """Also where a class has no photo: its column is kept."""
    columns = files(true=["blue"] * 3 + ["red"] * 3, fold=[0, 1] * 3, **by_class(""), width=[640] * 6)
    assert read(frame(columns)(tmp_path)).predictions.classes == CLASSES
    columns = files(true=TRUE, fold=[0, 1] * 3, **by_class("p:"), width=[640] * 6)
    assert read(frame(columns)(tmp_path)).predictions.classes == CLASSES


def test_classes_in_the_order_of_their_file(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("Red\n\nblue\ngreen\n")
    found = read(frame(files(true=TRUE, **by_class("p:")))(tmp_path), classes=tmp_path / "classes.txt").predictions
    assert found.classes == ("Red", "blue", "green")
    np.testing.assert_allclose(found.probabilities, CHANCES[:, [2, 0, 1]], atol=1e-7)


def test_numbers_are_names_where_the_columns_bear_them(tmp_path: Path) -> None:
    found = read(frame(files(true=[2, 0, 1, 1, 2, 0], **numbered("p_")))(tmp_path)).predictions
    assert found.classes == ("0", "1", "2") and found.true.tolist() == [2, 0, 1, 1, 2, 0]


def test_unknown_labels_are_skipped_or_count_as_errors(tmp_path: Path) -> None:
    path = text(CSV + "d.jpg,green,0.5,0.5\n,,,\n".replace(",,,\n", ""))(tmp_path)
    path.write_text(CSV + "d.jpg,green,0.5,0.5\n")
    skipped = read(path, unknown="skip")
    assert len(skipped.predictions) == 3 and len(skipped.skipped) == 1 and "d.jpg" in skipped.skipped[0]
    assert skipped.kept.tolist() == [0, 1, 2] and skipped.rows == 4
    counted = read(path, unknown="error").predictions
    assert counted.classes == ("blue", "red", "green") and counted.probabilities[3].tolist() == [0.5, 0.5, 0]
    assert not counted.correct[3]


def test_only_the_guard_of_exports_is_taken_away(tmp_path: Path) -> None:
    rows = "filename,true,pred\n'=1.jpg,a,'-x\n'2.jpg,a,a\n'-3,-x,'=y\n''=4.jpg,a,'=y\n"
    path = text(rows)(tmp_path)
    found = read(path).predictions
    assert list(found.samples) == ["=1.jpg", "'2.jpg", "'-3", "''=4.jpg"] and found.classes == ("-x", "=y", "a")


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_a_folder_stands_for_its_metadata(name: str, tmp_path: Path) -> None:
    frame({"file_name": FILES, "label": TRUE, "prediction": PREDICTED}, name)(tmp_path)
    assert list(read(tmp_path).predictions.samples) == FILES


def test_one_photo(tmp_path: Path) -> None:
    found = read(text("file,true,p:a,p:b\nx.jpg,a,1,0\n")(tmp_path)).predictions
    assert len(found) == 1 and found.correct.all()


def test_photos_inside_a_parquet_file_are_not_read(tmp_path: Path) -> None:
    """As data sets of Hugging Face have them: the path counts, the bytes do not."""
    photos = [{"bytes": bytes(2 * 2**20), "path": name} for name in FILES]
    path = frame({"image": photos, "label": TRUE, "prediction": PREDICTED}, "t.parquet")(tmp_path)
    table = open_table(path)
    assert table.columns == ("image.path", "label", "prediction")
    assert list(read(path, chosen=Chosen(file="image.path")).predictions.samples) == FILES
    assert list(read(path).predictions.samples) == FILES


def test_cleanlabs_two_arrays_alone(tmp_path: Path) -> None:
    """Rows without names are numbered, as those of `from_arrays`."""
    np.savez(tmp_path / "t.npz", labels=np.array([0, 1, 1]), pred_probs=np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]))
    table = open_table(tmp_path / "t.npz")
    found = read_predictions(table, recognize(table, classes=("cat", "dog")))
    assert found.predictions.samples.tolist() == ["row_0", "row_1", "row_2"]
    assert found.predictions.confusion_matrix().tolist() == [[1, 0], [1, 1]]


def test_fractions_are_no_labels(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file,y_true,y_score\na.jpg,0,0.25\nb.jpg,1,0.75\n")
    with pytest.raises(DataError, match="fractions"):
        recognize(open_table(tmp_path / "t.csv"), chosen=Chosen(predicted="y_score"))
