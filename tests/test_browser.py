"""The whole way in a real browser: a photo is uploaded, the action is read from the answer itself."""

from __future__ import annotations

import http.client
import io
import os
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from har_core import runs
from har_core.recogniser import SHIPPED, shipped_run
from tests.conftest import ROOT

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip
PATIENCE = 60_000


@pytest.fixture(scope="module")
def runs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a training that is still going on is found."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def address(chromium: str, runs_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = f"{sys.executable} -m streamlit run app.py --server.port {port} --server.headless true".split()
    surroundings = {"HAR_LENS_HOME": str(tmp_path_factory.mktemp("home")), "HAR_RUNS": str(runs_folder)}
    surroundings["HAR_DATA"] = os.environ.get("HAR_SAMPLE", str(ROOT.parent / "shared" / "har_sample"))
    server = subprocess.Popen(command, cwd=ROOT, env=os.environ | surroundings)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=2).close()
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < deadline, "the app does not start"
                time.sleep(0.3)
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a visitor of its own."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


@pytest.fixture
def predict(page: Page, address: str) -> Page:
    page.goto(f"{address}/predict")
    expect(page.get_by_text("Try this sample").first).to_be_visible(timeout=PATIENCE)
    return page


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


def settle(page: Page) -> None:
    """Wait until the page stands still."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)


def heading(page: Page) -> str:
    """The page's first line, once it stands still."""
    expect(page.locator("h1")).to_have_count(1, timeout=PATIENCE)
    settle(page)
    return page.locator("h1").inner_text()


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


def choose(page: Page, label: str, option: str) -> None:
    """Choose from a select box.  A page that is still being drawn may close the list again: then it is opened once more."""
    settle(page)
    box = page.get_by_role("combobox", name=label)
    box.evaluate("element => element.scrollIntoView({block: 'center'})")
    for attempt in range(10):
        if box.get_attribute("aria-expanded") != "true":
            box.focus()
            box.press("ArrowDown")
        try:
            page.get_by_role("option", name=option).click(timeout=PATIENCE / 10)
            return
        except PlaywrightTimeout:
            assert attempt < 9, f"the list of {label} does not stay open"


def test_a_deep_link_opens_its_page_on_a_fresh_server(page: Page, address: str) -> None:
    """The first visitor of all may come by a link that a colleague sent."""
    page.goto(f"{address}/scores")
    assert "recognised" in heading(page)
    expect(page.get_by_role("link", name="Confusions")).to_be_visible()
    assert f"run={SHIPPED}" in page.url


def test_from_the_matrix_to_a_verdict(page: Page, browser: Browser, address: str, real_photos: Path) -> None:
    """The whole way: a cell, its photos, one in full, the next, a verdict; and a colleague who gets the link."""
    run = shipped_run(ROOT)
    table = run.predictions()
    present = np.array([(real_photos / "train" / name).is_file() for name in table.samples])
    here = np.zeros((15, 15), dtype=int)
    np.add.at(here, (table.true[present], table.predicted[present]), 1)
    np.fill_diagonal(here, 0)
    true, predicted = np.unravel_index(here.argmax(), here.shape)
    number = int(((table.true == true) & (table.predicted == predicted)).sum())
    names = [run.classes[index].replace("_", " ") for index in (true, predicted)]

    page.goto(f"{address}/confusions")
    heading(page)
    click_cell(page, int(predicted), int(true))
    said = f"{number} {names[0]} photo{'' if number == 1 else 's'} taken for {names[1]}"
    expect(page.get_by_role("heading", name=said)).to_be_visible(timeout=PATIENCE)
    cards = page.locator("[class*=st-key-card-]")
    expect(cards).to_have_count(number, timeout=PATIENCE)
    expect(page.locator(".st-key-matrix .js-plotly-plot").last).to_be_visible()
    assert f"true={run.classes[true]}" in page.url and f"predicted={run.classes[predicted]}" in page.url

    cards.first.get_by_role("button", name="Open").click()
    expect(page.get_by_role("button", name="Back to the list")).to_be_visible(timeout=PATIENCE)
    title = f"{names[0].capitalize()}, taken for {names[1]}"
    expect(page.locator("h1")).to_contain_text(title, timeout=PATIENCE)
    first = page.url
    assert "photo=" in first
    if number > 1:
        heading(page)
        page.keyboard.press("ArrowRight")
        expect(page.get_by_text(f"2 of {number}")).to_be_visible(timeout=PATIENCE)
        assert page.url != first
    verdict = page.get_by_role("radio", name="label is wrong").or_(page.get_by_role("button", name="label is wrong"))
    verdict.click()
    heading(page)

    colleague = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    colleague.goto(page.url)
    assert heading(colleague) == heading(page)
    assert colleague.url == page.url
    expect(colleague.get_by_test_id("stButtonGroup").locator("[aria-checked=true], [kind$=Active]")).to_have_text(
        "label is wrong", timeout=PATIENCE
    )


def test_a_training_is_watched(page: Page, address: str, runs_folder: Path) -> None:
    """A new epoch appears by itself."""
    folder = runs_folder / "live"
    folder.mkdir()
    rows = [dict.fromkeys(runs.HISTORY_COLUMNS, 0.5) | {"epoch": epoch} for epoch in (1, 2, 3)]
    runs.write_card(folder, {"status": runs.TRAINING, "classes": ["a", "b"], "config": {"epochs": 5}})
    runs.write_history(folder, rows[:1])
    points = "document.querySelector('.js-plotly-plot')?.calcdata?.[0]?.length"
    page.goto(f"{address}/training?run=live")
    page.wait_for_function(f"{points} === 1")
    runs.write_history(folder, rows)
    page.wait_for_function(f"{points} === 3")


def surest_photo(folder: Path) -> tuple[Path, str]:
    """The right prediction of highest confidence among the photos at hand, with its action."""
    run = shipped_run(ROOT)
    table = run.predictions()
    best = max(
        (row for row, name in enumerate(table.samples) if (folder / "train" / name).is_file()),
        key=lambda row: table.confidence[row] * (table.true[row] == table.predicted[row]),
    )
    return folder / "train" / table.samples[best], run.classes[table.true[best]].replace("_", " ")


def test_a_real_photo_is_answered_with_the_right_action(predict: Page, real_photos: Path) -> None:
    photo, action = surest_photo(real_photos)
    predict.set_input_files("input[type=file]", photo)
    expect(predict.locator("#answer-action")).to_have_text(action, timeout=PATIENCE)
    expect(predict.locator("#answer")).to_contain_text("probable")
    for picture in predict.locator("[data-testid=stImage] img").all():
        assert picture.get_attribute("alt")


def test_many_photos_and_one_that_is_none(predict: Page, tmp_path: Path) -> None:
    samples = sorted((ROOT / "assets" / "samples").glob("*.jpg"))
    bad = tmp_path / "notes.jpg"
    bad.write_bytes(b"these are notes")
    predict.set_input_files("input[type=file]", [*samples, bad])
    expect(predict.get_by_role("heading", name="3 photos recognised, 1 refused")).to_be_visible(timeout=PATIENCE)
    expect(predict.get_by_text("notes.jpg is not a photo")).to_be_visible()

    with predict.expect_download() as download:
        predict.get_by_role("button", name="Table as CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) == 4 and lines[0].startswith("file,predicted,confidence,calling,")
    with predict.expect_download() as download:
        predict.get_by_role("button", name="Heatmaps as PNG").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        pictures = [Image.open(io.BytesIO(archive.read(name))) for name in archive.namelist()]
    assert len(pictures) == 3 and all(one.format == "PNG" and not one.getexif() for one in pictures)


def test_a_slow_method_shows_progress_and_can_be_cancelled(predict: Page) -> None:
    predict.get_by_text("Try this sample").first.click()
    expect(predict.locator("#answer-action")).not_to_be_empty(timeout=PATIENCE)
    choose(predict, "Method", "Score-CAM")
    expect(predict.get_by_text("passes through the network")).to_be_visible(timeout=PATIENCE)
    predict.get_by_role("button", name="Cancel").click()
    expect(predict.get_by_text("the heatmap was stopped")).to_be_visible(timeout=PATIENCE)


@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_runs_off_the_predict_page(predict: Page, width: int) -> None:
    predict.set_viewport_size({"width": width, "height": 900})
    predict.get_by_text("Try this sample").first.click()
    expect(predict.locator("#answer-action")).not_to_be_empty(timeout=PATIENCE)
    assert predict.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("name", ["", "confusions?true=texting", "errors", "scores", "training", "compare"])
def test_nothing_runs_off_a_page(page: Page, address: str, name: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/{name}")
    heading(page)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width
    for picture in page.locator("[data-testid=stImage] img").all():
        assert picture.get_attribute("alt")
