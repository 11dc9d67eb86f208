"""Arguments that several subcommands have, and what they mean."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, get_args

if TYPE_CHECKING:
    from har_core.runs.manifest import View
    from har_core.runs.run import Run

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What `ArgumentParser.add_subparsers` returns."""


def add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="DATA", help="Training_set.csv with train/, or one folder per class")
    parser.add_argument("--skip-bad", action="store_true", help="skip photos and rows with problems")


def add_labels(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="CSV",
        help="file names below DATA and their labels, in place of those that DATA brings; other photos do not count",
    )


def add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", type=Path, metavar="FOLDER", help="the run (default: the shipped run)")


def add_views(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--views",
        type=views,
        metavar="A,B",
        help="the parts of a photo that answer together: center, whole, evidence, or mean: all of them (default: those stored "
        "with the model)",
    )


def views(text: str) -> tuple[View, ...]:
    """What `--views` names."""
    from har_core.runs.manifest import View, in_order

    names = [name.strip().lower().replace("centre", "center") for name in text.split(",")]
    if names == ["mean"]:
        return get_args(View)
    if not set(names) <= set(get_args(View)):
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(get_args(View))}, or mean alone; found {text!r}")
    return in_order(names)


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")


def chosen_run(given: argparse.Namespace) -> Run:
    """The run of `--run`, or the shipped one.

    Raises:
        RunError: if it is missing or damaged.
    """
    from har_core.runs.run import Run, shipped_run

    return Run.open(given.run) if given.run else shipped_run()
