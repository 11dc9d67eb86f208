"""Clicks and keys in the confusion matrix, and the way from a cell to a verdict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from har_core.analysis.confusion import TOTAL
from har_core.runs.run import shipped_run
from tests.browser.conftest import VIEWPORT, box_of, heading, matrix_cell, press, settle, top
from tests.helpers import random_predictions
from tests.pages.conftest import write_run


@pytest.mark.parametrize("width", [1024, 1400])
@pytest.mark.parametrize("classes", [1, 15, 100, 200])
def test_the_cell_under_the_pointer_opens(
    page: Page, address: str, runs_folder: Path, classes: int, width: int
) -> None:
    names = tuple(str(number) for number in range(classes))
    if not (runs_folder / f"classes-{classes}").exists():
        write_run(runs_folder / f"classes-{classes}", random_predictions(4 * classes, names), maps=False)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/confusions?run=classes-{classes}")
    heading(page)
    last = classes - 1
    for true, predicted, off in ((0, last, 0.0), (last, 0, 0.4), (last // 3, last // 2, -0.4)):
        press(page, true, predicted, off=off)
        page.wait_for_url(lambda url, end=f"true={true}&predicted={predicted}": url.endswith(end))
        settle(page)


def test_an_edge_fades_while_there_is_more_to_the_side(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 400, "height": 900})
    page.goto(f"{address}/confusions")
    heading(page)
    frame = page.locator(".st-key-matrix .frame")
    mask = "element => getComputedStyle(element).maskImage"
    expect(frame).to_have_class("frame more")
    assert "gradient" in frame.evaluate(mask)
    frame.evaluate("element => { element.scrollLeft = element.scrollWidth; }")
    expect(frame).to_have_class("frame")
    assert frame.evaluate(mask) == "none"
    frame.evaluate("element => { element.scrollLeft = 0; }")
    expect(frame).to_have_class("frame more")
    page.set_viewport_size(VIEWPORT)
    expect(frame).to_have_class("frame")


def test_the_last_of_quick_clicks_wins(page: Page, address: str) -> None:
    """Each click cuts off the rerun of the one before, and is sent before the browser knows the outcome of that."""
    page.goto(f"{address}/confusions")
    heading(page)
    for switch, end in (
        (False, "true=eating&predicted=running"),
        (True, "true=eating&predicted=running&diagonal=shown"),
    ):
        for true, predicted in ((2, 2), (7, 6), (3, 8), (9, 4), (5, 10)):
            press(page, true, predicted)
            page.wait_for_timeout(120)
        if switch:
            page.get_by_text("Hide diagonal").click()
        expect(page.locator("h1")).to_contain_text("eating photo")
        page.wait_for_url(lambda url, end=end: url.endswith(end))
        page.wait_for_timeout(1000)
        assert "eating photo" in heading(page) and page.url.endswith(end)
        page.get_by_role("button", name="All confusions").click()
        page.wait_for_url(lambda url: "true=" not in url)
        heading(page)
        press(page, 5, 10)  # also the cell that was left last
        page.wait_for_url(lambda url, end=end: url.endswith(end))
        heading(page)


def test_a_double_click_and_the_enter_key_choose_like_a_click(page: Page, address: str) -> None:
    page.goto(f"{address}/confusions")
    heading(page)
    for _ in range(2):  # also on the cell that is chosen already
        matrix_cell(page, 5, 10).dblclick()
        page.wait_for_url(lambda url: url.endswith("true=eating&predicted=running"))
        page.wait_for_timeout(1000)
        assert "eating photo" in heading(page) and page.url.endswith("true=eating&predicted=running")
    matrix_cell(page, 5, 10).press("ArrowLeft")
    matrix_cell(page, 5, 9).press("ArrowUp")
    matrix_cell(page, 4, 9).press("Enter")
    page.wait_for_url(lambda url: url.endswith("true=drinking&predicted=listening_to_music"))


@pytest.mark.parametrize("width", [400, 1024])
def test_names_of_rows_stay_in_sight_while_the_matrix_scrolls(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/confusions")
    heading(page)
    cell = matrix_cell(page, 0, TOTAL)
    cell.scroll_into_view_if_needed()
    name = page.locator(".st-key-matrix tbody th").first
    inside, box = box_of(name), box_of(cell)
    assert inside["x"] >= 0 and inside["x"] + inside["width"] <= box["x"] and box["x"] + box["width"] <= width
    for text in page.locator(".st-key-matrix td").all()[-16:]:  # the totals
        assert text.evaluate("cell => cell.scrollWidth <= cell.clientWidth")


@pytest.mark.parametrize("width", [1024, 1400])
def test_the_matrix_stays_where_it_is_when_a_cell_is_chosen(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/confusions")
    heading(page)
    for true, predicted in ((9, 4), (5, 4)):  # a long title and a short one
        before = top(matrix_cell(page, true, predicted))
        press(page, true, predicted)
        page.wait_for_url(lambda url: "true=" in url)
        heading(page)
        assert top(matrix_cell(page, true, predicted)) == pytest.approx(before, abs=8)
        page.get_by_role("button", name="All confusions").click()
        page.wait_for_url(lambda url: "true=" not in url)
        heading(page)


def test_on_a_phone_the_photos_of_a_cell_come_onto_the_screen(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 400, "height": 900})
    page.goto(f"{address}/confusions")
    heading(page)
    press(page, 13, 0)
    page.wait_for_url(lambda url: "true=" in url)
    settle(page)
    expect(page.locator("[class*=st-key-card-]").first).to_be_in_viewport()


def test_the_first_click_after_switching_to_both_directions_counts(page: Page, address: str) -> None:
    page.goto(f"{address}/confusions")
    heading(page)
    page.get_by_role("radio", name="both directions").click()
    settle(page)
    table = page.locator(".st-key-ranking-both canvas").first
    box = box_of(table)
    page.mouse.click(box["x"] + 60, box["y"] + 55)
    expect(page.locator("h1")).to_contain_text("confused between")
    page.wait_for_url(lambda url: url.endswith("both=True"))
    assert "both=True" in page.get_by_test_id("stMain").get_by_role("link", name="Open").first.get_attribute("href")


def test_from_the_matrix_to_a_verdict(page: Page, browser: Browser, address: str, real_photos: Path) -> None:
    """The whole way: a cell, its photos, one in full, the next, a verdict; and a colleague who gets the link."""
    run = shipped_run()
    predictions = run.predictions()
    present = np.array([(real_photos / "train" / name).is_file() for name in predictions.samples])
    here = np.zeros((15, 15), dtype=int)
    np.add.at(here, (predictions.true[present], predictions.predicted[present]), 1)
    np.fill_diagonal(here, 0)
    true, predicted = np.unravel_index(here.argmax(), here.shape)
    number = int(((predictions.true == true) & (predictions.predicted == predicted)).sum())
    names = [run.classes[index].replace("_", " ") for index in (true, predicted)]

    page.goto(f"{address}/confusions")
    heading(page)
    press(page, int(true), int(predicted))
    photos = page.locator("[class*=st-key-card-]")
    expect(photos).to_have_count(number)
    expect(page.get_by_role("heading", name=f"predicted as {names[1]}").last).to_be_visible()
    expect(matrix_cell(page, int(true), int(predicted))).to_have_class("chosen")
    page.wait_for_url(lambda url: url.endswith(f"true={run.classes[true]}&predicted={run.classes[predicted]}"))

    photos.first.get_by_role("link", name="Open").click()
    expect(page.get_by_role("link", name="Back to the list")).to_be_visible()
    expect(page.locator("h1")).to_contain_text(f"{names[0].capitalize()}, predicted as {names[1]}")
    first = page.url
    assert "photo=" in first
    if number > 1:
        heading(page)
        page.keyboard.press("ArrowRight")
        expect(page.get_by_text(f"2 of {number}")).to_be_visible()
        page.wait_for_url(lambda url: url != first)  # written when the page stands
    page.get_by_role("button", name="label is wrong").click()
    heading(page)

    colleague = browser.new_context(viewport=VIEWPORT).new_page()
    colleague.goto(page.url)
    assert heading(colleague) == heading(page)
    assert colleague.url == page.url
    expect(colleague.get_by_test_id("stBaseButton-primary")).to_contain_text("label is wrong")
    colleague.context.close()
