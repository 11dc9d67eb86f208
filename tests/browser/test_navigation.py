"""Links, clicks and the way from a cell of the matrix to a verdict."""

from __future__ import annotations

import http.client
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from har_core.runs.manifest import TRAINING, Manifest
from har_core.runs.run import HISTORY_COLUMNS, SHIPPED, shipped_run, write_history, write_manifest
from tests.browser.conftest import PATIENCE, VIEWPORT, heading, require_fit


def test_a_deep_link_opens_its_page_on_a_fresh_server(page: Page, address: str) -> None:
    """The first visitor of all may come by a link that a colleague sent.  This test is the first that uses the server."""
    page.goto(f"{address}/scores")
    assert heading(page).endswith("correct")
    expect(page.get_by_role("link", name="Confusions")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)  # Streamlit's "Page not found"
    assert page.url == f"{address}/scores?run={SHIPPED}"


@pytest.mark.parametrize(
    ("link", "arrives"),
    [
        ("own", "own?run=best"),
        ("errors?run=report-recipe&show=right", "errors?run=baseline&show=correct"),
        ("confusions?true=texting&predicted=calling&unit=recall", "confusions?run=best&true=texting&predicted=calling&unit=recall"),
    ],
)  # fmt: skip
def test_links_arrive(page: Page, address: str, link: str, arrives: str) -> None:
    """Those of former versions as well."""
    page.goto(f"{address}/{link}")
    heading(page)
    page.wait_for_url(f"{address}/{arrives}")


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


def click_cell(page: Page, column: int, row: int) -> None:
    """Click into a cell of the matrix, as a visitor does with the mouse."""
    plot = page.locator(".st-key-matrix .js-plotly-plot").first
    expect(plot.locator(".scatterlayer")).to_have_count(1, timeout=PATIENCE)
    plot.scroll_into_view_if_needed()
    x, y = page.evaluate(
        """([column, row]) => {
            const plot = document.querySelector(".st-key-matrix .js-plotly-plot"), box = plot.getBoundingClientRect();
            const {xaxis, yaxis} = plot._fullLayout;
            return [box.x + xaxis._offset + xaxis.d2p(column), box.y + yaxis._offset + yaxis.d2p(row)];
        }""",
        [column, row],
    )
    page.mouse.move(x - 3, y - 3)
    page.mouse.move(x, y)
    page.mouse.click(x, y)


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

    photos.first.get_by_role("button", name="Open").click()
    expect(page.get_by_role("button", name="Back to the list")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("h1")).to_contain_text(f"{names[0].capitalize()}, predicted as {names[1]}", timeout=PATIENCE)
    first = page.url
    assert "photo=" in first
    if number > 1:
        heading(page)
        page.keyboard.press("ArrowRight")
        expect(page.get_by_text(f"2 of {number}")).to_be_visible(timeout=PATIENCE)
        assert page.url != first
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
