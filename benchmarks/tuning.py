#!/usr/bin/env python3
"""What costs no training: other views of a photo, and the mean of several runs' weights.

python -m benchmarks.tuning DATA RUN [RUN …] [--resize 160 …] [--group dancing,fighting …]

Scores each run, and the mean of their weights, on the photos that the first run was scored on: as they are cropped for
evaluation, averaged with their mirror images, and resized otherwise before the crop.  Accuracy, macro F1, recall of groups
of classes, and McNemar's test against the first line.  For runs of `train.py DATA --eval-split dev`, so that nothing is
chosen on the test photos.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.metrics import f1_score

from har_core.analysis.compare import mcnemar
from har_core.data.samples import Sample
from har_core.inference.evaluate import evaluate
from har_core.inference.predictor import Predictor
from har_core.media.layout import photo_folder
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run
from har_core.training.soup import average


def recall(table: Predictions, right: np.ndarray, group: str) -> float:
    """The share of right answers among the photos of some classes, which `group` names with commas between them."""
    numbers = [table.classes.index(name) for name in group.split(",")]
    return float(right[np.isin(table.true, numbers)].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument(
        "--resize", type=int, nargs="*", default=[], help="shorter sides, in pixels, besides the runs' own"
    )
    parser.add_argument(
        "--group", nargs="*", default=[], help="classes, with commas between them, whose recall to print"
    )
    given = parser.parse_args()
    runs = [Run.open(folder) for folder in given.runs]
    table, photos = runs[0].predictions(), photo_folder(given.data)
    samples = [
        Sample(name, photos / name, table.classes[true])
        for name, true in zip(table.samples, table.true.tolist(), strict=True)
    ]
    first: np.ndarray | None = None
    predictors = {run.name: Predictor.from_run(run) for run in runs} | (
        {"soup": Predictor(*average(runs))} if len(runs) > 1 else {}
    )
    for name, predictor in predictors.items():
        for resize in (predictor.spec.resize, *given.resize):
            view = Predictor(predictor.model, replace(predictor.spec, resize=resize))
            for what, flip in (("", False), (" with mirror image", True)):
                chances = evaluate(samples, view, flip=flip).predictions.probabilities
                answers = chances.argmax(axis=1)
                right = answers == table.true
                first = right if first is None else first
                found = mcnemar(first, right)
                score = f1_score(table.true, answers, average="macro")
                recalls = "".join(f", recall of {group} {recall(table, right, group):.3f}" for group in given.group)
                print(
                    f"{name}, resized to {resize}{what}: accuracy {right.mean():.4f}, macro F1 {score:.4f}{recalls}; "
                    f"fixes {found.fixed}, breaks {found.broken} of the first line, p = {found.p:.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
