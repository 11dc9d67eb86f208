"""Lists of photos, one photo in full, and the keys that turn and judge."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from har_core.analysis.examples import example_table
from har_core.analysis.filters import Filters, select
from har_core.runs.run import SHIPPED, shipped_run
from har_core.runs.verdicts import Verdicts, kinds
from tests.browser.conftest import VIEWPORT, eventually, heading, press, settle, top


def wait_for_keys(page: Page) -> None:
    """Until somebody who has seen the photo may press a key."""
    settle(page)
    page.wait_for_function("window.photoKeys")


def test_arrow_keys_turn_to_the_next_photo(page: Page, address: str) -> None:
    """Quick presses count each, also right after a verdict."""
    predictions = shipped_run().predictions()
    errors = int((predictions.true != predictions.predicted).sum())
    page.goto(f"{address}/errors")
    heading(page)
    page.get_by_test_id("stMain").get_by_role("link", name="Open").first.click()
    expect(page.get_by_text(f"1 of {errors}")).to_be_visible()
    wait_for_keys(page)
    for pause, place in ((250, 7), (250, 13)):
        for _ in range(6):
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(pause)
        expect(page.get_by_text(f"{place} of {errors}")).to_be_visible()
        settle(page)
    verdict = page.get_by_role("button", name="both fit")
    verdict.click()
    expect(page.get_by_test_id("stBaseButton-primary")).to_contain_text("both fit")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text(f"14 of {errors}")).to_be_visible()
    settle(page)
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text(f"13 of {errors}")).to_be_visible()
    page.get_by_role("textbox", name="Note").fill("1 and 2, or so")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    settle(page)
    expect(page.get_by_text(f"13 of {errors}")).to_be_visible()  # while somebody writes, keys are letters
    expect(page.get_by_test_id("stBaseButton-primary")).to_contain_text("both fit")
    verdict.click()  # taken back: other tests of this server judge as well
    expect(page.get_by_test_id("stBaseButton-primary")).to_have_count(0)


@pytest.mark.parametrize("gap", [60, 150, 300])
def test_quick_verdict_keys_are_each_acted_on(page: Page, address: str, home: Path, gap: int) -> None:
    """A page that is broken off by the next press loses none, and judges no other photo."""
    page.goto(f"{address}/errors?sort=confidence")
    heading(page)
    page.get_by_test_id("stMain").get_by_role("link", name="Open").first.click()
    expect(page.get_by_text("1 of")).to_be_visible()
    wait_for_keys(page)
    kept = Verdicts(home / "verdicts" / f"{SHIPPED}.sqlite")
    for sample in kept.all():
        kept.remove(sample)
    for number in range(8):
        page.keyboard.press(str(number % 4 + 1))
        page.wait_for_timeout(gap)
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(gap)
    expect(page.get_by_text("9 of")).to_be_visible()
    settle(page)
    table = example_table(shipped_run().predictions())
    rows = select(table, Filters(), sort="confidence").rows[:8]
    expected = {table["sample"][row]: kinds(correct=False)[number % 4] for number, row in enumerate(rows)}
    eventually(page, lambda: {sample: verdict.verdict for sample, verdict in kept.all().items()}, expected)
    for sample in kept.all():
        kept.remove(sample)


def test_verdict_keys_judge_the_photo_that_was_shown(page: Page, address: str) -> None:
    """Pressed in turn with the arrows."""
    page.goto(f"{address}/errors?sort=confidence")
    heading(page)
    page.get_by_test_id("stMain").get_by_role("link", name="Open").nth(3).click()
    expect(page.get_by_text("4 of")).to_be_visible()
    wait_for_keys(page)
    presses = ["1", "ArrowRight", "2", "ArrowRight", "3", "ArrowRight", "4"]
    for key in presses:
        page.keyboard.press(key)
        page.wait_for_timeout(700)
    expect(page.get_by_text("7 of")).to_be_visible()
    for place, verdict in ((7, "unclear"), (6, "both fit"), (5, "label is wrong"), (4, "model is wrong")):
        expect(page.get_by_text(f"{place} of")).to_be_visible()
        settle(page)
        chosen = page.get_by_test_id("stBaseButton-primary")
        expect(chosen).to_contain_text(verdict)
        page.keyboard.press(str(presses[2 * (place - 4)]))  # taken back: other tests of this server judge as well
        expect(chosen).to_have_count(0)
        page.keyboard.press("ArrowLeft")


def test_a_photo_from_far_down_the_list_opens_at_its_top(page: Page, address: str) -> None:
    page.goto(f"{address}/errors")
    heading(page)
    page.get_by_test_id("stMain").get_by_role("link", name="Open").nth(20).click()
    expect(page.get_by_role("button", name="Back to the list")).to_be_visible()
    settle(page)
    expect(page.locator("h1")).to_be_in_viewport()
    expect(page.get_by_role("button", name="model is wrong")).to_be_in_viewport()


def test_choosing_a_cell_is_seen_and_a_new_page_of_photos_starts_at_its_top(page: Page, address: str) -> None:
    page.goto(f"{address}/confusions")
    heading(page)
    press(page, 1, 11)
    expect(page.locator("h1")).to_contain_text("predicted as sitting")
    settle(page)
    assert 0 < top(page.locator("[class*=st-key-card-]").first) < VIEWPORT["height"] - 100
    page.goto(f"{address}/errors")
    heading(page)
    first = page.locator("[class*=st-key-card-]").first
    before = first.inner_text()
    page.get_by_role("button", name="Page 2", exact=True).click()
    page.wait_for_url(lambda url: "page=2" in url)
    settle(page)
    expect(first).not_to_contain_text(before[:40])
    page.wait_for_function("document.querySelector('[class*=st-key-card-]').getBoundingClientRect().top > 0")
    assert 0 < top(first) < VIEWPORT["height"] - 100
