"""Zips as people pack them, with the tools of their systems."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from pathlib import Path

import pytest

from har_core.data.scan import LabeledPhotos, scan
from har_core.errors import ArchiveError
from har_core.media.archive import unpack, unpack_photos
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


@pytest.mark.parametrize("wrapper", ["", "mine/"])
def test_files_of_other_kinds_are_left_out_and_told_by_kind(tmp_path: Path, wrapper: str) -> None:
    """All at once; whatever they are, the photos beside them count."""
    others = {f"red/IMG_{n}.AAE": b"<?xml version='1.0'?><plist/>" for n in range(30)}
    others |= {"red/1.DNG": b"II*\0", "blue/2.dng": b"II*\0", "x.py": b"1", "train.ipynb": b"{}", "red/run": b"\x7fELF"}
    others |= {
        "a.jp2": b"\0",
        "b.jxl": b"\xff\x0a",
        "c.avi": b"RIFF",
        "d.webm": b"\x1aE",
        "e.npy": b"\x93",
        "f.zip": b"PK",
    }
    others = {wrapper + name: content for name, content in others.items()}
    data = packed({f"{wrapper}red/a.jpg": PHOTO, f"{wrapper}blue/a.jpg": PHOTO} | others)
    found = unpack_photos(io.BytesIO(data), tmp_path / "told")
    photos = scan(found.folder)
    assert photos.classes == ("blue", "red") and len(photos.samples) == 2 and photos.problems == ()
    assert sorted(name for kind in found.left_out for name in kind.names) == sorted(others)
    assert str(found.left_out[0]).startswith(f"30 .aae files ({wrapper}red/IMG_0.AAE, ") and "27 more" in str(
        found.left_out[0]
    )
    assert str(found.left_out[1]).startswith("2 .dng files") and "as JPEG" in found.left_out[1].remedy
    kept = scan(unpack(io.BytesIO(data), tmp_path / "kept"))
    assert len(kept.samples) == 2 and len(kept.problems) == 33  # those in the class folders


def test_a_class_of_nothing_but_raw_photos_is_told(tmp_path: Path) -> None:
    data = packed({"mine/red/a.jpg": PHOTO, "mine/blue/a.dng": b"II*\0", "docs/a.pdf": b"%PDF"})
    found = unpack_photos(io.BytesIO(data), tmp_path / "photos")
    assert [problem.name for problem in scan(found.folder).problems] == ["blue/"]
    assert {kind.names for kind in found.left_out} == {("mine/blue/a.dng",), ("docs/a.pdf",)}


@pytest.mark.parametrize("wrapper", ["", "mine/"])
def test_empty_folders_are_told_as_those_on_a_disk(tmp_path: Path, wrapper: str) -> None:
    entries = {f"{wrapper}red/a.jpg": PHOTO, f"{wrapper}blue/": b"", f"{wrapper}green/sub/": b"", "__MACOSX/red/": b""}
    for name, content in entries.items():
        path = tmp_path / "disk" / name.removeprefix(wrapper)
        path.mkdir(parents=True) if not content else path.parent.mkdir(parents=True, exist_ok=True)
        if content:
            path.write_bytes(content)
    expected = scan(tmp_path / "disk").problems
    assert len(expected) == 2 and unpacked(packed(entries), tmp_path).problems == expected


def test_hidden_photos_are_told(tmp_path: Path) -> None:
    entries = {"red/.1.jpg": PHOTO, "red/._2.jpg": PHOTO, ".more/a.jpg": PHOTO, "red/.x.jpg": b"x", "red/1.jpg": PHOTO}
    found = unpack_photos(io.BytesIO(packed(entries)), tmp_path / "photos")
    assert [sorted(kind.names) for kind in found.left_out] == [[".more/a.jpg", "red/.1.jpg"]]
    assert [path.name for path in found.folder.rglob("*.jpg")] == ["1.jpg"]
    with pytest.raises(ArchiveError, match=r"nothing but 1 hidden photo \(\.p/a\.jpg\); rename"):
        unpack(io.BytesIO(packed({".p/a.jpg": PHOTO})), tmp_path / "none")


def test_a_zip_of_documents_alone(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="found nothing"):
        unpack(io.BytesIO(packed({"a.txt": b"x", "b.pdf": b"%PDF"})), tmp_path / "photos")
