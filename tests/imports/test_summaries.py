"""A row that sums up the others is no photo: it is left out and told, in every form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.imports.making import KINDS, frame, read, store, text

FILES, TRUE = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"], ["cat", "dog", "cat", "dog"]
SCORES = {"p:cat": [0.9, 0.2, 0.6, 0.4], "p:dog": [0.1, 0.8, 0.4, 0.6]}
NAMES = (
    "mean", "Average:", "TOTAL", "all", "overall", "Grand total", "macro avg", "total (4)", "Mean: 0.53", "25%", "sum", "Mittelwert",
    "Итого", "Razem", "Suma", "Moyenne générale", "合計", "平均", "top-1 accuracy", "error rate", "cat Total", "Accuracy: 50 %", "**Mean**",
    "Gesamtergebnis", "Średnia", "Total général",
)  # fmt: skip


def with_row(name: object, label: object, cat: object, dog: object, files: list[str] = FILES) -> dict[str, Any]:
    return {
        "file": [*files, name],
        "true": [*TRUE, label],
        "p:cat": [*SCORES["p:cat"], cat],
        "p:dog": [*SCORES["p:dog"], dog],
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "row",
    [("mean", "cat", 0.525, 0.475), ("mean", "mean", 0.525, 0.475), ("total", "4", 2.1, 1.9), ("all", None, 1, 0)],
)
def test_a_row_of_scores_is_left_out(row: tuple[Any, ...], kind: str, tmp_path: Path) -> None:
    found = read(frame(with_row(*row), f"t.{kind}")(tmp_path))
    assert found.predictions.samples.tolist() == FILES and found.predictions.classes == ("cat", "dog")
    assert found.rows == 4 and found.kept.tolist() == [0, 1, 2, 3]
    assert [note for note in found.notes if row[0] in note] and not found.left_out


@pytest.mark.parametrize("name", NAMES)
def test_names_of_summaries(name: str, tmp_path: Path) -> None:
    found = read(frame(with_row(name, "cat", 0.5, 0.5))(tmp_path))
    assert found.predictions.samples.tolist() == FILES and any(name in note for note in found.notes)


@pytest.mark.parametrize(
    "name", ["mean.jpg", "all/e.jpg", "meander", "tall", "e", "ALL_1", "max_0", "total 7", "max (1)", "3%", "count_1"]
)
def test_other_names_are_photos(name: str, tmp_path: Path) -> None:
    found = read(frame(with_row(name, "cat", 0.5, 0.5))(tmp_path))
    assert found.predictions.samples.tolist() == [*FILES, name]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("column", ["filename", "id", "image_id", "file"])
@pytest.mark.parametrize("words", [("ALL", "AML"), ("max", "min"), ("total", "media"), ("count", "sum")])
def test_a_class_with_such_a_name_and_numbered_photos(
    words: tuple[str, str], column: str, kind: str, tmp_path: Path
) -> None:
    names = [f"{word}_{number}" for word in words for number in range(1, 9)]
    true = [word for word in words for _ in range(8)]
    found = read(frame({column: names, "true": true, "pred": true[::-1]}, f"t.{kind}")(tmp_path)).predictions
    assert sorted(found.samples.tolist()) == sorted(names) and set(found.classes) == set(words)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", ["true", "model"])
def test_only_the_names_of_photos_tell(first: str, kind: str, tmp_path: Path) -> None:
    names, labels = [f"img{n}.jpg" for n in range(60)], ["fruit.apple", "fruit.pear"] * 29 + ["total"] * 2
    values = {"true": labels, "model": ["resnet50.pth"] * 58 + ["all"] * 2}
    columns = {first: values[first], "true": labels, "id": names, "pred": labels}
    found = read(frame(columns, f"t.{kind}")(tmp_path)).predictions
    assert len(found.samples) == 60 and set(found.classes) == {"fruit.apple", "fruit.pear", "total"}


@pytest.mark.parametrize("files", [["sky", "sea", "dune", "lake"], ["sky", "sea.jpg", "dune", "lake.jpg"]])
def test_a_name_among_words_is_a_photo(files: list[str], tmp_path: Path) -> None:
    found = read(frame(with_row("all", "cat", 0.9, 0.1, files))(tmp_path))
    assert found.predictions.samples.tolist() == [*files, "all"]


def test_names_may_be_numbered(tmp_path: Path) -> None:
    found = read(frame(with_row("mean", "cat", 0.5, 0.5, ["img_1", "img_2", "img_3", "img_4"]))(tmp_path))
    assert len(found.predictions) == 4 and any("mean" in note for note in found.notes)


@pytest.mark.parametrize(
    ("rows", "classes"),
    [
        ("file,true,pred,conf\na.jpg,cat,cat,.9\nb.jpg,dog,cat,.7\nmean,2,2,.8\n", ("cat", "dog")),
        ("file,true,pred,conf\na.jpg,0,0,.9\nb.jpg,1,0,.7\nmean,.5,0,.8\n", ("0", "1")),
        ("file,true,score\na.jpg,0,.4\nb.jpg,1,.3\ntotal,1,.7\n", ("0", "1")),
        ("file,true,score\na.jpg,0,.4\nb.jpg,1,.3\ntotal,2,.7\n", ("0", "1")),
        ("file,true,top1,top1_prob,top2,top2_prob\na.jpg,cat,cat,.9,dog,.1\nb.jpg,dog,cat,.7,dog,.3\nmean,,,.8,,.2\n", ("cat", "dog")),
        ("file;true;pred\na.jpg;cat;cat\nb.jpg;dog;cat\nAccuracy;50 %;50 %\nAverage;1;1\n", ("cat", "dog")),
    ],
)  # fmt: skip
def test_every_kind_of_table(rows: str, classes: tuple[str, ...], tmp_path: Path) -> None:
    found = read(text(rows)(tmp_path)).predictions
    assert found.samples.tolist() == ["a.jpg", "b.jpg"] and found.classes == classes
    assert found.true.tolist() == [0, 1] and found.predicted.tolist() == [0, 0]


@pytest.mark.parametrize("kind", KINDS)
def test_it_may_be_far_below(kind: str, tmp_path: Path) -> None:
    count = 3000
    columns = {"file": [f"{n}.jpg" for n in range(count)], "true": TRUE * (count // 4), "pred": TRUE * (count // 4)}
    found = read(frame({name: [*values, "mean"] for name, values in columns.items()}, f"t.{kind}")(tmp_path))
    assert len(found.predictions) == found.rows == count and found.predictions.classes == ("cat", "dog")
    assert any("mean" in note for note in found.notes)


def test_embeddings_are_those_of_the_photos(tmp_path: Path) -> None:
    np.save(tmp_path / "e.npy", np.eye(4))
    run = store(frame(with_row("mean", "cat", 0.5, 0.5))(tmp_path), tmp_path / "run", embeddings=tmp_path / "e.npy")
    assert run.embeddings().tolist() == np.eye(4).tolist() and "mean" in (run.manifest.note or "")
