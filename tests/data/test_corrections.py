"""Corrected labels: what they change, and what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from har_core.data.corrections import read_corrections
from har_core.data.samples import Sample
from har_core.data.scan import LabeledPhotos, scan
from har_core.data.split import split_photos
from har_core.errors import DataError

PHOTOS = LabeledPhotos(
    tuple(Sample(f"Image_{n}.jpg", Path(f"Image_{n}.jpg"), "ab"[n % 2]) for n in range(400)), ("a", "b"), ()
)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_labels_are_changed_and_photos_left_out(tmp_path: Path) -> None:
    labels = written(tmp_path / "new.csv", "filename,label\nImage_0.jpg,b\ntrain/Image_2.jpg,b\nImage_1.jpg,b\n")
    removed = written(tmp_path / "out.txt", "Image_3.jpg\nImage_5.jpg\n")
    found = read_corrections(PHOTOS, labels=labels, leave_out=removed)
    assert found.labels == {"Image_0.jpg": "b", "Image_2.jpg": "b"} and found.left_out == {"Image_3.jpg", "Image_5.jpg"}
    assert [source.name for source in found.sources] == ["new.csv", "out.txt"]
    assert found.sources[0].sha256 == hashlib.sha256(labels.read_bytes()).hexdigest()
    kept = {sample.name: sample.label for sample in found.apply(PHOTOS.samples)}
    assert len(kept) == 398 and kept["Image_0.jpg"] == "b" and kept["Image_4.jpg"] == "a"


def test_the_split_stays_that_of_the_old_labels(tmp_path: Path) -> None:
    """A photo with another label is on the side of the split where it was: two runs are evaluated on the same photos."""
    plain = split_photos(PHOTOS, test_fraction=0.2, seed=1)
    changed = plain.evaluation[0].name
    new = "b" if plain.evaluation[0].label == "a" else "a"
    labels = written(tmp_path / "new.csv", f"filename,label\n{changed},{new}\n")
    removed = written(tmp_path / "out.csv", f"filename,why\n{plain.train[0].name},none of these\n")
    found = read_corrections(PHOTOS, labels=labels, leave_out=removed)
    split = split_photos(PHOTOS, test_fraction=0.2, seed=1, corrections=found)
    assert [sample.name for sample in split.evaluation] == [sample.name for sample in plain.evaluation]
    assert split.evaluation[0].label == new
    assert [sample.name for sample in split.train] == [sample.name for sample in plain.train[1:]]


def test_calibration_photos_are_neither_trained_nor_scored_on() -> None:
    split = split_photos(PHOTOS, test_fraction=0.2, seed=1, calibration_fraction=0.25)
    parts = [{sample.name for sample in part} for part in (split.train, split.calibration, split.evaluation)]
    assert len(parts[1]) == 80 and len(set.union(*parts)) == sum(map(len, parts)) == 400
    assert {sample.label for sample in split.calibration} == {"a", "b"}
    few = split_photos(PHOTOS, test_fraction=0.2, seed=1, calibration_fraction=0.05)
    assert few.calibration == [] and len(few.train) == 320


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("filename,label\nImage_9999.jpg,a\n", "Image_9999.jpg"),
        ("filename,label\nImage_1.jpg,zumba\n", "zumba"),
        ("filename,label\nImage_1.jpg,a\nImage_1.jpg,b\n", "Image_1.jpg"),
        ("name;what\nImage_1.jpg;a\n", "filename"),
        ("", "nothing"),
    ],
)
def test_what_cannot_be_meant_is_refused(labels: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words):
        read_corrections(PHOTOS, labels=written(tmp_path / "new.csv", labels))


@pytest.mark.parametrize("text", ["a,b\nImage_1.jpg,x\n", "Image_1.jpg\nImage_77777.jpg\n", "\0"])
def test_a_list_to_leave_out_that_is_none(text: str, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read_corrections(PHOTOS, leave_out=written(tmp_path / "out.csv", text))


def test_nothing_is_left_to_evaluate_on(tmp_path: Path) -> None:
    split = split_photos(PHOTOS, test_fraction=0.2, seed=1)
    removed = written(tmp_path / "out.txt", "\n".join(sample.name for sample in split.evaluation))
    found = read_corrections(PHOTOS, leave_out=removed)
    with pytest.raises(DataError, match="left out"):
        split_photos(PHOTOS, test_fraction=0.2, seed=1, corrections=found)


def test_a_folder_of_photos_with_labels_of_its_own(kaggle_folder: Path, tmp_path: Path) -> None:
    labels = written(tmp_path / "some.csv", "filename,label\nImage_3.jpg,green\nImage_4.jpg,blue\n")
    found = scan(kaggle_folder, labels=labels, verify=False)
    assert [(one.name, one.label) for one in found.samples] == [("Image_3.jpg", "green"), ("Image_4.jpg", "blue")]
    assert not found.problems
    plain = scan(kaggle_folder / "train", labels=labels, verify=False)
    assert [one.name for one in plain.samples] == ["Image_3.jpg", "Image_4.jpg"]


def test_calibration_photos_that_are_left_out_do_not_make_them_too_few(tmp_path: Path) -> None:
    """They are drawn from what is left, and are enough or none."""
    plain = split_photos(PHOTOS, test_fraction=0.2, seed=1, calibration_fraction=0.16)
    assert len(plain.calibration) == 50
    removed = written(tmp_path / "out.txt", "\n".join(sample.name for sample in plain.calibration[:20]))
    found = read_corrections(PHOTOS, leave_out=removed)
    split = split_photos(PHOTOS, test_fraction=0.2, seed=1, calibration_fraction=0.16, corrections=found)
    assert len(split.calibration) in (0, 50) and len(split.calibration) + len(split.train) == 300
