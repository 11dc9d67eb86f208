#!/usr/bin/env python3
"""What each step of the best recipe is worth: short trainings on small crops, each with one step taken back or one augmentation more.

python -m benchmarks.levers DATA OUT --weights FILE [--only NAME …]
python -m benchmarks.elsewhere DATA OUT/baseline OUT/NAME … --photos 105    # the same models on shifted photos

Trains on the training photos less a tenth of each class and scores on that tenth (`--eval-split dev`), so that nothing is
chosen on the test photos: three epochs, crops of 128 pixels, scored at 160, one training, everything else as in the best
recipe.  Each training is a run folder below OUT; what is there already is not trained again, and a training that was cut
off goes on.  Prints accuracy, macro F1, minutes and McNemar's test against the first line, from the stored predictions.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import f1_score

from har_core.analysis.compare import mcnemar
from har_core.data.dataset import default_workers
from har_core.data.scan import LabeledPhotos, scan
from har_core.models.resnet import STAGES
from har_core.runs.file_names import MANIFEST
from har_core.runs.manifest import COMPLETE
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run
from har_core.training.config import RECIPES
from har_core.training.pipeline import Callbacks, train
from har_core.training.state import STATE

SMALL = RECIPES["best"].replace(
    eval_split="dev",
    views=("center",),
    soup_size=1,
    epochs=3,
    train_crop_size=128,
    full_crop_epochs=0,
    crop_size=160,
    resize=183,
)
LEVERS = {
    "baseline": SMALL,
    "layer4-alone": SMALL.replace(unfreeze=("layer4", "fc")),
    "norms-learn": SMALL.replace(freeze_bn=False),
    "no-average": SMALL.replace(ema_decay=0.0),
    "no-smoothing": SMALL.replace(label_smoothing=0.0),
    "smaller-parts": SMALL.replace(min_crop_scale=0.08),
    "all-layers": SMALL.replace(unfreeze=STAGES),
    "randaugment": SMALL.replace(augmentation="randaugment"),
    "trivialaugment": SMALL.replace(augmentation="trivialaugment"),
    "augmix": SMALL.replace(augmentation="augmix"),
    "random-erasing": SMALL.replace(random_erasing=0.25),
    "zoom-out": SMALL.replace(zoom_out=0.25),
    "mixup": SMALL.replace(mixup=0.2),
    "cutmix": SMALL.replace(cutmix=1.0),
}
GROUPS = ("sitting,texting,calling,using_laptop,listening_to_music", "dancing,fighting")


def recall(table: Predictions, right: np.ndarray, group: str) -> float:
    """The share of right answers among the photos of some classes, which `group` names with commas between them."""
    numbers = [table.classes.index(name) for name in group.split(",")]
    return float(right[np.isin(table.true, numbers)].mean())


def trained(photos: LabeledPhotos, folder: Path, name: str, weights: str) -> Run:
    """The run of a lever, trained or taken up again where it is not complete."""
    if (folder / MANIFEST).is_file() and (run := Run.open(folder)).manifest.status == COMPLETE:
        return run
    made = train(
        photos,
        LEVERS[name].replace(weights=weights),
        folder,
        device=torch.device("cpu"),
        workers=default_workers(),
        resume=(folder / STATE).is_file(),
        callbacks=Callbacks(start=lambda line: print(f"{name}: {line}", file=sys.stderr, flush=True)),
    )
    assert made is not None, "one process alone always writes its run"
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--only", nargs="*", choices=list(LEVERS), default=list(LEVERS), help="besides the baseline")
    given = parser.parse_args()
    photos = scan(given.data, verify=False)
    first = None
    for name in dict.fromkeys(["baseline", *given.only]):
        run = trained(photos, given.out / name, name, given.weights)
        table, minutes = run.predictions(), run.history()["seconds"].sum() / 60
        right = table.true == table.predicted
        first = right if first is None else first
        found = mcnemar(first, right)
        print(
            f"{name:14} accuracy {right.mean():.4f}, macro F1 {f1_score(table.true, table.predicted, average='macro'):.4f}, "
            f"{minutes:.0f} minutes"
            + "".join(f", recall of {group} {recall(table, right, group):.3f}" for group in GROUPS)
            + f"; fixes {found.fixed}, breaks {found.broken} of the first line, p = {found.p:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
