"""The page Data, and the groups of photos that lead from it to the errors page, on runs of every kind."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from har_core.analysis import duplicate_groups
from har_core.analysis.label_suspects import suspects_schema
from har_core.data import photo_properties
from har_core.runs.file_names import DUPLICATES, PHOTO_PROPERTIES, SUSPECTS
from har_core.runs.run import SHIPPED, Run, shipped_run
from har_core.runs.tables import write_table
from har_core.runs.verdicts import Verdicts
from tests.helpers import random_predictions
from tests.pages.conftest import HOSTILE, MADE, address, click, follow, opened, text, write_run

PARTS = ("labels", "copies", "photos", "slices")
SCORED = tuple(run for run in MADE if run not in ("training", "damaged"))


@pytest.fixture
def analyzed(made_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The run of hostile names with all stored tables."""
    folder = tmp_path / "runs" / "analyzed"
    shutil.copytree(made_runs / "hostile", folder)
    monkeypatch.setenv("HAR_RUNS", str(folder.parent))
    run = Run.open(folder)
    samples, classes = run.predictions().samples, run.classes
    names = [*samples[:6], "learned <b>.jpg"]
    labels = [classes[true] for true in run.predictions().true[:6]] + [classes[0]]
    suspects = pd.DataFrame(
        {
            "sample": names,
            "split": ["test"] * 6 + ["training"],
            "label": labels,
            "suggested": [classes[(classes.index(label) + 1) % 3] for label in labels],
            "self_confidence": np.linspace(0.01, 0.2, 7),
            "suggested_probability": np.full(7, 0.7),
            "neighbors_label": 1,
            "neighbors_suggested": 9,
        }
    )
    write_table(run, SUSPECTS, suspects, suspects_schema(classes))
    groups = pd.DataFrame(
        {
            "group": [1, 1, 2, 2],
            "sample": [samples[0], "learned <b>.jpg", samples[2], samples[3]],
            "split": ["test", "training", "test", "test"],
            "label": [classes[0], classes[1], classes[2], classes[2]],
            "distance": [0, 4, 0, 2],
            "cosine": [1.0, np.nan, 1.0, 0.98],
        }
    )
    write_table(run, DUPLICATES, groups, duplicate_groups.SCHEMA)
    random = np.random.default_rng(0)
    measured = pd.DataFrame(
        {
            "sample": samples[1:],  # one could not be measured
            "width": 300,
            "height": np.where(np.arange(39) < 5, 20, 200),
            "brightness": random.uniform(0.05, 0.9, 39),
            "contrast": random.uniform(0.1, 0.4, 39),
            "sharpness": random.uniform(0.5, 3, 39),
            "outside_crop": random.uniform(0, 0.5, 39),
        }
    )
    return write_table(run, PHOTO_PROPERTIES, measured, photo_properties.SCHEMA)


def require_text_only(shown: str) -> None:
    """Names of classes and photos are in it, but no markup of theirs."""
    for name in ("<script>", "](javascript:", "<img src=x", "<b>.jpg"):
        position = shown.find(name)
        while position >= 0:
            assert shown[position - 1] == "\\" or (name.startswith("]") and shown[position - 1] == "\\"), shown[
                max(0, position - 40) : position + 40
            ]
            position = shown.find(name, position + 1)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("run", SCORED)
def test_every_part_without_stored_tables(run: str, part: str) -> None:
    app = opened("data", run, part=part)
    assert not app.exception and not app.error and len(app.title) == 1 and not app.subheader
    assert "?" not in app.title[0].value, "it is an answer"
    assert address(app) == {"run": run, "part": part}
    if part != "labels":
        assert "har-lens analyze" in text(app), "it says how to get what is missing"
    require_text_only(text(app))


@pytest.mark.parametrize("part", PARTS)
def test_every_part_with_stored_tables(analyzed: Run, part: str) -> None:
    app = opened("data", "analyzed", part=part)
    assert not app.exception and not app.error and not app.warning
    answers = {"labels": "7 labels are", "copies": "2 groups of photos show the same; 1 photo of the test"}
    assert answers.get(part, "of") in app.title[0].value and "not known" not in app.title[0].value
    assert "har-lens analyze" not in text(app)
    require_text_only(text(app))


def test_a_matrix_alone_has_no_photos() -> None:
    app = opened("data", "published-report")
    assert not app.exception and len(app.info) == 1 and "matrix only" in app.info[0].value and not app.subheader


@pytest.mark.parametrize("part", PARTS)
def test_a_hundred_classes(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path / "runs" / "many", random_predictions(300, tuple(f"class {number}" for number in range(100))))
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("data", "many", part=part)
    assert not app.exception and not app.error
    app = opened("errors", "many", view="grid")
    assert not app.exception and not app.error


@pytest.mark.parametrize(
    "query", [{"page": "99"}, {"page": "-1"}, {"page": "x"}, {"part": "?"}, {"split": "all of it"}]
)
def test_what_the_address_asks_for_in_vain(query: dict[str, str]) -> None:
    app = opened("data", SHIPPED, **query)
    assert not app.exception and not app.error and len(app.title) == 1


def test_a_suspect_is_judged_and_its_label_corrected(analyzed: Run) -> None:
    """A training photo as well as a test photo."""
    sample = "learned <b>.jpg"
    app = opened("data", "analyzed", photo=sample)
    assert not app.exception and not app.warning and "9 are labeled" in text(app)
    require_text_only(text(app))
    assert "Corrected labels as CSV" not in [button.label for button in app.get("download_button")]
    click(app, "label is wrong")
    given = Verdicts(analyzed.folder / "verdicts.sqlite").all()
    assert {name: (one.verdict, one.label) for name, one in given.items()} == {sample: ("label is wrong", HOSTILE[1])}
    assert "Corrected labels as CSV" in [button.label for button in app.get("download_button")]
    assert address(app)["photo"] == sample
    click(app, "Close")
    assert "photo" not in address(app)


def test_an_unknown_photo_is_said_to_be_none_of_these(analyzed: Run) -> None:
    app = opened("data", "analyzed", photo="no such photo")
    assert not app.exception and len(app.warning) >= 1 and "no such photo" in app.warning[0].value


def count(title: str) -> int:
    return int(title.split()[0].replace(",", ""))


@pytest.mark.parametrize("group", ["slice:brightness:0", "issue:tiny", "errors:model", "errors:label", "suspects"])
@pytest.mark.parametrize("view", ["cards", "grid"])
def test_a_group_is_a_filter_of_the_errors_page(analyzed: Run, group: str, view: str) -> None:
    app = opened("errors", "analyzed", show="all", group=group, view=view)
    assert not app.exception and not app.error and not app.warning
    assert 0 < count(app.title[0].value) < 40 and address(app)["group"] == group
    click(app, next(button.label for button in app.button if button.label.startswith("Group: ")))
    assert "group" not in address(app) and count(app.title[0].value) == 40


@pytest.mark.parametrize("group", ["slice:", "slice:mood:3", "issue:ugly", "errors:", "errors:none", "nonsense", "<b>"])
@pytest.mark.parametrize("run", ["folders", "analyzed"])
def test_a_group_that_there_is_not_filters_nothing(analyzed: Run, made_runs: Path, group: str, run: str) -> None:
    if run == "folders":
        shutil.copytree(made_runs / "folders", analyzed.folder.parent / "folders")
    app = opened("errors", run, show="all", group=group)
    assert not app.exception and not app.error and count(app.title[0].value) == 40


def test_kinds_of_errors_lead_to_their_photos() -> None:
    """From the overview of the shipped run: every error is of one kind."""
    app = opened("overview", SHIPPED)
    predictions = shipped_run().predictions()
    errors, found = int((predictions.true != predictions.predicted).sum()), 0
    for kind in ("label", "ambiguous", "model"):
        app = opened("errors", SHIPPED, group=f"errors:{kind}", view="grid")
        assert not app.exception
        found += count(app.title[0].value)
    assert found == errors
    app = follow(opened("overview", SHIPPED), "Look and judge")
    assert not app.exception and address(app)["view"] == "grid" and address(app)["group"].startswith("errors:")


def test_a_photo_beside_the_grid_comes_from_the_address() -> None:
    sample = str(shipped_run().predictions().samples[0])
    app = opened("errors", SHIPPED, show="all", view="grid", at=sample)
    assert not app.exception and not app.warning and any(button.label == "Open in full" for button in app.button)
    click(app, "Open in full")
    assert address(app)["photo"] == sample and address(app)["view"] == "grid"
    click(app, "Back to the list")
    assert address(app)["at"] == sample and any(button.label == "Open in full" for button in app.button)
    app = opened("errors", SHIPPED, view="grid", at="no such photo")
    assert not app.exception and len(app.warning) == 1 and "at" not in app.title[0].value.split()
