"""Corrected labels are read back by the training, and say the same as the list of changes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from har_core.data.corrections import read_corrections
from har_core.data.samples import Sample
from har_core.data.scan import LabeledPhotos
from har_core.runs.corrected_labels import (
    Change,
    corrected_labels,
    diff_bytes,
    known_labels,
    label_changes,
    labels_bytes,
    removed_bytes,
)
from har_core.runs.training_embeddings import TrainingEmbeddings
from har_core.runs.verdicts import NO_CLASS, Verdict
from tests.helpers import random_predictions

CLASSES = ("blue", "green", "red")
LABELS = {"a.jpg": "blue", "=b, 2.jpg": "blue", "c/ä.jpg": "green", "d.jpg": "red", "e.jpg": "red", "f.jpg": "red"}
VERDICTS = {
    "a.jpg": Verdict("label is wrong", "=1+1", "red"),
    "=b, 2.jpg": Verdict("label is wrong", "", NO_CLASS),
    "c/ä.jpg": Verdict("label is wrong", "not told"),
    "d.jpg": Verdict("both fit", "", "blue"),
    "e.jpg": Verdict("label is wrong", "", "red"),
    "elsewhere.jpg": Verdict("label is wrong", "", "blue"),
}


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_labels_removed_photos_and_differences_say_the_same(tmp_path: Path) -> None:
    changes = list(label_changes(LABELS, VERDICTS, CLASSES))
    assert changes == [
        Change("a.jpg", "blue", "red", VERDICTS["a.jpg"]),
        Change("=b, 2.jpg", "blue", None, VERDICTS["=b, 2.jpg"]),
    ]
    photos = LabeledPhotos(tuple(Sample(name, Path(name), label) for name, label in LABELS.items()), CLASSES, ())
    labels = written(tmp_path / "corrected.csv", labels_bytes(corrected_labels(LABELS, VERDICTS, CLASSES)))
    removed = written(tmp_path / "removed.csv", removed_bytes(changes))
    found = read_corrections(photos, labels=labels, leave_out=removed)
    assert found.labels == {"a.jpg": "red"} and found.left_out == {"=b, 2.jpg"}
    rows = list(csv.reader(io.StringIO(diff_bytes(changes).decode())))
    assert rows == [
        ["filename", "before", "after", "verdict", "note"],
        ["a.jpg", "blue", "red", "label is wrong", "'=1+1"],
        ["'=b, 2.jpg", "blue", NO_CLASS, "label is wrong", ""],
    ]


def test_without_verdicts_nothing_is_changed(tmp_path: Path) -> None:
    changes = list(label_changes(LABELS, {}, CLASSES))
    photos = LabeledPhotos((Sample("a.jpg", Path("a.jpg"), "blue"),), CLASSES, ())
    removed = written(tmp_path / "removed.csv", removed_bytes(changes))
    assert changes == [] and read_corrections(photos, leave_out=removed).left_out == frozenset()


def test_labels_of_the_training_photos_are_known_where_they_are_stored() -> None:
    predictions = random_predictions(3, CLASSES)
    empty = np.zeros((1, 1), np.float16)
    training = TrainingEmbeddings(np.array(["x.jpg"], dtype=object), np.array([2]), empty, empty[0], empty)
    own = {f"Image_{n}.jpg": CLASSES[label] for n, label in enumerate(predictions.true)}
    assert known_labels(predictions) == own
    assert known_labels(predictions, training) == own | {"x.jpg": "red"}


def test_corrected_labels() -> None:
    labels = {"1.jpg": "a", "2.jpg": "b", "3.jpg": "c", "4.jpg": "a", "5.jpg": "a"}
    given = {
        "1.jpg": Verdict("label is wrong", "", "b"),
        "2.jpg": Verdict("label is wrong", "", NO_CLASS),
        "3.jpg": Verdict("label is wrong", "", ""),
        "4.jpg": Verdict("both fit", "", "b"),
    }
    found = dict(corrected_labels(labels, given, ("a", "b", "c")))
    assert found == {"1.jpg": "b", "3.jpg": "c", "4.jpg": "a", "5.jpg": "a"}
