"""Scored photos: from the matrix to a photo and back, filters, and the sample on the other pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import heading, matrix_cell, press, require_fit, served, settle
from tests.conftest import COLORS, picture
from tests.scoring.made import score_photos

WRONG = [f"red/wrong_{number}.png" for number in range(3)]
"""Blue photos with another label."""


@pytest.fixture(scope="module")
def scored(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of a server of its own, whose photos are those that were scored."""
    folder = tmp_path_factory.mktemp("server")
    for number in range(180):
        label = sorted(COLORS)[number % 3]
        path = folder / "photos" / label / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(COLORS[label], (320, 240), seed=number).save(path)
    for number, name in enumerate(WRONG):
        picture(COLORS["blue"], (240, 320), seed=1000 + number).save(folder / "photos" / name)
    (folder / "photos" / "green" / "bad.png").write_bytes(b"notes")
    score_photos(folder / "photos", folder / "runs" / "cameras", size=50)
    with served(folder / "photos", folder / "runs", folder / "home") as address:
        yield f"{address}/scored"


def tiles(page: Page) -> Locator:
    return page.locator(".grid .tile")


def shown(page: Page) -> list[str]:
    """The names of the photos in the grid."""
    names: list[str] = tiles(page).evaluate_all("all => all.map(tile => tile.dataset.id)")
    return names


def expect_pictures(page: Page, count: int) -> None:
    """So many photos are in the grid, each with its picture."""
    expect(tiles(page)).to_have_count(count)
    pictures = page.locator(".grid .tile img")
    expect(pictures).to_have_count(count)
    settle(page)
    wide = "async all => { await Promise.all(all.map(one => one.decode())); return all.map(one => one.naturalWidth) }"
    assert min(pictures.evaluate_all(wide)) > 0


def test_from_a_cell_to_a_photo_and_back(page: Page, scored: str) -> None:
    page.goto(scored)
    assert "blue" in heading(page)
    expect_pictures(page, 3)
    assert page.url == scored
    press(page, 1, 1)
    page.wait_for_url(lambda url: url.endswith("true=green&predicted=green"))
    expect_pictures(page, 50)
    assert all(name.startswith("green/") for name in shown(page)) and "green" in heading(page)
    expect(matrix_cell(page, 1, 1)).to_have_class("chosen")
    page.get_by_role("button", name="Page 2", exact=True).click()
    page.wait_for_url(lambda url: "page=2" in url)
    expect_pictures(page, 10)
    press(page, 2, 0)
    page.wait_for_url(lambda url: url.endswith("true=red&predicted=blue"))
    expect_pictures(page, 3)
    assert sorted(shown(page)) == WRONG
    for end, count in (("page=2", 10), ("predicted=green", 50), ("scored", 3)):
        page.go_back()
        page.wait_for_url(lambda url, end=end: url.endswith(end))
        expect_pictures(page, count)


def test_a_photo_is_shown_large_with_its_probabilities(page: Page, scored: str) -> None:
    page.goto(f"{scored}?true=red&predicted=blue")
    heading(page)
    expect_pictures(page, 3)
    name = shown(page)[1]
    tiles(page).nth(1).click()
    page.wait_for_url(lambda url: f"at={name.replace('/', '%2F')}" in url or f"at={name}" in url)
    panel = page.locator(".st-key-scored-photo")
    expect(panel.get_by_alt_text(name)).to_be_visible()
    assert panel.get_by_alt_text(name).evaluate("image => [image.naturalWidth, image.naturalHeight]") == [240, 320]
    expect(panel.get_by_text("predicted as blue")).to_be_visible()
    expect(panel.locator(".js-plotly-plot")).to_be_visible()
    expect(panel.locator(".js-plotly-plot .bars path")).to_have_count(3)
    settle(page)
    link = page.url
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_have_count(0)
    page.wait_for_url(lambda url: "at=" not in url)
    settle(page)
    page.go_back()
    expect(panel.get_by_alt_text(name)).to_be_visible()
    page.goto(link)
    expect(panel.get_by_alt_text(name)).to_be_visible()


def test_a_part_of_the_name_changes_matrix_and_list(page: Page, scored: str) -> None:
    page.goto(f"{scored}?show=all")
    heading(page)
    expect_pictures(page, 50)
    expect(matrix_cell(page, 2, 0)).to_have_text("3")
    field = page.get_by_role("textbox", name="Part of the name")
    field.fill("WRONG_1")
    field.press("Enter")
    page.wait_for_url(lambda url: "name=WRONG_1" in url)
    expect_pictures(page, 1)
    expect(matrix_cell(page, 2, 0)).to_have_text("1")
    assert shown(page) == [WRONG[1]]
    field.fill("nowhere")
    field.press("Enter")
    expect(page.locator("h1")).to_have_text("No photo matches these filters")
    field.fill("")
    field.press("Enter")
    expect_pictures(page, 50)
    expect(matrix_cell(page, 2, 0)).to_have_text("3")


def test_the_sample_opens_on_the_other_pages(page: Page, scored: str) -> None:
    page.goto(scored)
    heading(page)
    page.get_by_role("button", name="Open the sample").click()
    page.wait_for_url(lambda url: "run=run-0" in url)
    expect(page.get_by_role("combobox", name="Run")).to_have_value(re.compile("Run: Sample: .* of 184 photos"))
    heading(page)
    for name in ("Confusions", "Errors"):
        page.locator(".st-key-run-bar").get_by_role("link", name=name, exact=True).click()
        page.wait_for_url(lambda url, name=name: name.lower() in url and "run=run-0" in url)
        heading(page)
        expect(page.get_by_test_id("stAlert")).to_have_count(0)
    cards = page.locator("[class*=st-key-card-]")
    expect(cards).to_have_count(3)
    expect(cards.first.locator("img").first).to_be_visible()
    page.locator(".st-key-run-bar").get_by_role("link", name="Scored", exact=True).click()
    expect(tiles(page)).to_have_count(3)


@pytest.mark.parametrize("width", [400, 1024, 1400])
@pytest.mark.parametrize(
    "view", ["", "?true=red&predicted=blue&at=red%2Fwrong_0.png", "?show=unreadable&at=green%2Fbad.png"]
)
def test_nothing_runs_off_the_screen(page: Page, scored: str, width: int, view: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{scored}{view}")
    heading(page)
    expect(tiles(page)).not_to_have_count(0)
    require_fit(page, width)
    page.get_by_text("Map, similar photos, label suspects").scroll_into_view_if_needed()
    require_fit(page, width)
