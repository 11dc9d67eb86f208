"""Filters, order and likeness of photos, by hand and by brute force."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from har_core.photo_table import UNJUDGED, Filters, as_csv, photo_table, select, similar
from har_core.predictions import Predictions
from har_core.verdicts import Verdict
from tests.test_runs import table

CLASSES = ("a", "b", "c", "d", "e")


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    return table(600, CLASSES, seed=7)


@pytest.fixture(scope="module")
def photos(predictions: Predictions) -> pd.DataFrame:
    return photo_table(predictions)


def test_measures_photo_by_photo(predictions: Predictions, photos: pd.DataFrame) -> None:
    for row in range(0, 600, 37):
        chances, true = predictions.probabilities[row], predictions.true[row]
        ranking = np.argsort(-chances)
        found = photos.iloc[row]
        assert (found["sample"], found["true"], found["predicted"]) == (predictions.samples[row], true, ranking[0])
        assert found["second"] == ranking[1]
        assert found["rank"] == 1 + list(ranking).index(true)
        assert found["own"] == chances[true] and found["confidence"] == chances.max()
        assert found["margin"] == pytest.approx(chances[ranking[0]] - chances[ranking[1]])
        assert found["loss"] == pytest.approx(-np.log(chances[true]), rel=1e-5)


def test_every_filter_and_what_it_hides(predictions: Predictions, photos: pd.DataFrame) -> None:
    judged = dict.fromkeys(predictions.samples[::3], "unclear") | {predictions.samples[1]: "both fit"}
    filters = Filters("errors", 1, 2, 0.3, 0.9, True, "unclear")
    keep = {
        "show": photos["true"] != photos["predicted"],
        "true": photos["true"] == 1,
        "predicted": photos["predicted"] == 2,
        "top3": photos["rank"] <= 3,
        "verdict": photos["sample"].map(judged).fillna("") == "unclear",
        "confidence": photos["confidence"].between(0.3, 0.9),
    }
    found = select(photos, filters, verdicts=judged)
    everything = np.logical_and.reduce([mask.to_numpy() for mask in keep.values()])
    assert len(found.rows) > 0 and set(found.rows) == set(np.flatnonzero(everything))
    assert set(found.hidden) == set(keep) == set(filters.active)
    for name in keep:
        without = select(photos, filters.without(name), verdicts=judged)
        assert found.hidden[name] == len(without.rows) - len(found.rows)
        assert name not in filters.without(name).active
    assert len(select(photos, Filters("all", verdict=UNJUDGED), verdicts=judged).rows) == 600 - len(judged)
    assert len(select(photos, Filters("all")).rows) == 600 and Filters("all").active == []


@pytest.mark.parametrize(
    ("sort", "column", "ascending"),
    [
        ("loss", "loss", False),
        ("confidence", "confidence", False),
        ("margin", "margin", True),
        ("file name", "sample", True),
    ],
)
def test_order(photos: pd.DataFrame, sort: str, column: str, ascending: bool) -> None:
    rows = select(photos, Filters("all"), sort=sort).rows  # type: ignore[arg-type]
    expected = photos[column].sort_values(ascending=ascending, kind="stable")
    assert list(photos[column].iloc[rows]) == list(expected)


def test_the_most_similar_photos() -> None:
    embeddings = np.random.default_rng(3).normal(size=(400, 16)).astype(np.float16)
    expected = cosine_similarity(embeddings[7:8].astype(np.float32), embeddings.astype(np.float32))[0]
    found = similar(embeddings, 7)
    assert [row for row, _ in found] == [row for row in np.argsort(-expected) if row != 7][:5]
    assert [cosine for _, cosine in found] == pytest.approx([expected[row] for row, _ in found], abs=1e-5)
    assert similar(embeddings[:1], 0) == [] and len(similar(embeddings[:3], 0)) == 2


def test_the_list_as_csv(predictions: Predictions) -> None:
    rows = np.array([5, 2])
    judged = {predictions.samples[2]: Verdict("label is wrong", 'she says "hello", waves')}
    lines = list(csv.DictReader(io.StringIO(as_csv(predictions, rows, judged).decode())))
    assert [line["sample"] for line in lines] == ["Image_5.jpg", "Image_2.jpg"]
    assert lines[1]["verdict"] == "label is wrong" and lines[1]["note"] == 'she says "hello", waves'
    assert [float(lines[0][name]) for name in CLASSES] == pytest.approx(predictions.probabilities[5], rel=1e-5)
    assert lines[0]["predicted"] == CLASSES[predictions.predicted[5]] and lines[0]["verdict"] == ""
