"""Photos are found by name and never outside their folder; pictures of them are made once, within a bound."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from har_core.photos import Photos, PictureCache
from tests.conftest import picture


def test_both_layouts(tmp_path: Path, kaggle_folder: Path) -> None:
    assert Photos(kaggle_folder).find("Image_3.jpg") == kaggle_folder / "train" / "Image_3.jpg"
    (tmp_path / "red").mkdir()
    picture((200, 0, 0)).save(tmp_path / "red" / "one.png")
    assert Photos(tmp_path).find("red/one.png") == tmp_path / "red" / "one.png"
    assert Photos(tmp_path).find("red") is None and Photos(tmp_path / "nowhere").find("one.png") is None


@pytest.mark.parametrize(
    "name",
    ["../secret.txt", "red/../../secret.txt", "/etc/passwd", "link", "folder/secret.txt", "a\0b", "x" * 5000, ""],
)
def test_nothing_outside_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    inside = tmp_path / "photos"
    (inside / "red").mkdir(parents=True)
    (inside / "link").symlink_to(tmp_path / "secret.txt")
    (inside / "folder").symlink_to(tmp_path)
    assert Photos(inside).find(name) is None


def test_a_picture_is_made_once(tmp_path: Path) -> None:
    made = []

    def make() -> Image.Image:
        made.append(1)
        return picture((10, 200, 10), (40, 30))

    cache = PictureCache(tmp_path / "new")
    first = cache.get(("a", 1), make)
    assert cache.get(("a", 1), make) == first == PictureCache(tmp_path / "new").get(("a", 1), make)
    assert len(made) == 1 and Image.open(io.BytesIO(first)).size == (40, 30)
    cache.get(("a", 2), make)
    assert len(made) == 2


def test_the_folder_stays_within_its_bound(tmp_path: Path) -> None:
    one = len(PictureCache(tmp_path / "one").get((0,), lambda: picture((9, 9, 9), (64, 64), seed=0)))
    cache = PictureCache(tmp_path / "many", limit=10 * one)
    for number in range(40):
        cache.get((number,), lambda number=number: picture((9, 9, 9), (64, 64), seed=number))  # type: ignore[misc]
        assert sum(entry.stat().st_size for entry in os.scandir(tmp_path / "many")) <= 10 * one
    assert len(list((tmp_path / "many").iterdir())) >= 5


def test_a_disk_that_cannot_be_written_costs_no_picture(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    content = PictureCache(tmp_path / "file").get((1,), lambda: picture((1, 2, 3)))
    assert Image.open(io.BytesIO(content)).format == "JPEG"
