"""Tables as tools write them: each is understood without a flag, except for the names of classes that it does not tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from har_core.errors import DataError
from har_core.imports.build import read_predictions
from har_core.imports.columns import Chosen, recognize
from har_core.imports.opening import open_table
from har_core.runs.manifest import Probabilities
from tests.imports.making import CSV, Make, frame, read, text

CLASSES = ("blue", "green", "red")
FILES = [f"photos/Image_{number}.jpg" for number in range(6)]
TRUE = ["blue", "green", "red", "red", "blue", "green"]
CHANCES = np.array(
    [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.5, 0.3, 0.2], [0.9, 0.05, 0.05], [0.3, 0.4, 0.3]]
)
PREDICTED = [CLASSES[index] for index in CHANCES.argmax(axis=1)]
CONFIDENCE = CHANCES.max(axis=1)
LOGITS = np.log(CHANCES) * 1.0 + 3
INDEX = [CLASSES.index(name) for name in TRUE]
RANKED = np.argsort(-CHANCES, axis=1, kind="stable")[:, :2]


def by_class(prefix: str, values: np.ndarray = CHANCES) -> dict[str, Any]:
    return {prefix + name: values[:, number] for number, name in enumerate(CLASSES)}


def numbered(prefix: str, values: np.ndarray = CHANCES, start: int = 0) -> dict[str, Any]:
    return {f"{prefix}{number + start}": values[:, number] for number in range(values.shape[1])}


def ranks(label: str, value: str, start: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for rank in range(2):
        found[label.replace("#", str(rank + start))] = [CLASSES[one] for one in RANKED[:, rank]]
        found[value.replace("#", str(rank + start))] = np.take_along_axis(CHANCES, RANKED[:, rank : rank + 1], 1)[:, 0]
    return found


def jsonl(records: list[dict[str, Any]], name: str = "table.jsonl") -> Make:
    return text("\n".join(map(json.dumps, records)) + "\n", name)


def npz(**arrays: np.ndarray) -> Make:
    def make(folder: Path) -> Path:
        np.savez(folder / "table.npz", allow_pickle=False, **arrays)
        return folder / "table.npz"

    return make


def files(**columns: Any) -> dict[str, Any]:
    return {"filename": FILES, **columns}


GOOD: dict[str, tuple[Make, Probabilities, bool]] = {
    "filename,label,pred,prob": (frame(files(label=TRUE, pred=PREDICTED, prob=CONFIDENCE)), "confidence", False),
    "image_path,y_true,y_pred": (frame({"image_path": FILES, "y_true": TRUE, "y_pred": PREDICTED}), "none", False),
    "path,target,output": (frame({"path": FILES, "target": TRUE, "output": PREDICTED}), "none", False),
    "other words": (
        frame({"Image Name": FILES, "Ground Truth": TRUE, "Predicted Class": PREDICTED, "Confidence Score": CONFIDENCE}),
        "confidence",
        False,
    ),
    "percent confidences": (frame(files(label=TRUE, pred=PREDICTED, conf=CONFIDENCE * 100)), "confidence", False),
    "indices": (
        frame(files(label=INDEX, pred=CHANCES.argmax(axis=1), prob=CONFIDENCE)),
        "confidence",
        True,
    ),
    "sklearn predict_proba": (frame(files(true=TRUE, **by_class(""))), "all", False),
    "p:": (frame({"sample": FILES, "true": TRUE, "predicted": PREDICTED, **by_class("p:")}), "all", False),
    "prob_": (frame(files(label=TRUE, prediction=PREDICTED, confidence=CONFIDENCE, **by_class("prob_"))), "all", False),
    "proba_": (frame(files(label=TRUE, **by_class("proba_"))), "all", False),
    "P(...)": (frame(files(label=TRUE, **{f"P({name})": CHANCES[:, n] for n, name in enumerate(CLASSES)})), "all", False),
    "percentages": (frame(files(label=TRUE, **by_class("p_", CHANCES * 100))), "all", False),
    "logit_": (frame(files(label=TRUE, **by_class("logit_", LOGITS))), "all", False),
    "logits without a name": (frame(files(label=TRUE, **by_class("", LOGITS - 5))), "all", False),
    "numbered": (frame(files(label=INDEX, **numbered("prob_"))), "all", True),
    "numbered from one, labels by name": (frame(files(label=TRUE, **numbered("output_", LOGITS, 1))), "all", True),
    "bare numbers": (frame(files(label=TRUE, **numbered(""))), "all", True),
    "top_1_class": (frame(files(label=TRUE, **ranks("top_#_class", "top_#_probability"))), "top", False),
    "top1, top1_prob": (frame(files(label=TRUE, **ranks("top#", "top#_prob"))), "top", False),
    "timm, separate columns": (
        frame(files(target=TRUE, **ranks("label_#", "prob_#", 0), **{f"index_{n}": RANKED[:, n] for n in (0, 1)})),
        "top",
        False,
    ),
    "timm, lists in cells": (
        frame(
            files(
                target=INDEX,
                index=[str(row) for row in RANKED],
                prob=[str(np.sort(row)[::-1][:2]) for row in CHANCES],
            )
        ),
        "top",
        True,
    ),
    "a list in a cell": (frame(files(label=TRUE, probabilities=[str(row.tolist()) for row in CHANCES])), "all", True),
    "Keras flow_from_directory": (
        frame({"Filename": [f"{label}/{n}.jpg" for n, label in enumerate(TRUE)], "Predictions": PREDICTED}),
        "none",
        False,
    ),
    "TSV": (frame(files(true=TRUE, **by_class("p:")), "t.tsv", sep="\t"), "all", False),
    "semicolons and decimal commas": (frame(files(true=TRUE, **by_class("p:")), sep=";", decimal=","), "all", False),
    "bars": (frame(files(true=TRUE, **by_class("p:")), sep="|"), "all", False),
    "UTF-16": (frame(files(true=TRUE, **by_class("p:")), encoding="utf-16"), "all", False),
    "byte order mark": (frame(files(true=TRUE, **by_class("p:")), encoding="utf-8-sig"), "all", False),
    "sep=": (text("sep=;\nfilename;true;pred\n" + "".join(f"{f};{t};{p}\n" for f, t, p in zip(FILES, TRUE, PREDICTED, strict=True))), "none", False),
    "Windows line ends": (frame(files(true=TRUE, **by_class("p:")), lineterminator="\r\n"), "all", False),
    "spellings": (frame(files(true=[name.upper() for name in TRUE], **by_class("p:"))), "all", False),
    "Parquet": (frame(files(true=pd.Categorical(TRUE), **by_class("p:")), "t.parquet"), "all", False),
    "Parquet with lists": (frame(files(label=TRUE, probabilities=list(CHANCES)), "t.parquet"), "all", True),
    "Parquet with records": (
        frame(files(label=TRUE, probs=[dict(zip(CLASSES, row, strict=True)) for row in CHANCES.tolist()]), "t.parquet"),
        "all",
        False,
    ),
    "JSON lines": (frame(files(true=TRUE, **by_class("p:")), "t.jsonl"), "all", False),
    "JSON lines with records": (
        jsonl([
            {"file": f, "label": t, "probabilities": dict(zip(CLASSES, row, strict=True))}
            for f, t, row in zip(FILES, TRUE, CHANCES.tolist(), strict=True)
        ]),
        "all",
        False,
    ),
    "Hugging Face pipeline": (
        jsonl([
            {"file_name": f, "label": t, "predictions": [{"label": CLASSES[n], "score": float(row[n])} for n in best]}
            for f, t, row, best in zip(FILES, TRUE, CHANCES, RANKED.tolist(), strict=True)
        ]),
        "top",
        False,
    ),
    "a JSON list": (
        text(json.dumps([{"file": f, "true": t, "predicted": p} for f, t, p in zip(FILES, TRUE, PREDICTED, strict=True)]), "t.json"),
        "none",
        False,
    ),
    "cleanlab": (
        npz(
            labels=np.array(INDEX),
            pred_probs=CHANCES,
            classes=np.array(CLASSES),
            filenames=np.array(FILES),
        ),
        "all",
        False,
    ),
    "NPZ of logits": (npz(y_true=np.array(INDEX), logits=LOGITS.astype(np.float32), filenames=np.array(FILES)), "all", True),
    "FiftyOne samples.json": (
        text(
            json.dumps({"samples": [
                {
                    "_id": {"$oid": f"{n}"},
                    "filepath": f,
                    "ground_truth": {"_cls": "Classification", "label": t, "tags": []},
                    "predictions": {"_cls": "Classification", "label": p, "confidence": c, "logits": row},
                }
                for n, (f, t, p, c, row) in enumerate(zip(FILES, TRUE, PREDICTED, CONFIDENCE.tolist(), LOGITS.tolist(), strict=True))
            ]}),
            "samples.json",
        ),
        "all",
        True,
    ),
}  # fmt: skip


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
