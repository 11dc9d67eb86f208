"""A text table whose first line is a row: what to write above it is said, and a header is not taken for a row."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_core.errors import DataError
from har_core.imports.opening import open_table
from tests.imports.making import read, text

ROWS = {
    "a.jpg,cat,dog,0.9\nb.jpg,dog,dog,0.8\n": "filename,true,predicted,confidence",
    "a.jpg,cat,cat,0.9\nb.jpg,dog,dog,0.8\n": "filename,true,predicted,confidence",
    "A.JPG,cat,dog\nB.JPG,dog,dog\n": "filename,true,predicted",
    "a.jpg,cat,dog,0.9\n": "filename,true,predicted,confidence",
    "a.jpg,true,false,0.9\nb.jpg,false,false,0.8\nc.jpg,true,true,0.8\n": "filename,true,predicted,confidence",
    "a.jpg,cat,0.5,0.5\nb.jpg,dog,0.2,0.8\n": "filename,true,prob_CLASS1,prob_CLASS2",
    "cat/a.jpg,0.9,0.1\ndog/b.jpg,0.2,0.8\n": "filename,prob_CLASS1,prob_CLASS2",
    "cat/a.jpg,cat,0.9\ndog/b.jpg,cat,0.8\n": "filename,predicted,confidence",
    "a.jpg,0,1,0.9\nb.jpg,1,1,0.8\n": "filename,true,predicted,confidence",
    "0,a.jpg,cat,dog\n1,b.jpg,dog,dog\n": "column1,filename,true,predicted",
    "cat,dog,a.jpg\ndog,dog,b.jpg\n": "true,predicted,filename",
    "3fa9c1,bird,bird,0.9\n9bc2ef,cat,bird,0.8\nee120d,bird,cat,0.7\n": "filename,true,predicted,confidence",
    "9F3-aB1x,bird,cat\nQ27_zz0k,cat,bird\n01c-9dFF,bird,cat\n": "filename,true,predicted",
    "img_1,cat,dog,0.9\nimg_2,dog,cat,0.8\nimg_3,cat,dog,0.7\n": "filename,true,predicted,confidence",
}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("rows", ROWS)
def test_what_to_write_is_said(rows: str, delimiter: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="first line") as caught:
        open_table(text(rows.replace(",", delimiter))(tmp_path))
    assert str(caught.value).endswith(f" {ROWS[rows].replace(',', delimiter)}")


@pytest.mark.parametrize("rows", ["a.jpg,cat,dog,0.9\n" + "".join(f"{n}.jpg,cat,dog,0.9\n" for n in range(3000))])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_of_a_large_or_packed_table(rows: str, encoding: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="first line"):
        open_table(text(rows.encode(encoding))(tmp_path))


def test_the_line_that_is_said_mends_the_table(tmp_path: Path) -> None:
    rows = "a.jpg,cat,dog,0.9\nb.jpg,dog,dog,0.8\n"
    found = read(text(f"{ROWS[rows]}\n{rows}")(tmp_path)).predictions
    assert list(found.samples) == ["a.jpg", "b.jpg"] and found.predicted.tolist() == [1, 1]


@pytest.mark.parametrize(
    "content",
    [
        "file,cat,dog,true\na.jpg,0.9,0.1,cat\nb.jpg,0.2,0.8,dog\n",
        "0,1,true,file\n0.9,0.1,0,a.jpg\n0.2,0.8,1,b.jpg\n",
        "Bild,Klasse,pred\na.jpg,cat,dog\nb.jpg,dog,dog\n",
        "a.jpg,label,prediction\nb.jpg,dog,cat\nc.jpg,cat,dog\n",
        "id,0.5,1.5,true\na,0.9,0.1,0.5\nb,0.2,0.8,1.5\n",
    ],
)
def test_a_header_stays_one(content: str, tmp_path: Path) -> None:
    assert list(open_table(text(content)(tmp_path)).columns) == content.splitlines()[0].split(",")


@pytest.mark.parametrize("place", [1, 70, 2999])
@pytest.mark.parametrize("columns", ["file,true,pred", "file,true,pred,conf", "file,true,cat,dog", ",file,true,pred"])
@pytest.mark.parametrize(
    ("encoding", "again", "end"), [("utf-8", "", "\n"), ("utf-8-sig", "\ufeff", "\r\n"), ("utf-16", "", "\n")]
)
def test_a_header_that_is_repeated_is_no_photo(
    end: str, encoding: str, again: str, columns: str, place: int, tmp_path: Path
) -> None:
    more = {"file,true,pred": "cat", "file,true,pred,conf": "cat,0.9", "file,true,cat,dog": "0.9,0.1"}.get(columns)
    start = ",{}.jpg,{},cat" if more is None else f"{{}}.jpg,{{}},{more}"
    rows = [start.format(number, ("cat", "dog")[number % 2]) for number in range(3000)]
    lines = [columns, *rows[:place], again + columns, *rows[place:], again + columns]
    found = read(text((end.join(lines) + end).encode(encoding))(tmp_path))
    assert len(found.predictions) == found.rows == 3000 and found.predictions.classes == ("cat", "dog")
    assert [note for note in found.notes if "header" in note] == ["rows that repeat the header, left out: 2"]
    whole = read(text((end.join([columns, *rows]) + end).encode(encoding))(tmp_path))
    assert not [note for note in whole.notes if "header" in note]
