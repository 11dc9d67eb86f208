#!/usr/bin/env python3
"""How long the map of embeddings takes: until its points are drawn, and from a lasso to the photos in it.

python -m benchmarks.bench_map [--points 12562 100000] [--repeat 3]

Starts the app and Chromium, and prints medians in seconds.  "Cold" is the first visit that a server gets to a run of so many
points, "again" a later one of another visitor; both end when every point is drawn.  Of both, the time of the same page with
ten points is told as well: so long does the rest take.  Where there is no graphics card, Chromium draws by the processor.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks.servers import FLAGS, PATIENCE, browser_path, served

FEW = 10
CLASSES = tuple("abcdefghijklmno")
FIGURE = ".st-key-map-figure .js-plotly-plot"
_DRAWN = """([selector, count]) => {
    const chart = document.querySelector(selector)
    const drawn = chart?._fullData?.reduce((sum, trace) => sum + trace.x.length, 0) === count
    const canvas = chart?.querySelector("canvas.gl-canvas-context")
    const gl = drawn && canvas?.getContext("webgl")
    if (!gl) return false
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4))  // waits for what is still being drawn
    return true
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, nargs="*", default=[12_562, 100_000])
    parser.add_argument("--repeat", type=int, default=3, help="servers that are started")
    given = parser.parse_args()
    counts = [FEW, *given.points]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for count in counts:
            make(Path(folder) / "runs" / f"map-{count}", count)
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        found: dict[int, list[dict[str, float]]] = {count: [] for count in counts}
        for _ in range(given.repeat):
            surroundings = {"HAR_RUNS": f"{folder}/runs", "HAR_LENS_HOME": f"{folder}/home", "HAR_DATA": folder}
            with served(surroundings) as (address, _process):
                visit(browser, address, FEW)  # nobody's first page
                for count in counts:
                    cold, again = visit(browser, address, count), visit(browser, address, count)
                    found[count].append({"cold": cold["drawn"], **again})
    for count in counts:
        middle = {name: median(one[name] for one in found[count]) for name in found[count][0]}
        print(
            f"{count:,} points: drawn after {middle['cold']:.2f} s cold, {middle['drawn']:.2f} s again; "
            f"{middle['received'] / 1e6:.2f} MB received"
        )
        if count > FEW:
            print(
                f"  a lasso around {middle['photos']:,.0f} points: {middle['gesture']:.2f} s while it is drawn, "
                f"{middle['answer']:.2f} s until its first photos; {middle['sent'] / 1e6:.3f} MB sent, and "
                f"{middle['later'] / 1e6:.3f} MB with a later click"
            )


def make(folder: Path, count: int) -> None:
    """A run of 15 classes, 85 % right, with a stored map on which they are clusters."""
    from har_core.analysis.embedding_map import SCHEMA
    from har_core.runs.file_names import EMBEDDING_MAP, PREDICTIONS
    from har_core.runs.manifest import COMPLETE, Manifest
    from har_core.runs.predictions import Predictions
    from har_core.runs.tables import write_table
    from har_core.runs.writing import write_manifest

    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.full(len(CLASSES), 0.2), count).astype(np.float32)
    other = random.integers(0, len(CLASSES), count)
    true = np.where(random.random(count) < 0.85, probabilities.argmax(axis=1), other)
    samples = np.array([f"Image_{number}.jpg" for number in range(count)], dtype=object)
    predictions = Predictions(CLASSES, samples, true, probabilities)
    predictions.write(folder / PREDICTIONS)
    run = write_manifest(folder, Manifest(status=COMPLETE, classes=CLASSES))
    names = np.array(CLASSES, dtype=object)
    places = random.normal(scale=5, size=(len(CLASSES), 2))[true] + random.normal(size=(count, 2))
    columns = {"sample": samples, "split": "test", "true": names[true], "predicted": names[predictions.predicted]}
    write_table(run, EMBEDDING_MAP, pd.DataFrame(columns | {"x": places[:, 0], "y": places[:, 1]}), SCHEMA)


def visit(browser: Browser, address: str, count: int) -> dict[str, float]:
    """Open the map and draw a lasso; seconds, and bytes of the WebSocket."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    traffic = watch(context.new_cdp_session(page))
    start = time.perf_counter()
    page.goto(f"{address}/map?run=map-{count}")
    page.wait_for_function(_DRAWN, arg=[FIGURE, count])
    found = {"drawn": time.perf_counter() - start, "received": float(traffic["received"])}
    settle(page)
    if count > FEW:
        page.wait_for_timeout(1000)
        traffic["sent"] = 0
        start = time.perf_counter()
        lasso(page)
        found["gesture"] = time.perf_counter() - start
        start = time.perf_counter()
        page.locator("[class*=st-key-card-]").first.wait_for()
        found["answer"] = time.perf_counter() - start
        found["sent"] = traffic["sent"]
        found["photos"] = float(page.get_by_role("heading", name="selected").inner_text().split()[0].replace(",", ""))
        settle(page)
        traffic["sent"] = 0
        page.get_by_role("button", name="Clear the selection").click()
        page.locator("[class*=st-key-card-]").first.wait_for(state="detached")
        settle(page)
        found["later"] = traffic["sent"]
    context.close()
    return found


def watch(session: CDPSession) -> dict[str, int]:
    """Bytes that the page receives and sends by its WebSocket, as they come."""
    traffic = {"received": 0, "sent": 0}
    session.send("Network.enable")
    for name, way in (("webSocketFrameReceived", "received"), ("webSocketFrameSent", "sent")):

        def count(event: dict[str, dict[str, str]], way: str = way) -> None:
            traffic[way] += len(event["response"]["payloadData"]) * 3 // 4  # base64

        session.on(f"Network.{name}", count)
    return traffic


def settle(page: Page) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def lasso(page: Page) -> None:
    """Around the middle of the map."""
    figure = page.locator(FIGURE)
    figure.scroll_into_view_if_needed()
    box = figure.bounding_box()
    assert box is not None
    across, down = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    corners = [(-160, -120), (160, -120), (160, 120), (-160, 120), (-160, -120)]
    page.mouse.move(across + corners[0][0], down + corners[0][1])
    page.mouse.down()
    for x, y in corners[1:]:
        page.mouse.move(across + x, down + y, steps=8)
    page.mouse.up()


if __name__ == "__main__":
    main()
