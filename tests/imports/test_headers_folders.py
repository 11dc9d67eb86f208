"""A column `label` beside files in folders that are called like the classes: the truth, or what a model says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from har_core.errors import DataError
from har_core.imports.columns import Chosen
from har_core.imports.folder_truth import AGREES_NOTE
from tests.imports.making import KINDS, frame, read, text

FILES = ["cat/1.jpg", "cat/2.jpg", "dog/3.jpg", "dog/4.jpg"]
TRUE, ANSWERS = ["cat", "cat", "dog", "dog"], ["cat", "dog", "dog", "cat"]
SCORES = [0.9, 0.8, 0.7, 0.6]
OTHER = {"cat": "dog", "dog": "cat"}


def require(path: Path, **how: Any) -> None:
    found = read(path, **how).predictions
    assert [found.classes[n] for n in found.true] == TRUE
    assert [found.classes[n] for n in found.predicted] == ANSWERS
    np.testing.assert_allclose(found.confidence, SCORES, atol=1e-6)


def pipeline(top: int) -> list[list[dict[str, Any]]]:
    """As transformers' pipeline("image-classification") answers."""
    return [
        [{"label": one, "score": p}, {"label": OTHER[one], "score": 1 - p}][:top] for one, p in zip(ANSWERS, SCORES, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["lines", "list", "by photo", "Parquet"])
@pytest.mark.parametrize("top", [1, 2])
@pytest.mark.parametrize("key", ["file", "image", "path"])
@pytest.mark.parametrize("root", ["", "data/test/"])
def test_a_pipeline(root: str, key: str, top: int, form: str, tmp_path: Path) -> None:
    records = [{key: root + file, "predictions": one} for file, one in zip(FILES, pipeline(top), strict=True)]
    if form == "Parquet":
        pq.write_table(pa.Table.from_pylist(records), tmp_path / "t.parquet")
        require(tmp_path / "t.parquet")
    elif form == "by photo":
        require(text(json.dumps({one[key]: one["predictions"] for one in records}), "t.json")(tmp_path))
    else:
        content = json.dumps(records) if form == "list" else "\n".join(map(json.dumps, records))
        require(text(content, "t.json")(tmp_path))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "names", [("label", "score"), ("LABEL", "SCORE"), ("class", "confidence"), ("category", "prob")]
)
@pytest.mark.parametrize("how", [{}, {"classes": ["cat", "dog"]}, {"chosen": Chosen(folders=True)}])
def test_a_label_and_a_score(how: dict[str, Any], names: tuple[str, str], kind: str, tmp_path: Path) -> None:
    label, score = names
    for columns in ({"file": FILES, label: ANSWERS, score: SCORES}, {score: SCORES, label: ANSWERS, "file": FILES}):
        require(frame(columns, f"t.{kind}")(tmp_path), **how)


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_that_repeats_the_answers(kind: str, tmp_path: Path) -> None:
    """Taken for the truth, it would be right in all rows."""
    cat = [p if one == "cat" else 1 - p for one, p in zip(ANSWERS, SCORES, strict=True)]
    columns = {"file": FILES, "label": ANSWERS}
    for more in (
        {"cat": cat, "dog": [1 - p for p in cat]},
        {"pred": ANSWERS, "score": SCORES},
        {"top1_label": ANSWERS, "top1_score": SCORES},
    ):
        require(frame({**columns, **more}, f"t.{kind}")(tmp_path))


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_beside_the_number_of_a_class(kind: str, tmp_path: Path) -> None:
    """As Ultralytics' `to_df` writes them."""
    columns = {"file": FILES, "name": ANSWERS, "class": [int(one == "dog") for one in ANSWERS], "confidence": SCORES}
    require(frame(columns, f"t.{kind}")(tmp_path))
    with pytest.raises(DataError):
        read(frame({**columns, "file": ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]}, f"t.{kind}")(tmp_path))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("files", [FILES, ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]])
def test_what_may_be_either_is_refused(files: list[str], kind: str, tmp_path: Path) -> None:
    """0.9 may be the confidence of an answer that is always right, or the probability of the last class."""
    path = frame({"file": files, "label": TRUE, "score": SCORES}, f"t.{kind}")(tmp_path)
    for classes in (None, ["cat", "dog"]):
        with pytest.raises(DataError, match="score"):
            read(path, classes=classes)


@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_stays_the_truth(kind: str, tmp_path: Path) -> None:
    """By its name, by the caller, by scores that no most probable class has, or by answers that say something else."""
    chances = [0.1, 0.7, 0.8, 0.4]
    columns = {"file": FILES, "label": ANSWERS, "score": chances}
    found = read(frame(columns, f"t.{kind}")(tmp_path), classes=["cat", "dog"]).predictions
    assert [found.classes[n] for n in found.true] == ANSWERS
    np.testing.assert_allclose(found.probabilities[:, 1], chances, atol=1e-6)
    for name, how in (("true", {}), ("label", {"chosen": Chosen(true="label")})):
        path = frame({"file": FILES, name: ANSWERS, "pred": ANSWERS}, f"t.{kind}")(tmp_path)
        found = read(path, **how).predictions
        assert [found.classes[n] for n in found.true] == ANSWERS
    found = read(frame({"file": FILES, "label": ANSWERS, "pred": TRUE}, f"t.{kind}")(tmp_path)).predictions
    assert [found.classes[n] for n in found.true] == ANSWERS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["labels", "scores", "ranks"])
def test_folders_that_agree_with_every_answer_are_told(form: str, kind: str, tmp_path: Path) -> None:
    """As where the photos were sorted by the answers."""
    for answers in (TRUE, ANSWERS):
        cat = [p if one == "cat" else 1 - p for one, p in zip(answers, SCORES, strict=True)]
        columns: dict[str, Any] = {
            "labels": {"predicted": answers, "confidence": SCORES},
            "scores": {"prob_cat": cat, "prob_dog": [1 - p for p in cat]},
            "ranks": {"top1_label": answers, "top1_score": SCORES},
        }[form]
        found = read(frame({"file": FILES, **columns}, f"t.{kind}")(tmp_path))
        assert (AGREES_NOTE in found.notes) == (answers == TRUE)
        assert AGREES_NOTE not in read(frame({"file": FILES, "true": TRUE, **columns}, f"t.{kind}")(tmp_path)).notes
