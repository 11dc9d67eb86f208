"""`har-lens export RUN --to onnx`: a run's model, for machines without PyTorch."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from har_core.cli.options import given_path
from har_core.errors import ConfigError
from har_core.files import printable

if TYPE_CHECKING:
    from har_core.export.onnx_export import Exported
    from har_core.runs.run import Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    onnx = parser.add_argument_group("with --to onnx")
    onnx.add_argument(
        "--int8",
        action="store_true",
        help="8-bit arithmetic, scaled by photos of --photos that the run was not tested on; refused if the accuracy falls by "
        "more than 0.5 points",
    )
    onnx.add_argument(
        "--photos",
        type=given_path,
        metavar="FOLDER",
        help="what the file is compared with the model on: the run's test photos if they are there (default: cuts of the "
        "packaged photos)",
    )


def refuse_arguments(given: argparse.Namespace) -> None:
    """Raises:
    ConfigError: if something is given that only ONNX files need.
    """
    if given.int8 or given.photos is not None:
        raise ConfigError(f"expected --int8 and --photos with --to onnx, found --to {given.to}; leave them out")


def run(found: Run, given: argparse.Namespace) -> int:
    from har_core.export.int8 import Int8Options
    from har_core.export.onnx_export import export_onnx

    if given.verdicts is not None:
        raise ConfigError("expected --verdicts with labels and predictions, found it with --to onnx; leave it out")
    if given.out.suffix != ".onnx":
        raise ConfigError(f"expected --out FILE.onnx, found {printable(given.out.name)}; name the file so")
    exported = export_onnx(
        found,
        given.out,
        int8=Int8Options() if given.int8 else None,
        photos=given.photos,
        progress=lambda line: print(f"{line} …", file=sys.stderr, flush=True),
    )
    print("\n".join(_lines(exported)))
    return 0


def _lines(exported: Exported) -> list[str]:
    from har_core.export.comparison import told

    same = exported.same
    lines = [
        f"{exported.path}: {exported.bytes / 1e6:.1f} MB, outputs logits, {'class_maps, ' if exported.has_maps else ''}embeddings",
        f"32 bits: probabilities of {same.count} photos ({exported.source}) differ by at most {same.difference:.1e}",
    ]
    if exported.int8 is not None:
        lines.append(f"8 bits: {told(exported.int8)}")
    if not exported.has_maps:
        lines.append("The class maps of this network need gradients and are not in the file: occlusion explains it.")
    if exported.fewer_views:
        lines.append(f"Not all views of the run can be had from the file: it answers by {', '.join(exported.views)}.")
    if exported.speed is not None:
        compared = f"{exported.speed:.2f} times as fast as 32 bits"
        slower = exported.speed < 1
        lines.append(
            f"On this machine 8 bits are slower: {compared}; use the file without --int8 here."
            if slower
            else f"On this machine 8 bits are {compared}."
        )
    return lines
