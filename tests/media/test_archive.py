"""What people pack is unpacked, hostile zips are refused, and no byte is written outside the folder."""

from __future__ import annotations

import io
import os
import random
import re
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from har_core.data.scan import scan
from har_core.errors import ArchiveError
from har_core.media import archive
from har_core.media.archive import Limits, unpack, unpack_photos
from tests.conftest import picture
from tests.media.test_images import encoded

PHOTO = encoded(picture((200, 40, 30)), "JPEG")
SMALL = Limits(packed=3_000_000, unpacked=3_000_000, entries=40)


def packed(entries: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_mode(mode: int, content: bytes) -> bytes:
    buffer, entry = io.BytesIO(), zipfile.ZipInfo("red/link.jpg")
    entry.create_system, entry.external_attr = 3, mode << 16
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, content)
    return buffer.getvalue()


def twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("red/a.jpg", PHOTO)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("red/a.jpg", PHOTO)
    return buffer.getvalue()


def lying_about_its_size() -> bytes:
    """The directory says 10 bytes, the data hold two million."""
    data = bytearray(packed({"red/a.jpg": bytes(2_000_000)}))
    for start in (data.index(b"PK\x01\x02") + 24, 22):
        data[start : start + 4] = struct.pack("<I", 10)
    return bytes(data)


def overlapping() -> bytes:
    """Two directory entries that share one piece of data."""
    data = packed({"red/a.jpg": PHOTO, "red/b.jpg": PHOTO})
    directory = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", directory + 4)
    changed = bytearray(data)
    changed[second + 42 : second + 46] = changed[directory + 42 : directory + 46]
    return bytes(changed)


def encrypted() -> bytes:
    data = bytearray(packed({"red/a.jpg": PHOTO}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def mostly_directory() -> bytes:
    """Forty thousand entries that claim no data: small here, large in the memory of who lists them."""
    name = b"red/a.jpg"
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0) + name
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, 40_000 * len(entry), 0, 0)
    return entry * 40_000 + end


def split_in_two() -> bytes:
    """The second part of a zip in two, whose directory counts from the beginning of its own part."""
    data = bytearray(packed({"red/a.jpg": os.urandom(9000), "red/b.jpg": os.urandom(9000)})[12_000:])
    data[-18:-14] = struct.pack("<HH", 1, 1)
    data[-6:-2] = struct.pack("<I", data.index(b"PK\x01\x02"))
    return bytes(data)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "climbs": lambda: packed({"../outside.jpg": PHOTO}),
    "climbs within": lambda: packed({"red/../../outside.jpg": PHOTO}),
    "climbs with backslashes": lambda: packed({"red\\..\\..\\outside.jpg": PHOTO}),
    "absolute": lambda: packed({"/tmp/outside.jpg": PHOTO}),
    "a drive": lambda: packed({"C:\\outside.jpg": PHOTO}),
    "a link": lambda: with_mode(stat.S_IFLNK | 0o777, b"/etc/passwd"),
    "a device": lambda: with_mode(stat.S_IFCHR | 0o666, b""),
    "a pipe": lambda: with_mode(stat.S_IFIFO | 0o666, b""),
    "a zip in it": lambda: packed({"red/more.zip": packed({"a.jpg": PHOTO})}),
    "a tar in it": lambda: packed({"red/more.tar.gz": b"x"}),
    "a program alone": lambda: packed({"run.exe": b"MZ"}),
    "a document": lambda: packed({"[Content_Types].xml": b"x", "word/document.xml": b"x", "word/media/1.jpg": PHOTO}),
    "folders alone": lambda: packed({"red/": b"", "blue/": b""}),
    "a name of nothing alone": lambda: packed({"./": b"", ".": PHOTO}),
    "an absolute name of slashes": lambda: packed({"/": b"", "red/a.jpg": PHOTO}),
    "too many entries": lambda: packed({f"red/{n}.jpg": b"x" for n in range(41)}),
    "too large unpacked": lambda: packed({f"red/{n}.jpg": os.urandom(200_000) for n in range(16)}),
    "almost nothing but a directory": mostly_directory,
    "a file that is a folder too": lambda: packed({"red.jpg": PHOTO, "red.jpg/a.jpg": PHOTO}),
    "a folder that is a file too": lambda: packed({"red.jpg/a.jpg": PHOTO, "red.jpg": PHOTO}),
    "a bomb": lambda: packed({"red/a.jpg": bytes(2_900_000)}),
    "lies about its size": lying_about_its_size,
    "overlaps itself": overlapping,
    "encrypted": encrypted,
    "the same name twice": twice,
    "a program without a suffix": lambda: packed({"red/run": b"\x7fELF\x1b"}),
    "nothing with a strange name": lambda: packed({"red/a\x1b[2J": b""}),
    "a very long name": lambda: packed({"red/" + "x" * 300 + ".jpg": PHOTO}),
    "very deep": lambda: packed({"a/" * 30 + "b.jpg": PHOTO}),
    "cut off": lambda: packed({"red/a.jpg": PHOTO})[:-30],
    "damaged data": lambda: packed({"red/a.jpg": PHOTO}).replace(PHOTO[:8], b"x"),
    "no zip at all": lambda: b"these are notes",
    "empty": lambda: packed({}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_zips_are_refused_and_leave_nothing(tmp_path: Path, kind: str) -> None:
    data = HOSTILE[kind]()
    if kind == "damaged data":
        changed = bytearray(data)
        changed[60] ^= 0xFF
        data = bytes(changed)
    inside = tmp_path / "inside"
    with pytest.raises(ArchiveError, match=r"; |expected") as refusal:
        unpack(io.BytesIO(data), inside / "photos", limits=SMALL)
    assert "\x1b" not in str(refusal.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_name_of_no_characters_costs_nothing(tmp_path: Path) -> None:
    data = packed({"XX": PHOTO, "red/a.jpg": PHOTO}).replace(b"XX", b"\0\0")
    found = unpack_photos(io.BytesIO(data), tmp_path / "photos")
    assert [path.name for path in found.folder.rglob("*.jpg")] == ["a.jpg"]
    assert [len(kind.names) for kind in found.left_out] == [1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"7z\xbc\xaf'\x1c" + bytes(50), "a 7z archive; unpack"),
        (b"Rar!\x1a\7\1\0" + bytes(50), "a RAR archive; unpack"),
        (b"\x1f\x8b\x08" + bytes(50), "tar.gz archive; unpack"),
        (b"<!DOCTYPE html><html>", "a web page; download the zip"),
        (b"", "an empty file"),
        (PHOTO, "a photo; pack"),
        (packed({"red/a.jpg": PHOTO})[:-60], "cut off"),
        (packed({"red/a.jpg": PHOTO})[:-10], "cut off"),
        (packed({"red/a.jpg": os.urandom(9000)})[4000:], "split"),
        (split_in_two(), "split"),
        (b"PK\x07\x08PK\x03\x04" + bytes(90), "split"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"these are notes", "another kind; pack"),
    ],
)
def test_what_is_called_zip_and_is_none(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    for number, source in enumerate((io.BytesIO(data), tmp_path / "a.zip")):
        with pytest.raises(ArchiveError, match=f"expected a zip of photos, found .*{re.escape(said)}"):
            unpack(source, tmp_path / str(number))


def test_an_archive_that_is_too_large_itself(tmp_path: Path) -> None:
    data = packed({"red/a.jpg": os.urandom(100_000)})
    with pytest.raises(ArchiveError, match="MB, found"):
        unpack(io.BytesIO(data), tmp_path / "photos", limits=Limits(packed=50_000))


@pytest.mark.parametrize("wrapper", ["", "my photos/"])
def test_one_folder_per_class(tmp_path: Path, wrapper: str) -> None:
    entries = {f"{wrapper}{label}/{n}.jpg": PHOTO for label in ("red", "blue") for n in range(2)}
    entries |= {"__MACOSX/red/._0.jpg": b"x", f"{wrapper}.DS_Store": b"x"}
    found = scan(unpack(io.BytesIO(packed(entries)), tmp_path / "photos"))
    assert found.classes == ("blue", "red") and len(found.samples) == 4 and found.problems == ()


@pytest.mark.parametrize(
    ("label", "told"), [("koń".encode("cp1250"), True), ("książka żółw łoś".encode("cp1250"), False)]
)
def test_names_that_may_be_spelled_wrong_are_told_and_no_photo_is_lost(
    tmp_path: Path, label: bytes, told: bool
) -> None:
    placeholder = "q" * len(label)
    data = packed({f"{name}/{n}.jpg": PHOTO for name in (placeholder, "red") for n in range(2)})
    found = unpack_photos(io.BytesIO(data.replace(placeholder.encode(), label)), tmp_path / "photos")
    assert bool(found.note) is told and len(scan(found.folder).samples) == 4 and not found.left_out


@pytest.mark.parametrize(("kind", "suffix"), [("HEIF", "HEIC"), ("HEIF", "heif"), ("AVIF", "avif"), ("HEIF", "")])
def test_photos_of_phones_and_pages(tmp_path: Path, kind: str, suffix: str) -> None:
    photos = {f"{label}/IMG_1.{suffix}".rstrip("."): encoded(picture((200, 40, 30)), kind) for label in ("a", "b")}
    found = scan(unpack(io.BytesIO(packed(photos)), tmp_path / "photos"))
    assert (
        found.classes == ("a", "b")
        and {sample.name for sample in found.samples} == set(photos)
        and found.problems == ()
    )


@pytest.mark.parametrize("place", ["train/", "pictures/", ""])
def test_photos_with_a_csv(tmp_path: Path, place: str) -> None:
    rows = "filename,label\n" + "".join(f"{n}.jpg,{'ab'[n % 2]}\n" for n in range(4))
    entries = {"labels.csv": rows.encode()} | {f"{place}{n}.jpg": PHOTO for n in range(4)}
    found = scan(unpack(io.BytesIO(packed(entries)), tmp_path / "photos"))
    assert found.classes == ("a", "b") and len(found.samples) == 4 and found.problems == ()


def test_damaged_zips_never_end_in_a_traceback(tmp_path: Path) -> None:
    """Three hundred zips with a few changed bytes: unpacked or refused."""
    stream = random.Random(5)
    good = packed({f"{label}/{n}.jpg": PHOTO for label in ("red", "blue") for n in range(2)})
    refused = 0
    for number in range(300):
        changed = bytearray(good)
        for _ in range(stream.randint(1, 6)):
            changed[stream.randrange(len(changed))] = stream.randrange(256)
        try:
            unpack(io.BytesIO(bytes(changed)), tmp_path / "in" / str(number), limits=SMALL)
        except ArchiveError:
            refused += 1
    assert 0 < refused < 300
    assert {path.name for path in tmp_path.iterdir()} == {"in"}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("cut", [False, True])
def test_every_decompressor_may_find_damage(tmp_path: Path, method: int, cut: bool) -> None:
    """Each byte of the data is changed once, or the data end at it while the directory says that they go on."""
    good = packed({"red/a.jpg": PHOTO[:300], "red/b.jpg": PHOTO[:300]}, method=method)
    directory = good.index(b"PK\x01\x02")
    refused = 0
    for place in range(directory):
        data = bytearray(good)
        if cut:
            data[place:directory] = bytes(directory - place)
        else:
            data[place] ^= 0xFF
        try:
            unpack(io.BytesIO(bytes(data)), tmp_path / str(place), limits=SMALL)
        except ArchiveError as error:
            refused += "\n" not in str(error)
    assert refused > directory / 2


def test_a_full_disk_is_not_the_archives_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda *_: Full())
    with pytest.raises(OSError, match="No space left"):
        unpack(io.BytesIO(packed({"red/a.jpg": PHOTO})), tmp_path / "photos")
    assert not (tmp_path / "photos").exists()


def test_a_huge_directory_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZipFile", lambda _: pytest.fail("the directory was read"))
    with pytest.raises(ArchiveError, match="at most 40 entries, found 40,000"):
        unpack(io.BytesIO(mostly_directory()), tmp_path / "photos", limits=SMALL)


@pytest.mark.parametrize("chunk", [1, 3, 64])
def test_entries_are_counted_across_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(archive, "_CHUNK", chunk)
    with pytest.raises(ArchiveError, match="at most 2 entries, found 3"):
        unpack(io.BytesIO(packed({f"red/{n}.jpg": PHOTO for n in range(3)})), tmp_path / "p", limits=Limits(entries=2))
