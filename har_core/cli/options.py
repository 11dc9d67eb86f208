"""Arguments that several subcommands have, and what they mean."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, get_args

from har_core.errors import ConfigError, DataError
from har_core.files import printable

if TYPE_CHECKING:
    from har_core.inference.evaluate import Unknown
    from har_core.inference.predictor import Predictor
    from har_core.runs.manifest import View
    from har_core.runs.run import Run

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What `ArgumentParser.add_subparsers` returns."""


def given_path(text: str) -> Path:
    """A file or folder of this machine.  An empty name, as of an unset variable, would be the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("expected a file or a folder, found an empty name")
    if "\0" in text:
        raise argparse.ArgumentTypeError(
            f"expected a file or a folder, found a name with a null byte: {printable(text)}"
        )
    if scheme := re.match(r"([a-z][a-z0-9+.-]+)://", text, re.IGNORECASE):
        remedy = "leave out file://" if scheme[1].lower() == "file" else "download it first"
        raise argparse.ArgumentTypeError(f"{printable(text)} is an address, which is not read: {remedy}")
    path = Path(text)  # of --run=~/runs/a, a shell leaves the ~
    return path.expanduser() if path.parts[:1] == ("~",) and not path.exists() else path


def given_place(text: str) -> str:
    """As `given_path`, or a bucket of `har_core.scoring.places`."""
    return text if re.match(r"(s3|gs)://", text) else str(given_path(text))


def require_apart(out: str | Path | None, *data: str | Path | None) -> None:
    """Stop if an outcome would be written into a folder of photos, where it would be taken for a part of them.

    Args:
        out: a folder or file that need not exist, or a bucket; None if nothing is written.
        data: folders, files or buckets.

    Raises:
        ConfigError: if it would.
    """
    for folder in (str(one).rstrip("/") for one in data if one is not None):
        if "://" in f"{out}{folder}":
            inside = f"{out}/".startswith(f"{folder}/")
        else:
            inside = (
                out is not None and Path(folder).is_dir() and Path(out).resolve().is_relative_to(Path(folder).resolve())
            )
        if inside:
            raise ConfigError(
                f"expected a place for the outcome outside of {printable(folder)}, found {printable(str(out))}, which would be taken "
                "for a part of these photos; choose another --out"
            )


def add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        type=given_path,
        metavar="DATA",
        help="one folder per class, or photos beside a CSV with columns filename and label (Training_set.csv with train/)",
    )
    parser.add_argument("--skip-bad", action="store_true", help="skip photos and rows with problems")


def add_labels(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--labels",
        type=given_path,
        metavar="CSV",
        help="file names below DATA and their labels, in place of those that DATA brings; other photos do not count",
    )


def add_meaning(parser: argparse.ArgumentParser) -> None:
    """What labels mean that are none of the model's classes."""
    parser.add_argument(
        "--unknown",
        choices=("skip", "error"),
        help="photos of classes that the model does not know: skip, or count as errors",
    )
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        type=_pair,
        metavar="LABEL=CLASS",
        help="photos of LABEL show the model's CLASS; may be repeated (case, spaces, underscores and hyphens need no map)",
    )


def told_meaning(
    given: argparse.Namespace, labels: Collection[str], classes: Sequence[str]
) -> tuple[Unknown, dict[str, str]]:
    """What `evaluate` is to do with unknown labels, and its mapping; labels that are read otherwise are named.

    Raises:
        ConfigError: if a label is mapped to several classes, or one is named that is not there.
        DataError: if there are unknown labels, and nothing says what becomes of them.
    """
    from har_core.inference.evaluate import match_classes

    mapping: dict[str, str] = dict(given.map)
    if len(mapping) < len(set(given.map)):
        raise ConfigError(
            "expected one class for each label, found a label with several; pass --map LABEL=CLASS once for it"
        )
    meant = match_classes(labels, classes, mapping)
    for label, name in meant.items():
        if name not in (None, label):
            print(f"{printable(label)} is read as {name}", file=sys.stderr)
    unknown = [printable(label) for label, name in meant.items() if name is None]
    if unknown and not given.unknown:
        ways = (
            "pass --map LABEL=CLASS if a class has another name here, --unknown skip to skip these photos, or --unknown error to "
            "count each as an error"
        )
        expected, found = f"expected the classes {_some(list(map(printable, classes)))}", _some(unknown)
        if len(unknown) < len(meant) or len(meant) < 2:
            raise DataError(f"{expected}; found {found} too; {ways}")
        if not hasattr(given, "classes"):
            raise DataError(
                f"{expected}; found {found}, and none of the classes; choose the run of these classes, or {ways}"
            )
        remedy = (
            "check --classes, or leave it out" if given.classes else "pass --classes FILE with the names of the outputs"
        )
        raise DataError(
            f"{expected}; found {found}, and none of the classes, whose names may be wrong; {remedy}; if they are right, {ways}"
        )
    return given.unknown or "skip", mapping


def _some(names: Sequence[str], most: int = 20) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _pair(text: str) -> tuple[str, str]:
    label, _, name = text.rpartition("=")
    if not label or not name:
        raise argparse.ArgumentTypeError(f"expected LABEL=CLASS, found {text!r}")
    return label, name


def warn_of_newer_library(predictor: Predictor) -> None:
    """On stderr, if a model was made with a newer timm than is installed."""
    from har_core.models.registry import newer_library

    if (sentence := newer_library(predictor.spec)) is not None:
        print(f"warning: {printable(sentence)}", file=sys.stderr)


def tell_notes(notes: Sequence[str]) -> None:
    """On stderr, what is to be known of how a model's outputs, or labels, are read."""
    for note in notes:
        print(f"note: {printable(note)}", file=sys.stderr)


def pixels(text: str) -> int:
    """A side of 1 pixel or more."""
    try:
        side = int(text)
    except ValueError:
        side = 0
    if side < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of pixels, 1 or more; found {text!r}")
    return side


def told_classes(path: Path) -> tuple[str, ...]:
    """The class names of `--classes`; how they were read is told, where it is not one name a line.

    Raises:
        DataError: if there are none.
    """
    from har_core.imports.class_lists import read_class_list

    found = read_class_list(path)
    if found.form is not None:
        first = f"{found.names[0]}, …, {found.names[-1]}" if len(found.names) > 1 else found.names[0]
        print(printable(f"{path.name} is read as {found.form}: {len(found.names):,} classes, {first}"), file=sys.stderr)
    return found.names


def add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", type=given_path, metavar="FOLDER", help="the run (default: the shipped run)")


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
