"""`har-lens app`: the app, in a browser."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from har_core.cli.options import Subparsers, given_path
from har_core.errors import ConfigError


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "app",
        description="Open the app in a browser, the same as `streamlit run app.py`.  Runs that are kept, and the data set, lie "
        "in the folder where it is started.",
    )
    parser.add_argument(
        "--data", type=given_path, metavar="DIR", help="the photos behind the predictions (default: data/)"
    )
    parser.add_argument(
        "--runs", type=given_path, metavar="DIR", help="one more folder of runs, beside the shipped ones and runs/"
    )
    parser.add_argument("--trust-visitors", action="store_true", help="let visitors from other machines judge photos")
    parser.add_argument("--port", type=int, default=8501, help="default: %(default)s")
    parser.add_argument("--headless", action="store_true", help="do not open a browser")


def run(given: argparse.Namespace) -> int:
    script = script_path()
    options = ["--server.port", str(given.port), *(["--server.headless", "true"] if given.headless else [])]
    own = [text for name in ("data", "runs") if (value := getattr(given, name)) for text in (f"--{name}", str(value))]
    own += ["--trust-visitors"] if given.trust_visitors else []
    command = [sys.executable, "-m", "streamlit", "run", str(script), *options, "--", *own]
    os.execv(sys.executable, command)  # signals then reach the server itself


def script_path() -> Path:
    """The app's first file: beside the package in a checkout, inside it where it is installed.

    Raises:
        ConfigError: if it is in neither place.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "app", package.parent):
        if (folder / "app.py").is_file() and (folder / "app_pages").is_dir():
            return folder / "app.py"
    raise ConfigError("expected the app beside the package, found none; install it again with pip install .")
