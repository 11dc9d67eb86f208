"""What is told of a table before it becomes a run, without the app."""

from __future__ import annotations

import bz2
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app_pages.own import table_file
from app_pages.own.table_words import ROLES, page_words
from app_pages.own.understanding import FOLDER, NONE, Choices, Understanding, understand
from har_core.errors import DataError, HarError
from har_core.imports.build import read_predictions
from tests.imports.broken_cases import BROKEN
from tests.imports.making import CSV, Make, frame, text


def told(make: Make, folder: Path, choices: Choices | None = None, *roots: Path) -> Understanding:
    path = make(folder)
    return understand(table_file.light(table_file.opened(path)), path, choices or Choices(), roots)


def test_all_rows_count_though_the_first_are_shown(tmp_path: Path) -> None:
    """The first rows have one label alone; classes, rows and unknown labels are those of all."""
    names = [f"{number}.jpg" for number in range(3000)]
    labels = np.repeat(["ant", "bee", "cow"], 1000)
    found = told(frame({"file": names, "true": labels, "pred": "ant", "conf": 0.4}), tmp_path)
    assert (found.rows, found.classes, found.error) == (3000, ("ant", "bee", "cow"), None)
    assert found.preview is not None and found.preview.predictions.classes == ("ant", "bee", "cow")
    scores = {"p:bee": 0.5, "p:cow": 0.5}
    found = told(frame({"file": names, "true": labels, **scores}), tmp_path)
    assert (found.unknown, found.error, found.preview) == ({"ant": 1000}, None, None)
    assert (
        told(frame({"file": names, "true": labels, **scores}), tmp_path, Choices(unknown="error")).preview is not None
    )


def test_the_folder_with_the_most_photos_counts(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    (one / "a.jpg").touch()
    for name in ("a.jpg", "c.jpg"):
        (two / name).touch()
    (tmp_path / "empty").mkdir()
    for roots, root, count in (((one, two), two, 2), ((one,), one, 1), ((tmp_path / "empty",), None, 0), ((), None, 0)):
        found = told(text(CSV), tmp_path, None, *roots)
        assert (found.root, found.found) == (root, count)


@pytest.mark.parametrize(
    ("content", "asked", "file", "true"),
    [
        ("f,filename,true,p_0,p_1\n1,a.jpg,x,0.9,0.1\n2,b.jpg,y,0.5,0.5\n", "classes", "filename", "true"),
        ("filename,pred,conf\n1.jpg,a,0.9\n2.jpg,b,0.8\n", "true", "filename", None),
        ("x,true,pred\n1,a,b\n2,b,b\n", "file", "x", "true"),
    ],
)
def test_what_is_known_is_told_though_one_part_is_asked_for(
    content: str, asked: str, file: str, true: str | None, tmp_path: Path
) -> None:
    found = told(text(content), tmp_path)
    assert found.error is not None and found.asked == asked and found.columns is not None
    assert (found.columns.file, found.columns.true) == (file, true)


def test_parts_can_be_left_out(tmp_path: Path) -> None:
    top = "file,true,said,top1,top1_prob,top2,top2_prob\n1.jpg,a,b,a,0.5,b,0.3\n2.jpg,b,b,b,0.9,a,0.1\n"
    assert (found := told(text(top), tmp_path)).columns is not None and len(found.columns.top) == 2
    found = told(text(top), tmp_path, Choices(top=NONE, predicted="said"))
    assert found.columns is not None and (found.columns.top, found.columns.predicted) == ((), "said")
    numbered = "file,true,pred,prob_0,prob_1\n1.jpg,a,b,0.9,0.1\n2.jpg,b,b,0.5,0.5\n"
    assert told(text(numbered), tmp_path).error is not None
    found = told(text(numbered), tmp_path, Choices(scores=NONE))
    assert found.error is None and found.columns is not None and found.columns.ignored == ("prob_0", "prob_1")
    found = told(text("file,pred\na/1.jpg,a\nb/2.jpg,a\n"), tmp_path, Choices(true=FOLDER))
    assert found.error is None and found.classes == ("a", "b")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("case", [case for case, (_, _, how) in BROKEN.items() if not how])
def test_a_broken_table_is_told_in_the_words_of_the_page(case: str, tmp_path: Path) -> None:
    """By what is read at once, or else by the import itself."""
    with pytest.raises(HarError) as caught:
        found = told(BROKEN[case][0], tmp_path)
        if found.error is not None:
            raise DataError(found.error)
        assert found.columns is not None
        path = next(one for one in tmp_path.iterdir() if one.is_file())
        read_predictions(table_file.opened(path), found.columns)
    said = page_words(str(caught.value))
    assert said.startswith("expected") and ";" in said and "--" not in said and str(tmp_path) not in said, said


@pytest.mark.parametrize("scored", [True, False])
@pytest.mark.parametrize("form", ["t.csv", "t.parquet"])
def test_rows_that_are_left_out_are_told_of_the_whole_table(scored: bool, form: str, tmp_path: Path) -> None:
    """Also where all of the first are, and none of the others."""
    names = [f"{number}.jpg" for number in range(3000)]
    blank = np.arange(3000) < 1200
    columns: dict[str, Any] = {"file": names, "true": np.array([None if n == 2000 else "ant" for n in range(3000)])}
    if scored:
        columns |= {"p:ant": np.where(blank, np.nan, 0.9), "p:bee": np.where(blank, np.nan, 0.1)}
    else:
        columns |= {"pred": np.array([None if one else "bee" for one in blank])}
    found = told(frame(columns, form), tmp_path)
    assert (found.error, found.unknown) == (None, {})
    assert found.preview is not None and found.preview.predictions.samples[0] == "1200.jpg"
    told_of = {one.what: (one.count, one.names) for one in found.left_out}
    assert told_of == {"prediction": (1200, ("0.jpg", "1.jpg", "2.jpg")), "true label": (1, ("2000.jpg",))}
    if scored:
        columns |= {name: columns[name][::-1] for name in ("p:ant", "p:bee")}
    else:
        columns["pred"] = columns["pred"][::-1]
    found = told(frame(columns, form), tmp_path)
    assert found.preview is not None and found.preview.left_out == () and found.left_out[0].count == 1200
    few = {name: values[:1700] if name in ("file", "true") else values[-1700:] for name, values in columns.items()}
    assert "1,200 of 1,700" in (told(frame(few, form), tmp_path).error or "")


def test_flags_become_words() -> None:
    for role in ("file", "true", "predicted", "confidence"):
        assert ROLES[role] in page_words(f"expected one, found none; name it with --{role}")
    both = page_words("found more; name other columns with --true and --predicted")
    assert ROLES["true"] in both and ROLES["predicted"] in both and "--" not in both
    assert "--" not in page_words(
        "expected a, found b; pass --unknown skip to leave such rows out, or --unknown error to count each as an error"
    )


def test_what_is_too_large_for_a_page_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table_file.require_size(table_file.MAX_ROWS, 50, "x")
    for rows, classes in ((table_file.MAX_ROWS + 1, 2), (10**6, 101)):
        with pytest.raises(DataError, match="har-lens import"):
            table_file.require_size(rows, classes, "x")
    monkeypatch.setattr(table_file, "MAX_ROWS", 2)
    assert "har-lens import" in (told(text(CSV), tmp_path).error or "")
    monkeypatch.setattr(table_file, "_MAX_JSON", 10)
    record = '{"file": "1.jpg", "true": "a", "pred": "b"}\n'
    assert table_file.opened(text(record, "t.jsonl")(tmp_path)).form == "JSON lines"
    for encoding in ("utf-16", "utf-32-be"):
        assert table_file.opened(text((2 * record).encode(encoding), "t.jsonl")(tmp_path)).form == "JSON lines"
    monkeypatch.setattr(table_file, "_MAX_ARRAYS", 100)
    np.savez(tmp_path / "t.npz", filenames=np.array(["a"] * 90))
    with pytest.raises(DataError, match="1 GB"):
        table_file.opened(tmp_path / "t.npz")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
@pytest.mark.parametrize("end", ["", "\n", "\n \n"])
@pytest.mark.parametrize(
    "whole",
    [
        "[{}]",
        "[\n{}]",
        '{{"predictions": [{}]}}',
        '{{"samples": [{}]}}',
        '{{"samples": [{}]}}\n{{}}',
        '{{"labels":\n{{"1": 0}}}}',
        '{{"1.jpg": {}}}',
        '{{"file": {{"0": "1.jpg"}}, "true": {{"0": "a"}}, "pred": {{"0": "b"}}}}',
    ],
)
def test_json_that_is_read_as_a_whole_is_small(
    whole: str, end: str, pack: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is wrapped and packed, and whatever it is called."""
    content = whole.format('{"file": "1.jpg", "true": "a", "pred": "b"}') + end
    path = table_file.stored(io.BytesIO(pack(content.encode())), "t.json", tmp_path / "new")
    monkeypatch.setattr(table_file, "_MAX_JSON", len(content) - 1)
    monkeypatch.setattr(table_file, "open_table", lambda path: pytest.fail("it is read"))
    with pytest.raises(DataError, match="JSON lines"):
        table_file.opened(path)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", r"C:\tables\mine.csv", "", "..", "x" * 500 + ".csv", "\u202e\0.csv", "ä" * 300]
)
def test_an_upload_is_stored_in_its_folder_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    path = table_file.stored(io.BytesIO(b"abc"), name, tmp_path / "new")
    assert path.parent == tmp_path / "new" and path.read_bytes() == b"abc" and path.name.isprintable()


def test_only_the_first_rows_stay_in_memory(tmp_path: Path) -> None:
    count = 50_000
    np.savez(tmp_path / "t.npz", filenames=np.arange(count), labels=np.zeros(count), preds=np.zeros(count))
    table = table_file.light(table_file.opened(tmp_path / "t.npz"))
    assert sum(values.get_total_buffer_size() for values in table.head.values()) < 100_000


@pytest.mark.parametrize(("cells", "left_out"), [(",", 1), (",1", 0), ("1,", 0)])
def test_a_row_with_some_of_its_scores_is_not_said_to_be_left_out(cells: str, left_out: int, tmp_path: Path) -> None:
    content = f"filename,true,prob_a,prob_b\n1.jpg,a,0.9,0.1\n2.jpg,b,{cells}\n3.jpg,b,0.2,0.8\n"
    found = told(text(content), tmp_path)
    assert len(found.left_out) == left_out and (found.error is None) == bool(left_out)
