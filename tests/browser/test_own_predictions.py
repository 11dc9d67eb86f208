"""Predictions that a visitor brings, through HTTP and in a browser: from the upload to a photo, and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from har_core.runs.run import shipped_run
from tests.browser.conftest import choose, heading, press, require_fit, settle

OPEN = "Open the error analysis"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Those of the shipped run, and another column that is right throughout."""
    found = shipped_run().predictions()
    names = np.array(found.classes)
    table = pd.DataFrame({"filename": found.samples, "label": names[found.true], "pred": names[found.predicted]})
    table["second"] = table["label"]
    table.to_csv(tmp_path / "labels.csv", index=False)
    return tmp_path / "labels.csv"


def bring(page: Page, address: str, path: Path) -> None:
    page.goto(f"{address}/own")
    heading(page)
    page.get_by_text("Predictions you have").click()
    expect(page.get_by_text("one row per photo")).to_be_visible()
    upload(page, path)


def upload(page: Page, path: Path) -> None:
    settle(page)
    page.locator("input[type=file]").first.set_input_files(path)


def test_from_a_table_of_labels_to_its_photos_and_back(page: Page, address: str, labels: Path) -> None:
    bring(page, address, labels)
    expect(page.get_by_text("1,890 rows in labels.csv")).to_be_visible()
    settle(page)
    choose(page, "Predicted label", "second")
    expect(page.get_by_role("combobox", name="Predicted label")).to_have_value("second")
    settle(page)
    page.get_by_role("link", name="Scores").first.click()
    expect(page.locator("h1")).not_to_contain_text("own photos")
    settle(page)
    page.get_by_role("link", name="Your photos").first.click()
    expect(page.get_by_role("combobox", name="Predicted label")).to_have_value("second")
    choose(page, "Predicted label", "pred")
    expect(page.get_by_role("combobox", name="Predicted label")).to_have_value("pred")
    settle(page)
    page.get_by_role("button", name=OPEN).click()
    expect(page.locator("h1")).to_contain_text("1,890 photos")
    settle(page)
    page.get_by_role("link", name="Confusions").first.click()
    expect(page.locator("h1")).to_contain_text("confusion")
    settle(page)
    classes = shipped_run().classes
    true, predicted = classes.index("dancing"), classes.index("running")
    press(page, true, predicted)
    page.wait_for_url("**true=dancing&predicted=running")
    cards = page.locator("[class*='st-key-card-']")
    expect(cards.first).to_be_visible()
    settle(page)
    cards.first.get_by_role("link", name="Open").click()
    expect(page.get_by_role("button", name="label is wrong")).to_be_visible()
    settle(page)
    page.get_by_role("link", name="Your photos").first.click()
    expect(page.get_by_text("1,890 rows in labels.csv")).to_be_visible()
    page.get_by_role("button", name=OPEN).click()
    expect(page.locator("h1")).to_contain_text("1,890 photos")
    settle(page)
    page.go_back()
    expect(page.get_by_text("1,890 rows in labels.csv")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Another table").click()
    expect(page.get_by_text("one row per photo")).to_be_visible()


def test_what_was_chosen_a_moment_before_the_button_counts(page: Page, address: str, labels: Path) -> None:
    bring(page, address, labels)
    expect(page.get_by_text("1,890 rows in labels.csv")).to_be_visible()
    choose(page, "Predicted label", "second", wait=False)
    page.get_by_role("button", name=OPEN).click()
    expect(page.locator("h1")).to_contain_text("1,890 photos")
    assert heading(page).startswith("100.0\u00a0% correct on 1,890 photos")


@pytest.mark.parametrize("milliseconds", [400, 1200])
def test_who_is_quicker_than_the_page_comes_to_the_new_run(
    page: Page, address: str, tmp_path: Path, milliseconds: int
) -> None:
    """However early another page is opened: while the table is read, or as the page leads on."""
    (tmp_path / "few.csv").write_text("filename,true,pred\n1.jpg,cat,cat\n2.jpg,dog,cat\n3.jpg,dog,dog\n")
    bring(page, address, tmp_path / "few.csv")
    expect(page.get_by_text("3 rows in few.csv")).to_be_visible()
    settle(page)
    page.get_by_role("button", name=OPEN).click()
    page.wait_for_timeout(milliseconds)
    page.locator(".st-key-run-bar").get_by_role("link", name="Scores", exact=True).click()
    page.wait_for_url(lambda url: "run=run-0" in url)
    expect(page.get_by_role("combobox", name="Run")).to_have_value("Run: Your few")
    settle(page)
    assert "66.7\u00a0%" in heading(page) and "run=run-0" in page.url
    for name in ("Confusions", "Errors"):
        page.locator(".st-key-run-bar").get_by_role("link", name=name, exact=True).click()
        page.wait_for_url(lambda url, name=name: name.lower() in url)
        heading(page)
        assert "run=run-0" in page.url


def test_back_from_the_analysis_is_one_step(page: Page, address: str, labels: Path) -> None:
    bring(page, address, labels)
    page.get_by_role("button", name=OPEN).click()
    expect(page.locator("h1")).to_contain_text("1,890 photos")
    settle(page)
    page.go_back()
    expect(page.get_by_text("1,890 rows in labels.csv")).to_be_visible()
    settle(page)
    expect(page.locator("h1")).to_contain_text("own photos")


def test_logits_get_their_class_names(page: Page, address: str, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 400, "height": 900})
    found = shipped_run().predictions()
    logits = np.log(found.probabilities + 1e-6).round(4)
    table = pd.DataFrame({f"logit_{number}": logits[:, number] for number in range(logits.shape[1])})
    table.insert(0, "filename", found.samples)
    table.insert(1, "label", np.array(found.classes)[found.true])
    table.to_parquet(tmp_path / "logits.parquet")
    (tmp_path / "classes.txt").write_text("\n".join(found.classes))
    bring(page, address, tmp_path / "logits.parquet")
    expect(page.get_by_text("expected the names of the classes")).to_be_visible()
    expect(page.get_by_role("combobox", name="True label")).to_have_value("label")
    require_fit(page, 400)
    upload(page, tmp_path / "classes.txt")
    expect(page.get_by_text("15 class names from")).to_be_visible()
    expect(page.get_by_role("combobox", name="Scores of 15 classes")).to_have_value("logits")
    require_fit(page, 400)
    page.get_by_role("button", name=OPEN).click()
    expect(page.locator("h1")).to_contain_text("1,890 photos")


def test_what_is_no_table_is_refused_in_place_and_another_taken(
    page: Page, address: str, labels: Path, tmp_path: Path
) -> None:
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7\n" + bytes(1000))
    bring(page, address, tmp_path / "report.pdf")
    alert = page.get_by_test_id("stAlert")
    expect(alert).to_contain_text("found a PDF")
    broken = tmp_path / "broken.csv"
    broken.write_text("filename,true,p:a,p:b\n1.jpg,a,0.9,0.1\n2.jpg,b,0.9\n")
    upload(page, broken)
    expect(alert).to_contain_text("row 2")
    expect(alert).to_have_count(1)
    assert str(tmp_path) not in alert.inner_text() and "/tmp" not in alert.inner_text()
    upload(page, labels)
    expect(page.get_by_text("1,890 rows in labels.csv")).to_be_visible()
    expect(alert).to_have_count(0)
