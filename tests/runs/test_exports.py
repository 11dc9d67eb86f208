"""What is exported is read back: by cleanlab, and as FiftyOne's format is described."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from cleanlab.filter import find_label_issues

from har_core.errors import RunError
from har_core.runs.exports import cleanlab_bytes, fiftyone_bytes
from har_core.runs.predictions import Predictions
from har_core.runs.verdicts import Verdict
from tests.helpers import random_predictions

CLASSES = ("blue", "green", "red")


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
