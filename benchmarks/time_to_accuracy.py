#!/usr/bin/env python3
"""How long training takes until a given accuracy: the report's own way, ours at its recipe, and our best recipe.

python -m benchmarks.time_to_accuracy DATA --weights FILE [--batches 12] [--rounds 3] [--repeat 1] [--way c]
taskset -c 0 python -m benchmarks.time_to_accuracy …            the same on one core

Measures photos a second, decoding included, in turns within one run:

(a) the report's recipe as a script of that kind runs it: 32-bit floats, every photo decoded and transformed anew, the
    whole network in training mode; four processes decode, as in the report's script
(b) the same recipe as `train.py` runs it, fresh crops in every epoch
(c) the best recipe as `train.py` runs it, at both sizes of its crops

and from these, with the epochs that the published histories needed, the minutes to the accuracy that the report's recipe
reached here and to the report's own 0.8196.  (a) has the epochs of (b)'s history, since the recipe is the same one.
Validation after each epoch is left out of all three.  Compiling, about half a minute a training, is left out too.
With `--repeat N` every photo is named N times: a larger data set.  With `--way c` the memory that is printed is that of
one training and its workers (at the larger of its sizes), without it that of all of them at once.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from har_core.data.dataset import EpochSampler, PhotoDataset, default_workers, make_loader
from har_core.data.scan import LabeledPhotos, scan
from har_core.data.split import split_photos
from har_core.data.transforms import train_transform
from har_core.models.pretrained import load_pretrained
from har_core.models.registry import split_frozen
from har_core.runs.run import Run
from har_core.training.config import RECIPES, TrainConfig
from har_core.training.precision import PRECISIONS, choose_precision
from har_core.training.trainer import Trainer

ROOT = Path(__file__).parent.parent
CPU = torch.device("cpu")
REPORT_ACCURACY, REPORT_WORKERS = 0.8196, 4


def model_of(config: TrainConfig, classes: tuple[str, ...]) -> nn.Module:
    return load_pretrained(
        config.weights,
        classes=classes,
        architecture=config.architecture,
        crop_size=config.crop_size,
        resize=config.resize,
    )[0]


def plain_script(photos: LabeledPhotos, config: TrainConfig) -> Iterator[int]:
    """(a): the photos of each batch of the first epoch, once it has been learnt."""
    training = split_photos(photos, test_fraction=config.test_fraction, seed=config.seed).train
    dataset = PhotoDataset.of(training, photos.classes, train_transform(config.crop_size, config.min_crop_scale))
    model = model_of(config, photos.classes)
    split_frozen(model.to(memory_format=torch.contiguous_format), config.unfreeze)
    model.train()
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(learning, lr=config.lr)
    order = EpochSampler(len(dataset), config.batch_size, seed=config.seed)
    for batch in make_loader(dataset, order, workers=REPORT_WORKERS):
        loss = functional.cross_entropy(model(batch.images), batch.labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        yield len(batch.labels)


def ours(photos: LabeledPhotos, config: TrainConfig, folder: Path) -> Iterator[int]:
    """(b) and (c): the first epoch of `train.py`."""
    split = split_photos(photos, test_fraction=config.test_fraction, seed=config.seed)
    model = model_of(config, photos.classes)
    crops = [train_transform(size, config.min_crop_scale) for size in config.crop_sizes]
    precision = choose_precision(CPU) if config.precision == "auto" else PRECISIONS[config.precision]
    trainer = Trainer(
        model,
        PhotoDataset.of(split.train, photos.classes, *crops, seed=config.seed),
        PhotoDataset.of(split.evaluation, photos.classes, crops[0]),
        config,
        folder=folder,
        identity={},
        device=CPU,
        precision=precision,
        workers=default_workers(),
        save_every=1e9,
    )
    before = 0
    for step in trainer.steps():
        yield step.photos - before
        before = step.photos


def repeated(photos: LabeledPhotos, times: int) -> LabeledPhotos:
    """The same photos under `times` names each."""
    samples = [replace(sample, name=f"{turn}/{sample.name}") for turn in range(times) for sample in photos.samples]
    return replace(photos, samples=tuple(samples)) if times > 1 else photos


def anonymous_memory() -> int:
    """Bytes of this process and its children that belong to no file; 0 where /proc does not tell."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:  # it ended just now
            continue
        if str(os.getpid()) in (fields["Pid"].strip(), fields["PPid"].strip()):
            total += 1024 * int(fields.get("RssAnon", "0 kB").split()[0])
    return total


def photos_needed(run: Run, accuracy: float) -> tuple[int, list[bool]] | None:
    """Up to the first epoch that reached an accuracy: its number, and whether each epoch used full-size crops."""
    history = run.history()
    reached = history.loc[history["eval_accuracy"] >= accuracy, "epoch"]
    if reached.empty:
        return None
    config = TrainConfig.from_dict(TrainConfig().as_dict() | run.manifest.config)
    return int(reached.iloc[0]), [config.is_full_crop(epoch) for epoch in range(1, int(reached.iloc[0]) + 1)]


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """What to train on, and how long to measure."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--batches", type=int, default=12, help="batches a turn (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (default: %(default)s)")
    return parser


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--repeat", type=int, default=1, help="how often each photo is named (default: %(default)s)")
    parser.add_argument("--way", choices=("a", "b", "c"), help="this way alone, for its speed and memory")
    given = parser.parse_args()
    photos = repeated(scan(given.data, verify=False), given.repeat)
    report, best = (RECIPES[name].replace(weights=given.weights) for name in ("baseline", "best"))
    small, full = best.replace(full_crop_epochs=0), best.replace(train_crop_size=0, full_crop_epochs=0)
    with tempfile.TemporaryDirectory() as folder:
        ways: dict[str, Callable[[], Iterator[int]]] = {
            "(a) report's recipe, plain script": lambda: plain_script(photos, report),
            "(b) report's recipe, train.py": lambda: ours(photos, report, Path(folder)),
            f"(c) best recipe, crops of {best.crop_sizes[0]}": lambda: ours(photos, small, Path(folder)),
            f"(c) best recipe, crops of {best.crop_sizes[1]}": lambda: ours(photos, full, Path(folder)),
        }
        if given.way:
            ways = {name: make for name, make in ways.items() if name.startswith(f"({given.way})")}
        together = [{name: make} for name, make in ways.items()] if given.way else [ways]
        measured = [measure(some, batches=given.batches, rounds=given.rounds) for some in together]
    speeds, memory = [speed for speeds, _ in measured for speed in speeds], max(memory for _, memory in measured)
    for name, speed in zip(ways, speeds, strict=True):
        print(f"{name:40} {speed:6.1f} photos/s   {speed / speeds[0]:5.2f} times the first")
    print(
        f"{torch.get_num_threads()} threads, {len(photos.samples):,} photos, {memory / 1e9:.1f} GB of anonymous memory with "
        f"workers, {'the larger of these' if given.way else 'all of these at once'}"
    )

    if given.way:
        return 0
    (plain, fresh, *of_best) = speeds
    runs = {name: Run.open(ROOT / "assets" / "runs" / name) for name in ("baseline", "best")}
    here = float(runs["baseline"].history()["eval_accuracy"].max())
    for accuracy in (here, REPORT_ACCURACY):
        print(f"\nminutes of training to an accuracy of {accuracy:.4f}:")
        for label, name, of_epoch in (
            ("(a)", "baseline", lambda size: plain),
            ("(b)", "baseline", lambda size: fresh),
            ("(c)", "best", lambda size: of_best[size]),
        ):
            found = photos_needed(runs[name], accuracy)
            size = runs[name].manifest.data.train or 0
            print(
                f"  {label} "
                + (
                    f"{sum(size / of_epoch(full) for full in found[1]) / 60:6.1f}  ({found[0]} epochs × {size:,} photos)"
                    if found
                    else "not reached"
                )
            )
    return 0


def measure(ways: dict[str, Callable[[], Iterator[int]]], *, batches: int, rounds: int) -> tuple[list[float], int]:
    """Photos a second of each way, the median over rounds in which all take turns; and the memory of all together."""
    going = [make() for make in ways.values()]
    for one in going:  # compiles, starts workers, fills caches of the system
        for _ in range(3):
            next(one)
    found: list[list[float]] = [[] for _ in going]
    for _ in range(rounds):
        for one, speeds in zip(going, found, strict=True):
            next(one)  # what its workers prepared while others ran does not count
            next(one)
            started, seen = time.perf_counter(), 0
            for _ in range(batches):
                seen += next(one)
            speeds.append(seen / (time.perf_counter() - started))
    return [statistics.median(speeds) for speeds in found], anonymous_memory()


if __name__ == "__main__":
    sys.exit(main())
