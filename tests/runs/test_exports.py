"""What is exported is read back: by the training, by cleanlab, and as FiftyOne's format is described."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from cleanlab.filter import find_label_issues

from har_core.analysis.relabel import corrected_labels
from har_core.data.corrections import read_corrections
from har_core.data.labels_file import labels_bytes
from har_core.data.samples import Sample
from har_core.data.scan import LabeledPhotos
from har_core.errors import RunError
from har_core.runs.exports import (
    Change,
    cleanlab_bytes,
    diff_bytes,
    fiftyone_bytes,
    known_labels,
    label_changes,
    removed_bytes,
)
from har_core.runs.predictions import Predictions
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


@pytest.mark.filterwarnings("ignore:May not flag all label issues")
@pytest.mark.parametrize("classes", [CLASSES, ("no", "yes"), tuple(f"class {n}" for n in range(100))])
def test_cleanlab_takes_the_arrays(classes: tuple[str, ...]) -> None:
    """Also where most classes do not occur."""
    predictions = random_predictions(60, classes)
    verdicts = {"Image_1.jpg": Verdict("label is wrong", "", classes[0])}
    found = np.load(io.BytesIO(cleanlab_bytes(predictions, verdicts, {"Image_3.jpg", "of the training.jpg"})))
    assert found["labels"].dtype == np.int64 and found["pred_probs"].shape == (60, len(classes))
    assert tuple(found["classes"]) == classes and list(found["filenames"]) == list(predictions.samples)
    assert np.flatnonzero(found["is_label_issue"]).tolist() == [3] and found["is_label_issue"].dtype == bool
    assert found["verdict"][:2].tolist() == ["", "label is wrong"] and found["right_label"][1] == classes[0]
    issues = find_label_issues(found["labels"], found["pred_probs"], n_jobs=1)
    plain = find_label_issues(predictions.true, predictions.probabilities.astype(np.float64), n_jobs=1)
    assert issues.shape == (60,) and (issues == plain).all()
    assert "is_label_issue" not in np.load(io.BytesIO(cleanlab_bytes(predictions, {})))


def test_fiftyone_gets_predictions_by_the_photos_names() -> None:
    predictions = random_predictions(5, CLASSES)
    predictions.samples[4] = "ä.b/photo.one.jpg"
    verdicts = {"Image_0.jpg": Verdict("unclear", "dark"), "Image_1.jpg": Verdict("label is wrong", "", "red")}
    found = json.loads(fiftyone_bytes(predictions, verdicts, ["Image_2.jpg"]))
    assert found["classes"] == list(CLASSES)
    assert list(found["labels"]) == ["Image_0", "Image_1", "Image_2", "Image_3", "ä.b/photo.one"]
    for row, one in enumerate(found["labels"].values()):
        assert one["label"] == predictions.predicted[row]
        assert one["confidence"] == pytest.approx(predictions.confidence[row])
        assert one["attributes"]["ground_truth"] == CLASSES[predictions.true[row]]
        assert one["attributes"]["correct"] == predictions.correct[row]
        assert one["attributes"]["suspect"] == (row == 2)
    first, second, third = (found["labels"][f"Image_{n}"]["attributes"] for n in range(3))
    assert (first["verdict"], first["note"]) == ("unclear", "dark") and "right_label" not in first
    assert second["right_label"] == "red" and "verdict" not in third
    assert "suspect" not in json.loads(fiftyone_bytes(predictions, {}))["labels"]["Image_0"]["attributes"]


def test_fiftyone_cannot_tell_photos_apart_by_their_ending() -> None:
    plain = random_predictions(2, CLASSES)
    names = np.array(["one.jpg", "one.png"], dtype=object)
    with pytest.raises(RunError, match="ending"):
        fiftyone_bytes(Predictions(CLASSES, names, plain.true, plain.probabilities), {})
