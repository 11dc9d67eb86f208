"""What visitors bring, through HTTP and in a browser: every limit that a page names is reached."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE
from tests.conftest import picture


def padded(size: int, path: Path) -> Path:
    """A JPEG of so many bytes: what follows its end is ignored."""
    picture((90, 120, 30), (300, 240)).save(path, "JPEG")
    with path.open("ab") as file:
        file.write(os.urandom(size - path.stat().st_size))
    return path


def packed(path: Path, *, photos: int, size: int = 0) -> Path:
    """A zip with one folder per class; each photo has at least `size` bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(photos):
            photo = io.BytesIO()
            color = (9, 90 + number % 100, 200)
            Image.new("RGB", (80, 64), color).save(photo, "JPEG")
            content = photo.getvalue()
            archive.writestr(f"{('sitting', 'running')[number % 2]}/{number}.jpg", content.ljust(size, b"\0"))
    return path


def test_photos_of_24_and_26_megabytes(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/predict")
    page.set_input_files("input[type=file]", padded(24 * 10**6, tmp_path / "large.jpg"))
    expect(page.locator("#answer-action")).not_to_be_empty()
    page.get_by_text("Another photo").click()
    page.set_input_files("input[type=file]", padded(26 * 10**6, tmp_path / "larger.jpg"))
    expect(page.get_by_text("File must be 25.0MB or smaller")).to_be_visible()


def test_a_zip_of_190_megabytes(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/own")
    page.set_input_files("input[type=file]", packed(tmp_path / "large.zip", photos=10, size=19 * 10**6))
    expect(page.get_by_text("10 photos of 2 actions")).to_be_visible(timeout=2 * PATIENCE)
    page.get_by_role("button", name="Evaluate").click()
    page.get_by_role("link", name="See where it fails").click(timeout=2 * PATIENCE)
    expect(page.locator("h1")).to_contain_text("10 photos")
    page.go_back()
    expect(page.locator("h1")).to_contain_text("own photos")


def test_a_scoring_goes_on_beside_other_pages_and_can_be_cancelled(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/own")
    page.set_input_files("input[type=file]", packed(tmp_path / "many.zip", photos=400))
    page.get_by_role("button", name="Evaluate").click()
    expect(page.get_by_text("of 400 photos")).to_be_visible()
    page.get_by_role("link", name="Scores").first.click()
    status = page.get_by_text("Scoring many.zip")
    expect(status).to_be_visible()
    page.wait_for_timeout(7000)
    before = status.inner_text()
    expect(status).not_to_have_text(before)
    page.get_by_role("link", name="Your photos").first.click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Stopping …")).to_be_visible(timeout=10_000)
    expect(page.get_by_text("It was stopped")).to_be_visible()
    expect(page.get_by_role("button", name="Evaluate again")).to_be_visible()
