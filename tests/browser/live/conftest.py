"""The Live page with Chromium's fake camera, which shows two photos in turn."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Browser, BrowserContext, Page, expect

from benchmarks.servers import FLAGS
from har_core.runs.run import assets_folder, shipped_run
from tests.browser.conftest import PATIENCE, VIEWPORT, heading
from tests.conftest import ROOT

SHOWN = 4  # seconds that the camera shows each photo, 30 times a second
SIZE = (640, 480)

WATCH = """
window.answers = []; window.streams = []; window.sent = 0;
window.addEventListener("camera-answer", ({ detail }) => {
  if (detail.likeliest) window.answers.push({ at: performance.now(), label: detail.likeliest[0][0] });
});
const devices = navigator.mediaDevices, real = devices.getUserMedia.bind(devices);
devices.getUserMedia = async (wanted) => {
  const stream = await real(wanted);
  window.streams.push(stream);
  return stream;
};
let link;
Object.defineProperty(window, "cameraLink", {
  configurable: true,
  get: () => link,
  set: (made) => {
    const { send } = made;
    made.send = (frame) => {
      window.sent += 1;
      if (window.lose) window.lose -= 1;
      else setTimeout(send, window.slowness ?? 0, frame);
    };
    link = made;
  },
});
"""
"""Notes what is answered, and lends the test a hand on the way: `lose` so many frames, or send them with a `slowness`."""


def photos() -> list[Path]:
    """Two of different actions: the surest of the real ones, else two portraits."""
    folder = Path(os.environ.get("HAR_SAMPLE", ROOT.parent / "shared" / "har_sample")) / "train"
    run = shipped_run()
    table = run.predictions()
    rows = [row for row, name in enumerate(table.samples) if table.correct[row] and (folder / name).is_file()]
    best: dict[int, Path] = {}
    for row in sorted(rows, key=lambda row: -table.confidence[row]):
        best.setdefault(int(table.true[row]), folder / table.samples[row])
    portraits = [assets_folder() / "samples" / name for name in ("astronaut.jpg", "camera.jpg")]
    return list(best.values())[:2] if len(best) > 1 else portraits


def frames() -> list[Image.Image]:
    return [ImageOps.fit(Image.open(path).convert("RGB"), SIZE) for path in photos()]


@pytest.fixture(scope="module")
def with_camera(browser: Browser, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera shows the photos, and which asks nobody."""
    video = tmp_path_factory.mktemp("camera") / "two.mjpeg"
    with video.open("wb") as file:
        for frame in frames():
            buffer = io.BytesIO()
            frame.save(buffer, "JPEG", quality=90)
            file.write(buffer.getvalue() * (SHOWN * 30))
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    launched = browser.browser_type.launch(
        executable_path=chromium, args=[*FLAGS, *fake, f"--use-file-for-fake-video-capture={video}"]
    )
    yield launched
    launched.close()


@pytest.fixture
def visit(with_camera: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """The page as another visitor opens it, before the camera is started."""
    contexts: list[BrowserContext] = []

    def opened(script: str = "", width: int = VIEWPORT["width"]) -> Page:
        context = with_camera.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(WATCH + script)
        page = context.new_page()
        page.goto(f"{address}/live")
        expect(page.locator(".start")).to_be_visible()
        assert heading(page).endswith("?")
        return page

    yield opened
    for context in contexts:
        context.close()


def start(page: Page) -> None:
    """And wait for the first answer."""
    page.locator(".start").click()
    wait_for_answers(page, 1)


def answers(page: Page) -> list[dict[str, object]]:
    found: list[dict[str, object]] = page.evaluate("window.answers")
    return found


def wait_for_answers(page: Page, more: int) -> None:
    page.wait_for_function("wanted => window.answers.length >= wanted", arg=len(answers(page)) + more)


def live_tracks(page: Page) -> int:
    count: int = page.evaluate(
        "window.streams.flatMap(one => one.getTracks()).filter(one => one.readyState === 'live').length"
    )
    return count
