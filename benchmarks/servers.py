"""The app on a free port of this machine, and what visits it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip
"""Of Chromium."""

PATIENCE = 120_000  # milliseconds
_START = 60.0  # seconds


def browser_path() -> str | None:
    """Chromium, if it is installed; Playwright brings its own otherwise."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return int(free.getsockname()[1])


@contextmanager
def started(app: Path, port: int, surroundings: dict[str, str], *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server of a Streamlit app, which may not answer yet; stopped when the block ends.

    Args:
        surroundings: environment variables besides those of this process.
        options: of `streamlit run`.
    """
    command = [sys.executable, "-m", "streamlit", "run", str(app), "--server.port", str(port)]
    command += ["--server.headless", "true", *options]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | surroundings, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def served(surroundings: dict[str, str], *options: str) -> Iterator[tuple[str, int]]:
    """HAR Lens, once it answers; its address and process number.

    Raises:
        SystemExit: if it does not start within a minute.
    """
    port = free_port()
    with started(ROOT / "app.py", port, surroundings, *options) as process:
        deadline = time.monotonic() + _START
        while True:
            try:
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=2).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("expected the app to start, found no answer; see what it says above") from None
                time.sleep(0.1)
        yield f"http://localhost:{port}", process.pid
