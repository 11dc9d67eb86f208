"""`har-lens train DATA`, the same as `python train.py DATA`: train a model on labeled photos."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

from har_core.cli.options import Subparsers, add_data, add_device, given_path, require_apart, tell_notes
from har_core.cli.temporal_options import add_temporal, given_of_clips, refuse_changes, train_on_clips
from har_core.cli.terminal import ProgressBar, device_named
from har_core.errors import ConfigError
from har_core.training.config import RECIPES, TrainConfig
from har_core.training.flags import flag

if TYPE_CHECKING:
    import torch
    from tqdm import tqdm

    from har_core.data.scan import LabeledPhotos
    from har_core.runs.run import Run
    from har_core.training.distributed import Processes
    from har_core.training.trainer import Step

RUNS = Path("runs")

_EXAMPLES = """
train.py data/                          the most accurate recipe, into runs/<date>/
train.py data/ --recipe baseline        the published report's
train.py data/ --epochs 3 --lr 3e-4     the same as the first with two values changed
train.py data/ --architecture timm/convnext_tiny --unfreeze last2   another network
train.py data/ --resume                 go on with the last training that was interrupted
train.py clips/ --temporal convlstm     learn from clips, one folder a class
torchrun --nproc-per-node 8 train.py data/   in 8 processes, which share every batch
"""


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "train",
        description="Train a model on labeled photos.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data(parser)
    add_device(parser)
    parser.add_argument("--labels", type=given_path, metavar="CSV", help="corrected labels: columns filename and label")
    parser.add_argument(
        "--leave-out", type=given_path, metavar="FILE", help="photos that are not to be used, by file name"
    )
    parser.add_argument("--recipe", choices=sorted(RECIPES), help="a named configuration (default: best)")
    parser.add_argument("--out", type=given_path, metavar="FOLDER", help="the run's folder (default: runs/<date>)")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the last saved state, of --out or of the last run"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="decoding processes (default: by the number of cores)")
    parser.add_argument(
        "--save-every",
        type=float,
        default=300,
        metavar="SECONDS",
        help="time between saved states (default: %(default)s)",
    )
    group = parser.add_argument_group("values of the recipe")
    for name, field in _fields().items():
        kind: Any = field.annotation
        values = ", ".join(f"{recipe}: {_shown(getattr(config, name))}" for recipe, config in RECIPES.items())
        options: dict[str, Any] = {"help": f"{field.description} ({values})"}
        if kind is bool:
            options |= {"action": argparse.BooleanOptionalAction}
        elif get_origin(kind) is tuple:
            options |= {"type": lambda text: tuple(text.split(",")), "metavar": "A,B"}
        elif get_args(kind):
            options |= {"choices": get_args(kind)}
        else:
            options |= {"type": kind, "metavar": kind.__name__.upper()}
        group.add_argument(flag(name), **options)
    add_temporal(parser)


def run(given: argparse.Namespace) -> int:
    if not given.resume:
        require_apart(given.out or RUNS, given.data)
    if given.temporal:
        return train_on_clips(given, RUNS, (given.out or last_interrupted(RUNS)) if given.resume else None)
    if of_clips := given_of_clips(given):
        raise ConfigError(f"{', '.join(of_clips)} is for clips; pass --temporal NAME too, or leave it out")
    from har_core.training.distributed import joined

    with joined(device_named(given.device)) as (processes, device):
        return _train(given, processes, device)


def _train(given: argparse.Namespace, processes: Processes, device: torch.device) -> int:
    from har_core.data.corrections import read_corrections
    from har_core.data.dataset import default_workers
    from har_core.training.pipeline import Callbacks, train

    folder, config = processes.from_first(lambda: _folder_and_config(given))
    photos = processes.from_first(lambda: _photos(given))
    corrections = processes.from_first(lambda: read_corrections(photos, labels=given.labels, leave_out=given.leave_out))
    terminal = _Terminal()
    trained = train(
        photos,
        config,
        folder,
        device=device,
        processes=processes,
        corrections=corrections,
        workers=given.workers if given.workers is not None else default_workers(),
        resume=given.resume,
        save_every=given.save_every,
        callbacks=Callbacks(
            start=lambda line: print(line, flush=True),
            step=terminal.step,
            epoch=terminal.epoch,
            near_duplicates=ProgressBar("looking for near-duplicates"),
            evaluation=ProgressBar("evaluating"),
        ),
    )
    if trained is not None:
        _print_scores(trained)
    return 0


def _fields() -> dict[str, Any]:
    """The fields of `TrainConfig` that have a flag."""
    return {name: field for name, field in TrainConfig.model_fields.items() if name != "recipe"}


def _folder_and_config(given: argparse.Namespace) -> tuple[Path, TrainConfig]:
    changes = {name: value for name in _fields() if (value := getattr(given, name)) is not None}
    if given.resume:
        folder = given.out or last_interrupted(RUNS)
        return folder, _resumed_config(folder, given.recipe, changes)
    folder = given.out or RUNS / f"{datetime.now():%Y-%m-%d-%H%M%S}"
    return folder, RECIPES[given.recipe or "best"].adapted(**changes)


def _resumed_config(folder: Path, recipe: str | None, changes: dict[str, Any]) -> TrainConfig:
    """The configuration that was saved; only where the weights are and the number of epochs may change."""
    from har_core.runs.file_names import MANIFEST
    from har_core.runs.manifest import COMPLETE, read_manifest
    from har_core.training.state import STATE, read_state

    if not (folder / STATE).exists() and (folder / MANIFEST).is_file() and read_manifest(folder).status == COMPLETE:
        raise ConfigError(
            f"expected an interrupted training in {folder}, found one that is complete; nothing is left to do"
        )
    saved = read_state(folder)["config"]
    if kind := saved.get("temporal"):
        raise ConfigError(f"expected a training on photos in {folder}, found one on clips; pass --temporal {kind} too")
    config = TrainConfig.from_dict(saved)
    fixed = {name: value for name, value in changes.items() if name not in ("weights", "epochs")}
    refuse_changes({"recipe": recipe, **fixed}, config.model_dump())
    return config.replace(**changes)


def last_interrupted(runs: Path) -> Path:
    """The folder below `runs` whose state was saved last.

    Raises:
        ConfigError: if there is none.
    """
    from har_core.training.state import STATE

    states = sorted(runs.glob(f"*/{STATE}"), key=lambda path: path.stat().st_mtime)
    if not states:
        raise ConfigError(f"expected an interrupted training below {runs}/, found none; name its folder with --out")
    return states[-1].parent


def _photos(given: argparse.Namespace) -> LabeledPhotos:
    from har_core.data.samples import list_problems
    from har_core.data.scan import require_clean, scan
    from har_core.runs.class_names import check_class_names

    if classes := scan(given.data, verify=False).classes:
        check_class_names(classes)  # before all photos are decoded
    photos = scan(given.data, progress=ProgressBar("checking photos"))
    tell_notes(photos.notes)
    require_clean(photos, skip_bad=given.skip_bad)
    for line in list_problems(photos.problems):
        print(f"skipped {line}", file=sys.stderr)
    return photos


class _Terminal:
    """A progress bar within an epoch, and a line after it."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def step(self, step: Step) -> None:
        from tqdm import tqdm

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
            f"evaluation loss {row['eval_loss']:.4f} accuracy {row['eval_accuracy']:.4f}  "
            f"lr {row['learning_rate']:.1e}  {row['seconds']:.0f} s{'  best' if best else ''}",
            flush=True,
        )


def _print_scores(trained: Run) -> None:
    """The classification report and the confusion matrix, in the form of the published report."""
    from har_core.analysis.scores import classification_report

    manifest, matrix = trained.manifest, trained.confusion_matrix()
    print("\nClassification report:")
    print(classification_report(matrix, trained.classes)[0])
    print("Confusion matrix (rows: true, columns: predicted):")
    print(matrix)
    training, scores = manifest.training, manifest.scores
    assert scores is not None
    weights = f"mean of {training.soup_size} trainings" if training.soup_size > 1 else f"epoch {training.epoch}"
    print(f"\nAccuracy on the {manifest.data.eval_split} set {scores.accuracy:.4f} ({weights})")
    print(f"Run: {trained.folder}")


def _shown(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)
