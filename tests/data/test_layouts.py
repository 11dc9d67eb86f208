"""Folders as people have them: their own split, links, odd names, other suffixes, and what lies about."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from har_core.data.clip_folder import holds_clips, scan_clips
from har_core.data.samples import Problem
from har_core.data.scan import scan
from har_core.data.split import split_photos
from har_core.errors import DataError
from har_core.media.archive import unpack_photos
from har_core.media.layout import LABELS_FILE
from tests.data.test_scan import append, write

LEAVINGS = (".DS_Store", "Thumbs.db", "desktop.ini", "._a.jpg", ".ipynb_checkpoints/a.jpg", "__MACOSX/a.jpg")


def own_split(root: Path, *folders: str) -> Path:
    return write(root, *(f"{folder}/{label}/{n}.jpg" for folder in folders for label in ("cook", "read") for n in "ab"))


@pytest.mark.parametrize(
    ("folders", "evaluated"),
    [
        (("train", "test"), "test"),
        (("Train", "Valid"), "val"),
        (("training", "validation", "testing"), "test"),
        (("train", "dev"), "val"),
        (("train", "val", "test"), "test"),
    ],
)
def test_an_own_split_is_kept(tmp_path: Path, folders: tuple[str, ...], evaluated: str) -> None:
    photos = scan(own_split(tmp_path, *folders))
    assert photos.classes == ("cook", "read") and photos.problems == ()
    assert photos.samples[0].name.count("/") == 2 and (tmp_path / photos.samples[0].name).is_file()
    for by in ("auto", "folders"):
        split = split_photos(photos, test_fraction=0.15, seed=42, by=by)
        assert {sample.split for sample in split.train} == {"train"} and len(split.train) == 4
        assert {sample.split for sample in split.evaluation} == {evaluated}
        assert split.eval_split == ("test" if evaluated == "test" else "dev") and f"{evaluated}/" in split.description
        assert ("not val/ (4 photos)" in split.description) == (len(folders) == 3)
    assert len(split_photos(photos, test_fraction=0.5, seed=42).evaluation) == 2 * len(folders)


@pytest.mark.parametrize(
    "folders",
    [
        ("train/images", "val/images"),
        ("data/train/images", "data/val/images"),
        ("train/photos", "val"),
        ("data/train", "data/val"),
        ("a/b/train", "a/b/val"),
        ("images/train", "images/val"),
        ("data/train",),
        ("Train/images",),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_one_folder_more_than_needed(tmp_path: Path, folders: tuple[str, ...], packed: bool) -> None:
    """Around the split, or around the classes in it; on a disk, and in a zip beside a readme."""
    folder = own_split(tmp_path / "disk", *folders)
    (folder / "readme.txt").write_text("x")
    if packed:
        folder = unpack_photos(Path(shutil.make_archive(str(tmp_path / "a"), "zip", folder)), tmp_path / "zip").folder
    photos = scan(folder)
    assert photos.classes == ("cook", "read") and len(photos.samples) == 4 * len(folders) and photos.problems == ()
    assert all((folder / sample.name).is_file() for sample in photos.samples)
    if len(folders) > 1:
        assert {(sample.split, f"/{sample.name}".find("/val/") < 0) for sample in photos.samples} == {
            ("train", True), ("val", False),
        }  # fmt: skip


AROUND = ("test", "val", "images", "data", "My set (1)", "a/b/c")


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("labels", ["folders", "inside.csv", "beside.csv", LABELS_FILE])
def test_folders_around_all_others(tmp_path: Path, around: str, labels: str) -> None:
    """On a disk as in a zip; empty folders and documents beside them are nobody's class."""
    folder, top = tmp_path / "disk", tmp_path / "disk" / around
    below = {"inside.csv": "photos/", LABELS_FILE: "train/"}
    names = [f"{below.get(labels, f'{label}/')}{label}{n}.jpg" for label in ("cook", "read") for n in "ab"]
    write(top, *names)
    if labels != "folders":
        rows = "".join(f"{name.rpartition('/')[2]},{name.rpartition('/')[2][:4]}\n" for name in names)
        (folder if labels == "beside.csv" else top).joinpath(labels).write_text(f"filename,label\n{rows}")
    (folder / "empty").mkdir()
    (folder / "README.md").write_text("x")
    if labels == "folders":
        (folder / "docs").mkdir()
        (folder / "docs" / "notes.pdf").write_text("x")
    packed = unpack_photos(Path(shutil.make_archive(str(tmp_path / "a"), "zip", folder)), tmp_path / "zip").folder
    found, unpacked = scan(folder, verify=False), scan(packed, verify=False)
    assert found.classes == unpacked.classes == ("cook", "read") and len(found.samples) == len(unpacked.samples) == 4
    assert found.problems == () and all((folder / sample.name).samefile(sample.path) for sample in found.samples)


def test_problems_within_folders_around_are_named_from_the_top(tmp_path: Path) -> None:
    write(tmp_path, "a/b/cook/1.jpg", "a/b/read/1.jpg", "a/b/cover.jpg")
    (tmp_path / "a/b/read/x.gif").write_text("x")
    photos = scan(tmp_path, verify=False)
    assert {problem.name for problem in photos.problems} == {"a/b/read/x.gif", "a/b/cover.jpg"}
    assert {sample.name for sample in photos.samples} == {"a/b/cook/1.jpg", "a/b/read/1.jpg"}
    one = scan(write(tmp_path / "c", "cook/1.jpg", "cook/2.jpg", "cook/more/3.jpg"), verify=False)
    assert one.classes == ("cook",) and [problem.name for problem in one.problems] == ["cook/more/"]


@pytest.mark.parametrize("around", AROUND)
def test_folders_around_clips(tmp_path: Path, around: str) -> None:
    for label in ("cook", "read"):
        (tmp_path / around / label).mkdir(parents=True)
        (tmp_path / around / label / "1.mp4").write_bytes(b"clip")
    assert holds_clips(tmp_path)
    assert [sample.name for sample in scan_clips(tmp_path)] == [f"{around}/cook/1.mp4", f"{around}/read/1.mp4"]


@pytest.mark.parametrize(
    "names",
    [
        ("train/a/cook/1.jpg", "train/a/read/1.jpg", "train/b/cook/1.jpg"),
        ("train/a/cook/1.jpg", "train/a/read/1.jpg", "train/1.jpg"),
        ("train/cook/1/a.jpg",),
    ],
)
def test_folders_around_classes_that_are_not_certain(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="expected one folder of photos per class"):
        scan(write(tmp_path, *names))


def test_a_dev_set_of_an_own_split(tmp_path: Path) -> None:
    photos = scan(own_split(tmp_path, "train", "val", "test"))
    split = split_photos(photos, test_fraction=0.15, seed=42, by="auto", eval_split="dev")
    assert {sample.split for sample in split.evaluation} == {"val"} and len(split.train) == 4
    shutil.rmtree(tmp_path / "val")
    split = split_photos(scan(tmp_path), test_fraction=0.15, seed=42, by="auto", eval_split="dev")
    assert {sample.split for sample in (*split.train, *split.evaluation)} == {"train"} and len(split.evaluation) == 2


def test_folders_that_are_no_split(tmp_path: Path) -> None:
    """Photos in train/ itself: a class of trains.  Only train/: its photos are split."""
    vehicles = scan(write(tmp_path / "vehicles", *(f"{label}/{n}.jpg" for label in ("train", "car") for n in "ab")))
    assert vehicles.classes == ("car", "train") and vehicles.problems == ()
    with pytest.raises(DataError, match="--split folders"):
        split_photos(vehicles, test_fraction=0.15, seed=42, by="folders")
    alone = scan(own_split(tmp_path / "alone", "train"))
    assert alone.classes == ("cook", "read") and alone.problems == ()
    assert len(split_photos(alone, test_fraction=0.15, seed=42, by="auto").evaluation) == 2


def test_a_class_without_training_photos_stops(tmp_path: Path) -> None:
    write(own_split(tmp_path, "train", "test"), "test/run/a.jpg", "test/run/b.jpg")
    with pytest.raises(DataError, match="found none of run"):
        split_photos(scan(tmp_path), test_fraction=0.15, seed=42, by="auto")


def test_what_lies_about_is_named(tmp_path: Path) -> None:
    write(tmp_path, "cook/a.jpg", "cook/more/b.jpg", "read/a.jpg", "loose.jpg")
    (tmp_path / "empty").mkdir()
    (tmp_path / "README.md").write_text("x")
    assert {problem.name for problem in scan(tmp_path).problems} == {"cook/more/", "loose.jpg", "empty/"}
    own_split(tmp_path / "split", "train", "test")
    write(tmp_path / "split", "test/loose.jpg", "train/cook/more/b.jpg", "docs/a.jpg")
    assert {problem.name for problem in scan(tmp_path / "split").problems} == {
        "test/loose.jpg", "train/cook/more/", "docs/",
    }  # fmt: skip
    with pytest.raises(DataError, match="a/cook/: a folder"):
        scan(write(tmp_path / "wrapped", "a/cook/1.jpg", "b/read/1.jpg"))


def test_leavings_of_systems_are_ignored(kaggle_folder: Path, tmp_path: Path) -> None:
    kaggle = Path(shutil.copytree(kaggle_folder, tmp_path / "kaggle"))
    classes = write(tmp_path / "classes", "cook/a.jpg", "read/b.jpg")
    for folder in (kaggle / "train", classes, classes / "cook"):
        for name in LEAVINGS:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(b"x")
    assert scan(kaggle).problems == () and scan(classes).problems == () and len(scan(classes).samples) == 2


def test_a_photo_is_one_by_its_content(tmp_path: Path) -> None:
    names = {"cook/a.jfif", "cook/b.JPG", "cook/c", "read/d.jpe", "read/e.bin"}
    assert {sample.name for sample in scan(write(tmp_path / "classes", *names)).samples} == names
    write(tmp_path / "kaggle", *(f"train/{name}" for name in names))
    rows = "".join(f"{name},x\n" for name in names)
    (tmp_path / "kaggle" / "Training_set.csv").write_text(f"filename,label\n{rows}")
    assert {sample.name for sample in scan(tmp_path / "kaggle").samples} == names


@pytest.mark.parametrize("written", ["train/{}", "./{}", "./train/{}", "train\\{}", ".\\train\\{}", " {} "])
def test_paths_in_the_csv(kaggle_folder: Path, tmp_path: Path, written: str) -> None:
    folder = Path(shutil.copytree(kaggle_folder, tmp_path / "copy"))
    rows = [(sample.name, sample.label) for sample in scan(folder, verify=False).samples]
    (folder / "Training_set.csv").write_text(
        "filename,label\n" + "".join(f"{written.format(name)},{label}\n" for name, label in rows)
    )
    photos = scan(folder, verify=False)
    assert [(sample.name, sample.label) for sample in photos.samples] == rows and photos.problems == ()


@pytest.mark.parametrize("written", ["/etc/passwd", "../x.jpg", "C:\\train\\x.jpg", ".", "train/", "nowhere/x.jpg"])
def test_paths_that_lead_elsewhere_are_named(kaggle_folder: Path, tmp_path: Path, written: str) -> None:
    folder = Path(shutil.copytree(kaggle_folder, tmp_path / "copy"))
    append(folder, f"{written},red")
    photos = scan(folder, verify=False)
    assert len(photos.samples) == 36 and len(photos.problems) == 1


def test_decomposed_accents_are_the_same_name(tmp_path: Path) -> None:
    """As a Mac stores them, and as its programs write them."""
    write(tmp_path, "train/cafe\u0301.jpg")
    (tmp_path / "Training_set.csv").write_text("filename,label\ncaf\xe9.jpg,cook\n", encoding="utf-8")
    (sample,) = scan(tmp_path).samples
    assert sample.name == "cafe\u0301.jpg"


def test_names_that_cannot_be_printed(tmp_path: Path) -> None:
    odd = ["a\u202fAM.jpg", "b\xa0c.jpg", "d\u200f.jpg", "👩\u200d🍳.jpg"]
    photos = scan(write(tmp_path, *(f"cook/{name}" for name in odd)))
    assert sorted(sample.name for sample in photos.samples) == sorted(f"cook/{name}" for name in odd)
    (tmp_path / "cook" / "no\u202fphoto.txt").write_text("x")
    (problem,) = scan(tmp_path).problems
    assert str(problem).isprintable() and "202f" in str(problem)


@pytest.mark.parametrize("layout", ["classes", "kaggle"])
def test_names_that_are_not_utf8_are_problems(tmp_path: Path, layout: str) -> None:
    write(tmp_path, "train/good.jpg", "train/bad.jpg")
    try:
        (tmp_path / "train" / "bad.jpg").rename(tmp_path / "train" / "caf\udce9.jpg")
    except OSError:
        pytest.skip("this file system holds only names in UTF-8")
    if layout == "kaggle":
        (tmp_path / "Training_set.csv").write_text("filename,label\ngood.jpg,cook\n")
    photos = scan(tmp_path)
    (problem,) = photos.problems
    assert len(photos.samples) == 1 and str(problem).encode() and "UTF-8" in problem.reason


def test_links_are_followed(tmp_path: Path) -> None:
    store = write(tmp_path / "store", "a.jpg", "more/b.jpg")
    data = tmp_path / "data"
    (data / "cook").mkdir(parents=True)
    (data / "cook" / "a.jpg").symlink_to(store / "a.jpg")
    (data / "read").symlink_to(store / "more")
    photos = scan(data)
    assert [sample.name for sample in photos.samples] == ["cook/a.jpg", "read/b.jpg"] and photos.problems == ()
    (data / "cook" / "gone.jpg").symlink_to(store / "gone.jpg")
    (data / "cook" / "round").symlink_to(data)
    (data / "self").symlink_to(data / "self")
    assert {problem.name for problem in scan(data).problems} == {"cook/gone.jpg", "cook/round/", "self"}


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    write(tmp_path, "train/a.jpg", "train/in/b.jpg")
    (tmp_path / "train" / "in" / "round").symlink_to(tmp_path / "train")
    (tmp_path / "Training_set.csv").write_text("filename,label\na.jpg,cook\nin/b.jpg,read\n")
    photos = scan(tmp_path)
    assert len(photos.samples) == 2 and photos.problems == ()


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes")
@pytest.mark.parametrize("csv", ["filename,label\na.jpg,cook\npipe.jpg,read\n", None])
def test_what_is_no_file_is_named_and_not_waited_for(tmp_path: Path, csv: str | None) -> None:
    folder = "train" if csv else "cook"
    write(tmp_path, f"{folder}/a.jpg")
    os.mkfifo(tmp_path / folder / "pipe.jpg")
    (tmp_path / folder / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    if csv:
        (tmp_path / "Training_set.csv").write_text(csv)
    else:
        os.mkfifo(tmp_path / "beside.jpg")
    photos = scan(tmp_path)
    assert len(photos.samples) == 1
    named = {"pipe.jpg", "gone.jpg"} | (set() if csv else {"beside.jpg"})
    assert {Path(problem.name).name for problem in photos.problems} == named


def test_a_burst_that_would_empty_its_class_stops(tmp_path: Path) -> None:
    write(tmp_path, *(f"{label}/{number}.jpg" for label in ("cook", "read") for number in range(8)))
    for number in range(1, 8):
        shutil.copyfile(tmp_path / "cook" / "0.jpg", tmp_path / "cook" / f"{number}.jpg")
    options = {"test_fraction": 0.15, "seed": 42}
    with pytest.raises(DataError, match=r"cook \(7 of 7\); pass --no-drop-near-duplicates"):
        split_photos(scan(tmp_path), **options, drop_near_duplicates=True)
    assert len(split_photos(scan(tmp_path), **options).train) == 14


def test_a_problem_says_all_in_one_line() -> None:
    assert str(Problem("a\nb\udce9.jpg", "broken", "mend it")).isprintable()


@pytest.mark.parametrize(
    ("names", "found"), [(("a.jpg",), "a photo outside"), (("a.jpg", "b.png"), "2 photos outside")]
)
def test_loose_photos_alone_are_called_so(tmp_path: Path, names: tuple[str, ...], found: str) -> None:
    """As in a zip of photos that somebody packed without folders."""
    write(tmp_path, *names)
    with pytest.raises(DataError, match=f"found {found}.*put each into a folder") as caught:
        scan(tmp_path)
    assert LABELS_FILE not in str(caught.value) and str(tmp_path) not in str(caught.value)
