"""The two layouts, the checks before training, and the report's own split."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from har_core import data
from har_core.data import Sample, require_clean, scan, split
from har_core.errors import DataError, DownloadError
from tests.conftest import COLOURS, ROOT, picture

REPORT_VALIDATION = "ffafb4c66e01ef10a10c4795f5a92899dcc33b601e1eb50b5f1c1941550e0a00"


@pytest.fixture
def folder(kaggle_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(kaggle_folder, tmp_path / "copy"))


def data_set_labels() -> list[Sample]:
    """The data set's 12,600 labels: one letter a photo, in the order of its CSV."""
    classes = (
        "calling clapping cycling dancing drinking eating fighting hugging laughing listening_to_music "
        "running sitting sleeping texting using_laptop"
    ).split()
    letters = (ROOT / "tests" / "data" / "har_labels.txt").read_text().replace("\n", "")
    return [
        Sample(f"Image_{number}.jpg", Path(), classes[ord(letter) - ord("a")])
        for number, letter in enumerate(letters, start=1)
    ]


def test_the_split_is_the_reports() -> None:
    samples = data_set_labels()
    training, validation = split(samples, fraction=0.15, seed=42)
    assert (len(samples), len(training), len(validation)) == (12_600, 10_710, 1_890)
    names = "\n".join(sorted(sample.name for sample in validation))
    assert hashlib.sha256(names.encode()).hexdigest() == REPORT_VALIDATION


def test_the_split_divides_and_keeps_one_of_each_class() -> None:
    samples = [Sample(f"{label}{n}", Path(), label) for label in "ab" for n in range(2)]
    training, validation = split(samples, fraction=0.15, seed=1)
    assert sorted(training + validation, key=lambda s: s.name) == samples
    assert [sample.label for sample in validation] == ["a", "b"]
    assert split(samples, fraction=0.15, seed=1) == (training, validation)


def test_kaggles_layout(kaggle_folder: Path) -> None:
    photos = scan(kaggle_folder)
    assert photos.classes == ("blue", "green", "red") and len(photos.samples) == 36 and photos.problems == ()
    assert photos.samples[0].name == "Image_0.jpg" and photos.samples[0].path.is_file()


def test_one_folder_a_class(tmp_path: Path) -> None:
    for label, colour in COLOURS.items():
        (tmp_path / label).mkdir()
        for number in range(2):
            picture(colour).save(tmp_path / label / f"{number}.png")
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
        (lambda f: (append(f, "lone.jpg,alone"), picture((1, 1, 1)).save(f / "train" / "lone.jpg")), "alone", "only 1"),
    ],
    ids=[
        "row-without-photo",
        "photo-without-row",
        "unreadable",
        "truncated",
        "duplicate",
        "no-label",
        "climbing",
        "lone",
    ],
)
def test_problems_are_named_with_a_remedy(folder: Path, spoil, name: str, reason: str) -> None:  # type: ignore[no-untyped-def]
    spoil(folder)
    photos = scan(folder)
    found = [problem for problem in photos.problems if problem.name == name]
    assert len(found) == 1 and reason in found[0].reason and found[0].remedy
    assert name not in {sample.name for sample in photos.samples} and name not in photos.classes
    with pytest.raises(DataError, match="--skip-bad") as caught:
        require_clean(photos, skip_bad=False)
    assert name in str(caught.value) and caught.value.problems == photos.problems
    require_clean(photos, skip_bad=True)


def append(folder: Path, row: str) -> None:
    with (folder / "Training_set.csv").open("a") as file:
        file.write(row + "\n")


def test_a_csv_without_its_columns(folder: Path) -> None:
    (folder / "Training_set.csv").write_text("file,label\na.jpg,red\n")
    with pytest.raises(DataError, match="found file, label; add filename"):
        scan(folder)


def test_folders_that_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found neither"):
        scan(tmp_path)
    with pytest.raises(DataError, match="found none; check the path"):
        scan(tmp_path / "nowhere")


def test_one_class_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / "red").mkdir()
    for number in range(3):
        picture((200, 0, 0)).save(tmp_path / "red" / f"{number}.png")
    with pytest.raises(DataError, match="two or more classes, found 1"):
        require_clean(scan(tmp_path), skip_bad=True)


def test_download_lays_the_data_set_out(kaggle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import kagglehub

    shutil.copytree(kaggle_folder, tmp_path / "cache" / "Human Action Recognition")
    monkeypatch.setattr(kagglehub, "dataset_download", lambda handle: str(tmp_path / "cache"))
    photos = scan(data.download(tmp_path / "data"))
    assert len(photos.samples) == 36 and not photos.problems


def test_download_without_a_network_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import kagglehub

    def unreachable(handle: str) -> str:
        raise ConnectionError("Name or service\nnot known")

    monkeypatch.setattr(kagglehub, "dataset_download", unreachable)
    with pytest.raises(DownloadError, match="check the network") as caught:
        data.download(tmp_path / "data")
    assert "\n" not in str(caught.value) and not (tmp_path / "data").exists()
