"""A part of the photo is chosen with a box, by mouse or keys, and the answer follows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from har_core.runs.run import assets_folder
from tests.browser.conftest import box_of, settle

PHOTO = assets_folder() / "samples" / "grace_hopper.jpg"


def open_stage(page: Page, address: str) -> Locator:
    """The photo with its box, on Predict."""
    page.goto(f"{address}/predict")
    expect(page.get_by_text("Try this sample").first).to_be_visible()
    page.set_input_files("input[type=file]", PHOTO)
    expect(page.locator("#answer")).to_be_visible()
    page.get_by_text("Look at a part only").click()
    stage = page.locator(".stage")
    expect(stage).to_be_visible()
    settle(page)
    return stage


@pytest.fixture
def stage(page: Page, address: str) -> Locator:
    page.set_viewport_size({"width": 1400, "height": 1400})
    return open_stage(page, address)


def edges(stage: Locator) -> list[float]:
    """Left, top, right and bottom of the box, as shares of the photo's sides."""
    outer, box = box_of(stage), box_of(stage.locator(".box"))
    left, top = (box["x"] - outer["x"]) / outer["width"], (box["y"] - outer["y"]) / outer["height"]
    return [left, top, left + box["width"] / outer["width"], top + box["height"] / outer["height"]]


def drag(page: Page, stage: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From one place of the photo to another, both in shares of its sides."""
    outer = box_of(stage)
    page.mouse.move(outer["x"] + start[0] * outer["width"], outer["y"] + start[1] * outer["height"])
    page.mouse.down()
    for step in (0.3, 0.7, 1.0):
        across, down = (low + step * (high - low) for low, high in zip(start, end, strict=True))
        page.mouse.move(outer["x"] + across * outer["width"], outer["y"] + down * outer["height"])
    page.mouse.up()


def answer(page: Page) -> str:
    settle(page)
    return page.locator("#answer").inner_text()


def wait_for_another_than(page: Page, before: str) -> None:
    changed = "before => { const now = document.querySelector('#answer'); return now && now.innerText !== before; }"
    page.wait_for_function(changed, arg=before)


def test_the_answer_follows_the_box(page: Page, stage: Locator) -> None:
    expect(page.get_by_text("This is said of your part alone")).to_be_visible()
    said = answer(page)
    assert edges(stage) == pytest.approx([0.25, 0.2, 0.75, 0.8], abs=0.01)

    drag(page, stage, (0.5, 0.5), (0.35, 0.3))  # moved, and no further than the photo reaches
    wait_for_another_than(page, said)
    assert edges(stage) == pytest.approx([0.1, 0.0, 0.6, 0.6], abs=0.01)
    moved = answer(page)
    assert moved != said

    drag(page, stage, (0.6, 0.6), (0.9, 0.95))  # by its corner
    assert edges(stage) == pytest.approx([0.1, 0.0, 0.9, 0.95], abs=0.01)
    wait_for_another_than(page, moved)

    drag(page, stage, (0.95, 0.98), (0.5, 0.4))  # drawn anew, from outside
    assert edges(stage) == pytest.approx([0.5, 0.4, 0.95, 0.98], abs=0.01)


def test_keys_that_are_pressed_while_the_answer_is_computed_count(page: Page, stage: Locator) -> None:
    stage.locator(".box").focus()
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(330)  # just longer than the component waits before it tells
    page.wait_for_timeout(800)
    settle(page)
    assert edges(stage)[0] == pytest.approx(0.13, abs=0.005)


def test_by_the_keyboard(page: Page, stage: Locator) -> None:
    stage.locator(".box").focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowDown", "Shift+ArrowRight"):
        page.keyboard.press(key)
    assert edges(stage) == pytest.approx([0.21, 0.22, 0.73, 0.82], abs=0.01)
    page.wait_for_timeout(500)
    settle(page)
    assert edges(stage) == pytest.approx([0.21, 0.22, 0.73, 0.82], abs=0.01)


def test_the_box_stays_while_another_page_is_looked_at(page: Page, stage: Locator) -> None:
    before = answer(page)
    drag(page, stage, (0.5, 0.5), (0.4, 0.4))
    wait_for_another_than(page, before)
    said = answer(page)
    page.get_by_role("link", name="Overview").first.click()
    expect(page.get_by_text("Where to go next")).to_be_visible()
    page.get_by_role("link", name="Predict").first.click()
    expect(stage).to_be_visible()
    assert answer(page) == said and edges(stage) == pytest.approx([0.15, 0.1, 0.65, 0.7], abs=0.01)
    page.get_by_text("Look at a part only").click()
    expect(stage).to_be_hidden()
    expect(page.get_by_text("This is said of your part alone")).to_be_hidden()


def test_what_is_no_drag_changes_nothing(page: Page, stage: Locator) -> None:
    """A click beside the box, the other button, and moving on with it."""
    outer = box_of(stage)
    before, said = edges(stage), answer(page)
    page.mouse.click(outer["x"] + 0.95 * outer["width"], outer["y"] + 0.95 * outer["height"])
    page.mouse.move(outer["x"] + 20, outer["y"] + 20)
    page.mouse.down(button="right")
    page.mouse.move(outer["x"] + 200, outer["y"] + 200)
    page.mouse.up(button="right")
    assert edges(stage) == pytest.approx(before) and answer(page) == said


def test_by_touch_on_a_phone(browser: Browser, address: str) -> None:
    """A finger in the box moves it; one beside it leaves it as it is."""
    context = browser.new_context(viewport={"width": 400, "height": 900}, has_touch=True)
    page = context.new_page()
    stage = open_stage(page, address)
    stage.scroll_into_view_if_needed()
    outer, devtools = box_of(stage), context.new_cdp_session(page)
    for across, down in ((0.5, 0.5), (0.55, 0.55), (0.6, 0.6)):
        point = {"x": outer["x"] + across * outer["width"], "y": outer["y"] + down * outer["height"]}
        kind = "touchStart" if across == 0.5 else "touchMove"
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert edges(stage) == pytest.approx([0.35, 0.3, 0.85, 0.9], abs=0.02)
    context.close()
