"""Photos in class folders that a table names too, and labels in files that are not read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from har_core.data.scan import LabeledPhotos, scan
from har_core.errors import DataError
from tests.data.test_scan import write

CLASSES = ("cook", "read")
PHOTOS = ("cook/a.jpg", "cook/b.jpg", "read/c.jpg", "read/d.jpg")
SWAPPED = ("read", "read", "cook", "cook")


def folder(root: Path, photos: tuple[str, ...], tables: dict[str, str]) -> Path:
    write(root, *photos)
    for name, content in tables.items():
        (root / name).write_text(content)
    return root


def table(photos: tuple[str, ...], labels: tuple[str, ...], *, sure: bool = False) -> str:
    rows = [f"{name},{label}{',0.9' if sure else ''}" for name, label in zip(photos, labels, strict=True)]
    return "\n".join([f"filename,label{',confidence' if sure else ''}", *rows])


def truth(found: LabeledPhotos) -> dict[str, str]:
    return {sample.name.rpartition("/")[2]: sample.label for sample in found.samples}


BY_FOLDERS = {"a.jpg": "cook", "b.jpg": "cook", "c.jpg": "read", "d.jpg": "read"}


@pytest.mark.parametrize(
    ("name", "labels", "sure", "classes", "by_folders", "differing"),
    [
        ("labels.csv", SWAPPED, False, CLASSES, True, 4),
        ("labels.csv", SWAPPED, False, (), True, 4),
        ("labels.csv", ("read", "cook", "read", "read"), False, (), True, 1),
        ("labels.csv", ("Ann", "Ann", "Bob", "Bob"), False, ("Cook", "READ", "run"), True, 4),
        ("labels.csv", ("Ann", "Ann", "Bob", "Bob"), False, (), False, 4),
        ("labels.csv", ("Ann", "Ann", "Bob", "Bob"), False, ("run", "swim"), False, 4),
        ("labels.csv", ("Ann", "Ann", "Bob", "Bob"), True, (), True, 4),
        ("my_Predictions v2.csv", ("Ann", "Ann", "Bob", "Bob"), False, (), True, 4),
        ("results.csv", ("Ann", "Ann", "Bob", "Bob"), False, (), True, 4),
        ("labels.csv", ("Cook", "COOK", "read", "Read"), False, (), False, 0),
        ("labels.csv", ("Cook", "COOK", "read", "Read"), False, CLASSES, True, 0),
        ("labels.csv", ("run", "swim", "run", "swim"), False, ("run", "swim"), False, 4),
    ],
)
def test_which_of_two_says_the_truth(
    tmp_path: Path,
    name: str,
    labels: tuple[str, ...],
    sure: bool,
    classes: tuple[str, ...],
    by_folders: bool,
    differing: int,
) -> None:
    found = scan(folder(tmp_path, PHOTOS, {name: table(PHOTOS, labels, sure=sure)}), classes=classes)
    assert truth(found) == (BY_FOLDERS if by_folders else dict(zip(BY_FOLDERS, labels, strict=True)))
    (note,) = found.notes
    assert name in note and ("was not read" in note) is by_folders
    assert (f"{differing} of 4 photos" in note) is bool(differing) and found.problems == ()


def test_one_folder_that_is_a_class(tmp_path: Path) -> None:
    """Its name is known to be a class, or may be that of the whole."""
    photos = ("cook/a.jpg", "cook/b.jpg")
    folder(tmp_path, photos, {"predictions.csv": table(photos, ("read", "read"), sure=True)})
    assert set(truth(scan(tmp_path, classes=CLASSES)).values()) == {"cook"}
    found = scan(tmp_path)
    assert set(truth(found).values()) == {"read"} and "predictions.csv" in found.notes[0]


def test_folders_that_are_no_classes_are_not_spoken_of(tmp_path: Path) -> None:
    photos = ("images/a.jpg", "images/b.jpg")
    found = scan(folder(tmp_path, photos, {"labels.csv": table(photos, CLASSES)}), classes=CLASSES)
    assert found.classes == CLASSES and found.notes == ()


def test_a_table_of_some_photos_loses_none(tmp_path: Path) -> None:
    """It says the same as the folders, of half of them."""
    found = scan(folder(tmp_path, PHOTOS, {"labels.csv": table(PHOTOS[:2], ("cook", "cook"))}))
    assert truth(found) == BY_FOLDERS and "labels.csv was not read" in found.notes[0]


def test_an_own_split_and_a_table(tmp_path: Path) -> None:
    photos = tuple(f"{split}/{label}/{split}{label}.jpg" for split in ("train", "test") for label in CLASSES)
    found = scan(folder(tmp_path, photos, {"labels.csv": table(photos, ("read", "read", "read", "cook"))}))
    assert [sample.split for sample in found.samples] == ["test", "test", "train", "train"]
    assert "labels.csv was not read" in found.notes[0] and "3 of 4 photos" in found.notes[0]


def test_kaggles_table_with_and_without_class_folders(kaggle_folder: Path, tmp_path: Path) -> None:
    assert scan(kaggle_folder, classes=("blue", "green", "red")).notes == ()
    photos = tuple(f"train/{name}" for name in PHOTOS)
    found = scan(folder(tmp_path, photos, {"Training_set.csv": table(PHOTOS, SWAPPED)}), classes=CLASSES)
    assert {sample.name: sample.label for sample in found.samples} == {name: name[:4] for name in PHOTOS}
    assert "Training_set.csv" in found.notes[0] and "4 of 4 photos" in found.notes[0]


def test_answers_beside_the_truth(tmp_path: Path) -> None:
    photos = ("a.jpg", "b.jpg")
    tables = {
        "labels.csv": table(photos, ("cook", "read")),
        "predictions.csv": table(photos, ("read", "read"), sure=True),
    }
    assert truth(scan(folder(tmp_path, photos, tables))) == {"a.jpg": "cook", "b.jpg": "read"}
    (tmp_path / "labels.csv").unlink()
    found = scan(tmp_path)
    assert truth(found) == {"a.jpg": "read", "b.jpg": "read"} and "predictions.csv" in found.notes[0]


@pytest.mark.parametrize("called", ["labels.csv", "Training_set.csv"])
@pytest.mark.parametrize("written", ["img_1.jpg", "1"])
def test_names_of_which_none_is_a_photo(tmp_path: Path, called: str, written: str) -> None:
    photos = ("train/x.jpg", "train/y.jpg")
    folder(tmp_path, photos, {called: table((written, "2.jpg"), CLASSES)})
    with pytest.raises(DataError, match="none of its names") as caught:
        scan(tmp_path, classes=CLASSES)
    assert called in str(caught.value) and f"2, the first is {written}" in str(caught.value)
    assert "x.jpg)" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["labels.xlsx", "labels.json", "data.jsonl", "list.txt", "my.ODS"])
def test_labels_that_are_not_read_are_told(tmp_path: Path, name: str) -> None:
    write(tmp_path / "folder", "images/a.jpg", "images/b.jpg")
    (tmp_path / "folder" / name).write_text("x")
    found = scan(tmp_path / "folder")
    assert (
        len(found.notes) == 1 and found.notes[0].startswith(f"the file {name} was not read") and "CSV" in found.notes[0]
    )
    (tmp_path / "folder" / name).unlink()
    assert scan(tmp_path / "folder", beside=(f"mine/{name}", "README.md", "readme.txt")).notes == found.notes
    write(tmp_path / "flat", "a.jpg", "b.jpg")
    with pytest.raises(DataError, match=f"{name} was not read"):
        scan(tmp_path / "flat", beside=[name])


def test_beside_class_folders_only_what_is_called_so_is_told(tmp_path: Path) -> None:
    beside = ["labels.xlsx", "notes.txt", "data.json", "annotations.json", "LICENSE.txt"]
    found = scan(write(tmp_path, *PHOTOS), beside=beside)
    assert [note.split()[2] for note in found.notes] == ["labels.xlsx", "annotations.json"]


def test_labels_that_were_given_are_not_doubted(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", PHOTOS, {})
    (tmp_path / "other.csv").write_text(table(PHOTOS, SWAPPED))
    found = scan(data, labels=tmp_path / "other.csv", classes=CLASSES)
    assert set(truth(found).items()) == set(zip(BY_FOLDERS, SWAPPED, strict=True)) and found.notes == ()


def test_a_folder_within_a_class_is_counted(tmp_path: Path) -> None:
    write(tmp_path, "cook/a.jpg", "cook/more/b.jpg", "read/more/a.jpg", "read/more/b.jpg")
    shutil.copy(tmp_path / "cook" / "a.jpg", tmp_path / "read" / "c.jpg")
    reasons = {problem.name: problem.reason for problem in scan(tmp_path).problems}
    assert "(1 file)" in reasons["cook/more/"] and "(2 files)" in reasons["read/more/"]
