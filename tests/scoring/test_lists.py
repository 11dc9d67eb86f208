"""Lists as people and their programs write them, and those that are read amiss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from har_core.errors import DataError
from har_core.scoring.photos import Entry
from har_core.scoring.shards import Asked, make_plan
from har_core.scoring.sources import Source
from tests.conftest import picture

NAMES = ("p/a.jpg", "p/b c.jpg")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p").mkdir()
    for name in NAMES:
        picture((200, 40, 30)).save(tmp_path / name)
    return tmp_path


def entries(path: Path, content: str | bytes) -> list[Entry]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [entry for group in Source(str(path)).groups() for entry in group]


@pytest.mark.parametrize(
    "text",
    [
        "filename,label\np/a.jpg,cat\np/b c.jpg,dog\n",
        "img,class\np/a.jpg,cat\np/b c.jpg,dog\n",
        "id,label\np/a.jpg,cat\np/b c.jpg,dog\n",
        "image_id|label\np/a.jpg|cat\np/b c.jpg|dog\n",
        "Image Path;Category\np/a.jpg;cat\np/b c.jpg;dog\n",
        "sep=;\nfilename;label\np/a.jpg;cat\np/b c.jpg;dog\n",
        "\n\n filename , label \np/a.jpg , cat\n\np/b c.jpg , dog\n",
        'filename, label\n"p/a.jpg", "cat"\n"p/b c.jpg", "dog"\n',
        "label\tnote\tfilename\ncat\tx, y\tp/a.jpg\ndog\t\tp/b c.jpg\n",
        "filename,label\np\\a.jpg,cat\n.\\p\\b c.jpg,dog\n",
    ],
)
def test_columns(folder: Path, text: str) -> None:
    for suffix in ("csv", "tsv", "txt", "lst"):
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            for newline in ("\n", "\r\n", "\r"):
                found = entries(folder / f"list.{suffix}", text.replace("\n", newline).encode(encoding))
                assert [Path(entry.name).as_posix() for entry in found] == list(NAMES)
                assert [entry.true for entry in found] == ["cat", "dog"]
                assert all(Path(entry.place).is_file() for entry in found)


@pytest.mark.parametrize(
    "text",
    [
        "p/a.jpg\np/b c.jpg\n",
        "\np\\a.jpg \n\n  p\\b c.jpg\t\n",
        '"p/a.jpg"\n"p/b c.jpg"',
        "filename\np/a.jpg\np/b c.jpg",
        "file://{folder}/p/a.jpg\nfile://{folder}/p/b%20c.jpg",
    ],
)
def test_one_name_a_line(folder: Path, text: str) -> None:
    for suffix in ("csv", "txt"):
        found = entries(folder / f"list.{suffix}", text.replace("{folder}", str(folder)))
        assert [Path(entry.place) for entry in found] == [folder / name for name in NAMES]
        assert all(entry.true is None for entry in found)


@pytest.mark.parametrize(
    "name", ["a;b.jpg", "a,b.jpg", "a|b.jpg", "a.jpg copy.jpg", "a.jpg 0", "back\\slash.jpg", " a.jpg "]
)
def test_photos_of_odd_names_are_found_as_they_are_called(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / NAMES[0]).read_bytes())
    for suffix in ("txt", "csv"):
        (found,) = entries(folder / f"list.{suffix}", f"{name}\n")
        assert found.name == name and Path(found.place).is_file()


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        ("csv", "photo no,animal\np/a.jpg,cat\n"),
        ("csv", "p/a.jpg,cat\np/b c.jpg,dog\n"),
        ("tsv", "p/a.jpg\tcat\n"),
        ("csv", "which\np/a.jpg\n"),
        ("csv", "one;two\np/a.jpg;cat\n"),
        ("txt", "p/a.jpg 0\np/b c.jpg 1\n"),
        ("txt", "p/a.jpg\t0\n"),
        ("lst", "p/a.JPEG,cat\n"),
        ("txt", '"p/a.jpg" "cat"\n'),
    ],
)
def test_lists_that_do_not_say_what_their_columns_are(folder: Path, suffix: str, text: str) -> None:
    with pytest.raises(DataError, match="a column filename, and perhaps one label") as caught:
        entries(folder / f"list.{suffix}", text)
    assert f"list.{suffix}" in str(caught.value) and str(folder) not in str(caught.value)


def plan(folder: Path, source: Path, **options: Any) -> int:
    asked = Asked(source=str(source), column=None, labels=None, shard_size=1, model="stub")
    return make_plan(asked, Source(str(source)), str(folder / "out"), **options).photos


def test_a_list_of_no_photos_stops_before_they_are_scored(folder: Path) -> None:
    path = folder / "list.txt"
    path.write_text("".join(f"q/{number}.jpg\n" for number in range(150)) + "p/a.jpg\n")
    with pytest.raises(DataError, match=r"list\.txt, found none of the first 100, such as q/0\.jpg"):
        plan(folder, path)
    assert not (folder / "out").exists()
    assert plan(folder, path, here=False) == 151
    path.write_text("".join(f"q/{number}.jpg\n" for number in range(99)) + "p/a.jpg\n" + "x" * 5000 + "\n")
    assert plan(folder, path) == 101
    pq.write_table(pa.table({"filename": ["q/a.jpg", None]}), folder / "paths.parquet")
    with pytest.raises(DataError, match="none of the first 2"):
        plan(folder, folder / "paths.parquet")


def test_labels_of_hugging_face_are_the_names_of_their_numbers(folder: Path) -> None:
    data = [{"bytes": b"x", "path": f"{number}.jpg"} for number in range(5)]
    table = pa.table({"image": data, "label": pa.array([1, 0, -1, None, 7], pa.int64())})
    names = {"names": ["cat", "dog"], "_type": "ClassLabel"}
    plain = ["1", "0", "-1", None, "7"]  # see `Meaning`
    path = folder / "hf.parquet"
    for features, labels in (
        ({"image": {"_type": "Image"}, "label": names}, ["dog", "cat", None, None, None]),
        ({"label": {"dtype": "int64", "_type": "Value"}}, plain),
        ({"label": {"names": [1, 2]}}, plain),
        ({"label": {"names": "cat"}, "other": names}, plain),
        ([], plain),
    ):
        told = {"huggingface": json.dumps({"info": {"features": features}})}
        pq.write_table(table.replace_schema_metadata(told), path)
        found = [entry for group in Source(str(path)).groups() for entry in group]
        assert [entry.true for entry in found] == labels
    for broken in ("[", "[]", '{"info": 1}', "\xff"):
        pq.write_table(table.replace_schema_metadata({"huggingface": broken}), path)
        assert sum(len(group) for group in Source(str(path)).groups()) == 5
    both = table.append_column("class", pa.array(["a", "b", "c", "d", "e"]))
    pq.write_table(
        both.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": {"label": names}}})}), path
    )
    found = [entry for group in Source(str(path)).groups() for entry in group]
    assert [entry.true for entry in found][:2] == ["dog", "cat"]
