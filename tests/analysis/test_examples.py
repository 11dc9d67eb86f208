"""Measures, filters, order and neighbors of photos, by hand and against scikit-learn."""

from __future__ import annotations

import csv
import io
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, top_k_accuracy_score
from sklearn.metrics.pairwise import cosine_similarity

from har_core.analysis import examples as module
from har_core.analysis.examples import UNJUDGED, Filters, example_table, nearest_neighbors, select, to_csv
from har_core.runs.predictions import Predictions
from har_core.runs.verdicts import Verdict
from tests.helpers import random_predictions

CLASSES = ("a", "b", "c", "d", "e")


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    return random_predictions(600, CLASSES, seed=7)


@pytest.fixture(scope="module")
def examples(predictions: Predictions) -> pd.DataFrame:
    return example_table(predictions)


def test_measures_photo_by_photo(predictions: Predictions, examples: pd.DataFrame) -> None:
    for row in range(0, 600, 37):
        probabilities, true = predictions.probabilities[row], predictions.true[row]
        ranking = np.argsort(-probabilities)
        found = examples.iloc[row]
        assert (found["sample"], found["true"], found["predicted"]) == (predictions.samples[row], true, ranking[0])
        assert found["second"] == ranking[1]
        assert found["true_rank"] == 1 + list(ranking).index(true)
        assert found["true_probability"] == probabilities[true] and found["confidence"] == probabilities.max()
        assert found["margin"] == pytest.approx(probabilities[ranking[0]] - probabilities[ranking[1]])
        assert found["loss"] == pytest.approx(-np.log(probabilities[true]), rel=1e-5)


def test_every_filter_and_what_it_hides(predictions: Predictions, examples: pd.DataFrame) -> None:
    judged = dict.fromkeys(predictions.samples[::3], "unclear") | {predictions.samples[1]: "both fit"}
    filters = Filters("errors", 1, 2, 0.3, 0.9, True, "unclear")
    keep = {
        "show": examples["true"] != examples["predicted"],
        "true": examples["true"] == 1,
        "predicted": examples["predicted"] == 2,
        "top3": examples["true_rank"] <= 3,
        "verdict": examples["sample"].map(judged).fillna("") == "unclear",
        "confidence": examples["confidence"].between(0.3, 0.9),
    }
    found = select(examples, filters, verdicts=judged)
    everything = np.logical_and.reduce([mask.to_numpy() for mask in keep.values()])
    assert len(found.rows) > 0 and set(found.rows) == set(np.flatnonzero(everything))
    assert set(found.hidden) == set(keep) == set(filters.active)
    for name in keep:
        without = select(examples, filters.without(name), verdicts=judged)
        assert found.hidden[name] == len(without.rows) - len(found.rows)
        assert name not in filters.without(name).active
    assert len(select(examples, Filters("all", verdict=UNJUDGED), verdicts=judged).rows) == 600 - len(judged)
    assert len(select(examples, Filters("all")).rows) == 600 and Filters("all").active == []


@pytest.mark.parametrize(
    ("sort", "column", "ascending"),
    [
        ("loss", "loss", False),
        ("confidence", "confidence", False),
        ("margin", "margin", True),
        ("file name", "sample", True),
    ],
)
def test_order(examples: pd.DataFrame, sort: str, column: str, ascending: bool) -> None:
    rows = select(examples, Filters("all"), sort=sort).rows  # type: ignore[arg-type]
    expected = examples[column].sort_values(ascending=ascending, kind="stable")
    assert list(examples[column].iloc[rows]) == list(expected)


def test_log_loss_and_top_k_are_scikit_learns(predictions: Predictions, examples: pd.DataFrame) -> None:
    true, probabilities = predictions.true, predictions.probabilities
    assert examples["loss"].to_numpy().mean(dtype=np.float64) == pytest.approx(log_loss(true, probabilities), abs=1e-6)
    for k in (1, 3):
        assert (examples["true_rank"] <= k).mean() == top_k_accuracy_score(true, probabilities, k=k)


def test_ties_count_against_the_true_class() -> None:
    names = np.array(["a", "b"], dtype=object)
    tied = Predictions(CLASSES[:3], names, np.array([1, 0]), np.array([[0.4, 0.4, 0.2]] * 2, np.float32))
    assert list(example_table(tied)["true_rank"]) == [2, 1] and list(example_table(tied)["second"]) == [1, 1]


@pytest.mark.parametrize("chunk", [7, 5000])
def test_nearest_neighbors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chunk: int) -> None:
    monkeypatch.setattr(module, "_EMBEDDINGS_CHUNK", chunk)
    values = np.random.default_rng(3).normal(size=(400, 16)).astype(np.float16)
    np.save(tmp_path / "e.npy", values)
    embeddings = np.load(tmp_path / "e.npy", mmap_mode="r")
    expected = cosine_similarity(values[7:8].astype(np.float32), values.astype(np.float32))[0]
    found = nearest_neighbors(embeddings, 7)
    assert [row for row, _ in found] == [row for row in np.argsort(-expected) if row != 7][:5]
    assert [cosine for _, cosine in found] == pytest.approx([expected[row] for row, _ in found], abs=1e-5)
    assert nearest_neighbors(embeddings[:1], 0) == [] and len(nearest_neighbors(embeddings[:3], 0)) == 2


def test_embeddings_that_are_no_numbers_come_last() -> None:
    embeddings = np.ones((5, 3), np.float16)
    embeddings[1], embeddings[2, 0], embeddings[3] = np.nan, np.inf, 0
    assert [row for row, _ in nearest_neighbors(embeddings, 0)][:2] == [4, 3]
    assert len(nearest_neighbors(embeddings, 1)) == 4


def test_embeddings_are_read_in_chunks() -> None:
    """However many there are, no copy of all of them is made."""
    embeddings = np.ones((60_000, 64), np.float16)
    nearest_neighbors(embeddings[:10], 0)
    tracemalloc.start()
    nearest_neighbors(embeddings, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < embeddings.nbytes


def test_the_list_as_a_csv_file(predictions: Predictions) -> None:
    rows = np.array([5, 2])
    judged = {predictions.samples[2]: Verdict("label is wrong", 'she says "hello", waves', "b")}
    lines = list(csv.DictReader(io.StringIO(to_csv(predictions, rows, judged).decode())))
    assert [line["sample"] for line in lines] == ["Image_5.jpg", "Image_2.jpg"]
    assert lines[1]["verdict"] == "label is wrong" and lines[1]["note"] == 'she says "hello", waves'
    assert (lines[0]["right_label"], lines[1]["right_label"]) == ("", "b")
    assert [float(lines[0]["p:" + name]) for name in CLASSES] == pytest.approx(predictions.probabilities[5], rel=1e-5)
    assert lines[0]["predicted"] == CLASSES[predictions.predicted[5]] and lines[0]["verdict"] == ""
