"""Zips of photos and a CSV of their labels, as people name files and write paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_core.errors import DataError, HarError
from har_core.media.photo_store import PhotoStore
from tests.media.test_archive import PHOTO, packed
from tests.media.test_archive_layouts import unpacked

FLAT = ("a.jpg", "b.jpg", "c.jpg", "d.jpg")
INSIDE = ("cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "dog/2.jpg")


def table(names: list[str], header: str = "filename,label") -> bytes:
    separator = next(one for one in ",;\t|" if one in header)
    return "".join(
        f"{line}\n" for line in [header, *(f"{name}{separator}{'xy'[n % 2]}" for n, name in enumerate(names))]
    ).encode()


def photos(names: tuple[str, ...], folder: str) -> dict[str, bytes]:
    return {f"{folder}{name}": PHOTO for name in names}


@pytest.mark.parametrize("names", [FLAT, INSIDE])
@pytest.mark.parametrize("folder", ["", "images/", "photos/", "img/", "my data/images/", "train/", "images/images/"])
@pytest.mark.parametrize(
    "written",
    [
        "{whole}",
        "./{whole}",
        "{name}",
        "./{name}",
        "train/{name}",
        "elsewhere/deep/{name}",
        "/home/me/set/{whole}",
        "C:\\Users\\me\\{whole}",
        "file:///home/me/my%20set/{whole}",
        "{stem}",
        "images\\{name}",
        "{backslashes}",
    ],
)
def test_paths_in_the_table(tmp_path: Path, names: tuple[str, ...], folder: str, written: str) -> None:
    """With folders before the names or without them, there and in the zip."""
    wholes = [folder + name for name in names]
    rows = [
        written.format(whole=whole, name=name, stem=whole[:-4], backslashes=whole.replace("/", "\\"))
        for whole, name in zip(wholes, names, strict=True)
    ]
    found = unpacked(packed({"labels.csv": table(rows)} | photos(names, folder)), tmp_path)
    assert found.problems == () and [sample.label for sample in found.samples] == ["x", "y", "x", "y"]
    assert all(sample.name.endswith(name) for sample, name in zip(found.samples, names, strict=True))
    store = PhotoStore(tmp_path / "photos")
    assert all(store.find(sample.name) == sample.path for sample in found.samples)


@pytest.mark.parametrize("place", ["", "images/", "labels/", "wrapped/"])
@pytest.mark.parametrize("called", ["labels.csv", "Training_set.csv", "training_set.csv", "train.CSV", "all.tsv"])
def test_where_the_table_lies_and_what_it_is_called(tmp_path: Path, place: str, called: str) -> None:
    wrapper = "wrapped/" if place == "wrapped/" else ""
    found = unpacked(packed({place + called: table(list(FLAT))} | photos(FLAT, f"{wrapper}images/")), tmp_path)
    assert found.problems == () and len(found.samples) == 4 and found.classes == ("x", "y")


@pytest.mark.parametrize(
    "header", ["filename;label", "img\tclass", "image_id|category", "id,label", "sep=;\nfilename;label"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_how_the_table_is_written(tmp_path: Path, header: str, encoding: str) -> None:
    before, _, header = header.rpartition("\n")
    data = (f"{before}\n" if before else "") + table(list(FLAT), header).decode()
    for number, newline in enumerate(("\n", "\r", "\r\n")):
        written = data.replace("\n", newline).encode(encoding)
        found = unpacked(packed({"labels.csv": written} | photos(FLAT, "img/")), tmp_path / str(number))
        assert found.problems == () and len(found.samples) == 4


@pytest.mark.parametrize(
    "other", [b"a,b\n1,2\n", b"", b"caf\xe9,b\n", b"id,label\n0,cat\n1,dog\n", b"filename\nx.jpg\n"]
)
@pytest.mark.parametrize("wrapper", ["", "mine/"])
def test_other_tables_beside_class_folders(tmp_path: Path, wrapper: str, other: bytes) -> None:
    for number, beside in enumerate(("", wrapper)):
        entries = {f"{beside}README.csv": other, f"{beside}other.csv": other} | photos(INSIDE, wrapper)
        found = unpacked(packed(entries), tmp_path / str(number))
        assert found.classes == ("cat", "dog") and len(found.samples) == 4 and found.problems == ()


def test_other_tables_beside_the_one(tmp_path: Path) -> None:
    entries = {"data.csv": b"a,b\n", "classes.csv": b"id,label\n0,x\n1,y\n", "labels.csv": table(list(FLAT))}
    found = unpacked(packed(entries | photos(FLAT, "images/")), tmp_path)
    assert found.classes == ("x", "y") and len(found.samples) == 4 and found.problems == ()


def test_test_photos_without_labels_do_not_count(tmp_path: Path) -> None:
    entries = {"labels.csv": table(list(FLAT))} | photos(FLAT, "train/") | photos(FLAT, "test/")
    found = unpacked(packed(entries), tmp_path / "without")
    assert {sample.name for sample in found.samples} == {f"train/{name}" for name in FLAT} and found.problems == ()
    entries["labels.csv"] = table([f"{folder}/{name}" for folder in ("train", "test") for name in FLAT])
    found = unpacked(packed(entries), tmp_path / "with")
    assert len(found.samples) == 8 and found.problems == ()


def test_photos_in_several_folders_by_their_names_alone(tmp_path: Path) -> None:
    entries = (
        {"labels.csv": table([name[:-4] for name in FLAT])} | photos(FLAT[:2], "part 1/") | photos(FLAT[2:], "part 2/")
    )
    found = unpacked(packed(entries), tmp_path)
    assert len(found.samples) == 4 and found.classes == ("x", "y") and found.problems == ()


def test_names_that_could_mean_several_photos_mean_none(tmp_path: Path) -> None:
    entries = {"labels.csv": table(["1.jpg", "2.jpg"])} | photos(INSIDE, "")
    found = unpacked(packed(entries | {"cat/3.jpg": PHOTO}), tmp_path / "bare")
    assert found.classes == ("cat", "dog")  # the folders say more
    entries = {"labels.csv": table(["cat/a.jpg", "cat/b.jpg", "cat/c.jpg", "dog/c.jpg"])} | photos(FLAT, "images/")
    found = unpacked(packed(entries), tmp_path / "too long")
    assert {sample.name for sample in found.samples} == {"images/a.jpg", "images/b.jpg"}
    assert {problem.name for problem in found.problems} == {"cat/c.jpg", "dog/c.jpg", "images/c.jpg", "images/d.jpg"}


def test_problems_call_files_as_the_visitor_does(tmp_path: Path) -> None:
    rows = table(["images/a.jpg", "images/gone.jpg", "images/b.jpg", "images/b.jpg"])
    found = unpacked(packed({"my labels.csv": rows} | photos(FLAT[:3], "images/")), tmp_path)
    assert [sample.name for sample in found.samples] == ["images/a.jpg"]
    assert [problem.name for problem in found.problems] == ["images/gone.jpg", "images/b.jpg", "images/c.jpg"]
    assert all("my labels.csv" in problem.reason and "train" not in str(problem) for problem in found.problems)
    assert not any("Training_set" in str(problem) or "photos/" in str(problem) for problem in found.problems)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"data.csv": b"name,kind\na.jpg,x\n"} | photos(FLAT, "images/"), "in data.csv, found name, kind"),
        ({"data.csv": b"name,kind\na.jpg,x\n"} | photos(FLAT, ""), "in data.csv, found name, kind"),
        ({"a.csv": b"", "b.csv": b""} | photos(FLAT, ""), "found a.csv, b.csv"),
        ({"a.csv": table(list(FLAT)), "b.csv": table(list(FLAT))} | photos(FLAT, "i/"), "found a.csv, b.csv"),
        ({"a.csv": "filename,label\ncœur.jpg,x\n".encode("cp1252")} | photos(FLAT, "i/"), "CSV in UTF-8 at a.csv"),
        ({"a.csv": b"filename,label\na.jpg;x\nb.jpg;y\n"} | photos(FLAT, "i/"), "one separator in all of a.csv"),
        ({"a.csv": table(list(FLAT))}, "none"),
    ],
)
def test_what_is_refused(tmp_path: Path, entries: dict[str, bytes], said: str) -> None:
    if said == "none":
        assert not unpacked(packed(entries), tmp_path).samples
        return
    with pytest.raises(DataError, match=said) as caught:
        unpacked(packed(entries), tmp_path)
    assert (
        isinstance(caught.value, HarError) and str(tmp_path) not in str(caught.value) and "\n" not in str(caught.value)
    )
