"""The report's own split, and the splits of a training."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from pathlib import Path

from har_core.data.near_duplicates import NearDuplicate
from har_core.data.samples import Sample
from har_core.data.scan import LabeledPhotos, scan
from har_core.data.split import split_photos, stratified_split

REPORT_TEST_SHA256 = "ffafb4c66e01ef10a10c4795f5a92899dcc33b601e1eb50b5f1c1941550e0a00"
"""Of the sorted names of the report's 1,890 test photos, joined by line feeds."""


def data_set_labels() -> list[Sample]:
    """The data set's 12,600 labels: one letter a photo, in the order of its CSV."""
    classes = (
        "calling clapping cycling dancing drinking eating fighting hugging laughing listening_to_music "
        "running sitting sleeping texting using_laptop"
    ).split()
    letters = (Path(__file__).parent / "har_labels.txt").read_text().replace("\n", "")
    return [
        Sample(f"Image_{number}.jpg", Path(), classes[ord(letter) - ord("a")])
        for number, letter in enumerate(letters, start=1)
    ]


def names(samples: list[Sample]) -> set[str]:
    return {sample.name for sample in samples}


def test_the_split_is_the_reports() -> None:
    samples = data_set_labels()
    train, test = stratified_split(samples, fraction=0.15, seed=42)
    assert (len(samples), len(train), len(test)) == (12_600, 10_710, 1_890)
    assert hashlib.sha256("\n".join(sorted(names(test))).encode()).hexdigest() == REPORT_TEST_SHA256


def test_a_training_has_the_same_split() -> None:
    samples = data_set_labels()
    photos = LabeledPhotos(tuple(samples), tuple(sorted({sample.label for sample in samples})), ())
    split = split_photos(photos, test_fraction=0.15, seed=42)
    assert (split.train, split.evaluation) == stratified_split(samples, fraction=0.15, seed=42)
    assert split.near_duplicates == [] and split.dropped == ()


def test_the_split_keeps_one_of_each_class() -> None:
    samples = [Sample(f"{label}{number}", Path(), label) for label in "ab" for number in range(2)]
    train, test = stratified_split(samples, fraction=0.15, seed=1)
    assert sorted(train + test, key=lambda sample: sample.name) == samples
    assert [sample.label for sample in test] == ["a", "b"]
    assert stratified_split(samples, fraction=0.15, seed=1) == (train, test)


def test_the_dev_set_is_taken_from_the_training_photos(kaggle_folder: Path) -> None:
    photos = scan(kaggle_folder, verify=False)
    final = split_photos(photos, test_fraction=0.2, seed=42)
    trial = split_photos(photos, test_fraction=0.2, seed=42, eval_split="dev")
    assert names(trial.train) | names(trial.evaluation) == names(final.train)
    assert not names(trial.evaluation) & (names(trial.train) | names(final.evaluation))
    assert Counter(s.label for s in trial.evaluation) == {"blue": 1, "green": 1, "red": 1}  # a tenth of 10, of each


def test_near_duplicates_of_evaluation_photos_do_not_train(kaggle_folder: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(kaggle_folder, tmp_path / "data"))
    before = split_photos(scan(data), test_fraction=0.15, seed=42, drop_near_duplicates=True)
    assert before.near_duplicates == []
    copied, original = before.train[0], before.evaluation[0]
    shutil.copyfile(original.path, copied.path)
    seen: list[tuple[int, int]] = []
    after = split_photos(
        scan(data), test_fraction=0.15, seed=42, drop_near_duplicates=True, progress=lambda *step: seen.append(step)
    )
    assert after.near_duplicates == [NearDuplicate(original.name, copied.name, 0, True)]
    assert after.train == before.train[1:] and after.dropped == (copied.name,)
    assert seen[-1] == (36, 36)
    kept = split_photos(scan(data), test_fraction=0.15, seed=42)
    assert kept.train == before.train
