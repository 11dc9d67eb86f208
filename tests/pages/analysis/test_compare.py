"""Two runs side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from har_core.runs.manifest import COMPLETE, Manifest, ModelInfo
from har_core.runs.predictions import Predictions
from har_core.runs.verdicts import Verdicts
from har_core.runs.writing import write_results
from tests.helpers import random_predictions
from tests.pages.conftest import opened, text, widget, write_run


def test_two_runs_are_compared_photo_by_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run repairs three photos of the first and breaks one."""
    first = random_predictions(40, ("blue", "green", "red"))
    changed = first.probabilities.copy()
    for row in np.flatnonzero(~first.correct)[:3]:
        changed[row] = np.eye(3, dtype=np.float32)[first.true[row]]
    broken = np.flatnonzero(first.correct)[0]
    changed[broken] = np.eye(3, dtype=np.float32)[(first.true[broken] + 1) % 3]
    for name, probabilities in (("first", first.probabilities), ("second", changed)):
        predictions = Predictions(first.classes, first.samples, first.true, probabilities)
        write_run(tmp_path / "runs" / name, predictions, maps=False)
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("compare", "second")
    assert "differ by 5.0 points" in app.title[0].value
    assert "fixes 3 photos of First and breaks 1" in text(app) and "p = 0.625" in text(app)
    assert "**Fixed: 3 photos**" in text(app) and "**Broken: 1 photo**" in text(app)
    assert sum("None of these photos is here" in line.value for line in app.caption) == 2


def test_runs_that_share_some_photos_are_compared_on_these(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first run has 30 photos more, on all of which it is wrong: that says nothing of the models."""
    first = random_predictions(70, ("blue", "green", "red"))
    chances = first.probabilities.copy()
    chances[40:] = np.eye(3, dtype=np.float32)[(first.true[40:] + 1) % 3]
    few = Predictions(first.classes, first.samples[:40], first.true[:40], first.probabilities[:40])
    write_run(tmp_path / "runs" / "many", Predictions(first.classes, first.samples, first.true, chances), maps=False)
    write_run(tmp_path / "runs" / "few", few, maps=False)
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    for run, other in (("few", "many"), ("many", "few")):
        app = opened("compare", run, **{"with": other})
        assert not app.exception and "equally accurate" in app.title[0].value and "40 photos" in app.caption[0].value
        scores = next(frame.value for frame in app.table if "accuracy" in frame.value.index)
        assert scores.loc["correct"].tolist()[:2] == [f"{few.correct.sum()} of 40"] * 2


@pytest.mark.parametrize("other", ["baseline", "published-report"])
def test_differences_are_those_of_the_numbers_beside_them(other: str) -> None:
    app = opened("compare", "best", **{"with": other})
    shown = next(frame.value for frame in app.table if "accuracy" in frame.value.index)
    for measure in ("accuracy", "macro F1", "weighted F1"):
        after, before, difference = (float(cell.split()[0]) for cell in shown.loc[measure])
        assert after - before == pytest.approx(difference, abs=1e-9), measure
    every = next(frame.value for frame in app.dataframe if "f1, difference" in frame.value.columns)
    for name in ("precision", "recall", "f1"):
        before, after, difference = (every[column] for column in every.columns if column.startswith(f"{name}, "))
        assert np.allclose(after - before, difference, rtol=0, atol=1e-9)


def test_published_results_come_with_their_protocol() -> None:
    app = opened("compare", "published-report")
    published = next(frame.value for frame in app.table if "protocol" in frame.value.columns)
    assert isinstance(published, pd.DataFrame) and len(published) == 9 and published["protocol"].notna().all()


@pytest.mark.parametrize("other", ["baseline", "report-recipe"])
def test_links_with_the_former_name_of_a_run_still_open(other: str) -> None:
    app = opened("compare", "best", **{"with": other})
    assert not app.exception and app.selectbox[1].value == "baseline"
    assert widget(opened("scores", other), "selectbox", "run").value == "baseline"


def test_a_partner_with_predictions_comes_first_and_mcnemar_alone_decides() -> None:
    """The intervals of the two overlap, and yet the difference on the same photos is more than chance."""
    app = opened("compare", "best")
    assert app.selectbox[1].value == "baseline"
    assert "chance" not in app.title[0].value and "more than chance would give" in text(app)


def test_runs_with_other_labels_are_compared_under_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same predictions: the labels of two errors are corrected, that of one correct answer is spoiled."""
    first = random_predictions(40, ("blue", "green", "red"))
    wrong, right = np.flatnonzero(~first.correct), np.flatnonzero(first.correct)
    true = first.true.copy()
    true[wrong[:2]] = first.predicted[wrong[:2]]
    true[right[0]] = (true[right[0]] + 1) % 3
    second = Predictions(first.classes, first.samples, true, first.probabilities)
    for name, predictions in (("old", first), ("new", second)):
        write_run(tmp_path / "runs" / name, predictions, maps=False)
    for row in (*wrong[:3], right[0]):
        Verdicts(tmp_path / "runs" / "old" / "verdicts.sqlite").set(str(first.samples[row]), "label is wrong")
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("compare", "new", **{"with": "old"})
    assert not app.exception and app.title[0].value == "New and Old are equally accurate"
    (table,) = (frame.value for frame in app.table if "old labels (those of Old)" in frame.value.columns)
    shares = [f"{(len(right) + more) / 40:.1%}".replace("%", "\u00a0%") for more in (0, 1)]
    for run in ("Old", "New"):
        assert [cell.split(" (")[0] for cell in table.loc[run]] == shares
    assert "**3 photos** of the 40 in both runs have another label" in text(app)
    assert "the labels of New" in text(app) and "**Fixed: 0 photos**" in text(app)
    (listed,) = (frame.value for frame in app.dataframe if "because of" in frame.value.columns)
    assert sorted(listed["photo"]) == sorted(first.samples[[*wrong[:2], right[0]]])
    assert list(listed["because of"]) == ["the label"] * 3 and sorted(listed["is now"]) == [
        "correct",
        "correct",
        "wrong",
    ]


def test_the_same_labels_are_not_compared() -> None:
    app = opened("compare", "best")
    assert not any(column.startswith("old labels") for frame in app.table for column in frame.value.columns)
    assert "another label" not in text(app)


def test_heatmaps_that_moved_are_found_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 40 photos in another order, the maps of two are turned upside down, and the second run is surer."""
    first = random_predictions(40, ("blue", "green", "red"))
    sharper = first.probabilities**3 / (first.probabilities**3).sum(axis=1, keepdims=True)
    order = np.random.default_rng(3).permutation(40)
    second = Predictions(first.classes, first.samples[order], first.true[order], sharper[order].astype(np.float32))
    maps = np.random.default_rng(0).normal(size=(40, 3, 3, 3)).astype(np.float16)
    moved = maps[order].copy()
    moved[:2] = moved[:2, :, ::-1, ::-1]
    embeddings = np.zeros((40, 8), np.float16)
    for name, predictions, own in (("first", first, maps), ("second", second, moved)):
        manifest = Manifest(status=COMPLETE, classes=first.classes, model=ModelInfo(crop_size=64, resize=72))
        write_results(tmp_path / "runs" / name, predictions, own, embeddings, manifest)
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("compare", "second", **{"with": "first"})
    assert not app.exception
    assert "Of 40 photos" in text(app) and "cosine of 1.00" in text(app) and "**5.0\u00a0%**" in text(app)
    shown = [line.value for line in app.caption if ", cosine " in line.value]
    assert [float(line.rpartition(" ")[2]) < 0.99 for line in shown] == [True, True, False, False]
    sure = [line for line in text(app).splitlines() if "sure on average" in line]
    assert len(sure) == 2


def test_maps_of_other_sizes_are_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = random_predictions(10, ("blue", "red"))
    for name, side in (("first", 3), ("second", 4)):
        manifest = Manifest(status=COMPLETE, classes=first.classes, model=ModelInfo(crop_size=64, resize=72))
        maps, embeddings = np.ones((10, 2, side, side), np.float16), np.zeros((10, 8), np.float16)
        write_results(tmp_path / "runs" / name, first, maps, embeddings, manifest)
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("compare", "second", **{"with": "first"})
    assert not app.exception and "same places" not in text(app)


@pytest.mark.parametrize("kept", [[0, 1], [1]])
def test_a_class_without_photos_in_one_run_is_not_compared(
    kept: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = random_predictions(40, ("blue", "green", "red"))
    rows = np.isin(first.true, kept)
    some = Predictions(first.classes, first.samples[rows], first.true[rows], first.probabilities[rows])
    rest = Predictions(first.classes, first.samples[~rows], first.true[~rows], first.probabilities[~rows])
    write_run(tmp_path / "runs" / "first", first if len(kept) > 1 else rest, maps=False)
    write_run(tmp_path / "runs" / "second", some, maps=False)
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("compare", "second")
    assert not app.exception
    said = text(app)
    assert f"{len(kept) if len(kept) > 1 else 0} of 3 classes have photos in both" in said
    assert not any(f"red {words}" in said.lower() for words in ("gains", "loses", "predicted as"))
