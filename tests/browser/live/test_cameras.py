"""Cameras that cannot be had, that are gone, or of which there are several."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.live.conftest import live_tracks, start


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
