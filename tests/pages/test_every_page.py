"""Every page for runs of every kind."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from har_core import recogniser, runs
from har_core.predictions import Predictions
from tests.conftest import ROOT
from tests.pages.conftest import MADE, PAGES, address, opened, text
from tests.test_runs import table


@pytest.mark.parametrize("run", ["best", "report-recipe", "published-report", *MADE[:-1]])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_for_every_run(page: str, run: str) -> None:
    app = opened(page, run)
    assert not app.exception and len(app.title) == 1
    errors = [error.value for error in app.error]
    assert errors == [] or (page == "overview.py" and len(errors) == 1 and "damaged" in errors[0])
    assert address(app)["run"] == run


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_with_photos(page: str, real_photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAR_DATA", str(real_photos))
    app = opened(page, recogniser.SHIPPED)
    assert not app.exception and len(app.title) == 1


def test_a_damaged_run_is_named_and_the_others_work() -> None:
    app = opened("overview.py")
    assert any("damaged" in error.value and "card.json" in error.value for error in app.error)
    assert "damaged" not in app.selectbox(key="run").options
    app.selectbox(key="run").set_value("perfect").run()
    assert not app.exception and "100.0 %" in app.title[0].value


def test_a_file_damaged_later_is_told_in_plain_words(
    made_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made_runs / "folders", tmp_path / "runs" / "broken-table")
    (tmp_path / "runs" / "broken-table" / runs.PREDICTIONS).write_bytes(b"PAR1")
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("confusions.py", "broken-table")
    assert not app.exception and len(app.error) == 1 and runs.PREDICTIONS in app.error[0].value
    app.selectbox(key="run").set_value("published-report").run()
    assert not app.error and len(app.title) == 1


def test_the_start_says_what_the_run_is_and_where_it_fails() -> None:
    app = opened()
    run = recogniser.shipped_run(ROOT)
    assert f"{run.card['scores']['accuracy'] * 100:.1f} %" in app.title[0].value
    cards = [line for line in (element.value for element in app.markdown) if "taken for" in line]
    assert len(cards) == 3 and "No epoch was picked on these photos" in text(app)
    assert "picked because it did best" in text(opened("overview.py", "report-recipe"))


@pytest.mark.parametrize(("status", "epochs"), [(runs.COMPLETE, 8), (runs.TRAINING, 6)])
def test_several_trainings_whose_weights_are_averaged(
    status: str, epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mean is scored, not its last member; the verdict is on the training that came last."""
    folder, predictions = tmp_path / "runs" / "averaged", table(40, ("blue", "green", "red"))
    rows = [
        dict.fromkeys(runs.HISTORY_COLUMNS, 0.5) | {"epoch": epoch, "validation_loss": 1 / ((epoch - 1) % 4 + 1)}
        for epoch in range(1, epochs + 1)
    ]
    if status == runs.COMPLETE:
        predictions.write(folder / runs.PREDICTIONS)
    folder.mkdir(parents=True, exist_ok=True)
    runs.write_history(folder, rows)
    config = {"epochs": 4, "members": 2, "selection": "last"}
    runs.write_card(folder, {"status": status, "classes": list(predictions.classes), "config": config})
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("training.py", "averaged")
    right = (predictions.true == predictions.predicted).mean()
    said = f"2 trainings averaged: {right * 100:.1f} %" if status == runs.COMPLETE else "After epoch 6: 50.0 %"
    assert not app.exception and app.title[0].value.startswith(said)
    assert "Validation loss has not turned" in text(app) and "another training begins" in text(app)
    assert "8 epochs" in text(app)


def test_two_runs_are_compared_photo_by_photo(made_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run repairs three photos of the first and breaks one."""
    first = table(40, ("blue", "green", "red"))
    changed = first.probabilities.copy()
    right, wrong = np.flatnonzero(first.true == first.predicted), np.flatnonzero(first.true != first.predicted)
    for row in wrong[:3]:
        changed[row] = np.eye(3, dtype=np.float32)[first.true[row]]
    changed[right[0]] = np.eye(3, dtype=np.float32)[(first.true[right[0]] + 1) % 3]
    for name, chances in (("first", first.probabilities), ("second", changed)):
        predictions = Predictions(first.classes, first.samples, first.true, chances)
        folder = tmp_path / "runs" / name
        predictions.write(folder / runs.PREDICTIONS)
        runs.write_card(folder, {"status": runs.COMPLETE, "classes": list(first.classes)})
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("compare.py", "second")
    assert app.title[0].value == "Second and First differ by 5.0 points, which may be chance"
    assert "Second fixes 3 photos of First and breaks 1" in text(app) and "p = 0.625" in text(app)
    assert "**Fixed: 3 photos**" in text(app) and "**Broken: 1 photo**" in text(app)


def test_the_report_is_told_apart_by_epoch() -> None:
    """Its 0.8196 is its best epoch; its matrix, and so every score, its last one's 0.8180."""
    app = opened("overview.py", "published-report")
    assert "81.8 %" in app.title[0].value
    assert "0.8196" in text(app) and "1,549" in text(app) and "1,546" in text(app)
    app.switch_page("pages/compare.py").run()
    frames = [frame.value for frame in app.dataframe]
    published = next(frame for frame in frames if "protocol" in frame.columns)
    assert isinstance(published, pd.DataFrame) and len(published) == 9 and published["protocol"].notna().all()


def test_markup_in_names_is_shown_as_text() -> None:
    app = opened("overview.py", "hostile")
    told = text(app)
    assert r"\[click\](javascript\:alert(2))" in told and r"\<script\>alert(1)\</script\>" in told
    app = opened("errors.py", "hostile", show="all", photo="/etc/passwd")
    assert not app.exception and "root:" not in text(app)
    app = opened("errors.py", "hostile", show="all", sort="file name")
    assert not app.exception and r"\*\*a\*\* \[b\](javascript\:c)" in text(app)


def test_runs_of_one_name_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's training into a folder that is called as the shipped one."""
    mine = tmp_path / "mine" / recogniser.SHIPPED
    table(30, ("no", "yes")).write(mine / runs.PREDICTIONS)
    runs.write_card(mine, {"status": runs.COMPLETE, "classes": ["no", "yes"]})
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "mine"))
    for name, number in ((recogniser.SHIPPED, "1,890"), (f"mine/{recogniser.SHIPPED}", "30")):
        app = opened("scores.py", name)
        assert address(app)["run"] == name and f"of {number} photos" in app.title[0].value
