"""CSVs as people and their spreadsheets write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_core.data.labels_file import read_labels
from har_core.errors import DataError
from har_core.runs.corrected_labels import labels_bytes

ROWS = [("a.jpg", "red"), ("b.jpg", "blue")]


def read(tmp_path: Path, data: str | bytes) -> list[tuple[str, str]]:
    path = tmp_path / "labels.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return [(name, label) for _, name, label in read_labels(path)]


@pytest.mark.parametrize(
    "text",
    [
        "filename,label\na.jpg,red\nb.jpg,blue\n",
        "filename;label\na.jpg;red\nb.jpg;blue",
        "filename\tlabel\r\na.jpg\tred\r\n\r\nb.jpg\tblue\r\n",
        "filename, label\na.jpg, red\n b.jpg , blue \n",
        'filename, label\n"a.jpg", "red"\n"b.jpg", "blue"\n',
        "Filename,Label\na.jpg,red\nb.jpg,blue\n",
        "label;id;File Name;note\nred;1;a.jpg;x, y\nblue;2;b.jpg\n",
        "image_path,Class\ra.jpg,red\rb.jpg,blue\r",
        "\n\nIMAGE,category\na.jpg,red\n,,\nb.jpg,blue\n",
        "filename,image,label\na.jpg,other,red\nb.jpg,other,blue\n",
        ",filename,label\n0,a.jpg,red\n1,b.jpg,blue\n",
    ],
)
def test_they_are_read(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == ROWS
    for encoding in ("utf-8-sig", "utf-16"):
        assert read(tmp_path, text.encode(encoding)) == ROWS


@pytest.mark.parametrize("label", ["NA", "None", "null", "true", "1e3", "-1", "007", "<b>x</b>", "a/b", "走路"])
def test_labels_stay_text(tmp_path: Path, label: str) -> None:
    assert read(tmp_path, f"filename,label\na.jpg,{label}\n") == [("a.jpg", label)]


def test_a_row_without_a_label_does_not_spoil_the_others(tmp_path: Path) -> None:
    rows = read(tmp_path, "filename,label\na;1.jpg\nb.jpg,red\nc.jpg,red\n")
    assert rows == [("a;1.jpg", ""), ("b.jpg", "red"), ("c.jpg", "red")]


def test_quoted_separators_belong_to_the_value(tmp_path: Path) -> None:
    assert read(tmp_path, 'filename,label\n"a;1.jpg","x,y"\n') == [("a;1.jpg", "x,y")]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("name,kind\na.jpg,red\n", "found name, kind;"),
        ("filename;kind\na.jpg;red\n", "found filename, kind;"),
        ("a.jpg,red\nb.jpg,blue\n", "found a.jpg, red;"),
        ("file,image,label\na.jpg,b.jpg,red\n", "found file, image, label;"),
        ("filename,filename,label\na.jpg,b.jpg,red\n", "found filename, filename, label;"),
        ("", "found nothing;"),
        ("filename,label\na.jpg;red\nb.jpg;blue\n", "commas in its first line and semicolons below"),
        ("filename\tlabel\na.jpg,red\n", "tabs in its first line and commas below"),
        ("filename,label\na.jpg,red\nb.jpg;blue;1\n", "commas in its first line and semicolons below"),
        ("\ud800".encode("utf-8", "surrogatepass"), "CSV UTF-8"),
        ("filename,label\nc\u0153ur.jpg,red\n".encode("cp1252"), "not certain"),
        ("filename,label\n" + "x" * 200_000 + ",red\n", "field larger"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "CSV UTF-8"),
    ],
)
def test_others_are_refused_in_one_sentence(tmp_path: Path, data: str | bytes, found: str) -> None:
    with pytest.raises(DataError, match=found) as caught:
        read(tmp_path, data)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "Käse 坐"),
        ("utf-8-sig", "Käse 坐"),
        ("utf-16", "Käse 坐"),
        ("utf-16-le", "Käse 坐"),
        ("utf-16-be", "Käse"),
        ("utf-32", "Käse"),
        ("cp1252", "Käse"),
        ("cp1251", "кошка"),
        ("gbk", "跑步的照片"),
        ("mac_roman", "écouter Straße"),
    ],
)
def test_whatever_a_spreadsheet_writes_it_in(tmp_path: Path, encoding: str, name: str) -> None:
    rows = [(f"{name}.jpg", name), ("b.jpg", "red")]
    text = "filename,label\n" + "".join(f"{file},{label}\n" for file, label in rows)
    assert read(tmp_path, text.encode(encoding)) == rows


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Names as they are, also those that a spreadsheet would take for formulas."""
    rows = [("=1+1.jpg", "red"), ('a,"b".jpg', "red; blue"), ("Größe 坐.jpg", "@home"), ("-a.jpg", "red")]
    assert read(tmp_path, labels_bytes(rows)) == rows
