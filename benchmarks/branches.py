#!/usr/bin/env python3
"""What is a soup of trainings worth that share their first epochs?

python -m benchmarks.branches DATA OUT --weights FILE [--shared 3] [--branches 3]
har-lens soup DATA OUT/baseline OUT/branch-1 OUT/branch-2 --out OUT/branches

The trainings are those of `benchmarks.levers augmentations`, whose first line, OUT/baseline, is the branch 0.  OUT/trunk holds
their shared epochs; each further branch goes on from there with the order and the crops that training of a soup would have
(`--soup-offset`).  What is there already is not trained again, and a training that was cut off goes on.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from benchmarks.levers import FIRST, SEEN_OFTEN, thinned, trained
from har_core.data.corrections import Corrections
from har_core.data.scan import LabeledPhotos, scan
from har_core.training.config import TrainConfig
from har_core.training.state import STATE, read_state, write

EVERY = 4
"""Which photos of a class train: as in `benchmarks.levers augmentations`."""


class _Enough(Exception):
    """The shared epochs are over, and their state is on disk."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--shared", type=int, default=3, help="epochs")
    parser.add_argument("--branches", type=int, default=3, help="the first line included")
    given = parser.parse_args()
    config = SEEN_OFTEN.replace(weights=given.weights)
    if not 0 < given.shared < config.epochs:
        parser.error(f"expected --shared from 1 to {config.epochs - 1}, found {given.shared}")
    photos = scan(given.data, verify=False)
    corrections = thinned(photos, EVERY)
    trunk = given.out / "trunk"
    grow(photos, corrections, trunk, config, given.shared)
    for number in range(given.branches):
        folder, own = given.out / (f"branch-{number}" if number else FIRST), config.replace(soup_offset=number)
        if number and not folder.exists():
            branch_off(trunk, folder, number)
        run = trained(photos, corrections, folder, own)
        table = run.predictions()
        print(f"{folder.name:10} accuracy {(table.true == table.predicted).mean():.4f}", flush=True)


def grow(photos: LabeledPhotos, corrections: Corrections, trunk: Path, config: TrainConfig, shared: int) -> None:
    """Train the shared epochs, or the rest of them."""

    def stop(row: dict[str, float], best: bool) -> None:
        if row["epoch"] == shared:
            raise _Enough

    if (trunk / STATE).is_file() and read_state(trunk)["progress"]["epoch"] > shared:
        return
    try:
        trained(photos, corrections, trunk, config, stop)
    except _Enough:
        return


def branch_off(trunk: Path, folder: Path, number: int) -> None:
    """Copy a training, which then goes on in another order."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(trunk, partial)
    state = read_state(partial)
    state["identity"]["configuration"]["soup_offset"] = state["config"]["soup_offset"] = number
    write(partial / STATE, state)
    partial.rename(folder)


if __name__ == "__main__":
    main()
