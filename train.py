#!/usr/bin/env python3
"""Train an action recogniser on a folder of labelled photos.

python train.py data/                       the most accurate recipe, into runs/<date>/
python train.py data/ --recipe report       the published report's
python train.py data/ --epochs 3 --lr 3e-4  the same as the first with two values changed
python train.py data/ --resume              go on with the last training that was interrupted
torchrun --nproc-per-node 8 train.py data/  in 8 processes, which share every batch
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import torch
from sklearn.metrics import classification_report, confusion_matrix
from tqdm import tqdm

from har_core import commands, runs
from har_core.config import RECIPES, TrainConfig
from har_core.data import LabelledPhotos, require_clean, scan
from har_core.dataset import default_workers
from har_core.errors import ConfigError
from har_core.experiment import Reports, train
from har_core.parallel import Processes, joined
from har_core.soft_labels import Taught, taught
from har_core.training import STATE, Step, read_state


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    with joined(commands.device_named(given.device)) as (processes, device):
        return _train(given, processes, device)


def _train(given: argparse.Namespace, processes: Processes, device: torch.device) -> int:
    folder, config = processes.from_first(lambda: _folder_and_config(given))
    photos = processes.from_first(lambda: _photos(given))
    more = processes.from_first(lambda: _taught(config, given.data, photos))
    terminal = _Terminal()
    run = train(
        photos,
        config,
        folder,
        device=device,
        taught=more,
        processes=processes,
        workers=given.workers if given.workers is not None else default_workers(),
        resume=given.resume,
        save_every=given.save_every,
        reports=Reports(
            start=lambda line: print(line, flush=True),
            step=terminal.step,
            epoch=terminal.epoch,
            twins=commands.Bar("looking for twins"),
            activations=commands.Bar("frozen stages"),
            evaluation=commands.Bar("scoring"),
        ),
    )
    if run is not None:
        _print_scores(run)
    return 0


def _folder_and_config(given: argparse.Namespace) -> tuple[Path, TrainConfig]:
    changes = {name: value for name in _flags() if (value := getattr(given, name)) is not None}
    if given.resume:
        folder = given.out or _last_interrupted()
        return folder, _resumed_config(folder, given, changes)
    folder = given.out or Path("runs") / f"{datetime.now():%Y-%m-%d-%H%M%S}"
    return folder, RECIPES[given.recipe or "best"].replace(**changes)


def _photos(given: argparse.Namespace) -> LabelledPhotos:
    photos = scan(given.data, progress=commands.Bar("checking photos"))
    require_clean(photos, skip_bad=given.skip_bad)
    for problem in photos.problems:
        print(f"skipped {problem}", file=sys.stderr)
    return photos


def _taught(config: TrainConfig, data: Path, photos: LabelledPhotos) -> Taught | None:
    return taught(Path(config.soft_labels), data, photos.classes) if config.soft_labels else None


class _Terminal:
    """A progress bar within an epoch, and a line after it."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def step(self, step: Step) -> None:
        if self._bar is None:
            self._bar = tqdm(
                total=step.total, desc=f"epoch {step.epoch}", unit=" photos", dynamic_ncols=True, leave=False
            )
        self._bar.set_postfix(loss=f"{step.loss:.3f}", accuracy=f"{step.accuracy:.3f}", refresh=False)
        self._bar.update(step.photos - self._bar.n)

    def epoch(self, row: dict[str, float], best: bool) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        print(
            f"epoch {row['epoch']:2.0f}  "
            f"training loss {row['train_loss']:.4f} accuracy {row['train_accuracy']:.4f}  "
            f"validation loss {row['validation_loss']:.4f} accuracy {row['validation_accuracy']:.4f}  "
            f"lr {row['learning_rate']:.1e}  {row['seconds']:.0f} s{'  best' if best else ''}",
            flush=True,
        )


def _print_scores(run: runs.Run) -> None:
    """The classification report and the confusion matrix, in the form of the published report."""
    table = run.predictions()
    labels = range(len(run.classes))
    print("\nClassification report:")
    print(classification_report(table.true, table.predicted, labels=labels, target_names=run.classes, zero_division=0))
    print("Confusion matrix (rows: true, columns: predicted):")
    print(confusion_matrix(table.true, table.predicted, labels=labels))
    trained = run.card["training"]
    whose = f"mean of {trained['members']} trainings" if "members" in trained else f"epoch {trained['best_epoch']}"
    print(f"\nValidation accuracy {run.card['scores']['accuracy']:.4f} ({whose})")
    print(f"Run: {run.folder}")


def _flags() -> dict[str, Any]:
    """The fields of `TrainConfig` that have a flag, with their types."""
    hints = get_type_hints(TrainConfig)
    return {entry.name: hints[entry.name] for entry in dataclasses.fields(TrainConfig) if entry.name != "recipe"}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA", help="Training_set.csv with train/, or one folder a class")
    parser.add_argument("--recipe", choices=sorted(RECIPES), help="a named configuration (default: best)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="the run's folder (default: runs/<date>)")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the last saved state, of --out or of the last run"
    )
    parser.add_argument(
        "--skip-bad", action="store_true", help="leave out photos and rows with problems; the card lists them"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    parser.add_argument("--workers", type=int, metavar="N", help="decoding processes (default: by the number of cores)")
    parser.add_argument(
        "--save-every",
        type=float,
        default=300,
        metavar="SECONDS",
        help="time between saved states (default: %(default)s)",
    )
    group = parser.add_argument_group("values of the recipe")
    for entry in dataclasses.fields(TrainConfig):
        if entry.name not in (types := _flags()):
            continue
        kind = types[entry.name]
        values = ", ".join(f"{name}: {_shown(getattr(recipe, entry.name))}" for name, recipe in RECIPES.items())
        options: dict[str, Any] = {"help": f"{entry.metadata['help']} ({values})"}
        if kind is bool:
            options |= {"action": argparse.BooleanOptionalAction}
        elif get_origin(kind) is tuple:
            options |= {"type": lambda text: tuple(text.split(",")), "metavar": "A,B"}
        elif get_args(kind):
            options |= {"choices": get_args(kind)}
        else:
            options |= {"type": kind, "metavar": kind.__name__.upper()}
        group.add_argument("--" + entry.name.replace("_", "-"), **options)
    return parser


def _shown(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _resumed_config(folder: Path, given: argparse.Namespace, changes: dict[str, Any]) -> TrainConfig:
    """The configuration that was saved; only where weights and soft labels lie and the number of epochs may change."""
    fixed = sorted(changes.keys() - {"weights", "soft_labels", "epochs"})
    if fixed or given.recipe:
        raise ConfigError(
            f"a resumed training keeps its configuration, found {', '.join('--' + name.replace('_', '-') for name in fixed) or '--recipe'}; "
            "leave it out, or start anew"
        )
    return TrainConfig.from_dict(read_state(folder)["config"]).replace(**changes)


def _last_interrupted() -> Path:
    states = sorted(Path("runs").glob(f"*/{STATE}"), key=lambda path: path.stat().st_mtime)
    if not states:
        raise ConfigError("expected an interrupted training below runs/, found none; name its folder with --out")
    return states[-1].parent


if __name__ == "__main__":
    sys.exit(commands.run(main))
