#!/usr/bin/env python3
"""How good is a model on photos as they come from elsewhere?

python -m benchmarks.elsewhere DATA RUN [RUN …] [--photos 630] [--views A,B] [--soup] [--ensemble] [--keep]

Shows the photos that the first run was evaluated on to every run, as they are and with each shift of `har_core.data.shifts`
(smaller on other surroundings, nearer, other shapes, damaged as by a phone), and prints accuracies with their mean and
worst per group.

--soup also scores the mean of all runs' weights, --ensemble that of their probabilities; --keep writes a run's table into its folder as robustness.csv, which the
Scores page shows.  Runs of `train.py DATA --eval-split dev` choose, those evaluated on the test photos only report.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from har_core.analysis.calibration import expected_calibration_error
from har_core.cli.options import add_views
from har_core.data.shifts import SHIFTS, Shift
from har_core.inference.predictor import Predictor
from har_core.media.images import open_photo
from har_core.media.layout import photo_folder
from har_core.runs.predictions import evenly_spaced
from har_core.runs.robustness import CLEAN, write_robustness
from har_core.runs.run import Run
from har_core.training.soup import average

Variants = list[tuple[str, str, Shift]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--photos", type=int, default=630, help="evenly drawn from those of the evaluation")
    add_views(parser)
    parser.add_argument("--soup", action="store_true")
    parser.add_argument("--ensemble", action="store_true")
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    runs = [Run.open(folder) for folder in given.runs]
    table, photos = runs[0].predictions(), photo_folder(given.data)
    rows = evenly_spaced(len(table), given.photos)
    paths, true = [photos / table.samples[row] for row in rows], table.true[rows]
    predictors = {run.name: Predictor.from_run(run, views=given.views) for run in runs} | (
        {"soup": Predictor(*average(runs))} if given.soup else {}
    )
    variants: Variants = [(CLEAN, CLEAN, lambda photo: photo)]
    variants += [(group, name, shift) for group, shifts in SHIFTS.items() for name, shift in shifts.items()]
    names = [*predictors, *(["ensemble"] if given.ensemble else [])]
    correct = {name: np.zeros((len(paths), len(variants)), dtype=bool) for name in names}
    confidence = {name: np.zeros((len(paths), len(variants))) for name in names}
    for number, (path, label) in enumerate(zip(tqdm(paths, unit=" photos"), true.tolist(), strict=True)):
        shown = list(shifted(open_photo(path), variants))
        probabilities = {}
        for name, predictor in predictors.items():
            outcomes = [one for _, one in predictor.predict_all(shown, lambda photo: photo, batch_size=len(shown))]
            probabilities[name] = np.stack([one.probabilities for one in outcomes if not isinstance(one, Exception)])
        if given.ensemble:
            probabilities["ensemble"] = np.mean(list(probabilities.values()), axis=0)
        for name, found in probabilities.items():
            correct[name][number], confidence[name][number] = found.argmax(axis=1) == label, found.max(axis=1)
    for name in names:
        report(name, correct[name], confidence[name], variants)
    if given.keep:
        for run in runs:
            columns = {"group": [group for group, *_ in variants], "shift": [name for _, name, _ in variants]}
            write_robustness(
                run, pd.DataFrame(columns | {"correct": correct[run.name].sum(axis=0), "photos": len(paths)})
            )


def shifted(photo: Image.Image, variants: Variants) -> Iterator[Image.Image]:
    for _, _, shift in variants:
        yield shift(photo)


def report(name: str, correct: np.ndarray, confidence: np.ndarray, variants: Variants) -> None:
    """Print one run's accuracies, and how far its probabilities are off.

    Args:
        correct: (photos, variants) bool.
        confidence: (photos, variants) probabilities of the answers.
    """
    print(f"{name}, {len(correct):,} photos")
    accuracy, groups = correct.mean(axis=0), [group for group, *_ in variants]
    for value, (group, shift, _) in zip(accuracy, variants, strict=True):
        print(f"  {group:>8}  {shift:45} {value:.3f}")
    for group in SHIFTS:
        values = accuracy[[at == group for at in groups]]
        print(f"  {group}: mean {values.mean():.3f}, worst {values.min():.3f}")
    print(f"  all shifts: mean {accuracy[1:].mean():.3f}, worst {accuracy[1:].min():.3f}")
    error = expected_calibration_error(confidence[:, 1:].ravel(), correct[:, 1:].ravel())
    print(
        f"  all shifts: mean probability {confidence[:, 1:].mean():.3f}, expected calibration error {error:.3f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
