"""Selections on the map of embeddings, and maps of many photos."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from har_core.analysis.embedding_map import SCHEMA
from har_core.runs.file_names import EMBEDDING_MAP
from har_core.runs.run import Run
from har_core.runs.tables import write_table
from tests.browser.conftest import box_of, heading, require_fit, settle
from tests.helpers import random_predictions
from tests.pages.conftest import write_run

FIGURE = ".st-key-map-figure .js-plotly-plot"
Box = tuple[float, float, float, float]

_COUNT = """([selector, [left, top, right, bottom]]) => {
    const chart = document.querySelector(selector), {xaxis, yaxis} = chart._fullLayout
    let count = 0
    for (const trace of chart._fullData.filter(trace => trace.visible === true))
        trace.x.forEach((x, index) => {
            const across = xaxis._offset + xaxis.d2p(x), down = yaxis._offset + yaxis.d2p(trace.y[index])
            count += across >= left && across <= right && down >= top && down <= bottom
        })
    return count
}"""

_DRAWN = """([selector, count]) => {
    const chart = document.querySelector(selector)
    return chart?.querySelector("canvas") && chart._fullData?.reduce((sum, trace) => sum + trace.x.length, 0) === count
}"""


def store_map(folder: Path, count: int) -> Run:
    """A run whose photos lie on a stored map by their class."""
    predictions = random_predictions(count, tuple("abcdefghijklmno"))
    run = Run.open(write_run(folder, predictions, maps=False))
    names, random = np.array(predictions.classes, dtype=object), np.random.default_rng(0)
    places = random.normal(scale=5, size=(15, 2))[predictions.true] + random.normal(size=(count, 2))
    columns = {"sample": predictions.samples, "split": "test", "true": names[predictions.true]}
    columns |= {"predicted": names[predictions.predicted], "x": places[:, 0], "y": places[:, 1]}
    return write_table(run, EMBEDDING_MAP, pd.DataFrame(columns), SCHEMA)


def wait_for_points(page: Page, count: int) -> None:
    page.wait_for_function(_DRAWN, arg=[FIGURE, count])


def count_points(page: Page, box: Box, *, more: float) -> int:
    """Visible points in a part of the figure that is larger by so many pixels on each side."""
    left, top, right, bottom = box
    return int(page.evaluate(_COUNT, [FIGURE, [left - more, top - more, right + more, bottom + more]]))


def lasso(page: Page) -> Box:
    """Draw a line around the middle of the map; returns what is inside, in pixels of the figure."""
    figure = page.locator(FIGURE)
    figure.scroll_into_view_if_needed()
    place = box_of(figure)
    middle = place["width"] / 2, place["height"] / 2
    box = middle[0] - 120, middle[1] - 90, middle[0] + 120, middle[1] + 90
    corners = [(box[0], box[1]), (box[2], box[1]), (box[2], box[3]), (box[0], box[3]), (box[0], box[1])]
    page.mouse.move(place["x"] + corners[0][0], place["y"] + corners[0][1])
    page.mouse.down()
    for across, down in corners[1:]:
        page.mouse.move(place["x"] + across, place["y"] + down, steps=8)
    page.mouse.up()
    return box


def selected(page: Page) -> tuple[int, int]:
    """How many photos are selected, and how many of these are misclassified."""
    sentence = page.get_by_role("heading", name=re.compile("photos selected"))
    expect(sentence).to_be_visible()
    settle(page)
    photos, errors = re.findall(r"[\d,]+", sentence.inner_text())[:2]
    return int(photos.replace(",", "")), int(errors.replace(",", ""))


def test_a_lasso_opens_its_photos_and_stays(page: Page, address: str) -> None:
    """On the quick map of the shipped run: to a photo and back, and to other colors."""
    page.goto(f"{address}/map")
    heading(page)
    wait_for_points(page, 1890)
    box = lasso(page)
    found = selected(page)
    assert count_points(page, box, more=-3) <= found[0] <= count_points(page, box, more=3)
    assert 0 < found[1] < found[0] < 1890
    cards = page.locator("[class*=st-key-card-]")
    expect(cards).to_have_count(min(24, found[0]))

    cards.first.get_by_role("link", name="Open").click()
    page.wait_for_url(lambda url: "photo=" in url)
    heading(page)
    page.go_back()
    assert selected(page) == found
    wait_for_points(page, 1890)
    chosen = "selector => document.querySelector(selector)._fullData.flatMap(trace => [...trace.selectedpoints]).length"
    assert page.evaluate(chosen, FIGURE) == found[0]

    page.get_by_role("radio", name="true class").click()
    page.wait_for_url(lambda url: "color=true" in url)
    assert selected(page) == found
    page.get_by_role("button", name="Clear the selection").click()
    expect(cards).to_have_count(0)
    settle(page)
    assert (
        page.evaluate("selector => document.querySelector(selector)._fullData[0].selectedpoints ?? null", FIGURE)
        is None
    )


def test_what_the_legend_hides_is_not_selected(page: Page, address: str) -> None:
    page.goto(f"{address}/map")
    heading(page)
    wait_for_points(page, 1890)
    page.locator(f"{FIGURE} .legendtoggle").first.click()
    page.wait_for_function(
        "selector => document.querySelector(selector)._fullData[0].visible === 'legendonly'",
        arg=FIGURE,
    )
    lasso(page)
    photos, errors = selected(page)
    assert photos == errors > 0


@pytest.mark.parametrize("count", [12_562, 100_000])
def test_many_photos_are_drawn_and_selected(page: Page, address: str, runs_folder: Path, count: int) -> None:
    if not (runs_folder / f"map-{count}").exists():
        store_map(runs_folder / f"map-{count}", count)
    sent: list[int] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(len(frame))))
    page.goto(f"{address}/map?run=map-{count}")
    wait_for_points(page, count)
    settle(page)
    box = lasso(page)
    photos, errors = selected(page)
    assert count_points(page, box, more=-3) <= photos <= count_points(page, box, more=3) and 0 < errors < photos
    assert 0 < max(sent) < count / 8 * 4 / 3 + 5_000, "a selection is told by more than one bit for each point"


@pytest.mark.parametrize("width", [400, 1024])
def test_the_map_fits_a_narrow_screen(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/map?color=true")
    heading(page)
    wait_for_points(page, 1890)
    require_fit(page, width)
