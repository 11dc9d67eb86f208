#!/usr/bin/env python3
"""What each step of the best recipe is worth, and what stronger augmentation would be: short trainings on small crops.

python -m benchmarks.levers steps DATA OUT --weights FILE [--only NAME …]           # each with one step taken back
python -m benchmarks.levers augmentations DATA OUT --weights FILE [--only NAME …]   # each with one augmentation more
python -m benchmarks.elsewhere DATA OUT/baseline OUT/NAME … --photos 105            # the same models on shifted photos

Trains on the training photos less a tenth of each class and scores on that tenth (`--eval-split dev`), so that nothing is
chosen on the test photos: crops of 128 pixels, scored at 160, one training, everything else as in the best recipe but for
the length: three epochs, or for augmentations, which can only help where photos are seen often, five epochs of every fourth
photo of a class with an EMA of decay 0.99 (`constant-rate` collects it while the learning rate does not fall, as SWA of
Izmailov et al. 2018 does).  Each training is a run folder below OUT; what is there already is not trained
again, and a training that was cut off goes on.  Prints accuracy, macro F1, minutes and McNemar's test against the first line,
from the stored predictions.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from sklearn.metrics import f1_score

from har_core.analysis.compare import mcnemar
from har_core.data.corrections import NONE, Corrections
from har_core.data.dataset import default_workers
from har_core.data.scan import LabeledPhotos, scan
from har_core.data.split import split_photos
from har_core.models.resnet import STAGES
from har_core.runs.file_names import MANIFEST
from har_core.runs.manifest import COMPLETE
from har_core.runs.predictions import Predictions
from har_core.runs.run import Run
from har_core.training.config import RECIPES, TrainConfig
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
SEEN_OFTEN = SMALL.replace(
    epochs=5, ema_decay=0.99, drop_near_duplicates=False
)  # `thinned` leaves them out, once for all
FIRST = "baseline"


class Comparison(NamedTuple):
    """Trainings by name, the first of which the others are held against, on every so many-th photo of a class."""

    configs: dict[str, TrainConfig]
    every: int


COMPARISONS = {
    "steps": Comparison(
        {
            FIRST: SMALL,
            "layer4-alone": SMALL.replace(unfreeze=("layer4", "fc")),
            "norms-learn": SMALL.replace(freeze_bn=False),
            "no-average": SMALL.replace(ema_decay=0.0),
            "no-smoothing": SMALL.replace(label_smoothing=0.0),
            "smaller-parts": SMALL.replace(min_crop_scale=0.08),
            "all-layers": SMALL.replace(unfreeze=STAGES),
        },
        1,
    ),
    "augmentations": Comparison(
        {
            FIRST: SEEN_OFTEN,
            "zoom-out": SEEN_OFTEN.replace(zoom_out=0.25),
            "trivialaugment": SEEN_OFTEN.replace(augmentation="trivialaugment"),
            "cutmix": SEEN_OFTEN.replace(cutmix=1.0),
            "mixup": SEEN_OFTEN.replace(mixup=0.2),
            "random-erasing": SEEN_OFTEN.replace(random_erasing=0.25),
            "augmix": SEEN_OFTEN.replace(augmentation="augmix"),
            "randaugment": SEEN_OFTEN.replace(augmentation="randaugment"),
            "constant-rate": SEEN_OFTEN.replace(schedule="steps", step_size=SEEN_OFTEN.epochs),
        },
        4,
    ),
}
GROUPS = ("sitting,texting,calling,using_laptop,listening_to_music", "dancing,fighting")


def recall(table: Predictions, right: np.ndarray, group: str) -> float:
    """The share of right answers among the photos of some classes, which `group` names with commas between them."""
    numbers = [table.classes.index(name) for name in group.split(",")]
    return float(right[np.isin(table.true, numbers)].mean())


def thinned(photos: LabeledPhotos, every: int) -> Corrections:
    """Leaves out all training photos but every so many-th of a class, and those that have a near-duplicate in the dev set."""
    if every == 1:
        return NONE
    split = split_photos(
        photos, test_fraction=SMALL.test_fraction, seed=SMALL.seed, eval_split="dev", drop_near_duplicates=True
    )
    of_class: dict[str, list[str]] = defaultdict(list)
    for sample in split.train:
        of_class[sample.label].append(sample.name)
    unused = {name for names in of_class.values() for number, name in enumerate(names) if number % every}
    return Corrections({}, frozenset(unused | set(split.dropped)), ())


def trained(
    photos: LabeledPhotos,
    corrections: Corrections,
    folder: Path,
    config: TrainConfig,
    epoch: Callable[[dict[str, float], bool], None] = lambda row, best: None,
) -> Run:
    """The run of a lever, trained or taken up again where it is not complete.

    Args:
        epoch: called after each epoch, as that of `Callbacks`.
    """
    if (folder / MANIFEST).is_file() and (run := Run.open(folder)).manifest.status == COMPLETE:
        return run
    made = train(
        photos,
        config,
        folder,
        device=torch.device("cpu"),
        workers=default_workers(),
        corrections=corrections,
        resume=(folder / STATE).is_file(),
        callbacks=Callbacks(
            start=lambda line: print(f"{folder.name}: {line}", file=sys.stderr, flush=True), epoch=epoch
        ),
    )
    assert made is not None, "one process alone always writes its run"
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparison", choices=COMPARISONS)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="besides the baseline")
    given = parser.parse_args()
    configs, every = COMPARISONS[given.comparison]
    if unknown := set(given.only or ()) - set(configs):
        parser.error(f"expected names of {', '.join(configs)}, found {', '.join(sorted(unknown))}")
    photos = scan(given.data, verify=False)
    corrections = thinned(photos, every)
    first = None
    for name in dict.fromkeys([FIRST, *(configs if given.only is None else given.only)]):
        run = trained(photos, corrections, given.out / name, configs[name].replace(weights=given.weights))
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
