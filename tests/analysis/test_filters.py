"""Filters and order of photos, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from har_core.analysis.examples import example_table
from har_core.analysis.filters import UNJUDGED, Filters, select
from har_core.runs.predictions import Predictions
from tests.helpers import random_predictions


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    return random_predictions(600, ("a", "b", "c", "d", "e"), seed=7)


@pytest.fixture(scope="module")
def examples(predictions: Predictions) -> pd.DataFrame:
    return example_table(predictions)


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
