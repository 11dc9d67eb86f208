"""CSV and its kin are read as Python's csv module reads them, above and below the first rows, however large."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from har_core.errors import DataError
from har_core.imports import text_rows
from har_core.imports.opening import open_table
from har_core.imports.tables import HEAD_ROWS, Table
from tests.imports.making import CSV, frame, read, text

CELLS = st.text(st.sampled_from("ab.é\"\n\r ,;\t|'\x0c\u2028"), max_size=4)
HEADERS = (("file", "true", "pred"), ("file", '"a\nb"', '"c,d;e"', "f"), ('"file"', "\u2028x"), ("file", '"""a"""'))


@st.composite
def contents(draw: st.DrawFn) -> tuple[str, str]:
    """(separator, the text of a table), in which odd rows stand above and below more ordinary rows than the head has."""
    delimiter, end = draw(st.sampled_from(",;\t|")), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    header, spaced = draw(st.sampled_from(HEADERS)), draw(st.booleans())
    blank = ["", "  ", delimiter, delimiter * (len(header) - 1), f' {delimiter}""', "\x0c"]

    def cell() -> str:
        value = draw(CELLS)
        quoted = draw(st.booleans()) or any(one in value for one in delimiter + '"\r\n')
        written = '"' + value.replace('"', '""') + '"' if quoted else value
        return draw(st.sampled_from(["", "  "])) + written if spaced or not quoted else written

    def line() -> str:
        if draw(st.integers(0, 9)) == 0:
            return draw(st.sampled_from(blank))
        return delimiter.join(cell() for _ in header)

    ordinary = [delimiter.join([f"{number}.jpg", *"xyz"[: len(header) - 1]]) for number in range(HEAD_ROWS + 200)]
    lines = [
        *draw(st.lists(st.sampled_from(blank), max_size=2)),
        delimiter.join(header),
        *[line() for _ in range(draw(st.integers(0, 4)))],
        *(ordinary if draw(st.booleans()) else ordinary[:1]),
        *[line() for _ in range(draw(st.integers(0, 4)))],
    ]
    return delimiter, end.join(lines) + draw(st.sampled_from(["", end]))


def expected(content: str, delimiter: str) -> list[list[str]]:
    rows = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, skipinitialspace=True)
    return [cells for row in rows if any(cells := [cell.strip() for cell in row])]


def rows_of(table: Table, columns: list[str]) -> list[list[str]]:
    return [
        [str(cell).strip() for cell in row]
        for chunk in table.read(columns, ())
        for row in zip(*(chunk[name].to_pylist() for name in columns), strict=True)
    ]


@pytest.mark.parametrize("block", [2000, text_rows._BLOCK])
@given(given=contents(), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), data=st.data())
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_table_is_read_as_the_csv_module_reads_it(
    block: int,
    given: tuple[str, str],
    encoding: str,
    data: st.DataObject,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text_rows, "_BLOCK", block)
    delimiter, content = given
    header, *rows = expected(content, delimiter)
    assume(rows)
    table = open_table(text(content.encode(encoding))(tmp_path))
    assert list(table.columns) == header
    head = zip(*(values.to_pylist() for values in table.head.values()), strict=True)
    assert [[cell.strip() for cell in row] for row in head] == rows[:HEAD_ROWS]
    assert rows_of(table, list(table.columns)) == rows
    wanted = data.draw(st.sampled_from(header))
    assert rows_of(table, [wanted]) == [[row[header.index(wanted)]] for row in rows]


def ordinary(count: int, delimiter: str = ",") -> str:
    return "".join(f"{n}.jpg,{'red' if n % 2 else 'blue'},blue\n".replace(",", delimiter) for n in range(count))


def test_ordinary_rows_are_left_to_arrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The csv module takes ten times as long; quotation marks and line breaks in quotes are no reason for it."""
    monkeypatch.setattr(text_rows, "_by_csv", None)
    rows = ordinary(3000) + '"x ""y"", ""z"".jpg",red,"blue"\n\n"a\nb",red,blue\n'
    assert len(rows_of(open_table(text("file,true,pred\n" + rows)(tmp_path)), ["file", "true"])) == 3002


def test_rows_that_look_like_the_end_are_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row that is added for Arrow, and a column in which it is empty."""
    monkeypatch.setattr(text_rows, "_BLOCK", 1000)
    rows = "".join(f"{text_rows._END},{text_rows._END},{text_rows._END},\n" for _ in range(300))
    table = open_table(text("file,true,pred,conf\na.jpg,b,b,0.5\n" + rows)(tmp_path))
    assert len(rows_of(table, ["file", "true"])) == 301
    assert [one for chunk in table.read((), ["conf"]) for one in chunk["conf"].to_pylist()] == [0.5, *[None] * 300]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("count", [0, 3000])
def test_quotation_marks_behind_spaces(delimiter: str, count: int, tmp_path: Path) -> None:
    rows = 'a.jpg, "red",  "blue"\n "b,c.jpg", "red", "red"\n'.replace(",", delimiter)
    content = f"file{delimiter} true{delimiter} pred\n" + ordinary(count, delimiter) + rows
    found = read(text(content)(tmp_path)).predictions
    assert found.classes == ("blue", "red") and list(found.samples[-2:]) == ["a.jpg", f"b{delimiter}c.jpg"]


@pytest.mark.parametrize("above", ["", "\x0c\n", "\u2028\n\x1c\n", ",,\n \n"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_breaks_in_a_header_and_blank_lines_above_it(above: str, end: str, tmp_path: Path) -> None:
    content = above + '"file\nname","tr\u2028ue",pred\n' + ordinary(4)
    table = open_table(text(content.replace("\n", end))(tmp_path))
    assert table.columns == (f"file{end}name", "tr\u2028ue", "pred")
    assert [row[0] for row in rows_of(table, list(table.columns))] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]


@pytest.mark.parametrize("count", [4, 3000])
@pytest.mark.parametrize("left", [",,\n,,\n", " , ,\n", "   \n\t\n", '"","",""\n', ",\n", ",,,,,\n"])
def test_rows_that_a_spreadsheet_left_behind(left: str, count: int, tmp_path: Path) -> None:
    content = "file,true,pred\n" + ordinary(2) + left + ordinary(count).replace(".jpg", ".png") + left
    assert len(read(text(content)(tmp_path)).predictions) == count + 2


@pytest.mark.parametrize("count", [4, 3000])
def test_a_row_without_a_name_is_not_blank(count: int, tmp_path: Path) -> None:
    """A column that is not read may tell."""
    content = "file,true,pred,note\n" + ordinary(count).replace("\n", ",\n") + ",,,total\n"
    found = read(text(content)(tmp_path))
    assert len(found.predictions) == count and found.left_out[0].names == (f"row {count + 1:,}",)
    with pytest.raises(DataError, match=f"row {count + 1:,} "):
        read(text(content.replace(",,,total", ",red,red,total"))(tmp_path))


@pytest.mark.parametrize("count", [0, 3000])
@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("x.jpg,red,0.9,half", "half"),
        ("x.jpg,red,0.9", "found 3"),
        ("x.jpg,red,0.9,0.1,7", "found 5"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_row_that_cannot_be_read_is_named(row: str, found: str, count: int, encoding: str, tmp_path: Path) -> None:
    above = "file,true,p:red,p:blue\n\n" + "".join(f"{n}.jpg,red,1,0\n" for n in range(count + 2)) + ",,,\n"
    with pytest.raises(DataError, match=f"row {count + 3:,} of|row {count + 3:,};") as caught:
        read(text(f"{above}{row}\ny.jpg,red,1,0\n".encode(encoding))(tmp_path))
    assert found in str(caught.value)


@pytest.mark.parametrize("odd", ["9,9", "9.9%", "0.95", "high"])
def test_percentages_and_decimal_commas_are_told_once(odd: str, tmp_path: Path) -> None:
    """A number of another form below the first rows is no number: 0.95 below 95,5 % would be less than one."""
    for conf in ("95,5 %", "0,955"):
        if conf == "0,955" and odd == "9,9":
            continue
        rows = "".join(f"{n}.jpg;{'a' if n % 2 else 'b'};a;{conf}\n" for n in range(1500))
        with pytest.raises(DataError, match="row 1,501"):
            read(text(f"file;true;pred;conf\n{rows}x.jpg;a;a;{odd}\n")(tmp_path))


def test_words_for_nothing_are_told_through_spaces(tmp_path: Path) -> None:
    rows = "".join(f"{n}.jpg,a,b,0.9\n" for n in range(1500))
    table = open_table(text(f"file,true,pred,conf\n{rows}x.jpg,a,b, NA\ny.jpg,a,b,  \nz.jpg,a,b, 0.5\n")(tmp_path))
    values = [one for chunk in table.read(["file"], ["conf"]) for one in chunk["conf"].to_pylist()]
    assert values[-4:] == [0.9, None, None, 0.5]


def test_a_row_may_be_longer_than_the_csv_module_takes_a_value_to_be(tmp_path: Path) -> None:
    """Read with another separator, it is one value."""
    classes = [f"class number {n} of a thousand with a very long name {'x' * 100}"[:120] for n in range(1000)]
    values = ",".join(["1", *["0"] * 999])
    content = f"file,true,{','.join('p:' + name for name in classes)}\na.jpg,{classes[0]},{values}\n"
    assert len(content.splitlines()[0]) < 131_072 < len(content) * 2
    wide = content.replace("class number", "class of a longer name, number").replace(", number", " number")
    assert len(wide.splitlines()[0]) > 131_072
    assert len(open_table(text(wide)(tmp_path)).columns) == 1002


@pytest.mark.parametrize("count", [1, 3000, 100_000])
@pytest.mark.parametrize("row", ['x.jpg,red,"blue,', 'x.jpg,red,blue,"', '"x.jpg,red,blue,', ',,,"'])
def test_a_quotation_mark_that_is_never_closed(row: str, count: int, tmp_path: Path) -> None:
    """Arrow and the csv module take the end of the file for the mark, and the rows below for one value."""
    content = "file,true,pred,note\n" + ordinary(count).replace("\n", ",\n") + f"{row}\n" + ordinary(20)
    with pytest.raises(DataError, match="never closed"):
        read(text(content)(tmp_path))


def test_names_that_begin_with_a_space(tmp_path: Path) -> None:
    found = read(text("file,true,pred\n e.jpg,a,b\ne.jpg,b,b\nf.jpg ,a,a\n")(tmp_path))
    assert list(found.predictions.samples) == [" e.jpg", "e.jpg", "f.jpg"]
    assert [note[-3:] for note in found.notes] == [": 1"]
    found = read(text("true, file, pred\na, e.jpg, b\nb, f.jpg, a\n")(tmp_path))
    assert list(found.predictions.samples) == ["e.jpg", "f.jpg"] and found.notes == ()


def test_names_that_begin_with_a_space_are_told_by_the_photos(tmp_path: Path) -> None:
    for name in (" a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).touch()
    path = text(CSV.replace("a.jpg", " a.jpg").replace("b.jpg", " b.jpg"))(tmp_path)
    found = read(path, folder=tmp_path)
    assert list(found.predictions.samples) == [" a.jpg", "b.jpg", "c.jpg"] and found.missing == 0


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_a_run_with_such_names_comes_back(name: str, tmp_path: Path) -> None:
    path = frame({"filename": [" a.jpg", "a.jpg"], "true": ["x", "y"], "pred": ["y", "y"]}, name)(tmp_path)
    assert list(read(path).predictions.samples) == [" a.jpg", "a.jpg"]
