"""Links, clicks and the way from a cell of the matrix to a verdict."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from har_core.runs.manifest import TRAINING, Manifest
from har_core.runs.run import HISTORY_COLUMNS, shipped_run, write_history, write_manifest
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
    go(lambda: click_cell(page, 1, 0), "of calling")
    go(lambda: click_cell(page, 15, 2), "whatever was predicted")
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
    for press, wanted in ((page.go_back, back), (page.go_forward, forward)):
        for url, title in wanted:
            press()
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


def click_cell(page: Page, column: int, row: int, *, off: float = 0.0) -> None:
    """Click into a cell of the matrix, as a visitor does with the mouse.

    Args:
        off: how far from the center, in both directions, as a share of the cell.
    """
    plot = page.locator(".st-key-matrix .js-plotly-plot").first
    expect(plot.locator(".scatterlayer")).to_have_count(1, timeout=PATIENCE)
    settle(page)
    x, y = page.evaluate(
        """([column, row, off]) => {
            const plot = document.querySelector(".st-key-matrix .js-plotly-plot"), {xaxis, yaxis} = plot._fullLayout;
            const inside = plot.getBoundingClientRect();
            let at = document.querySelector("[data-testid=stMain]");
            at.scrollBy(0, inside.y + yaxis._offset + yaxis.d2p(row) - 450);
            document.querySelector(".st-key-matrix-frame").scrollBy(inside.x + xaxis._offset + xaxis.d2p(column) - 400, 0);
            const box = plot.getBoundingClientRect();
            return [box.x + xaxis._offset + xaxis.d2p(column + off), box.y + yaxis._offset + yaxis.d2p(row + off)];
        }""",
        [column, row, off],
    )
    page.mouse.move(x, y)
    page.wait_for_timeout(150)  # Plotly looks at the pointer ten times a second
    page.mouse.click(x, y)


@pytest.mark.parametrize("width", [1024, 1400])
@pytest.mark.parametrize("classes", [1, 15, 100])
def test_the_cell_under_the_pointer_opens(
    page: Page, address: str, runs_folder: Path, classes: int, width: int
) -> None:
    names = tuple(str(number) for number in range(classes))  # which Plotly must not take for numbers
    write_run(runs_folder / f"classes-{classes}", random_predictions(4 * classes, names), maps=False)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/confusions?run=classes-{classes}")
    heading(page)
    fills = "[...document.querySelectorAll('.st-key-matrix text')].every(text => getComputedStyle(text).fill === getComputedStyle(document.querySelector('h1')).color)"
    page.wait_for_function(fills)  # the text color for which tests/viz computes the contrast
    last = classes - 1
    for column, row, off in ((last, 0, 0.0), (0, last, 0.3), (last // 2, last // 3, -0.3)):
        click_cell(page, column, row, off=off)
        page.wait_for_url(lambda url, end=f"true={row}&predicted={column}": url.endswith(end), timeout=20_000)


def test_after_quick_clicks_the_address_is_that_of_the_page(page: Page, address: str) -> None:
    """Each click cuts off the rerun of the one before."""
    page.goto(f"{address}/confusions")
    heading(page)
    plot = page.locator(".st-key-matrix .js-plotly-plot").bounding_box()
    assert plot is not None
    for across, down in ((0.3, 0.3), (0.5, 0.5), (0.6, 0.3), (0.4, 0.6), (0.7, 0.4)):
        page.mouse.click(plot["x"] + across * plot["width"], plot["y"] + down * plot["height"])
        page.wait_for_timeout(120)
    page.wait_for_timeout(3000)
    shown = heading(page)
    page.goto(page.url)
    assert heading(page) == shown


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
    click_cell(page, int(predicted), int(true))
    photos = page.locator("[class*=st-key-card-]")
    expect(photos).to_have_count(number, timeout=PATIENCE)
    expect(page.get_by_role("heading", name=f"predicted as {names[1]}").last).to_be_visible()
    expect(page.locator(".st-key-matrix .js-plotly-plot").last).to_be_visible()
    assert f"true={run.classes[true]}" in page.url and f"predicted={run.classes[predicted]}" in page.url

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
    page.get_by_role("radio", name="label is wrong").or_(page.get_by_role("button", name="label is wrong")).click()
    heading(page)

    colleague = browser.new_context(viewport=VIEWPORT).new_page()
    colleague.goto(page.url)
    assert heading(colleague) == heading(page)
    assert colleague.url == page.url
    expect(colleague.get_by_test_id("stButtonGroup").locator("[aria-checked=true], [kind$=Active]")).to_have_text(
        "label is wrong", timeout=PATIENCE
    )
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
    for name in ("", "confusions?true=texting", "errors", "scores", "training", "compare", "own"):
        page.goto(f"{address}/{name}")
        heading(page)
        require_fit(page, width)
