"""File names as tables write them, against photos on disk."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from har_core.imports.names import below
from har_core.media.layout import LABELS_FILE, photo_folder
from har_core.media.photo_store import PhotoStore


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A data folder in Kaggle's layout, whose photos are empty files."""
    for name in ("a.jpg", "cats/b.png", "c d.jpeg", "ä.jpg", "e", "f#1.jpg", "g?x=1.jpg", " s.jpg"):
        path = tmp_path / "data" / "train" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "data" / LABELS_FILE).touch()
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("a.jpg", "a.jpg"),
        ("./a.jpg", "a.jpg"),
        ("cats/b.png", "cats/b.png"),
        (r"cats\b.png", "cats/b.png"),
        (r".\cats\b.png", "cats/b.png"),
        ("cats//b.png", "cats/b.png"),
        ("cats/../a.jpg", "a.jpg"),
        ("train/a.jpg", "a.jpg"),
        ("{photos}/cats/b.png", "cats/b.png"),
        ("file://{photos}/c%20d.jpeg", "c d.jpeg"),
        ("file://{photos}/%C3%A4.jpg", "ä.jpg"),
        ("file://{photos}/f#1.jpg", "f#1.jpg"),
        ("file://{photos}/f%231.jpg", "f#1.jpg"),
        ("file://localhost{photos}/g?x=1.jpg", "g?x=1.jpg"),
        ("file:{photos}/a.jpg", "a.jpg"),
        ("file://a.jpg", "a.jpg"),
        (" s.jpg", " s.jpg"),
        (" a.jpg", "a.jpg"),
        (unicodedata.normalize("NFD", "ä.jpg"), unicodedata.normalize("NFD", "ä.jpg")),
        ("e", "e"),
    ],
)
def test_a_name_is_made_relative_to_the_photos(written: str, name: str, photos: Path) -> None:
    found = below([written.replace("{photos}", str(photos / "train"))], photo_folder(photos))
    assert found.names == [name] and found.missing == 0 and bool(found.notes) == name.startswith(" ")
    assert PhotoStore(photos).find(name) is not None


@pytest.mark.parametrize("name", ["../a.jpg", "/etc/hosts", "z.jpg", "cats", "cats/../../x.jpg", "x/" * 3000 + "y.jpg"])
def test_a_photo_that_is_not_there_is_counted(name: str, photos: Path) -> None:
    found = below([name, "a.jpg"], photo_folder(photos))
    assert found.missing == 1 and found.names[1] == "a.jpg" and PhotoStore(photos).find(found.names[0]) is None


def test_the_folders_of_another_machine_are_left_out(photos: Path) -> None:
    written = [f"/kaggle/input/har/train/{name}" for name in ("a.jpg", "cats/b.png", "lost.jpg", "c d.jpeg")]
    found = below(written, photo_folder(photos))
    assert found.names == ["a.jpg", "cats/b.png", written[2], "c d.jpeg"] and found.missing == 1
    assert found.notes[0].endswith(": 3") and "/kaggle/input/har/train/" in found.notes[0]


def test_names_without_an_ending_are_completed(photos: Path) -> None:
    (photos / "train" / "two.jpg").touch()
    (photos / "train" / "two.png").touch()
    found = below(["a", "cats/b", "two", "e"], photo_folder(photos))
    assert found.names == ["a.jpg", "cats/b.png", "two", "e"] and found.missing == 1


def test_nothing_is_looked_for_without_a_folder() -> None:
    found = below(["./x.jpg", "/data/y.jpg"], None)
    assert found.names == ["x.jpg", "/data/y.jpg"] and found.missing is None


def test_links_are_followed(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "f.jpg").touch()
    (photos / "train" / "link").symlink_to(tmp_path / "elsewhere")
    assert below(["link/f.jpg"], photo_folder(photos)).missing == 0
