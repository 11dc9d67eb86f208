"""Class names of 80 letters, and with markup in them: nothing runs off the page, and all is shown as it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import heading, require_fit, served
from tests.helpers import random_predictions
from tests.pages.conftest import write_run

LETTERS = tuple(first * 40 + last * 40 for first, last in ("ab", "cd", "ef"))
MARKS = (" cat ", ":material/home:", "R&amp;B", "*star*", "`tick`", ":smile:", "$5 and $6", "_under_")


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[str]:
    """The address of an app with runs of such classes."""
    folder: Path = tmp_path_factory.mktemp("odd")
    for name, classes in (("letters", LETTERS), ("marks", MARKS)):
        write_run(folder / name, random_predictions(60, classes))
    with served(folder / "no-photos", folder, folder / "home") as address:
        yield address


@pytest.mark.parametrize("query", ["errors?show=all&run=letters", "errors?show=all&photo=Image_0.jpg&run=letters"])
@pytest.mark.parametrize("width", [1024, 400])
def test_long_names_stay_in_their_cards(page: Page, odd: str, query: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{odd}/{query}")
    heading(page)
    require_fit(page, width)


@pytest.mark.parametrize("width", [1024, 400])
def test_published_results_fit(page: Page, odd: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{odd}/compare")
    table = page.locator(".st-key-published table")
    expect(table).to_contain_text("ResNet-50")
    heading(page)
    box = table.evaluate("table => [table.getBoundingClientRect().width, table.parentElement.clientWidth]")
    assert box[0] <= box[1] + 1


def test_markup_in_names_is_text(page: Page, odd: str) -> None:
    page.goto(f"{odd}/?run=marks")
    heading(page)
    known = page.get_by_text("It knows 8 classes")
    shown = known.inner_text().replace("\u2060", "")
    assert "cat, :material/home:, R&amp;B, *star*, `tick`, :smile:, $5 and $6, under, and often" in shown
    assert "**" not in page.get_by_test_id("stMain").inner_text()
