"""What the Live page answers to the frames of a camera, and how quickly."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from har_core.inference.predictor import Predictor
from har_core.media.geometry import center_crop_box
from har_core.runs.run import Run, assets_folder
from tests.browser.conftest import box_of, require_fit
from tests.browser.live.conftest import SIZE, answers, frames, live_tracks, start, wait_for_answers

SECONDS = float(os.environ.get("HAR_LIVE_SECONDS", "20"))
"""How long the rate is watched."""

QUICK = assets_folder() / "runs" / "edge"  # the model that the page begins with


@pytest.fixture(scope="module")
def labels() -> list[str]:
    """What the model says of each of the two."""
    predictor = Predictor.from_run(Run.open(QUICK))
    spec = predictor.spec
    found = []
    for frame in frames():
        frame.thumbnail((1000, spec.resize))
        box = center_crop_box(*frame.size, crop_size=spec.crop_size, resize=spec.resize)
        found.append(predictor.predict(frame, "", box).predicted.replace("_", " "))
    assert found[0] != found[1]
    return found


def memory(address: str) -> int:
    """Of the server, in bytes; 0 on other systems than Linux."""
    port = str(urlsplit(address).port)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if {"streamlit", port} <= set((folder / "cmdline").read_text().split("\0")):
                return int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, UnicodeDecodeError):
            continue
    return 0


def test_the_right_action_is_said_at_once_and_changes_with_the_picture(
    visit: Callable[..., Page], labels: list[str]
) -> None:
    page = visit()
    start(page)
    wait_for_answers(page, 3)
    page.locator(".stop").click()
    assert live_tracks(page) == 0
    expect(page.locator("h1")).to_contain_text("?")

    page.evaluate("window.answers = []")
    began = time.monotonic()
    start(page)
    first = time.monotonic() - began
    assert answers(page)[0]["label"] in labels
    delay = int(page.locator(".pace").inner_text().split(", ")[1].split(" ms")[0]) / 1000
    assert first < max(3.0, 10 * delay)
    for label in (*labels, labels[0]):
        expect(page.locator(".bars span").first).to_have_text(label)
    said = page.locator("h1").inner_text()
    assert any(label in said for label in labels) or said in ("unsure", "none of these?")
    expect(page.locator(".answer")).to_have_text(said)


def test_the_heatmap_lies_over_what_the_model_saw(visit: Callable[..., Page]) -> None:
    page = visit()
    start(page)
    page.locator(".pause").click()
    spec = Run.open(QUICK).manifest.model
    expected = center_crop_box(*SIZE, crop_size=spec.crop_size, resize=spec.resize)
    picture, seen, heat = (box_of(page.locator(name)) for name in ("video", ".seen", ".seen img"))
    assert heat == seen
    scale = picture["width"] / SIZE[0]
    assert seen["width"] == pytest.approx(expected.width * scale, abs=2)
    assert seen["x"] - picture["x"] == pytest.approx(expected.left * scale, abs=2)
    assert seen["y"] - picture["y"] == pytest.approx(expected.top * scale, abs=2)
    page.locator(".shown").uncheck()
    expect(page.locator(".seen img")).to_be_hidden()


def test_the_pace_is_held_and_memory_stays_flat(visit: Callable[..., Page], address: str) -> None:
    page = visit()
    start(page)
    page.wait_for_timeout(4000)
    before, first = memory(address), len(answers(page))
    page.wait_for_timeout(SECONDS * 500)
    middle = len(answers(page))
    page.wait_for_timeout(SECONDS * 500)
    last, growth = len(answers(page)), (memory(address) - before) / 2**20
    print(f"{(last - first) / SECONDS:.2f} frames a second, {page.locator('.pace').inner_text()}, {growth:+.1f} MB")
    assert last - middle > (middle - first) / 3 > 0
    answered, sent = page.evaluate("[window.answers.length, window.sent]")  # of one moment
    assert sent - answered <= 1, "frames wait in a line"
    assert growth < 40
    assert len({answer["label"] for answer in answers(page)}) > 1


def test_nothing_is_sent_while_it_pauses_or_nobody_looks(visit: Callable[..., Page]) -> None:
    page = visit(width=400)
    start(page)
    hide = (
        "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )
    for rest, go_on in (
        (lambda: page.locator(".pause").click(), lambda: page.locator(".pause").click()),
        (lambda: page.evaluate(hide, True), lambda: page.evaluate(hide, False)),
    ):
        rest()
        sent = page.evaluate("window.sent")
        page.wait_for_timeout(2000)
        assert page.evaluate("window.sent") == sent
        go_on()
        wait_for_answers(page, 2)
    page.locator(".pause").click()
    for width in (1400, 1024, 400):
        page.set_viewport_size({"width": width, "height": 900})
        require_fit(page, width)
        expect(page.locator(".pause")).to_be_in_viewport()


def test_a_kept_frame_opens_on_predict_and_back_leads_here(visit: Callable[..., Page]) -> None:
    page = visit()
    start(page)
    page.locator(".keep").click()
    expect(page.locator("#answer-action")).not_to_be_empty()
    expect(page.get_by_role("button", name="Remove camera.jpg")).to_be_attached()
    assert urlsplit(page.url).path == "/predict" and live_tracks(page) == 0
    page.go_back()
    expect(page.locator(".start")).to_be_visible()
    start(page)


def test_a_lost_answer_stalls_nothing_and_a_slow_server_is_told(visit: Callable[..., Page]) -> None:
    page = visit()
    start(page)
    page.evaluate("window.lose = 1")
    page.wait_for_function("window.lose === 0")
    wait_for_answers(page, 2)
    page.evaluate("window.slowness = 700")
    expect(page.locator(".note")).to_contain_text("frames a second")


def test_two_visitors_are_both_answered(visit: Callable[..., Page]) -> None:
    pages = [visit(), visit()]
    for page in pages:
        start(page)
    for page in pages:
        wait_for_answers(page, 3)
    pages[0].locator(".stop").click()
    wait_for_answers(pages[1], 2)
