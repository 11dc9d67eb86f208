"""Links, clicks and the way from a cell of the matrix to a verdict."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from har_core.analysis.confusion import TOTAL
from har_core.runs.manifest import TRAINING, Manifest
from har_core.runs.run import HISTORY_COLUMNS, shipped_run
from har_core.runs.writing import write_history, write_manifest
from tests.browser.conftest import PATIENCE, VIEWPORT, heading, require_fit, settle
from tests.helpers import random_predictions
from tests.pages.conftest import write_run


def test_a_deep_link_opens_its_page_on_a_fresh_server(page: Page, address: str) -> None:
    """The first visitor of all may come by a link that a colleague sent.  This test is the first that uses the server."""
    page.goto(f"{address}/scores")
    assert heading(page).endswith("correct")
    expect(page.get_by_role("link", name="Confusions")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)  # Streamlit's "Page not found"
    assert page.url == f"{address}/scores"


@pytest.mark.parametrize(
    ("link", "title"),
    [
        ("own", "own photos"),
        ("errors?run=report-recipe&show=right", "predicted correctly"),
        ("confusions?run=best&true=texting&predicted=calling&unit=recall", "texting photos predicted as calling"),
    ],
)  # fmt: skip
def test_links_arrive(page: Page, address: str, link: str, title: str) -> None:
    """Those of former versions as well; what was not changed is not written either."""
    page.goto(f"{address}/{link}")
    assert title in heading(page) and page.url == f"{address}/{link}"


def test_back_is_one_step(page: Page, address: str) -> None:
    """On every page, from cell to cell and from photo to photo; and forward again."""

    def go(step: Callable[[], object], title: str) -> None:
        step()
        expect(page.locator("h1")).to_contain_text(title, timeout=PATIENCE)
        settle(page)
        steps.append((page.url, page.locator("h1").inner_text()))

    def open_page(name: str) -> Callable[[], object]:
        return page.get_by_test_id("stMain").get_by_role("link", name=name, exact=True).first.click

    steps: list[tuple[str, str]] = []
    go(lambda: page.goto(f"{address}/?run=baseline"), "correct on")
    for name, title in (("Scores", "photos correct"), ("Training", "epochs"), ("Predict", "What are they doing?"),
                        ("Your photos", "own photos"), ("Compare", "Baseline"), ("Confusions", "confusion")):  # fmt: skip
        go(open_page(name), title)
    go(lambda: press(page, 0, 1), "of calling")
    go(lambda: press(page, 2, TOTAL), "whatever was predicted")
    go(open_page("Open"), "")
    expect(
        page.get_by_role("button", name="Back to the list").or_(page.get_by_role("link", name="Back to the list"))
    ).to_be_visible()
    steps[-1] = (page.url, heading(page))
    go(lambda: page.keyboard.press("ArrowRight"), "")
    page.wait_for_url(lambda url: url != steps[-2][0])
    steps[-1] = (page.url, heading(page))
    assert len({url for url, _ in steps}) == len(steps)
    back, forward = steps[-2::-1], steps[1:]
    for turn, wanted in ((page.go_back, back), (page.go_forward, forward)):
        for url, title in wanted:
            turn()
            expect(page.locator("h1")).to_have_text(title, timeout=PATIENCE)
            settle(page)
            assert page.url == url


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [("localhost", "localhost", 101), ("elsewhere.example", "elsewhere.example", 403), ("localhost", "elsewhere.example", 403)],
)  # fmt: skip
def test_other_sites_cannot_talk_to_the_app(address: str, host: str, origin: str, status: int) -> None:
    """Neither from a page of theirs, nor by a name of theirs that leads to this machine (DNS rebinding)."""
    port = int(address.rpartition(":")[2])
    connection = http.client.HTTPConnection("localhost", port, timeout=20)
    headers = {"Host": f"{host}:{port}", "Origin": f"http://{origin}:{port}", "Upgrade": "websocket", "Connection": "Upgrade",
               "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version": "13"}  # fmt: skip
    connection.request("GET", "/_stcore/stream", headers=headers)
    assert connection.getresponse().status == status
    connection.close()


def matrix_cell(page: Page, true: int, predicted: int) -> Locator:
    """A cell of the matrix, by its class indices or `TOTAL`."""
    return page.locator(f".st-key-matrix td[data-true='{true}'][data-predicted='{predicted}']")


def press(page: Page, true: int, predicted: int, *, off: float = 0.0) -> None:
    """Point into a cell of the matrix and click, wherever the page stands.

    Args:
        off: how far from the center, in both directions, as a share of the cell.
    """
    cell = matrix_cell(page, true, predicted)
    cell.scroll_into_view_if_needed()
    box = cell.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + (0.5 + off) * box["width"], box["y"] + (0.5 + off) * box["height"])


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
        page.wait_for_url(lambda url, end=f"true={true}&predicted={predicted}": url.endswith(end), timeout=PATIENCE)
        settle(page)


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
        expect(page.locator("h1")).to_contain_text("eating photo", timeout=PATIENCE)
        page.wait_for_url(lambda url, end=end: url.endswith(end), timeout=PATIENCE)
        page.wait_for_timeout(1000)
        assert "eating photo" in heading(page) and page.url.endswith(end)
        page.get_by_role("button", name="All confusions").click()
        page.wait_for_url(lambda url: "true=" not in url, timeout=PATIENCE)
        heading(page)
        press(page, 5, 10)  # also the cell that was left last
        page.wait_for_url(lambda url, end=end: url.endswith(end), timeout=PATIENCE)
        heading(page)


def test_a_double_click_and_the_enter_key_choose_like_a_click(page: Page, address: str) -> None:
    page.goto(f"{address}/confusions")
    heading(page)
    for _ in range(2):  # also on the cell that is chosen already
        matrix_cell(page, 5, 10).dblclick()
        page.wait_for_url(lambda url: url.endswith("true=eating&predicted=running"), timeout=PATIENCE)
        page.wait_for_timeout(1000)
        assert "eating photo" in heading(page) and page.url.endswith("true=eating&predicted=running")
    matrix_cell(page, 5, 10).press("ArrowLeft")
    matrix_cell(page, 5, 9).press("ArrowUp")
    matrix_cell(page, 4, 9).press("Enter")
    page.wait_for_url(lambda url: url.endswith("true=drinking&predicted=listening_to_music"), timeout=PATIENCE)


@pytest.mark.parametrize("width", [400, 1024])
def test_names_of_rows_stay_in_sight_while_the_matrix_scrolls(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/confusions")
    heading(page)
    cell = matrix_cell(page, 0, TOTAL)
    cell.scroll_into_view_if_needed()
    name = page.locator(".st-key-matrix tbody th").first
    inside, box = name.bounding_box(), cell.bounding_box()
    assert inside is not None and box is not None
    assert inside["x"] >= 0 and inside["x"] + inside["width"] <= box["x"] and box["x"] + box["width"] <= width
    for text in page.locator(".st-key-matrix td").all()[-16:]:  # the totals
        assert text.evaluate("cell => cell.scrollWidth <= cell.clientWidth")


def test_arrow_keys_turn_to_the_next_photo(page: Page, address: str) -> None:
    """Quick presses count each, also right after a verdict."""
    predictions = shipped_run().predictions()
    errors = int((predictions.true != predictions.predicted).sum())
    page.goto(f"{address}/errors")
    heading(page)
    page.get_by_test_id("stMain").get_by_role("link", name="Open").first.click()
    expect(page.get_by_text(f"1 of {errors}")).to_be_visible(timeout=PATIENCE)
    settle(page)
    for pause, place in ((250, 7), (250, 13)):
        for _ in range(6):
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(pause)
        expect(page.get_by_text(f"{place} of {errors}")).to_be_visible(timeout=PATIENCE)
        settle(page)
    verdict = page.get_by_role("button", name="both fit")
    verdict.click()
    expect(page.get_by_test_id("stBaseButton-primary")).to_contain_text("both fit")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text(f"14 of {errors}")).to_be_visible(timeout=PATIENCE)
    settle(page)
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text(f"13 of {errors}")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("textbox", name="Note").fill("1 and 2, or so")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    settle(page)
    expect(page.get_by_text(f"13 of {errors}")).to_be_visible()  # while somebody writes, keys are letters
    expect(page.get_by_test_id("stBaseButton-primary")).to_contain_text("both fit")
    verdict.click()  # taken back: other tests of this server judge as well
    expect(page.get_by_test_id("stBaseButton-primary")).to_have_count(0, timeout=PATIENCE)


def test_choosing_a_cell_is_seen_and_a_new_page_of_photos_starts_at_its_top(page: Page, address: str) -> None:
    page.goto(f"{address}/confusions")
    heading(page)
    press(page, 1, 11)
    expect(page.locator("h1")).to_contain_text("predicted as sitting", timeout=PATIENCE)
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


def test_the_first_click_after_switching_to_both_directions_counts(page: Page, address: str) -> None:
    page.goto(f"{address}/confusions")
    heading(page)
    page.get_by_role("radio", name="both directions").click()
    settle(page)
    table = page.locator(".st-key-ranking-both canvas").first
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 60, box["y"] + 55)
    expect(page.locator("h1")).to_contain_text("confused between", timeout=PATIENCE)
    page.wait_for_url(lambda url: url.endswith("both=True"))
    assert "both=True" in page.get_by_test_id("stMain").get_by_role("link", name="Open").first.get_attribute("href")


def top(element: Locator) -> float:
    """Where it begins on the screen, in pixels."""
    box = element.bounding_box()
    assert box is not None
    return box["y"]


def test_scores_lead_to_photos(page: Page, address: str) -> None:
    """A bar to those with that label, or of precision to those with that prediction; Back leads to the scores again."""
    page.goto(f"{address}/scores?measure=precision")
    shown = heading(page)
    bars = page.locator(".st-key-score-bars .bars .point")
    expect(bars).to_have_count(15)
    bars.first.scroll_into_view_if_needed()
    box = bars.first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + box["height"] / 2)
    page.wait_for_timeout(300)  # Plotly looks at the pointer ten times a second
    page.mouse.click(box["x"] + 40, box["y"] + box["height"] / 2)
    page.wait_for_url(lambda url: "/errors?predicted=" in url)
    assert "photos match" in heading(page)
    page.go_back()
    expect(page.locator("h1")).to_have_text(shown, timeout=PATIENCE)
    settle(page)
    assert page.url == f"{address}/scores?measure=precision"
    table = page.locator(".st-key-score-table canvas").first
    table.scroll_into_view_if_needed()
    page.mouse.click(60 + table.bounding_box()["x"], 55 + top(table))
    page.wait_for_url(lambda url: "/errors?true=" in url)


@pytest.mark.parametrize("link", ["confusions?true=juggling&predicted=eating", "errors?sort=nonsense"])
def test_a_link_to_what_is_not_there_says_so(page: Page, address: str, link: str) -> None:
    page.goto(f"{address}/{link}")
    heading(page)
    expect(page.get_by_test_id("stAlert")).to_contain_text("juggling" if "juggling" in link else "nonsense")
    assert page.url == f"{address}/{link}"


def test_verdict_keys_judge_the_photo_that_was_shown(page: Page, address: str) -> None:
    """Pressed in turn with the arrows."""
    page.goto(f"{address}/errors?sort=confidence")
    heading(page)
    page.get_by_test_id("stMain").get_by_role("link", name="Open").nth(3).click()
    expect(page.get_by_text("4 of")).to_be_visible(timeout=PATIENCE)
    settle(page)
    presses = ["1", "ArrowRight", "2", "ArrowRight", "3", "ArrowRight", "4"]
    for key in presses:
        page.keyboard.press(key)
        page.wait_for_timeout(700)
    expect(page.get_by_text("7 of")).to_be_visible(timeout=PATIENCE)
    for place, verdict in ((7, "unclear"), (6, "both fit"), (5, "label is wrong"), (4, "model is wrong")):
        expect(page.get_by_text(f"{place} of")).to_be_visible(timeout=PATIENCE)
        settle(page)
        chosen = page.get_by_test_id("stBaseButton-primary")
        expect(chosen).to_contain_text(verdict, timeout=PATIENCE)
        page.keyboard.press(str(presses[2 * (place - 4)]))  # taken back: other tests of this server judge as well
        expect(chosen).to_have_count(0, timeout=PATIENCE)
        page.keyboard.press("ArrowLeft")


def test_a_photo_from_far_down_the_list_opens_at_its_top(page: Page, address: str) -> None:
    page.goto(f"{address}/errors")
    heading(page)
    page.get_by_test_id("stMain").get_by_role("link", name="Open").nth(20).click()
    expect(page.get_by_role("button", name="Back to the list")).to_be_visible(timeout=PATIENCE)
    settle(page)
    expect(page.locator("h1")).to_be_in_viewport(timeout=PATIENCE)
    expect(page.get_by_role("button", name="model is wrong")).to_be_in_viewport()


def test_the_matrix_stays_where_it_is_when_a_cell_is_chosen(page: Page, address: str) -> None:
    page.goto(f"{address}/confusions")
    heading(page)
    before = top(matrix_cell(page, 9, 4))
    press(page, 9, 4)  # of the two longest names
    page.wait_for_url(lambda url: "true=" in url)
    heading(page)
    assert top(matrix_cell(page, 9, 4)) == pytest.approx(before, abs=8)


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
    expect(photos).to_have_count(number, timeout=PATIENCE)
    expect(page.get_by_role("heading", name=f"predicted as {names[1]}").last).to_be_visible()
    expect(matrix_cell(page, int(true), int(predicted))).to_have_class("chosen")
    page.wait_for_url(lambda url: url.endswith(f"true={run.classes[true]}&predicted={run.classes[predicted]}"))

    photos.first.get_by_role("link", name="Open").click()
    expect(page.get_by_role("link", name="Back to the list")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("h1")).to_contain_text(f"{names[0].capitalize()}, predicted as {names[1]}", timeout=PATIENCE)
    first = page.url
    assert "photo=" in first
    if number > 1:
        heading(page)
        page.keyboard.press("ArrowRight")
        expect(page.get_by_text(f"2 of {number}")).to_be_visible(timeout=PATIENCE)
        page.wait_for_url(lambda url: url != first)  # written when the page stands
    page.get_by_role("button", name="label is wrong").click()
    heading(page)

    colleague = browser.new_context(viewport=VIEWPORT).new_page()
    colleague.goto(page.url)
    assert heading(colleague) == heading(page)
    assert colleague.url == page.url
    expect(colleague.get_by_test_id("stBaseButton-primary")).to_contain_text("label is wrong", timeout=PATIENCE)
    colleague.context.close()


def test_a_training_is_watched(page: Page, address: str, runs_folder: Path) -> None:
    """A new epoch appears by itself."""
    folder = runs_folder / "live"
    folder.mkdir()
    rows = [dict.fromkeys(HISTORY_COLUMNS, 0.5) | {"epoch": epoch} for epoch in (1, 2, 3)]
    write_manifest(folder, Manifest(status=TRAINING, classes=("a", "b"), config={"epochs": 5}))
    write_history(folder, rows[:1])
    points = "document.querySelector('.js-plotly-plot')?.calcdata?.[0]?.length"
    page.goto(f"{address}/training?run=live")
    page.wait_for_function(f"{points} === 1")
    write_history(folder, rows)
    page.wait_for_function(f"{points} === 3")


@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_runs_off_a_page(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    photo = shipped_run().predictions().samples[0]
    for name in ("", "confusions?true=texting", "errors", f"errors?show=all&photo={photo}", "scores", "training",
                 "compare", "own"):  # fmt: skip
        page.goto(f"{address}/{name}")
        heading(page)
        require_fit(page, width)
