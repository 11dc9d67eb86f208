"""Photos are found by name, and never outside their folder."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Literal

import pytest

from har_core.media.photo_store import PhotoStore
from tests.conftest import picture


def test_both_layouts(tmp_path: Path, kaggle_folder: Path) -> None:
    assert PhotoStore(kaggle_folder).find("Image_3.jpg") == kaggle_folder / "train" / "Image_3.jpg"
    (tmp_path / "red").mkdir()
    picture((200, 0, 0)).save(tmp_path / "red" / "one.png")
    assert PhotoStore(tmp_path).find("red/one.png") == tmp_path / "red" / "one.png"
    assert PhotoStore(tmp_path).find("red") is None and PhotoStore(tmp_path / "nowhere").find("one.png") is None


def test_links_of_the_owner_are_followed(tmp_path: Path) -> None:
    """A class folder of links, and a link as class folder."""
    (tmp_path / "elsewhere").mkdir()
    picture((200, 0, 0)).save(tmp_path / "elsewhere" / "one.png")
    (tmp_path / "photos" / "red").mkdir(parents=True)
    (tmp_path / "photos" / "red" / "one.png").symlink_to(tmp_path / "elsewhere" / "one.png")
    (tmp_path / "photos" / "blue").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "blue" / "gone.png").symlink_to(tmp_path / "nowhere")
    store = PhotoStore(tmp_path / "photos")
    assert store.find("red/one.png") and store.find("blue/one.png") and store.find("blue/gone.png") is None


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
def test_accents_are_found_in_either_form(tmp_path: Path, stored: Literal["NFC", "NFD"]) -> None:
    picture((200, 0, 0)).save(tmp_path / unicodedata.normalize(stored, "café.png"))
    assert PhotoStore(tmp_path).find("café.png") and PhotoStore(tmp_path).find("cafe\u0301.png")


@pytest.mark.parametrize(
    "name",
    ["../secret.txt", "red/../../secret.txt", "/etc/passwd", "a\0b", "x" * 5000, "", ".", "\udce9"],
)
def test_nothing_outside_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    inside = tmp_path / "photos"
    (inside / "red").mkdir(parents=True)
    assert PhotoStore(inside).find(name) is None
