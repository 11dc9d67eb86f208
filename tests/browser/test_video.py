"""A clip through a real upload: it plays, its timeline answers a click, and what is not a clip is told."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from har_core.runs.run import assets_folder
from tests.browser.conftest import PATIENCE, click_chart, heading, require_fit, settle
from tests.media.clip_makers import make_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = ["astronaut.jpg"] * 8 + ["camera.jpg"] * 8
    photos = [Image.open(assets_folder() / "samples" / name).convert("RGB").resize((160, 120)) for name in names]
    path = tmp_path_factory.mktemp("clips") / "two portraits.webm"
    path.write_bytes(make_clip("webm", "libvpx", rate=4, size=(160, 120), pictures=[np.asarray(one) for one in photos]))
    return path


def bring(page: Page, address: str, clip: Path) -> None:
    page.goto(f"{address}/video?run=edge")
    settle(page)
    page.locator("input[type=file]").set_input_files(clip)
    expect(page.get_by_text(re.compile("frames of 0:0"))).to_be_visible(timeout=2 * PATIENCE)
    expect(page.locator("#answer")).to_be_visible()
    settle(page)


def frame(page: Page) -> int:
    settle(page)
    return int(re.findall(r"Frame (\d+) of 16", page.get_by_text(re.compile(r"Frame \d+ of 16")).inner_text())[0])


@pytest.mark.parametrize("width", [1400, 400])
def test_a_clip_plays_and_its_timeline_answers_a_click(page: Page, address: str, clip: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    bring(page, address, clip)
    assert heading(page)
    player = page.locator("video")
    expect(player).to_have_js_property("error", None)
    page.wait_for_function("document.querySelector('video').readyState >= 1")
    assert player.evaluate("video => video.videoWidth") == 160
    require_fit(page, width)
    for part, goal in ((0.12, 2), (0.9, 15)):
        settle(page)
        click_chart(page, page.locator(".js-plotly-plot").first, part, 0.5)
        expect(page.get_by_text(re.compile(rf"Frame ({goal - 1}|{goal}|{goal + 1}) of 16"))).to_be_visible()
    before = frame(page)
    page.get_by_role("button", name="Before").click()
    expect(page.get_by_text(f"Frame {before - 1} of 16")).to_be_visible()


def test_another_page_and_back_keeps_the_clip(page: Page, address: str, clip: Path) -> None:
    bring(page, address, clip)
    page.get_by_role("link", name="Scores").first.click()
    expect(page.get_by_text(re.compile("frames of 0:0"))).to_have_count(0)
    settle(page)
    page.go_back()
    expect(page.get_by_text(re.compile("16 frames of 0:04"))).to_be_visible()


def test_what_is_no_clip_is_told(page: Page, address: str, tmp_path: Path) -> None:
    wrong = tmp_path / "holiday.mp4"
    wrong.write_bytes(b"this was a text all along" * 100)
    page.goto(f"{address}/video?run=edge")
    settle(page)
    page.locator("input[type=file]").set_input_files(wrong)
    expect(page.get_by_text("is not a clip that can be read")).to_be_visible()
    assert heading(page) == "This clip was not read"
