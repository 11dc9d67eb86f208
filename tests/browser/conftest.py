"""The real app on a port of this machine, and Chromium.

Every test of this folder is marked `browser`, and runs once more if it fails: the app, the browser and whatever else a
machine does share its processors, and no patience is long enough for every load.  The summary names those that needed it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from benchmarks import servers
from benchmarks.servers import FLAGS
from tests.conftest import ROOT

T = TypeVar("T")
PATIENCE = 60_000  # milliseconds
expect.set_options(timeout=PATIENCE)
VIEWPORT = {"width": 1400, "height": 900}
_STATES = "(window.scriptStates || 0)"
_COUNT_STATES = """new MutationObserver(changes => { window.scriptStates = (window.scriptStates || 0) + changes.length; }).observe(
    document, {subtree: true, attributes: true, attributeFilter: ["data-test-script-state"]});"""
"""How often the page has begun or ended to be drawn anew."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def runs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a training that is still going on is found."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where verdicts on shipped runs are kept."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def address(chromium: str, runs_folder: Path, home: Path) -> Iterator[str]:
    """Of a server that nobody has visited before the first test."""
    data = Path(os.environ.get("HAR_SAMPLE", ROOT.parent / "shared" / "har_sample"))
    with served(data, runs_folder, home) as found:
        yield found


@contextmanager
def served(data: Path, runs: Path, home: Path) -> Iterator[str]:
    """The address of the app, started for those photos and runs."""
    surroundings = {"HAR_LENS_HOME": str(home), "HAR_RUNS": str(runs), "HAR_DATA": str(data)}
    with servers.served(surroundings) as (found, _):
        yield found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a visitor of its own."""
    context = browser.new_context(viewport=VIEWPORT, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    context.add_init_script(_COUNT_STATES)
    yield context.new_page()
    context.close()


def settle(page: Page) -> None:
    """Wait until the page stands still."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def eventually(page: Page, read: Callable[[], T], expected: T) -> None:
    """Wait until what the server keeps is as expected: a page may stand still before it was told of a key."""
    deadline = time.monotonic() + PATIENCE / 1000
    while (found := read()) != expected and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    assert found == expected


def heading(page: Page) -> str:
    """The page's first line, once it stands still."""
    expect(page.locator("h1")).to_have_count(1)
    settle(page)
    return page.locator("h1").inner_text()


def choose(page: Page, label: str, option: str, *, wait: bool = True) -> None:
    """Choose from a select box.  A page that is still being drawn may close the list again: then it is opened once more.

    Args:
        wait: until the server has answered; the browser shows the choice before, and who leaves the page at that moment, faster
            than any hand, takes it with them.
    """
    settle(page)
    box = page.get_by_role("combobox", name=label)
    before, changes = page.evaluate(_STATES), box.input_value() != option
    box.evaluate("element => element.scrollIntoView({block: 'center'})")
    for attempt in range(10):
        if box.get_attribute("aria-expanded") != "true":
            box.focus()
            box.press("ArrowDown")
        try:
            page.get_by_role("option", name=option).click(timeout=PATIENCE / 10)
            break
        except PlaywrightTimeout:
            assert attempt < 9, f"the list of {label} does not stay open"
    if wait and changes:
        page.wait_for_function(f"before => {_STATES} > before", arg=before)
        settle(page)


def require_fit(page: Page, width: int) -> None:
    """Nothing runs off a screen of that width, and every picture has a text for those who cannot see it.

    Charts are drawn once and then fitted to their column: for a moment they may be wider.
    """
    settle(page)
    page.wait_for_function(
        """width => document.querySelector("[data-testid=stMain]").scrollWidth <= width
            && [...document.querySelectorAll("[data-testid=stImage] img")].every(image => image.alt)""",
        arg=width,
    )


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
    box = box_of(cell)
    page.mouse.click(box["x"] + (0.5 + off) * box["width"], box["y"] + (0.5 + off) * box["height"])


def click_chart(page: Page, chart: Locator, across: float, down: float) -> None:
    """Point into a Plotly chart and click, once it shows what is there: until then it has not noticed the pointer.

    Args:
        chart: or a part of it.
        across, down: where, as a share of its width and height.
    """
    noticed = page.locator(".hoverlayer .hovertext").first
    chart.evaluate("element => element.scrollIntoView({block: 'center'})")
    for attempt in range(10):
        box = box_of(chart)
        place = box["x"] + across * box["width"] + attempt % 2, box["y"] + down * box["height"]
        page.mouse.move(*place)
        try:
            expect(noticed).to_be_visible(timeout=PATIENCE / 20)
        except AssertionError:  # it was drawn anew since
            continue
        page.mouse.click(*place)
        return
    raise AssertionError("the chart does not notice the pointer")


def box_of(element: Locator) -> FloatRect:
    """Where it is on the screen, in pixels, once it has rested for half a second: the script of a page ends before the page
    is laid out."""
    last, rested = None, 0
    for _ in range(PATIENCE // 100):
        box = element.bounding_box()
        last, rested = box, rested + 1 if box == last else 0
        if box is not None and rested == 5:
            return box
        element.page.wait_for_timeout(100)
    raise AssertionError(f"{element} does not come to rest")


def top(element: Locator) -> float:
    """Where it begins on the screen, in pixels."""
    return box_of(element)["y"]
