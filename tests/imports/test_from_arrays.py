"""Arrays of a notebook → a run."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score

import har_core
from har_core.errors import DataError, HarError
from har_core.imports import arrays
from tests.helpers import random_predictions

CLASSES = ["blue", "green", "red"]
STORED = random_predictions()


def test_the_example_of_the_docstring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = doctest.DocTestFinder(recurse=False).find(arrays.from_arrays, "from_arrays", globs={})
    assert len(example.examples) == 5
    assert doctest.DocTestRunner().run(example).failed == 0
    assert (tmp_path / "runs" / "mine" / "run.json").is_file()


def test_a_classifier_of_scikit_learn(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(90, 4)), np.array(["no", "yes", "maybe"])[random.integers(0, 3, 90)]
    model = LogisticRegression().fit(features, labels)
    chances = model.predict_proba(features)
    run = har_core.from_arrays(
        pd.Series(labels),
        probabilities=pd.DataFrame(chances, columns=model.classes_),
        predicted=model.predict(features),
        samples=[f"{n}.jpg" for n in range(90)],
        embeddings=features,
        out=tmp_path / "run",
        title="Mine",
    )
    predictions, scores = run.predictions(), run.manifest.scores
    assert predictions.classes == ("maybe", "no", "yes") and run.title == "Mine" and scores is not None
    assert scores.accuracy == pytest.approx(accuracy_score(labels, model.predict(features)))
    assert scores.macro_f1 == pytest.approx(f1_score(labels, model.predict(features), average="macro"))
    np.testing.assert_allclose(predictions.probabilities, chances, atol=1e-7)
    np.testing.assert_allclose(run.embeddings(), features, atol=1e-2)
    assert not run.has("heatmaps.npy")


@pytest.mark.parametrize("labels", [STORED.true, [CLASSES[n] for n in STORED.true], STORED.true.astype(float)])
def test_every_form_of_labels(labels: Any, tmp_path: Path) -> None:
    run = har_core.from_arrays(labels, probabilities=STORED.probabilities, classes=CLASSES, out=tmp_path / "run")
    found = run.predictions()
    assert np.array_equal(found.probabilities, STORED.probabilities) and np.array_equal(found.true, STORED.true)
    assert found.samples[:2].tolist() == ["row_0", "row_1"] and run.manifest.probabilities == "all"


def test_logits_and_maps(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).normal(size=(40, 3, 2, 2))
    logits = np.log(STORED.probabilities) + 7
    run = har_core.from_arrays(STORED.true, logits=logits, classes=CLASSES, maps=maps, out=str(tmp_path / "run"))
    np.testing.assert_allclose(run.predictions().probabilities, STORED.probabilities, atol=1e-6)
    np.testing.assert_allclose(run.class_maps(), maps, atol=2e-3)


def test_predicted_classes_alone(tmp_path: Path) -> None:
    one = har_core.from_arrays(["a", "b"], predicted=["b", "b"], out=tmp_path / "one")
    two = har_core.from_arrays([True, False], predicted=[1, 1], classes=["no", "yes"], out=tmp_path / "two")
    three = har_core.from_arrays(["a", "b"], predicted=["b", "b"], confidence=[0.6, 0.9], out=tmp_path / "three")
    assert one.manifest.probabilities == two.manifest.probabilities == "none"
    assert one.confusion_matrix().tolist() == [[0, 1], [0, 1]] and two.confusion_matrix().tolist() == [[0, 1], [0, 1]]
    assert three.manifest.probabilities == "confidence"
    np.testing.assert_allclose(three.predictions().confidence, [0.6, 0.9], atol=1e-7)


@pytest.mark.parametrize(
    ("given", "fragment"),
    [
        ({}, "found none"),
        ({"probabilities": STORED.probabilities}, "classes=["),
        ({"probabilities": STORED.probabilities, "logits": STORED.probabilities, "classes": CLASSES}, "both"),
        ({"probabilities": STORED.probabilities[1:], "classes": CLASSES}, "(40, 3)"),
        ({"probabilities": STORED.probabilities[:, 0], "classes": CLASSES}, "2 dimensions"),
        ({"probabilities": STORED.probabilities * 2, "classes": CLASSES}, "sum to 1"),
        ({"probabilities": STORED.probabilities * np.nan, "classes": CLASSES}, "row_0"),
        ({"probabilities": [["a", "b", "c"]] * 40, "classes": CLASSES}, "numbers"),
        ({"predicted": [0] * 39, "classes": CLASSES}, "40 predicted"),
        ({"predicted": [3] * 40, "classes": CLASSES}, "from 0 to 2"),
        ({"predicted": [[0]] * 40, "classes": CLASSES}, "(N,)"),
        ({"predicted": [0] * 40, "classes": CLASSES, "samples": ["a"]}, "40 samples"),
        ({"predicted": [0] * 40, "classes": CLASSES, "samples": ["a"] * 40}, "once"),
        ({"predicted": [0] * 40, "classes": CLASSES, "embeddings": np.zeros((3, 2))}, "40 rows"),
        ({"predicted": [0] * 40, "classes": CLASSES, "confidence": [0.1] * 40}, "1/3"),
    ],
)
def test_what_does_not_fit_ends_in_one_sentence(given: dict[str, Any], fragment: str, tmp_path: Path) -> None:
    with pytest.raises(HarError) as caught:
        har_core.from_arrays(STORED.true, out=tmp_path / "run", **given)
    assert fragment in str(caught.value) and "\n" not in str(caught.value) and not any(tmp_path.iterdir())


def test_a_frames_columns_are_told_by_name(tmp_path: Path) -> None:
    """In another order than the classes, and with classes as Hugging Face names them."""
    frame = pd.DataFrame({"dog": [0.1, 0.8], "cat": [0.9, 0.2]})
    run = har_core.from_arrays(["cat", "dog"], probabilities=frame, classes=["cat", "dog"], out=tmp_path / "a")
    assert run.classes == ("cat", "dog") and run.confusion_matrix().tolist() == [[1, 0], [0, 1]]
    given = frame[["cat", "dog"]].to_numpy()
    named = har_core.from_arrays([0, 1], probabilities=given, classes={"1": "dog", "0": "cat"}, out=tmp_path / "b")
    assert named.classes == ("cat", "dog") and named.confusion_matrix().tolist() == [[1, 0], [0, 1]]
    with pytest.raises(DataError, match="name both alike"):
        har_core.from_arrays(["cat", "cow"], probabilities=frame, classes=["cat", "cow"], out=tmp_path / "c")
    with pytest.raises(DataError, match="pass a list"):
        har_core.from_arrays(["cat", "dog"], probabilities=given, classes={"x": "cat", "y": "dog"}, out=tmp_path / "c")
    with pytest.raises(DataError, match="pass a list"):
        har_core.from_arrays(["cat", "dog"], probabilities=given, classes={"cat", "dog"}, out=tmp_path / "c")  # type: ignore[arg-type]


def test_what_a_network_in_training_returns(tmp_path: Path) -> None:
    import torch

    logits = torch.tensor([[2.0, 1.0], [0.0, 3.0]], requires_grad=True)
    run = har_core.from_arrays([0, 1], logits=logits, classes=["cat", "dog"], out=tmp_path / "run")
    assert run.confusion_matrix().tolist() == [[1, 0], [0, 1]]


def test_an_index_in_two_orders_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"cat": [0.9, 0.2, 0.6], "dog": [0.1, 0.8, 0.4]})
    true = pd.Series(["cat", "dog", "dog"])
    with pytest.raises(DataError, match="reset_index"):
        har_core.from_arrays(true[[2, 0, 1]], probabilities=frame, out=tmp_path / "a")
    run = har_core.from_arrays(pd.Series(true.to_numpy(), index=[9, 7, 8]), probabilities=frame, out=tmp_path / "b")
    assert run.confusion_matrix().tolist() == [[1, 0], [1, 1]]  # of a test set that was drawn: row by row


def test_errors_name_no_flags(tmp_path: Path) -> None:
    for given in (
        {"probabilities": [[2.0, 1.0], [0.0, 3.0]], "classes": ["cat", "dog"]},
        {"predicted": ["cat", "dog"], "confidence": [0.9, 0.1]},
        {"probabilities": [[0.9, 0.1], [0.2, 0.8]], "classes": ["cat", "cow"]},
        {"probabilities": [[0.9, 0.1], [0.2, 0.8]], "predicted": ["dog", "dog"], "classes": ["cat", "dog"]},
    ):
        with pytest.raises(DataError) as caught:
            har_core.from_arrays(["cat", "dog"], out=tmp_path / "run", **given)
        assert "--" not in str(caught.value) and not (tmp_path / "run").exists()
