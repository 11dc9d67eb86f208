"""`har-lens download`: fetch the data set from Kaggle."""

from __future__ import annotations

import argparse
from pathlib import Path

from har_core.cli.options import Subparsers, given_path


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("download", description="Fetch the data set from Kaggle (public, no key; ODbL-1.0).")
    parser.add_argument(
        "--data", type=given_path, default=Path("data"), metavar="FOLDER", help="where to (default: %(default)s)"
    )


def run(given: argparse.Namespace) -> int:
    from har_core.data.download import download

    print(f"The data set (ODbL-1.0) is in {download(given.data)}")
    return 0
