"""The two layouts of a data folder, and the checks before training."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from har_core.data.samples import Problem
from har_core.data.scan import require_clean, require_trainable, scan
from har_core.errors import DataError, ImageError, RunError
from har_core.media.images import ACCEPTED
from tests.conftest import COLORS, picture


@pytest.fixture
def folder(kaggle_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(kaggle_folder, tmp_path / "copy"))


def test_kaggles_layout(kaggle_folder: Path) -> None:
    photos = scan(kaggle_folder)
    assert photos.classes == ("blue", "green", "red") and len(photos.samples) == 36 and photos.problems == ()
    assert photos.samples[0].name == "Image_0.jpg" and photos.samples[0].path.is_file()


def test_one_folder_per_class(tmp_path: Path) -> None:
    for label, color in COLORS.items():
        (tmp_path / label).mkdir()
        for number in range(2):
            picture(color).save(tmp_path / label / f"{number}.png")
    (tmp_path / "red" / "notes.txt").write_text("x")
    photos = scan(tmp_path)
    assert photos.classes == ("blue", "green", "red")
    assert [sample.name for sample in photos.samples[:2]] == ["blue/0.png", "blue/1.png"]
    assert [problem.name for problem in photos.problems] == ["red/notes.txt"]


@pytest.mark.parametrize(
    ("spoil", "name", "reason"),
    [
        (lambda f: (f / "train" / "Image_3.jpg").unlink(), "Image_3.jpg", "not in train/"),
        (lambda f: picture((0, 0, 0)).save(f / "train" / "extra.jpg"), "extra.jpg", "without a row"),
        (lambda f: (f / "train" / "Image_4.jpg").write_bytes(b"no photo"), "Image_4.jpg", "not a photo"),
        (
            lambda f: (f / "train" / "Image_5.jpg").write_bytes((f / "train" / "Image_5.jpg").read_bytes()[:900]),
            "Image_5.jpg",
            "cut off",
        ),
        (lambda f: append(f, "Image_6.jpg,red"), "Image_6.jpg", "a second time"),
        (lambda f: append(f, "new.jpg,"), "new.jpg", "no label"),
        (lambda f: append(f, "../secret.jpg,red"), "../secret.jpg", "outside train/"),
    ],
    ids=[
        "row-without-photo",
        "photo-without-row",
        "unreadable",
        "truncated",
        "duplicate",
        "no-label",
        "climbing",
    ],
)
def test_problems_are_named_with_a_remedy(folder: Path, spoil, name: str, reason: str) -> None:  # type: ignore[no-untyped-def]
    spoil(folder)
    photos = scan(folder)
    found = [problem for problem in photos.problems if problem.name == name]
    assert len(found) == 1 and reason in found[0].reason and found[0].remedy
    assert name not in {sample.name for sample in photos.samples}
    with pytest.raises(DataError, match="--skip-bad") as caught:
        require_clean(photos, skip_bad=False)
    assert name in str(caught.value) and caught.value.problems == photos.problems
    require_clean(photos, skip_bad=True)


def append(folder: Path, row: str) -> None:
    with (folder / "Training_set.csv").open("a") as file:
        file.write(row + "\n")


def test_folders_that_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found neither"):
        scan(tmp_path)
    with pytest.raises(DataError, match="found none; check the path"):
        scan(tmp_path / "nowhere")


def test_what_only_a_training_requires(folder: Path, tmp_path: Path) -> None:
    """One photo of a class, or one class, can be evaluated."""
    append(folder, "lone.jpg,alone")
    picture((1, 1, 1)).save(folder / "train" / "lone.jpg")
    photos = scan(folder)
    require_clean(photos, skip_bad=False)
    assert "alone" in photos.classes and len(photos.samples) == 37
    with pytest.raises(DataError, match="found 1 of alone; add photos"):
        require_trainable(photos)

    (tmp_path / "one" / "red").mkdir(parents=True)
    picture((200, 0, 0)).save(tmp_path / "one" / "red" / "0.png")
    photos = scan(tmp_path / "one")
    require_clean(photos, skip_bad=False)
    with pytest.raises(DataError, match="two or more classes, found 1"):
        require_trainable(photos)


def test_classes_that_look_alike_are_named(tmp_path: Path) -> None:
    photos = scan(write(tmp_path, *(f"{name}/{number}.png" for name in ("a_b", "A-B", "c") for number in range(2))))
    with pytest.raises(RunError) as caught:
        require_trainable(photos)
    assert "a_b" in str(caught.value) and "A-B" in str(caught.value)


def write(root: Path, *names: str) -> Path:
    """Photos, no two alike, of these names."""
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        kind = "PNG" if name.endswith(".png") else "JPEG"
        picture(COLORS["red"], seed=number).save(root / name, kind)
    return root


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ImageError(f"a/b.jpg is empty (0 bytes). Choose another file. {ACCEPTED}"),
            "a/b.jpg: is empty (0 bytes); choose another file",
        ),
        (
            ImageError(f"b.jpg has 26.4 MB. Save a smaller copy. {ACCEPTED}"),
            "a/b.jpg: has 26.4 MB; save a smaller copy",
        ),
        (
            ImageError(f"a/b.jpg is not a photo that can be read. {ACCEPTED}"),
            "a/b.jpg: is not a photo that can be read; replace it",
        ),
        (
            OSError(5, "Input/output error", "/srv/secret/a/b.jpg"),
            "a/b.jpg: cannot be read (Input/output error); replace it",
        ),
    ],
)
def test_an_unreadable_photo_is_named_once_and_no_folder_of_the_server(error: ImageError | OSError, said: str) -> None:
    assert str(Problem.of_photo("a/b.jpg", error)) == said
