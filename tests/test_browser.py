"""The whole way in a real browser: a photo is uploaded, the action is read from the answer itself."""

from __future__ import annotations

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

import pytest
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from har_core.recogniser import shipped_run
from tests.conftest import ROOT

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip
PATIENCE = 60_000


@pytest.fixture(scope="module")
def address(chromium: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.port",
        str(port),
        "--server.headless",
        "true",
    ]
    server = subprocess.Popen(command, cwd=ROOT, env=os.environ)
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


@pytest.fixture
def page(chromium: str, address: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_context(viewport={"width": 1400, "height": 900}, accept_downloads=True).new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        expect(page.get_by_text("Try this sample").first).to_be_visible(timeout=PATIENCE)
        yield page
        browser.close()


def surest_photo(folder: Path) -> tuple[Path, str]:
    """The right prediction of highest confidence among the photos at hand, with its action."""
    run = shipped_run(ROOT)
    table = run.predictions()
    best = max(
        (row for row, name in enumerate(table.samples) if (folder / "train" / name).is_file()),
        key=lambda row: table.confidence[row] * (table.true[row] == table.predicted[row]),
    )
    return folder / "train" / table.samples[best], run.classes[table.true[best]].replace("_", " ")


def test_a_real_photo_is_answered_with_the_right_action(page: Page, real_photos: Path) -> None:
    photo, action = surest_photo(real_photos)
    page.set_input_files("input[type=file]", photo)
    expect(page.locator("#answer-action")).to_have_text(action, timeout=PATIENCE)
    expect(page.locator("#answer")).to_contain_text("probable")
    for picture in page.locator("[data-testid=stImage] img").all():
        assert picture.get_attribute("alt")


def test_many_photos_and_one_that_is_none(page: Page, tmp_path: Path) -> None:
    samples = sorted((ROOT / "assets" / "samples").glob("*.jpg"))
    bad = tmp_path / "notes.jpg"
    bad.write_bytes(b"these are notes")
    page.set_input_files("input[type=file]", [*samples, bad])
    expect(page.get_by_role("heading", name="3 photos recognised, 1 refused")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("notes.jpg is not a photo")).to_be_visible()

    with page.expect_download() as download:
        page.get_by_role("button", name="Table as CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) == 4 and lines[0].startswith("file,predicted,confidence,calling,")
    with page.expect_download() as download:
        page.get_by_role("button", name="Heatmaps as PNG").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        pictures = [Image.open(io.BytesIO(archive.read(name))) for name in archive.namelist()]
    assert len(pictures) == 3 and all(one.format == "PNG" and not one.getexif() for one in pictures)


def test_a_slow_method_shows_progress_and_can_be_cancelled(page: Page) -> None:
    page.get_by_text("Try this sample").first.click()
    expect(page.locator("#answer-action")).not_to_be_empty(timeout=PATIENCE)
    method = page.get_by_role("combobox", name="Method")
    method.focus()
    method.press("ArrowDown")
    page.get_by_role("option", name="Score-CAM").click()
    expect(page.get_by_text("passes through the network")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("the heatmap was stopped")).to_be_visible(timeout=PATIENCE)


@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_runs_off_the_page(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.get_by_text("Try this sample").first.click()
    expect(page.locator("#answer-action")).not_to_be_empty(timeout=PATIENCE)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width
