"""`har-lens convert`: bring run folders of an earlier version to the format of this one."""

from __future__ import annotations

import argparse

from har_core.cli.options import Subparsers, given_path


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("convert", description="Rewrite run folders of version 0.1 (card.json) as run.json.")
    parser.add_argument("folders", nargs="+", type=given_path, metavar="RUN", help="a run folder")


def run(given: argparse.Namespace) -> int:
    from har_core.runs.legacy import convert

    for folder in given.folders:
        print(f"Run: {convert(folder).folder}")
    return 0
