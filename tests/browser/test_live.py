"""The Live page with Chromium's fake camera, which shows two photos in turn."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Browser, BrowserContext, Page, expect

from benchmarks.servers import FLAGS
from har_core.inference.predictor import Predictor
from har_core.media.geometry import center_crop_box
from har_core.runs.run import Run, assets_folder, shipped_run
from tests.browser.conftest import PATIENCE, VIEWPORT, box_of, heading, require_fit

SECONDS = float(os.environ.get("HAR_LIVE_SECONDS", "20"))
"""How long the rate is watched."""

SHOWN = 4  # seconds that the camera shows each photo, 30 times a second
SIZE = (640, 480)
QUICK = assets_folder() / "runs" / "edge"  # the model that the page begins with

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
    folder = Path(os.environ.get("HAR_SAMPLE", Path(__file__).parents[3] / "shared" / "har_sample")) / "train"
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


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("NotAllowedError", "not allowed"),
        ("NotFoundError", "No camera"),
        ("NotReadableError", "another program"),
        ("UnheardOfError", "UnheardOfError"),
    ],
)
def test_a_camera_that_cannot_be_had_is_told_and_survived(visit: Callable[..., Page], name: str, told: str) -> None:
    once = "const had = devices.getUserMedia; devices.getUserMedia = () => { devices.getUserMedia = had; "
    page = visit(f"{once} return Promise.reject(new DOMException('', '{name}')); }};")
    page.locator(".start").click()
    expect(page.locator(".problem")).to_contain_text(told)
    assert page.evaluate("window.sent") == 0
    start(page)
    expect(page.locator(".problem")).to_be_hidden()


def test_without_a_camera_at_all(page: Page, address: str) -> None:
    """In a browser that has none."""
    page.goto(f"{address}/live")
    page.locator(".start").click()
    expect(page.locator(".problem")).not_to_be_empty()
    expect(page.locator(".start")).to_have_text("Start again")


def test_browsers_lend_no_camera_to_pages_from_elsewhere(visit: Callable[..., Page]) -> None:
    page = visit("Object.defineProperty(navigator, 'mediaDevices', { value: undefined });")
    page.locator(".start").click()
    expect(page.locator(".problem")).to_contain_text("HTTPS")


def test_one_of_several_cameras_is_chosen_and_may_be_gone(visit: Callable[..., Page]) -> None:
    two = "['a', 'b'].map((deviceId) => ({ kind: 'videoinput', deviceId, label: deviceId }))"
    page = visit(f"devices.enumerateDevices = async () => {two};")
    start(page)
    page.locator(".which select").select_option("b")
    expect(page.locator(".problem")).to_contain_text("That camera is gone")
    expect(page.locator("h1")).to_contain_text("?")
    assert live_tracks(page) == 0
    start(page)


def test_a_lost_camera_is_told_and_survived(visit: Callable[..., Page]) -> None:
    page = visit()
    start(page)
    page.evaluate("window.streams[0].getTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.locator(".problem")).to_contain_text("gone")
    expect(page.locator("h1")).to_contain_text("?")
    assert live_tracks(page) == 0
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
