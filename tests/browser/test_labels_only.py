"""A run of which only labels are known: from the matrix to a verdict, without a probability on the way."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.predictions import Predictions
from har_core.runs.run import shipped_run
from har_core.runs.verdicts import Verdicts
from har_core.runs.writing import write_manifest
from tests.browser.conftest import eventually, heading, press, require_fit, settle
from tests.helpers import filled_in

NAME = "labels-only"


@pytest.fixture
def labels(runs_folder: Path) -> Predictions:
    """Those of the shipped run, so that their photos are shown where there are some."""
    predictions = filled_in(shipped_run().predictions(), "none")
    folder = runs_folder / NAME
    if not folder.exists():
        folder.mkdir()
        predictions.write(folder / "predictions.parquet")
        write_manifest(folder, Manifest(status=COMPLETE, classes=predictions.classes, probabilities="none"))
    return predictions


def test_from_the_matrix_to_a_verdict(page: Page, address: str, runs_folder: Path, labels: Predictions) -> None:
    true, predicted = (labels.classes.index(name) for name in ("dancing", "running"))
    rows = ((labels.true == true) & (labels.predicted == predicted)).nonzero()[0]
    page.goto(f"{address}/confusions?run={NAME}")
    heading(page)
    press(page, true, predicted)
    page.wait_for_url("**true=dancing&predicted=running")
    expect(page.locator("h1")).to_contain_text(f"{len(rows)} dancing photos")
    settle(page)
    cards = page.locator("[class*='st-key-card-']")
    expect(cards).to_have_count(len(rows))
    assert not any("%" in card for card in cards.all_inner_texts())
    cards.first.get_by_role("link", name="Open").click()
    verdict = page.get_by_role("button", name="label is wrong")
    expect(verdict).to_be_visible()
    settle(page)
    main = page.get_by_test_id("stMain")
    assert "%" not in main.inner_text() and not main.get_by_test_id("stPlotlyChart").count()
    verdict.click()
    expect(page.get_by_role("combobox", name="The right label")).to_be_visible()
    settle(page)
    kept = Verdicts(runs_folder / NAME / "verdicts.sqlite")
    eventually(
        page,
        lambda: {name: (one.verdict, one.label) for name, one in kept.all().items()},
        {labels.samples[rows[0]]: ("label is wrong", "running")},
    )
    page.get_by_role("link", name="Overview").click()
    expect(page.locator("h1")).to_contain_text("85.")
    settle(page)
    expect(page.get_by_text("After your 1 verdict")).to_be_visible()


@pytest.mark.parametrize("path", ["", "scores", "errors", "data"])
def test_it_fits_a_phone(page: Page, address: str, labels: Predictions, path: str) -> None:
    page.set_viewport_size({"width": 400, "height": 900})
    page.goto(f"{address}/{path}?run={NAME}")
    heading(page)
    require_fit(page, 400)
