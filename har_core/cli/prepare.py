"""`har-lens prepare`: a run's model in the form that this machine runs fastest."""

from __future__ import annotations

import argparse

from har_core.cli.options import Subparsers, given_path
from har_core.errors import ConfigError


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "prepare",
        description="Export a run's model for onnxruntime, compare it with the original, and measure which of the two is faster on "
        "this machine: the app, predict and video then use that one. It takes a minute or two, once.",
    )
    parser.add_argument("run", type=given_path, metavar="RUN", help="the run's folder; it has a model")


def run(given: argparse.Namespace) -> int:
    from har_core.export.cache import prepare
    from har_core.inference.engines import available, engines_folder
    from har_core.runs.run import Run

    found = Run.open(given.run)
    if not found.has_model:
        raise ConfigError(f"expected a run with a model at {given.run}, found one without; choose another")
    chosen = prepare(found)
    folder = engines_folder()
    if chosen == "onnx":
        print(f"{found.name}: onnxruntime is faster here and is used from now on ({folder})")
    elif available(found, folder):
        print(f"{found.name}: PyTorch is as fast here and stays in use")
    else:
        print(f"{found.name}: PyTorch stays in use; for the other way: pip install onnx onnxruntime onnxscript")
    return 0
