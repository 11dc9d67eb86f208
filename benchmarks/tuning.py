#!/usr/bin/env python3
"""What costs no training: other views of a photo, and the mean of several runs' weights.

python benchmarks/tuning.py DATA RUN [RUN …] [--resize 160 …] [--group dancing,fighting …]

Scores each run, and the mean of their weights, on the photos that the first run was scored on: as they are cropped for
evaluation, averaged with their mirror images, and resized otherwise before the crop.  Accuracy, macro F1, recall of groups
of classes, and McNemar's test against the first line.  For runs of `train.py DATA --scored tuning`, so that nothing is
chosen on the test photos.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent))
from har_core.analysis import mcnemar
from har_core.data import photo_folder
from har_core.dataset import PhotoDataset, default_workers
from har_core.evaluation import probabilities
from har_core.optimisation import mean_of
from har_core.precision import pick_precision
from har_core.predictions import Predictions
from har_core.runs import Run
from har_core.transforms import evaluation_transform

CPU = torch.device("cpu")


def mean(runs: list[Run]) -> nn.Module:
    """The first run's network with the mean of all runs' weights."""
    model = runs[0].model()[0]
    model.load_state_dict(mean_of(run.model()[0].state_dict() for run in runs))
    return model


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
    first: np.ndarray | None = None
    models = {run.name: run.model()[0] for run in runs} | ({"mean": mean(runs)} if len(runs) > 1 else {})
    spec = runs[0].model()[1]
    precision = pick_precision(models[runs[0].name], CPU, spec.crop_size)
    for name, model in models.items():
        for resize in (spec.resize, *given.resize):
            dataset = PhotoDataset(
                [photos / sample for sample in table.samples],
                list(table.samples),
                table.true.tolist(),
                evaluation_transform(spec.crop_size, resize),
            )
            views = probabilities(model, dataset, device=CPU, precision=precision, workers=default_workers())
            for what, chances in zip(("", " with mirror image"), views, strict=True):
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
