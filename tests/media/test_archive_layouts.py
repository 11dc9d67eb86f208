"""Zips as people pack them, with the tools of their systems."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from pathlib import Path

import pytest

from har_core.data.scan import LabeledPhotos, scan
from har_core.errors import ArchiveError
from har_core.media.archive import unpack
from har_core.media.layout import is_system_file
from har_core.media.photo_store import PhotoStore
from tests.media.test_archive import PHOTO, packed


def unpacked(data: bytes, folder: Path) -> LabeledPhotos:
    return scan(unpack(io.BytesIO(data), folder / "photos"))


def test_a_zip_of_a_mac(tmp_path: Path) -> None:
    """UTF-8 names without the flag, decomposed accents, a CSV of composed ones, and the system's leavings."""
    names = [unicodedata.normalize("NFD", name) for name in ("café.jpg", "Größe.jpg", "an.jpg", "bn.jpg")]
    rows = "filename,label\n" + "".join(
        f"{unicodedata.normalize('NFC', name)},{'ab'[n % 2]}\n" for n, name in enumerate(names)
    )
    entries = {"mine/labels.csv": rows.encode(), "mine/.DS_Store": b"x", "__MACOSX/mine/._caf": b"x"}
    data = packed(entries | {f"mine/{name}": PHOTO for name in names})
    buffer = io.BytesIO(data)
    with zipfile.ZipFile(buffer) as archive:
        flagged = [entry for entry in archive.infolist() if entry.flag_bits & 0x800]
    assert len(flagged) == 2
    changed = bytearray(data)
    for magic, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        place = -1
        while (place := data.find(magic, place + 1)) >= 0:
            changed[place + offset + 1] &= ~0x08
    found = unpacked(bytes(changed), tmp_path)
    assert found.problems == () and {sample.name for sample in found.samples} == {
        unicodedata.normalize("NFC", name) for name in names
    }


def test_a_name_of_another_code_page_is_accepted(tmp_path: Path) -> None:
    data = packed({f"red/aXX{n}.jpg": PHOTO for n in range(2)}).replace(b"aXX", b"a\x82\xff")
    found = unpacked(data, tmp_path)
    assert len(found.samples) == 2 and found.problems == ()


@pytest.mark.parametrize(
    "name",
    [
        "9.41\u202fAM.jpg",
        "a\u00a0b.jpg",
        "\U0001f468\u200d\U0001f466.jpg",
        "\u200fשלום.jpg",
        "a\x1b[2J.jpg",
        "9:41.jpg",
        "坐" * 80 + ".jpg",
    ],
)
def test_names_that_file_systems_hold(tmp_path: Path, name: str) -> None:
    found = unpacked(packed({f"red/{name}": PHOTO, "blue/a.jpg": PHOTO}), tmp_path)
    assert f"red/{name}" in [sample.name for sample in found.samples] and found.problems == ()
    assert PhotoStore(tmp_path / "photos").find(f"red/{name}")


def test_a_name_that_is_too_long_for_a_file_system(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="rename it"):
        unpack(io.BytesIO(packed({"red/" + "坐" * 90 + ".jpg": PHOTO})), tmp_path / "photos")


@pytest.mark.parametrize("name", ["a.jfif", "a.JPG", "a", "a.png", "a.html"])
def test_content_decides_what_is_a_photo(tmp_path: Path, name: str) -> None:
    found = unpacked(packed({f"red/{name}": PHOTO, "blue/a.jpg": PHOTO}), tmp_path)
    assert len(found.samples) == 2 and found.problems == ()


@pytest.mark.parametrize("wrapper", ["", "archive/", "a/b/"])
def test_kaggles_whole_layout(tmp_path: Path, kaggle_folder: Path, wrapper: str) -> None:
    entries = {f"{wrapper}{path.relative_to(kaggle_folder)}": path.read_bytes() for path in kaggle_folder.rglob("*.*")}
    entries |= {f"{wrapper}Testing_set.csv": b"filename\nImage_1.jpg\n", f"{wrapper}test/Image_1.jpg": PHOTO}
    found = unpacked(packed(entries), tmp_path)
    assert len(found.samples) == 36 and len(found.classes) == 3 and found.problems == ()


@pytest.mark.parametrize("wrapper", ["", "my photos/"])
def test_a_csv_beside_class_folders(tmp_path: Path, wrapper: str) -> None:
    names = [f"{label}/{n}.jpg" for label in ("red", "blue") for n in range(2)]
    rows = "filename,label\n" + "".join(f"{name},{name.split('/')[0]}\n" for name in names)
    found = unpacked(packed({f"{wrapper}all.csv": rows.encode()} | {wrapper + name: PHOTO for name in names}), tmp_path)
    assert {sample.name for sample in found.samples} == set(names) and found.problems == ()


@pytest.mark.parametrize("wrapper", ["", "my photos/"])
def test_one_class(tmp_path: Path, wrapper: str) -> None:
    found = unpacked(packed({f"{wrapper}red/a.jpg": PHOTO}), tmp_path)
    assert [sample.name for sample in found.samples] == ["red/a.jpg"]


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store",
        "Thumbs.db",
        "thumbs.DB",
        "desktop.ini",
        "Desktop.ini",
        "._a.jpg",
        "__MACOSX",
        ".ipynb_checkpoints",
        ".git",
    ],
)
def test_leavings_of_systems(tmp_path: Path, name: str) -> None:
    assert is_system_file(name) and not is_system_file("a" + name.lstrip("._"))
    entries = {f"{place}{name}": b"x" for place in ("", "photos/", "photos/red/")}
    entries |= {f"photos/red/{name}/a.jpg": PHOTO, "photos/red/a.jpg": PHOTO, "photos/blue/a.jpg": PHOTO}
    entries.pop(f"photos/red/{name}")
    found = unpacked(packed(entries), tmp_path)
    assert len(found.samples) == 2 and found.problems == ()


@pytest.mark.parametrize("wrapper", ["", "mine/"])
def test_a_readme_beside_the_photos_does_not_matter(tmp_path: Path, wrapper: str) -> None:
    """At the top it is nobody's photo; within a class it is named."""
    entries = {f"{wrapper}red/{n}.jpg": PHOTO for n in range(2)} | {f"{wrapper}blue/a.jpg": PHOTO}
    entries |= {"README.txt": b"my photos", f"{wrapper}LICENSE.md": b"mine", f"{wrapper}red/about.txt": b"x" * 1000}
    found = unpacked(packed(entries), tmp_path)
    assert found.classes == ("blue", "red") and len(found.samples) == 3
    assert [problem.name for problem in found.problems] == ["red/about.txt"]
    assert (tmp_path / "photos" / "red" / "about.txt").stat().st_size == 0


@pytest.mark.parametrize("layout", ["classes in a folder", "a table and a folder"])
def test_a_folder_of_documents_beside_the_photos_does_not_matter(tmp_path: Path, layout: str) -> None:
    if layout == "classes in a folder":
        entries = {"mine/a/1.jpg": PHOTO, "mine/b/1.jpg": PHOTO}
    else:
        entries = {"labels.csv": b"filename,label\n1.jpg,a\n2.jpg,b\n", "photos/1.jpg": PHOTO, "photos/2.jpg": PHOTO}
    found = unpacked(packed(entries | {"docs/readme.pdf": b"%PDF", "docs/more/notes.txt": b"x"}), tmp_path)
    assert len(found.samples) == 2 and found.classes == ("a", "b") and found.problems == ()


def test_a_zip_of_documents_alone(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="found nothing"):
        unpack(io.BytesIO(packed({"a.txt": b"x", "b.pdf": b"%PDF"})), tmp_path / "photos")
