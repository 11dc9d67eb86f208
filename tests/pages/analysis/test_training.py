"""The curves of trainings, finished and under way."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_core.runs.manifest import COMPLETE, TRAINING, Manifest, TrainingInfo
from har_core.runs.run import HISTORY_COLUMNS, shipped_run
from har_core.runs.writing import write_history, write_manifest
from tests.pages.conftest import opened, text


@pytest.mark.parametrize(("status", "epochs"), [(COMPLETE, 8), (TRAINING, 6)])
def test_trainings_whose_weights_are_averaged(
    status: str, epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has its own epochs from 1; the verdict is on the one that came last."""
    folder = tmp_path / "runs" / "averaged"
    folder.mkdir(parents=True)
    rows = [
        dict.fromkeys(HISTORY_COLUMNS, 0.5) | {"epoch": epoch, "eval_loss": 1 / ((epoch - 1) % 4 + 1)}
        for epoch in range(1, epochs + 1)
    ]
    write_history(folder, rows)
    training = TrainingInfo(epoch=8, epochs=8, soup_size=2, checkpoint="last")
    config = {"epochs": 4, "soup_size": 2}
    write_manifest(folder, Manifest(status=status, classes=("a", "b"), training=training, config=config))
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("training", "averaged")
    assert not app.exception
    title = "Two trainings of 4 epochs, averaged" if status == COMPLETE else "6 of 8 epochs done"
    assert app.title[0].value.startswith(title) and "No overfitting seen" in text(app)
    assert f"After epoch {(epochs - 1) % 4 + 1}," in text(app)


def test_a_run_without_history() -> None:
    app = opened("training", "published-report")
    assert not app.exception and len(app.info) == 1 and not app.get("plotly_chart")


def test_the_title_says_what_the_mean_of_several_trainings_reaches() -> None:
    scores = shipped_run().manifest.scores
    assert scores is not None
    assert f"{scores.accuracy:.1%}".removesuffix("%") in opened("training", "best").title[0].value
