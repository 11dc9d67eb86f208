"""Names of a visitor's files as people write them, and nothing that could mislead."""

from __future__ import annotations

import pytest

from har_core.files import as_written, printable
from har_core.viz.formats import short_name
from tests.pages.conftest import opened
from tests.pages.own.bringing import bring
from tests.pages.own.zips import photo, zipped

WRITTEN = (
    "Screenshot 9.41\u202fAM.png",
    "a\xa0b",
    "می\u200cخواهم",
    "क\u094d\u200dष",
    "👩\u200d🍳.jpg",
    "\u2764\ufe0f",
    "x\u200f.png",
    "坐 ü",
)
ODD = (
    "a\u202eb",
    "a\u2066b",
    "a\u200bb",
    "a\nb",
    "a\x1b[2J",
    "caf\udce9",
    "a\u2028b",
    "\ufeffa",
    "a\x85b",
    "\U000e0041",
)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_people_write_is_kept(name: str) -> None:
    assert as_written(name) == name == short_name(name)


@pytest.mark.parametrize("name", ODD)
def test_what_could_mislead_is_escaped(name: str) -> None:
    assert as_written(name) == printable(name) != name and short_name(name).isprintable()


def test_a_class_has_no_marks_of_direction() -> None:
    assert as_written("x\u200f\u202fy", marks=False) == "x\\u200f\u202fy"


def test_a_long_name_is_cut() -> None:
    assert short_name("a\u202f" * 50, 10) == "a\u202f" * 4 + "a…"


@pytest.mark.parametrize("folder", ["sitting", "ko~"])
@pytest.mark.parametrize("beside_a_table", [False, True])
def test_names_that_may_be_spelled_wrong_are_told(folder: str, *, beside_a_table: bool) -> None:
    """Of a zip that does not say what its names are written in."""
    content = zipped({f"{folder}/1.png": photo(), "cat/1.png": photo(1)}).replace(b"ko~", b"ko\xf1")
    app = bring("file,true,pred\n1.png,cat,dog\nb.png,dog,dog\n") if beside_a_table else opened("own")
    app.file_uploader[0].set_value(("mine.zip", content, "application/zip")).run()
    assert not app.exception
    told = [line.value for line in app.caption if "names" in line.value and "spelled wrong" in line.value]
    assert len(told) == (folder == "ko~")
