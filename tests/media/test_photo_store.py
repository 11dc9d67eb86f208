"""Photos are found by name, and never outside their folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_core.media.photo_store import PhotoStore
from tests.conftest import picture


def test_both_layouts(tmp_path: Path, kaggle_folder: Path) -> None:
    assert PhotoStore(kaggle_folder).find("Image_3.jpg") == kaggle_folder / "train" / "Image_3.jpg"
    (tmp_path / "red").mkdir()
    picture((200, 0, 0)).save(tmp_path / "red" / "one.png")
    assert PhotoStore(tmp_path).find("red/one.png") == tmp_path / "red" / "one.png"
    assert PhotoStore(tmp_path).find("red") is None and PhotoStore(tmp_path / "nowhere").find("one.png") is None


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
    assert PhotoStore(inside).find(name) is None
