"""Links, addresses, and the way back."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from har_core.analysis.confusion import TOTAL
from har_core.runs.manifest import TRAINING, Manifest
from har_core.runs.run import HISTORY_COLUMNS, shipped_run
from har_core.runs.writing import write_history, write_manifest
from tests.browser.conftest import PATIENCE, box_of, click_chart, heading, press, require_fit, settle


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
        expect(page.locator("h1")).to_contain_text(title)
        settle(page)
        steps.append((page.url, page.locator("h1").inner_text()))

    def open_page(name: str) -> Callable[[], object]:
        link = page.get_by_test_id("stMain").get_by_role("link", name=name, exact=True).first

        def click() -> None:
            """Once more, as anybody would, where a page that was still being drawn has swallowed it."""
            before = page.url
            link.click()
            try:
                page.wait_for_url(lambda url: url != before, timeout=PATIENCE / 6)
            except PlaywrightTimeout:
                link.click()

        return click

    steps: list[tuple[str, str]] = []
    go(lambda: page.goto(f"{address}/?run=baseline"), "correct on")
    for name, title in (("Scores", "photos correct"), ("Training", "epochs"), ("Predict", "What are they doing?"),
                        ("Your photos", "own photos"), ("Compare", "Baseline"), ("Confusions", "confusion")):  # fmt: skip
        go(open_page(name), title)
    go(lambda: press(page, 0, 1), "of calling")
    go(lambda: press(page, 2, TOTAL), "whatever was predicted")
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
    for turn, wanted in ((page.go_back, back), (page.go_forward, forward)):
        for url, title in wanted:
            turn()
            expect(page.locator("h1")).to_have_text(title)
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


def test_a_run_that_is_chosen_is_not_lost_to_a_quick_click(page: Page, address: str) -> None:
    """The links are not yet drawn for it."""
    page.goto(f"{address}/confusions?true=texting")
    heading(page)
    box = page.get_by_role("combobox", name="Run")
    box.focus()
    box.press("ArrowDown")
    option = page.get_by_role("option", name="Run: Baseline recipe, retrained")
    link = page.locator(".st-key-run-bar").get_by_role("link", name="Scores", exact=True)
    expect(option).to_be_visible()
    option.click()
    link.dispatch_event("click")
    page.wait_for_url(lambda url: "/scores" in url and "run=baseline" in url)
    heading(page)
    expect(box).to_have_value("Run: Baseline recipe, retrained")
    assert page.url == f"{address}/scores?run=baseline"


def test_runs_that_are_chosen_in_quick_succession(page: Page, address: str) -> None:
    """The last one counts, in the box, on the page and in the address."""
    page.goto(f"{address}/scores")
    heading(page)
    box = page.get_by_role("combobox", name="Run")
    names = ("Run: Baseline recipe, retrained", "Run: EfficientNet-Lite2", "Run: Baseline recipe, retrained")
    for name in names:
        box.focus()
        box.press("ArrowDown")
        page.get_by_role("option", name=name, exact=True).click()
    expect(box).to_have_value("Run: Baseline recipe, retrained")
    page.wait_for_url(lambda url: url.endswith("run=baseline"))
    heading(page)
    expect(box).to_have_value("Run: Baseline recipe, retrained")
    assert page.url == f"{address}/scores?run=baseline"


def test_scores_lead_to_photos(page: Page, address: str) -> None:
    """A bar to those with that label, or of precision to those with that prediction; Back leads to the scores again."""
    page.goto(f"{address}/scores?measure=precision")
    shown = heading(page)
    bars = page.locator(".st-key-score-bars .bars .point")
    expect(bars).to_have_count(15)
    click_chart(page, bars.first, 0.2, 0.5)
    page.wait_for_url(lambda url: "/errors?predicted=" in url)
    assert "photos match" in heading(page)
    page.go_back()
    expect(page.locator("h1")).to_have_text(shown)
    settle(page)
    assert page.url == f"{address}/scores?measure=precision"
    table = page.locator(".st-key-score-table canvas").first
    table.scroll_into_view_if_needed()
    place = box_of(table)
    page.mouse.click(place["x"] + 60, place["y"] + 55)
    page.wait_for_url(lambda url: "/errors?true=" in url)


@pytest.mark.parametrize("link", ["confusions?true=juggling&predicted=eating", "errors?sort=nonsense"])
def test_a_link_to_what_is_not_there_says_so(page: Page, address: str, link: str) -> None:
    page.goto(f"{address}/{link}")
    heading(page)
    expect(page.get_by_test_id("stAlert")).to_contain_text("juggling" if "juggling" in link else "nonsense")
    assert page.url == f"{address}/{link}"


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
    photo = shipped_run().predictions().samples[0]
    for name in ("", "confusions?true=texting", "errors", f"errors?show=all&photo={photo}", "scores", "training",
                 "compare", "own"):  # fmt: skip
        page.goto(f"{address}/{name}")
        heading(page)
        require_fit(page, width)
