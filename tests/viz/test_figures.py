"""Bars and curves: what is drawn is what was given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from har_core.analysis.history import read_curves
from har_core.analysis.scores import class_scores
from har_core.runs.run import HISTORY_COLUMNS
from har_core.viz import figures


def history(epochs: int, seed: int = 0) -> pd.DataFrame:
    values = np.random.default_rng(seed).random((epochs, len(HISTORY_COLUMNS)))
    return pd.DataFrame(values, columns=list(HISTORY_COLUMNS)).assign(epoch=range(1, epochs + 1))


def test_probability_bars() -> None:
    figure = figures.probability_bars(["using_laptop", "<b>x</b>"], [0.9, 0.1], highlight=1)
    (bar,) = figure.data
    assert list(bar.x) == [0.9, 0.1] and list(bar.y) == ["using laptop", "&lt;b&gt;x&lt;/b&gt;"]
    assert list(bar.text) == ["90\u00a0%", "10\u00a0%"] and bar.marker.color[0] != bar.marker.color[1]


@pytest.mark.parametrize("measure", ["precision", "recall", "f1"])
def test_class_scores_with_their_intervals(measure: str) -> None:
    scores = class_scores(np.array([[5, 1], [2, 7]]), ("a", "b"))
    (bar,) = figures.class_score_bars(scores, measure).data
    assert np.allclose(bar.x, scores[measure])
    assert np.allclose(bar.x + bar.error_x.array, scores[f"{measure}_high"])
    assert np.allclose(bar.x - bar.error_x.arrayminus, scores[f"{measure}_low"])


def test_score_changes() -> None:
    figure = figures.class_score_changes(pd.Series([0.1, 0.2]), pd.Series([0.3, 0.1]), ["a", "b"], ("one", "two"))
    named = {trace.name: list(trace.x) for trace in figure.data if trace.name}
    assert named == {"one": [0.1, 0.2], "two": [0.3, 0.1]}


@pytest.mark.parametrize("number", [1, 2])
def test_trainings_lie_over_one_another(number: int) -> None:
    trainings = [history(5, seed) for seed in range(number)]
    curves = read_curves(trainings[-1], checkpoint="last")
    figure = figures.training_curves(trainings, curves, eval_split="test")
    lines = [trace for trace in figure.data if trace.mode == "lines+markers"]
    assert len(lines) == 4 * number and all(list(line.x) == [1, 2, 3, 4, 5] for line in lines)
    (kept,) = [trace for trace in figure.data if trace.mode == "markers"]
    assert list(kept.x) == [5] * number
    assert np.allclose(kept.y, [training["eval_accuracy"].iloc[-1] for training in trainings])
