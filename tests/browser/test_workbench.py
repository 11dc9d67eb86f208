"""The dense grid of the errors page and the suspects of the page Data: look, choose, judge by keyboard, go on."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from har_core.analysis.examples import example_table
from har_core.analysis.filters import Filters, select
from har_core.runs.run import SHIPPED, shipped_run
from har_core.runs.verdicts import Verdicts, kinds
from tests.browser.conftest import PATIENCE, VIEWPORT, box_of, choose, eventually, heading, require_fit, settle

KINDS = kinds(correct=False)


@pytest.fixture(scope="module")
def errors() -> list[str]:
    """The photos of the list as it opens."""
    table = example_table(shipped_run().predictions())
    return [str(sample) for sample in table["sample"].to_numpy()[select(table, Filters()).rows]]


@pytest.fixture
def kept(home: Path) -> Iterator[Verdicts]:
    """What is judged of the shipped run: nothing before the test, and nothing after it, for others judge here as well."""
    verdicts = Verdicts(home / "verdicts" / f"{SHIPPED}.sqlite")
    _forget(verdicts)
    yield verdicts
    _forget(verdicts)


def _forget(verdicts: Verdicts) -> None:
    verdicts.set_all(dict.fromkeys(verdicts.all()))
    verdicts.set_tags(dict.fromkeys(verdicts.tags(), ()))


def tiles(page: Page) -> Locator:
    return page.locator(".grid .tile")


def shown(page: Page) -> list[str]:
    """The names of the photos in the grid."""
    names: list[str] = tiles(page).evaluate_all("all => all.map(tile => tile.dataset.id)")
    return names


def current(page: Page) -> Locator:
    return page.locator(".grid .tile.current")


def expect_at(page: Page, sample: str) -> None:
    """That photo is marked in the grid, stands in the address, and the page is done."""
    expect(current(page)).to_have_attribute("data-id", sample)
    page.wait_for_url(lambda url: f"at={sample}" in url or f"photo={sample}" in url)
    settle(page)


def test_a_screen_of_photos_with_one_beside_it(page: Page, address: str, errors: list[str]) -> None:
    """Chosen, turned, opened in full, and found again by Back and by a colleague's link."""
    page.goto(f"{address}/errors?view=grid")
    heading(page)
    expect(tiles(page)).not_to_have_count(0)
    settle(page)
    box_of(page.locator(".grid"))
    ends = page.locator(".grid .frame").evaluate_all("all => all.map(one => one.getBoundingClientRect().bottom)")
    assert sum(end <= VIEWPORT["height"] for end in ends) >= 30
    assert shown(page) == errors[:60]
    before = page.url
    tiles(page).nth(1).click()
    panel = page.locator(".st-key-photo-panel")
    expect(panel.get_by_role("button", name="model is wrong")).to_be_visible()
    expect_at(page, errors[1])
    beside, grid = box_of(panel), box_of(page.locator(".grid"))
    assert beside["x"] >= grid["x"] + grid["width"]
    page.keyboard.press("ArrowRight")
    expect_at(page, errors[2])
    page.keyboard.press("ArrowDown")
    expect(current(page)).not_to_have_attribute("data-id", errors[2])
    across = errors.index(str(current(page).get_attribute("data-id"))) - 2
    assert across > 2
    page.keyboard.press("ArrowUp")
    expect_at(page, errors[2])
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"3 of {len(errors)}")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Back to the list").click()
    expect_at(page, errors[2])
    link = page.url
    assert "view=grid" in link and f"at={errors[2]}" in link
    page.get_by_role("button", name="Close").click()
    expect(panel).to_have_count(0)
    settle(page)
    page.go_back()
    expect_at(page, errors[2])
    page.goto(link)
    expect_at(page, errors[2])
    page.goto(f"{before}&at={errors[70]}")
    expect_at(page, errors[70])
    expect(current(page)).to_be_in_viewport()


def judged(kept: Verdicts) -> dict[str, str]:
    return {sample: given.verdict for sample, given in kept.all().items()}


def test_digits_judge_and_go_on_each_once(page: Page, address: str, errors: list[str], kept: Verdicts) -> None:
    """Also those that come while the page is being drawn; one digit judges all that are chosen; over the end of the page."""
    page.goto(f"{address}/errors?view=grid&at={errors[0]}")
    expect_at(page, errors[0])
    for digit in "123":
        page.keyboard.press(digit)
        page.wait_for_timeout(80)
    expect_at(page, errors[3])
    expected = dict(zip(errors[:3], KINDS, strict=False))
    eventually(page, lambda: judged(kept), expected)
    expect(tiles(page).nth(1).locator(".verdict")).to_have_text(KINDS[1])
    page.keyboard.press("u")
    expect(tiles(page).nth(2).locator(".verdict")).to_be_hidden()
    settle(page)
    eventually(page, lambda: set(kept.all()), set(errors[:2]))
    tiles(page).nth(4).click()
    tiles(page).nth(7).click(modifiers=["Shift"])
    expect(page.locator(".grid .tile.chosen")).to_have_count(4)
    page.keyboard.press("4")
    expect_at(page, errors[8])
    expected = dict(zip(errors[:2], KINDS, strict=False)) | dict.fromkeys(errors[4:8], KINDS[3])
    eventually(page, lambda: judged(kept), expected)
    tiles(page).nth(59).click()
    expect_at(page, errors[59])
    page.keyboard.press("1")
    expect_at(page, errors[60])
    eventually(page, lambda: judged(kept), expected | {errors[59]: KINDS[0]})
    assert "page=2" in page.url


def test_suspects_become_corrected_labels(page: Page, address: str, kept: Verdicts, tmp_path: Path) -> None:
    page.goto(f"{address}/data?split=test")
    heading(page)
    expect(tiles(page)).not_to_have_count(0)
    settle(page)
    samples = shown(page)[:4]
    tiles(page).first.click()
    expect(current(page)).to_have_attribute("data-id", samples[0])
    for _ in range(3):
        page.keyboard.press("2")
        page.wait_for_timeout(80)
    expect(current(page)).to_have_attribute("data-id", samples[3])
    settle(page)
    page.get_by_role("button", name="Export").click()
    offer = page.get_by_role("button", name="Corrected labels as CSV")
    expect(offer).to_be_visible()
    eventually(page, lambda: set(kept.all()), set(samples[:3]))
    right = {sample: given.label for sample, given in kept.all().items()}
    assert all(right.values())
    with page.expect_download() as download:
        offer.click()
    download.value.save_as(tmp_path / "labels.csv")
    with (tmp_path / "labels.csv").open(encoding="utf-8", newline="") as file:
        labels = {row["filename"]: row["label"] for row in csv.DictReader(file)}
    predictions = shipped_run().predictions()
    before = {name: predictions.classes[true] for name, true in zip(predictions.samples, predictions.true, strict=True)}
    changed = {sample for sample, label in labels.items() if label != before.get(sample, label)}
    assert changed == set(right) and all(labels[sample] == right[sample] for sample in right)


def test_a_tag_is_kept_and_filtered_by(page: Page, address: str, errors: list[str], kept: Verdicts) -> None:
    page.goto(f"{address}/errors?view=grid&at={errors[1]}")
    expect_at(page, errors[1])
    box = page.get_by_role("combobox", name="Tags")
    offer = page.get_by_role("option", name="Add: wet street")
    for _ in range(10):  # a page that is still being drawn may close the list again
        box.click()
        box.fill("")
        box.press_sequentially("wet street")
        with suppress(AssertionError):
            expect(offer).to_be_visible(timeout=PATIENCE / 10)
            break
    box.press("Enter")
    expect(page.locator("[data-tag][aria-label='wet street']").last).to_be_visible()
    settle(page)
    eventually(page, kept.tags, {errors[1]: ("wet street",)})
    assert kept.all() == {}
    kept.set_tags({errors[5]: ["wet street"]})
    page.goto(f"{address}/errors?view=grid")
    heading(page)
    page.get_by_role("button", name="More").click()
    choose(page, "Tag", "wet street (2)")
    page.wait_for_url(lambda url: "tag=wet" in url)
    assert heading(page).startswith("2 of")
    expect(tiles(page)).to_have_count(2)
    assert shown(page) == [errors[1], errors[5]]


def test_a_photo_is_seen_below_the_grid_of_a_phone(page: Page, address: str, errors: list[str]) -> None:
    width = 400
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/errors?view=grid&at={errors[0]}")
    expect_at(page, errors[0])
    require_fit(page, width)
    page.locator(".grid").scroll_into_view_if_needed()
    tiles(page).nth(1).click()
    expect_at(page, errors[1])
    grid, panel = box_of(page.locator(".grid")), box_of(page.locator(".st-key-photo-panel"))
    assert grid["height"] <= 400 and 0 < panel["y"] - (grid["y"] + grid["height"]) < 300
    assert np.isclose(panel["x"], grid["x"], atol=8)
