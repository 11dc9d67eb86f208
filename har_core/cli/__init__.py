"""Arguments of the shell → calls of the library: `har-lens COMMAND`, the same as `python -m har_core COMMAND`."""

from __future__ import annotations

import argparse
import importlib
import keyword
import sys
from collections.abc import Sequence

from har_core import __version__
from har_core.cli.terminal import run_command

COMMANDS = {
    "app": "open the app in a browser",
    "download": "fetch the data set from Kaggle (public, no key; ODbL-1.0)",
    "train": "train a model on labeled photos",
    "predict": "name the action in photos",
    "video": "say what clips show from when to when",
    "evaluate": "score a model on labeled photos or clips",
    "score": "score any classifier: timm, Hugging Face, ONNX; the run carries it",
    "analyze": "find label suspects, near-duplicates and slices of a run, and judge its heatmaps",
    "import": "make a run of predictions that come from elsewhere: a table, Parquet, NPZ, FiftyOne, Hugging Face",
    "export": "write a run's model as ONNX, its corrected labels, or its predictions as other tools read them",
    "prepare": "measure how this machine runs a run's model fastest, and let the app and predict do so",
    "calibrate": "make a run's probabilities right as often as they say",
    "soup": "average the weights of several runs",
    "near-duplicates": "find test photos that show the same as a training photo",
    "convert": "bring run folders of an earlier version to this one's format",
}
"""Each is a module of this package, `import` that of import_: `add_parser(subparsers)` describes its arguments, `run(given)` does the work."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 1 after an error that is told in one line, 2 for wrong arguments, 130 after Ctrl-C."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="har-lens", description="Recognize actions in photos, train and score models, fetch the data set."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    module = None
    for name, summary in COMMANDS.items():
        if [name] == arguments[:1]:  # only what is asked for is imported
            module = importlib.import_module(f"har_core.cli.{_module(name)}")
            module.add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=summary)
    given = parser.parse_args(arguments)
    assert module is not None  # otherwise the parser has ended the program
    return run_command(lambda: int(module.run(given)))


def _module(command: str) -> str:
    name = command.replace("-", "_")
    return name + "_" if keyword.iskeyword(name) else name
