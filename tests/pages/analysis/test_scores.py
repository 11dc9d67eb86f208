"""The scores of each class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, top_k_accuracy_score

from har_core.runs.robustness import CLEAN, write_robustness
from har_core.runs.run import SHIPPED, Run, shipped_run
from tests.helpers import random_predictions
from tests.pages.conftest import address, opened, text, widget, write_run


def test_metrics_are_scikit_learns() -> None:
    app, predictions = opened("scores", SHIPPED), shipped_run().predictions()
    labels = np.arange(len(predictions.classes))
    metrics = {metric.label: metric.value for metric in app.metric}
    top3 = top_k_accuracy_score(predictions.true, predictions.probabilities, k=3, labels=labels)
    assert metrics["True class in the top 3"] == f"{top3 * 100:.1f}\u00a0%"
    assert metrics["Log loss"] == f"{log_loss(predictions.true, predictions.probabilities, labels=labels):.4f}"


def test_the_measure_stands_in_the_address() -> None:
    app = opened("scores", "folders", measure="recall")
    assert widget(app, "segmented_control", "scores-measure").value == "recall" and address(app)["measure"] == "recall"


def test_runs_of_one_name_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's training into a folder that is called as the shipped one."""
    write_run(tmp_path / "mine" / SHIPPED, random_predictions(30, ("no", "yes")), maps=False)
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "mine"))
    for name, number in ((SHIPPED, "1,890"), (f"mine/{SHIPPED}", "30")):
        app = opened("scores", name)
        assert address(app)["run"] == name and f"of {number} photos" in app.title[0].value


def test_what_is_left_of_the_accuracy_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.open(write_run(tmp_path / "shifted", random_predictions(30, ("no", "yes")), maps=False))
    shifts, correct = [CLEAN, "half the size", "blur"], [20, 15, 5]
    write_robustness(run, pd.DataFrame({"group": shifts, "shift": shifts, "correct": correct, "photos": [25] * 3}))
    monkeypatch.setenv("HAR_RUNS", str(tmp_path))
    app = opened("scores", "shifted")
    told = next(line.value for line in app.markdown if "shifted or damaged" in line.value)
    assert "80.0\u00a0%" in told and "**40.0\u00a0%**" in told and "(20.0\u00a0%)" in told and "blur" in told


def test_where_all_are_right_none_is_called_the_weakest() -> None:
    app = opened("scores", "perfect")
    assert "100.0\u00a0%" in app.title[0].value and not any("weakest" in line.value for line in app.markdown)
    assert not any("weakest" in header.value for header in app.subheader)


def test_the_shipped_run_says_whether_its_heatmaps_can_be_believed() -> None:
    app = opened("scores", SHIPPED)
    assert not app.exception
    headings = [element.value for element in app.subheader]
    assert "Do the heatmaps show what the model uses?" in headings and "Sets that contain the truth" in headings
    without = opened("scores", "folders")
    assert not without.exception and "--only faithfulness" in text(without)
