"""Rows without a prediction or a true label are left out, counted and named; in every form, and not if they are most."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import har_core
from har_core.cli import main
from har_core.errors import DataError
from har_core.runs.run import Run
from tests.imports.good_cases import npz
from tests.imports.making import Make, frame, read, store, text

CLASSES = ("blue", "red")
FILES, TRUE = ["a.jpg", "b.jpg", "c.jpg"], ["blue", "red", "red"]
NAMED = {"filename": FILES, "true": TRUE}
CHANCES = [[0.9, 0.1], None, [0.4, 0.6]]


def records(values: list[Any], what: str) -> list[dict[str, Any]]:
    return [{"file": f, "true": t, what: v} for f, t, v in zip(FILES, TRUE, values, strict=True)]


def lines(values: list[Any], what: str = "probs") -> Make:
    return text("\n".join(map(json.dumps, records(values, what))), "t.jsonl")


def ranking(name: str, chance: float) -> list[dict[str, Any]]:
    other = CLASSES[1 - CLASSES.index(name)]
    return [{"label": name, "score": chance}, {"label": other, "score": 1 - chance}]


WORDS = ("", "NaN", "nan", "None", "null", "NA", "N/A", "<NA>", "n/a", "#N/A", "#NA", "NaT", "(null)", "\\N", "#VALUE!", "#REF!")  # fmt: skip
FORMS: dict[str, Make] = {
    **{f"labels, {one or 'empty'}": text(f"filename,true,pred\na.jpg,blue,blue\nb.jpg,red,{one}\nc.jpg,red,red\n") for one in WORDS},
    **{f"scores, {one or 'empty'}": text(f"filename,true,p:blue,p:red\na.jpg,blue,0.9,0.1\nb.jpg,red,{one},{one}\nc.jpg,red,.4,.6\n") for one in WORDS},
    **{f"percent, {one or 'empty'}": text(f"filename\ttrue\tpred\tconf\na.jpg\tblue\tblue\t90 %\nb.jpg\tred\t{one}\t{one}\nc.jpg\tred\tred\t60 %\n") for one in WORDS},
    **{f"commas, {one or 'empty'}": text(f"filename;true;p:blue;p:red\na.jpg;blue;0,9;0,1\nb.jpg;red;{one};{one}\nc.jpg;red;0,4;0,6\n") for one in WORDS},
    **{f"cells, {one or 'empty'}": text(f"filename\ttrue\tprobs\na.jpg\tblue\t[0.9, 0.1]\nb.jpg\tred\t{one}\nc.jpg\tred\t[0.4 0.6]\n") for one in WORDS},
    **{f"ranks, {one or 'empty'}": text(f"file,true,top1,top1_prob,top2,top2_prob\na.jpg,blue,blue,0.9,red,0.1\nb.jpg,red,{one},{one},{one},{one}\nc.jpg,red,red,.6,blue,.4\n") for one in WORDS},
    "logits": text("filename,true,p:blue,p:red\na.jpg,blue,9,-1\nb.jpg,red,,\nc.jpg,red,-3,5\n"),
    "columns told by their sums": text("filename,true,blue,red,width\na.jpg,blue,0.9,0.1,640\nb.jpg,red,,,640\nc.jpg,red,.4,.6,640\n"),
    "Parquet labels": frame({**NAMED, "pred": ["blue", None, "red"]}, "t.parquet"),
    "Parquet scores": frame({**NAMED, "p:blue": [0.9, None, 0.4], "p:red": [0.1, None, 0.6]}, "t.parquet"),
    "Parquet lists": frame({**NAMED, "probs": CHANCES}, "t.parquet"),
    "Parquet, an empty list": frame({**NAMED, "probs": [[0.9, 0.1], [], [0.4, 0.6]]}, "t.parquet"),
    "Parquet, a list of nothing": frame({**NAMED, "probs": [[0.9, 0.1], [None, None], [0.4, 0.6]]}, "t.parquet"),
    "JSON lines, labels": lines(["blue", None, "red"], "pred"),
    "JSON lines, NaN among labels": lines(["blue", float("nan"), "red"], "pred"),
    **{f"JSON lines, {one}": lines([[0.9, 0.1], one, [0.4, 0.6]]) for one in (None, [], [None, None], [float("nan")] * 2)},
    "JSON": text(json.dumps(records(CHANCES, "probs")), "t.json"),
    "JSON ranks": text(json.dumps(records([ranking("blue", 0.9), [], ranking("red", 0.6)], "predictions")), "t.json"),
    "FiftyOne labels": text(
        json.dumps({
            "classes": CLASSES,
            "labels": {
                name: {"label": label, "confidence": 0.9 if label is not None else None, "attributes": {"ground_truth": CLASSES.index(true)}}
                for name, label, true in zip(FILES, (0, None, 1), TRUE, strict=True)
            },
        }),
        "labels.json",
    ),
    "NPZ scores": npz(filenames=np.array(FILES), labels=np.array([0, 1, 1]), pred_probs=np.array([[0.9, 0.1], [np.nan] * 2, [0.4, 0.6]])),
    "NPZ texts": npz(filenames=np.array(FILES), labels=np.array(TRUE), pred=np.array(["blue", "nan", "red"])),
    "NPZ numbers": npz(filenames=np.array(FILES), labels=np.array([0, 1, 1]), pred=np.array([0, np.nan, 1])),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_row_without_a_prediction_is_left_out(form: str, tmp_path: Path) -> None:
    needs = any(word in form for word in ("cells", "list", "lines, [", "lines, None", "NPZ")) or form == "JSON"
    found = read(FORMS[form](tmp_path), classes=CLASSES if needs else None)
    assert found.predictions.classes == CLASSES and list(found.predictions.samples) == ["a.jpg", "c.jpg"]
    assert found.predictions.true.tolist() == found.predictions.predicted.tolist() == [0, 1]
    assert [(one.what, one.count, one.names) for one in found.left_out] == [("prediction", 1, ("b.jpg",))]
    assert found.kept.tolist() == [0, 2] and found.rows == 3 and len(found.skipped) == 1 and "b.jpg" in found.skipped[0]


@pytest.mark.parametrize("unknown", [None, "skip", "error"])
@pytest.mark.parametrize("word", ["", "nan", "None", "null"])
def test_a_row_without_a_true_label_likewise(word: str, unknown: Any, tmp_path: Path) -> None:
    content = f"filename,true,p:blue,p:red\na.jpg,blue,0.9,0.1\nb.jpg,{word},1,0\nc.jpg,red,.4,.6\nd.jpg,red,,\n"
    found = read(text(content)(tmp_path), unknown=unknown)
    assert found.predictions.classes == CLASSES and list(found.predictions.samples) == ["a.jpg", "c.jpg"]
    assert {one.what: one.names for one in found.left_out} == {"prediction": ("d.jpg",), "true label": ("b.jpg",)}


def test_rows_without_most_of_what_is_needed_are_refused(tmp_path: Path) -> None:
    rows = ["a.jpg,blue,blue", "b.jpg,red,red", "c.jpg,red,{0}", "d.jpg,red,{0}", "e.jpg,red,{0}"]
    content = "filename,true,pred\n" + "\n".join(rows) + "\n"
    with pytest.raises(DataError, match=r"prediction in most rows .* 3 of 5.*row 3 \(c\.jpg\)"):
        read(text(content.format(""))(tmp_path))
    assert len(read(text(content.format("") + "f.jpg,red,red\n")(tmp_path)).skipped) == 3
    swapped = content.replace("true,pred", "pred,true").format("")
    for unknown in (None, "error"):
        with pytest.raises(DataError, match=r"no label in 3 of 5.*--unknown skip"):
            read(text(swapped)(tmp_path), unknown=unknown)
    assert read(text(swapped)(tmp_path), unknown="skip").left_out[0].count == 3


def test_a_word_is_a_class_where_classes_say_so(tmp_path: Path) -> None:
    both = text("filename,true,pred\na.jpg,None,None\nb.jpg,blue,None\nc.jpg,blue,blue\n")(tmp_path)
    assert read(both).predictions.classes == ("None", "blue")
    alone = text("filename,true,pred\na.jpg,blue,None\nb.jpg,blue,blue\nc.jpg,red,red\n")(tmp_path)
    assert read(alone).predictions.classes == CLASSES and len(read(alone).skipped) == 1
    assert len(read(alone, classes=("None", "blue", "red")).predictions) == 3


@pytest.mark.parametrize(("word", "is_class"), [("NA", True), ("n/a", True), ("(null)", True), ("#N/A", False), ("\\N", False), ("NaT", False), ("-", True), ("?", True)])  # fmt: skip
def test_which_words_are_a_class_of_both_columns(word: str, is_class: bool, tmp_path: Path) -> None:
    rows = "".join(f"{n}.jpg,{one},{one}\n" for n, one in enumerate([word, "blue", "red", "blue", "red"]))
    found = read(text(f"filename,true,pred\n{rows}")(tmp_path)).predictions
    assert (word in found.classes, len(found)) == (is_class, 4 + is_class)


def test_rows_are_named_as_the_table_numbers_them(tmp_path: Path) -> None:
    content = "filename,true,pred,p:a,p:b\n1.jpg,a,,,\n2.jpg,a,a,1,0\n3.jpg,a,b,0.9,0.1\n4.jpg,b,b,0,1\n"
    with pytest.raises(DataError, match=r"row 3 \(3\.jpg\)"):
        read(text(content)(tmp_path))
    with pytest.raises(DataError, match=r"a second time in row 3"):
        read(text("filename,true,pred\n1.jpg,a,\n2.jpg,a,b\n2.jpg,b,b\n")(tmp_path))
    assert len(read(text("filename,true,pred\n1.jpg,a,\n1.jpg,a,b\n")(tmp_path)).predictions) == 1


def test_a_predicted_label_may_be_that_of_the_scores(tmp_path: Path) -> None:
    found = read(text("filename,true,pred,p:a,p:b\n1.jpg,a,,1,0\n2.jpg,b,b,0,1\n")(tmp_path))
    assert found.predictions.predicted.tolist() == [0, 1] and any("predicted label" in one for one in found.notes)


def test_a_row_with_some_scores_alone_is_refused(tmp_path: Path) -> None:
    for scores in (",0.5", "nan,0.5", "0.5,None"):
        with pytest.raises(DataError, match=r"b\.jpg"):
            read(text(f"filename,true,p:blue,p:red\na.jpg,blue,0.9,0.1\nb.jpg,red,{scores}\nc.jpg,red,0,1\n")(tmp_path))
    with pytest.raises(DataError, match=r"b\.jpg"):
        read(lines([[0.9, 0.1], [0.5, None], [0.4, 0.6]])(tmp_path), classes=CLASSES)


def test_the_first_thousand_rows_may_be_blank(tmp_path: Path) -> None:
    count = 3000
    scores = np.where(np.arange(count)[:, None] < 1200, np.nan, [[3.0, -4.0]])
    columns = {"filename": [f"{n}.jpg" for n in range(count)], "true": ["blue", "red"] * (count // 2)}
    path = frame({**columns, "p:blue": scores[:, 0], "p:red": scores[:, 1]}, "t.parquet")(tmp_path)
    found = read(path)
    assert len(found.predictions) == 1800 and found.left_out[0].count == 1200
    assert any("softmax" in one for one in found.notes)


def test_embeddings_stay_beside_their_rows(tmp_path: Path) -> None:
    np.save(tmp_path / "e.npy", np.arange(3)[:, None] * np.ones(2))
    run = store(FORMS["scores, empty"](tmp_path), tmp_path / "run", embeddings=tmp_path / "e.npy")
    assert run.embeddings().tolist() == [[0, 0], [2, 2]]
    assert len(run.manifest.data.skipped) == 1 and run.manifest.data.skipped[0].startswith("b.jpg: ")


@pytest.mark.parametrize(
    "given",
    [
        {"probabilities": [[0.9, 0.1], [np.nan, np.nan], [0.4, 0.6]]},
        {"logits": np.array([[3, -1], [np.nan, np.nan], [-2, 2.0]])},
        {"probabilities": [[0.9, 0.1], None, [0.4, 0.6]]},
        {"probabilities": [[0.9, 0.1], [None, None], [0.4, 0.6]]},
        {"probabilities": np.ma.array([[0.9, 0.1], [0, 1], [0.4, 0.6]], mask=[[False] * 2, [True] * 2, [False] * 2])},
        {"probabilities": pd.DataFrame({"blue": [0.9, None, 0.4], "red": [0.1, None, 0.6]}, dtype="Float64")},
        {"predicted": ["blue", None, "red"]},
        {"predicted": ["blue", pd.NA, "red"], "confidence": [0.9, np.nan, 0.6]},
        {"predicted": [0, np.nan, 1.0]},
        {"predicted": pd.Series([0, None, 1], dtype="Int64")},
        {"predicted": ["blue", "red", "red"], "true": ["blue", None, "red"]},
        {"predicted": ["blue", "red", "red"], "true": [0, np.nan, 1]},
    ],
)
def test_arrays_of_a_notebook(given: dict[str, Any], tmp_path: Path) -> None:
    numbers = not isinstance(given.get("predicted", [""])[0], str) and "predicted" in given
    true = given.pop("true", [0, 1, 1] if numbers else TRUE)
    with pytest.warns(UserWarning, match="row_1"):
        run = har_core.from_arrays(true, classes=CLASSES, out=tmp_path / "run", embeddings=np.eye(3), **given)
    assert run.predictions().samples.tolist() == ["row_0", "row_2"] and run.embeddings()[1].tolist() == [0, 0, 1]
    assert run.predictions().predicted.tolist() == [0, 1] and len(run.manifest.data.skipped) == 1


def test_most_arrays_are_refused_in_words_of_python(tmp_path: Path) -> None:
    for given in ({"predicted": ["blue", None, None]}, {"probabilities": [[0.9, 0.1], [np.nan] * 2, [np.nan] * 2]}):
        with pytest.raises(DataError, match="2 of 3") as caught:
            har_core.from_arrays(TRUE, classes=CLASSES, out=tmp_path / "run", **given)
        assert "--" not in str(caught.value)
    with pytest.raises(DataError, match="no label in 2 of 3") as caught:
        har_core.from_arrays(["blue", None, None], predicted=TRUE, classes=CLASSES, out=tmp_path / "run")
    assert "--" not in str(caught.value) and not any(tmp_path.iterdir())


def test_the_command_says_how_many_and_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{n}.jpg,blue,{'' if n < 4 else 'blue'}" for n in range(9)] + ["x\x1b[2J.jpg,,red", "y.jpg,red,red"]
    path = text("filename,true,pred\n" + "\n".join(rows) + "\n")(tmp_path)
    assert main(["import", str(path), "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().out
    assert "4 (0.jpg, 1.jpg, 2.jpg, …)" in said and "\x1b" not in said and "rows skipped: 5" in said
    listed = Run.open(tmp_path / "run").manifest.data.skipped
    assert len(listed) == 5 and listed[0].startswith("0.jpg: ") and all(map(str.isprintable, listed))


@pytest.mark.parametrize("form", ["scores", "labels", "confidence"])
def test_rows_that_repeat_an_earlier_one_are_left_out(form: str, tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {
        "filename": ["a.jpg", "b.jpg", "a.jpg", "c.jpg", "", "a.jpg"],
        "true": ["cat", "dog", "cat", "dog", "cat", "cat"],
        "predicted": ["cat", "dog", "cat", "cat", "", "cat"],
    }
    columns["filename"][4] = "d.jpg"
    if form == "scores":
        del columns["predicted"]
        columns |= {"prob_cat": [0.9, 0.2, 0.9, 0.7, None, 0.9], "prob_dog": [0.1, 0.8, 0.1, 0.3, None, 0.1]}
    elif form == "confidence":
        columns["confidence"] = [0.9, 0.8, 0.9, 0.7, None, 0.9]
    found = read(frame(columns)(tmp_path))
    assert list(found.predictions.samples) == ["a.jpg", "b.jpg", "c.jpg"] and found.predictions.true.tolist() == [
        0,
        1,
        1,
    ]
    assert found.predictions.predicted.tolist() == [0, 1, 0]
    assert any("repeat" in note and note.endswith("2") for note in found.notes)


@pytest.mark.parametrize("column", ["true", "predicted", "confidence"])
def test_rows_that_contradict_an_earlier_one_are_refused(column: str, tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {
        "filename": ["a.jpg", "b.jpg", "a.jpg"],
        "true": ["cat", "dog", "cat"],
        "predicted": ["cat", "dog", "cat"],
        "confidence": [0.9, 0.8, 0.9],
    }
    columns[column][2] = 0.7 if column == "confidence" else "dog"
    with pytest.raises(DataError, match="a second time in row 3"):
        read(frame(columns)(tmp_path))


MANY, SOME = 1400, 1600
"""Photos without a prediction, and those below, which have one."""

DEEP_FILES = [f"{number}.jpg" for number in range(MANY + SOME)]
DEEP_TRUE = ["blue" if number % 2 else "red" for number in range(MANY + SOME)]
DEEP = [None] * MANY + [0.75] * SOME


def deep_text(header: str, blank: str, row: str) -> Make:
    ends = [blank if one is None else row for one in DEEP]
    rows = [f"{file},{true},{end}" for file, true, end in zip(DEEP_FILES, DEEP_TRUE, ends, strict=True)]
    return text("\n".join([header, *rows]) + "\n")


def deep_json(value: Any, *, lines: bool) -> Make:
    found = [
        {"file": file, "true": true} | ({} if one is None else {"scores": value})
        for file, true, one in zip(DEEP_FILES, DEEP_TRUE, DEEP, strict=True)
    ]
    return text("\n".join(map(json.dumps, found)) if lines else json.dumps(found), "t.json")


DEEP_FORMS: dict[str, Make] = {
    **{f"CSV, {blank or 'empty'}": deep_text("file,true,p:blue,p:red", f"{blank},{blank}", "0.75,0.25") for blank in WORDS},
    "percent": deep_text("file,true,p:blue,p:red", ",", "75 %,25 %"),
    "labels": deep_text("file,true,pred,conf", ",", "blue,0.75"),
    "cells": deep_text("file,true,probs", "", '"[0.75, 0.25]"'),
    "ranks": deep_text("file,true,top1,top1_prob,top2,top2_prob", ",,,", "blue,0.75,red,0.25"),
    **{
        f"{name}, {'lines' if lines else 'list'}": deep_json(value, lines=lines)
        for lines in (True, False)
        for name, value in {
            "JSON by name": {"blue": 0.75, "red": 0.25},
            "JSON list": [0.75, 0.25],
            "JSON ranks": [{"label": "blue", "score": 0.75}, {"label": "red", "score": 0.25}],
        }.items()
    },
    "Parquet": frame(
        {"file": DEEP_FILES, "true": DEEP_TRUE, "p:blue": DEEP, "p:red": [one and 1 - one for one in DEEP]}, "t.parquet"
    ),
    "Parquet labels": frame(
        {"file": DEEP_FILES, "true": DEEP_TRUE, "pred": [one and "blue" for one in DEEP], "conf": DEEP}, "t.parquet"
    ),
    "Parquet lists": frame(
        {"file": DEEP_FILES, "true": DEEP_TRUE, "probs": [one and [one, 1 - one] for one in DEEP]}, "t.parquet"
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", DEEP_FORMS)
def test_predictions_begin_far_down(form: str, tmp_path: Path) -> None:
    classes = CLASSES if form in ("cells", "JSON list, lines", "JSON list, list", "Parquet lists") else None
    found = read(DEEP_FORMS[form](tmp_path), classes=classes).predictions
    assert list(found.samples) == DEEP_FILES[MANY:] and found.classes == CLASSES
    assert np.allclose(found.probabilities, [0.75, 0.25])


def test_a_class_that_is_first_named_far_down(tmp_path: Path) -> None:
    """Answers of the most probable classes alone, as pipelines give them: no class is lost."""
    rare = [{"file": "rare.jpg", "true": "green", "scores": {"green": 0.6, "red": 0.4}}]
    common = [
        {"file": file, "true": true, "scores": {"blue": 0.75, "red": 0.25}}
        for file, true in zip(DEEP_FILES, DEEP_TRUE, strict=True)
    ]
    found = read(text("\n".join(map(json.dumps, common + rare)), "t.jsonl")(tmp_path)).predictions
    assert found.classes == ("blue", "green", "red") and found.samples[-1] == "rare.jpg"
    assert np.allclose(found.probabilities[-1], [0, 0.6, 0.4]) and np.allclose(found.probabilities[0], [0.75, 0, 0.25])


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.jsonl"])
def test_what_stands_in_a_row_that_is_left_out_is_no_class(name: str, tmp_path: Path) -> None:
    columns = {"file": [*FILES, "d.jpg"], "true": [*TRUE, "0.725"], "pred": [*TRUE, None]}
    found = read(frame(columns, name)(tmp_path))
    assert found.predictions.classes == CLASSES and len(found.predictions) == 3
    assert [one.count for one in found.left_out] == [1]
