"""Class folders that hold a folder in place of photos."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from har_core.data.scan import scan
from har_core.errors import DataError
from har_core.media.archive import unpack_photos
from tests.data.test_scan import write


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("around", ["", "data/", "train/", "a/train/"])
@pytest.mark.parametrize("within", ["images", "train"])
def test_a_folder_around_the_photos_of_each_class(tmp_path: Path, within: str, around: str, packed: bool) -> None:
    folder = write(
        tmp_path / "disk", *(f"{around}{label}/{within}/{n}.jpg" for label in ("cook", "read") for n in "ab")
    )
    (folder / around / "cook" / "readme.txt").write_text("x")
    if packed:
        folder = unpack_photos(Path(shutil.make_archive(str(tmp_path / "a"), "zip", folder)), tmp_path / "zip").folder
    photos = scan(folder)
    assert photos.classes == ("cook", "read") and len(photos.samples) == 4 and photos.notes == ()
    assert [problem.name for problem in photos.problems] == ([] if packed else [f"{around}cook/readme.txt"])
    assert all((folder / sample.name).samefile(sample.path) for sample in photos.samples)


@pytest.mark.parametrize(
    ("names", "is_chosen"),
    [
        (("cook/images/1.jpg", "read/photos/1.jpg"), False),
        (("cook/images/1.jpg", "read/1.jpg"), False),
        (("cook/images/1.jpg", "cook/1.jpg", "read/images/1.jpg"), False),
        (("all/cook/1.jpg", "all/read/1.jpg", "more/1.jpg"), True),
    ],
)
def test_a_folder_in_a_class_is_told_with_what_helps(tmp_path: Path, names: tuple[str, ...], is_chosen: bool) -> None:
    """Another folder is to be chosen only where it may hold the classes."""
    try:
        problems = scan(write(tmp_path, *names)).problems
    except DataError as error:
        problems = error.problems
    assert problems and {"choose" in problem.remedy for problem in problems} == {is_chosen}
