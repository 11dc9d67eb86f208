#!/usr/bin/env python3
"""Real visitors in a headless browser: does each get the answer to their own photo, and how long does it take?

python -m benchmarks.many_visitors [--visitors 1 4 16] [--photos 20] [--sessions 300]

Starts the app.  N visitors at once upload one photo after the other and read the answer; then sessions are opened, given
a photo and closed one after the other while the server's memory is watched.  Prints a line for each.  Streamlit keeps a
session for two minutes after its browser has gone; here for ten seconds, which are waited out before memory is read.

Exits with 1 if an answer is wrong or missing, or if memory grows by 50 MB or more after the first third of the sessions.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import statistics
import sys
import tempfile
import time
import urllib.request

from PIL import Image
from playwright.async_api import Browser, async_playwright, expect

from app_pages.predict.sets import Rule, words
from benchmarks import memory
from benchmarks.servers import FLAGS, PATIENCE, ROOT, browser_path, served
from har_core.inference.answer_rules import frame_rule
from har_core.inference.predictor import Predictor
from har_core.media.images import open_photo
from har_core.runs.run import shipped_run

KEPT = 10  # seconds
GROWTH = 50  # MB


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, nargs="*", default=[1, 4, 16])
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        keeping = ("--server.disconnectedSessionTTL", str(KEPT))
        with served({"HAR_LENS_HOME": home}, *keeping) as (address, process):
            return asyncio.run(drive(given, address, process))


async def drive(given: argparse.Namespace, address: str, process: int) -> int:
    photos, failures = prepared(), 0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        await visit(browser, address, photos[:1])  # the model is loaded for the first visitor
        for visitors in given.visitors:
            start = time.perf_counter()
            turns = [
                [photos[(visitor + turn) % len(photos)] for turn in range(given.photos)] for visitor in range(visitors)
            ]
            found = await asyncio.gather(*(visit(browser, address, turn) for turn in turns))
            times = sorted(seconds for own, _ in found for seconds in own)
            failures += (wrong := sum(errors for _, errors in found))
            p99 = times[min(len(times) - 1, int(0.99 * len(times)))] if times else float("nan")
            median = statistics.median(times) if times else float("nan")
            print(
                f"{visitors} visitors, {len(times) + wrong} photos: wrong or missing answers {wrong}, "
                f"p50 {median:.2f} s, p99 {p99:.2f} s, {time.perf_counter() - start:.0f} s in all, "
                f"peak memory {memory.peak(process) / 1e6:.0f} MB",
                flush=True,
            )
        grown, wrong = await sessions(browser, address, process, photos, given.sessions)
        failures += wrong
        await browser.close()
    return 1 if failures or grown >= GROWTH else 0


def prepared() -> list[tuple[str, bytes, str]]:
    """(name, content, right answer) of sample photos, cut in different ways so that answers and names differ."""
    run = shipped_run()
    predictor = Predictor.from_run(run)
    found = frame_rule(run, predictor)
    rule = Rule(found.lowest, found.threshold, found.least_known)
    result = []
    for path in sorted((ROOT / "assets" / "samples").glob("*.jpg")):
        photo = open_photo(path)
        for part in range(6):
            left, top = photo.width * (part % 3) // 8, photo.height * (part // 3) // 4
            buffer = io.BytesIO()
            photo.crop((left, top, left + photo.width * 3 // 4, top + photo.height * 3 // 4)).save(buffer, format="PNG")
            seen = predictor.predict(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB"), path.stem)
            result.append((f"{path.stem}-{part}.png", buffer.getvalue(), words(seen, rule)[0]))
    return result


async def visit(browser: Browser, address: str, photos: list[tuple[str, bytes, str]]) -> tuple[list[float], int]:
    """Upload one photo after the other, each in a session of its own; (seconds to each right answer, failures)."""
    context = await browser.new_context(viewport={"width": 1400, "height": 900})
    page = await context.new_page()
    times, failures = [], 0
    for name, content, answer in photos:
        try:
            await page.goto(f"{address}/predict", timeout=PATIENCE)
            await expect(page.get_by_text("Try this sample").first).to_be_visible(timeout=PATIENCE)
            start = time.perf_counter()
            await page.set_input_files("input[type=file]", {"name": name, "mimeType": "image/png", "buffer": content})
            await expect(page.locator("#answer-action")).to_have_text(answer, timeout=PATIENCE)
            await expect(page.locator(f"img[alt^='{name}']").first).to_be_attached(timeout=PATIENCE)
            times.append(time.perf_counter() - start)
        except AssertionError:
            failures += 1
    await context.close()
    return times, failures


async def sessions(
    browser: Browser, address: str, process: int, photos: list[tuple[str, bytes, str]], count: int
) -> tuple[float, int]:
    """One session after the other uploads a photo and closes; (MB the server grows by after the first third, failures)."""
    marks, failures = [], 0
    for number in range(1, count + 1):
        failures += (await visit(browser, address, [photos[number % len(photos)]]))[1]
        if number in (count // 3, 2 * count // 3, count):
            await asyncio.sleep(KEPT + 5)
            marks.append(memory.held(process) / 1e6)
    if not marks:
        return 0.0, 0
    told = ", ".join(f"{size:.0f} MB" for size in marks)
    print(
        f"{count} sessions opened, given a photo and closed: wrong or missing answers {failures}; "
        f"memory after a third, two thirds and all: {told}; the model was loaded {loaded(address)} times"
    )
    return marks[-1] - marks[0], failures


def loaded(address: str) -> int:
    """How often the app has read its model, by Streamlit's count of what it did not find in its cache."""
    with urllib.request.urlopen(f"{address}/_stcore/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    cached = "app_pages.state.models._predictor"
    counted = f'cache_lookups_total{{cache="{cached}",cache_type="st_cache_resource",result="miss"}} '
    return int(next(line for line in lines if line.startswith(counted)).removeprefix(counted))


if __name__ == "__main__":
    sys.exit(main())
