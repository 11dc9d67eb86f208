#!/usr/bin/env python3
"""How long does the first page take, from starting the server to the complete Overview, against an empty Streamlit app?

python -m benchmarks.cold_start [--repeat 5]

Starts a server and a browser's visit by turns, and prints the medians and their ratio.  Since the machine may be
shared, only the ratio says something; the empty app is `st.title("Empty")`.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from benchmarks.servers import FLAGS, PATIENCE, ROOT, browser_path, free_port, started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    seconds: dict[str, list[float]] = {"Overview": [], "empty app": []}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        empty = Path(folder) / "empty.py"
        empty.write_text('import streamlit as st\n\nst.title("Empty")\n')
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        for _ in range(given.repeat):
            for name, app in (("Overview", ROOT / "app.py"), ("empty app", empty)):
                seconds[name].append(first_page(browser, app, Path(folder)))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, values in seconds.items():
        print(f"{name}: {medians[name]:.1f} s ({min(values):.1f} to {max(values):.1f})")
    print(f"ratio: {medians['Overview'] / medians['empty app']:.2f}")
    return 0


def first_page(browser: Browser, app: Path, home: Path) -> float:
    """Seconds from starting a server to its complete first page."""
    port = free_port()
    context = browser.new_context()
    page = context.new_page()
    start = time.perf_counter()
    try:
        with started(app, port, {"HAR_LENS_HOME": str(home)}):
            while True:
                with socket.socket() as asked:
                    if not asked.connect_ex(("localhost", port)):
                        break
                time.sleep(0.02)
            page.goto(f"http://localhost:{port}")
            expect(page.locator("h1")).to_be_visible(timeout=PATIENCE)
            complete = page.get_by_test_id("stApp")
            expect(complete).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)
            return time.perf_counter() - start
    finally:
        context.close()


if __name__ == "__main__":
    raise SystemExit(main())
