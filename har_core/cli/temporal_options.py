"""`har-lens train CLIPS --temporal NAME`: train a model of clips, by the arguments that photos do not have."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from har_core.cli.options import given_path
from har_core.cli.terminal import ProgressBar, device_named
from har_core.errors import ConfigError
from har_core.training.config import TrainConfig
from har_core.training.flags import flag
from har_core.training.temporal_config import TemporalConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from har_core.data.samples import Sample
    from har_core.runs.run import Run

_SHARED = TrainConfig.model_fields.keys() & TemporalConfig.model_fields.keys()
_NOT_OF_CLIPS = ("labels", "leave_out", "recipe", "workers")


def add_temporal(parser: argparse.ArgumentParser) -> None:
    """The arguments of a training on clips; those that it shares with photos are there already."""
    from har_core.models.temporal import list_temporal

    group = parser.add_argument_group("clips in place of photos")
    group.add_argument(
        "--temporal",
        choices=list_temporal(),
        metavar="NAME",
        help="learn from clips, one folder a class, by a model of this kind: " + ", ".join(list_temporal()),
    )
    group.add_argument(
        "--groups",
        type=given_path,
        metavar="CSV",
        help="columns clip and group: the source video of each clip, so that no source is both learned from and tested on "
        "(default: each clip is its own source)",
    )
    group.add_argument(
        "--test-clips", type=given_path, metavar="FOLDER", help="clips that test, in place of a share of DATA"
    )
    group.add_argument(
        "--photo-run",
        type=given_path,
        metavar="FOLDER",
        help="the run whose model looks at the frames (default: the shipped run)",
    )
    group.add_argument(
        "--cache",
        type=given_path,
        metavar="FOLDER",
        help="where what is seen in the frames is stored, half to 3 MB a clip (default: a folder of this user)",
    )
    for name in sorted(TemporalConfig.model_fields.keys() - _SHARED - {"temporal"}):
        field: Any = TemporalConfig.model_fields[name]
        group.add_argument(
            flag(name), type=field.annotation, metavar=field.annotation.__name__.upper(), help=field.description
        )


def given_of_clips(given: argparse.Namespace) -> list[str]:
    """The flags that were given and that photos do not have."""
    own = TemporalConfig.model_fields.keys() - _SHARED - {"temporal"}
    names = ("groups", "test_clips", "photo_run", "cache", *sorted(own))
    return [flag(name) for name in names if getattr(given, name) is not None]


def train_on_clips(given: argparse.Namespace, runs: Path, resumed: Path | None) -> int:
    """Do what `--temporal` asks for.

    Args:
        runs: below which a new run gets a folder.
        resumed: the folder of the training that goes on, if one does.
    """
    from platformdirs import user_cache_path

    from har_core.data.clip_split import read_groups, split_clips
    from har_core.runs.run import Run, shipped_run
    from har_core.training.temporal_pipeline import ClipCallbacks, train_clips

    config = _config(given, resumed)
    if resumed is not None:
        _take_up(given, resumed)
    samples = _clips(given.data, skip_bad=given.skip_bad)
    split = split_clips(
        samples,
        read_groups(given.groups, samples) if given.groups else None,
        dev_fraction=config.dev_fraction,
        test_fraction=config.test_fraction,
        seed=config.seed,
        test=_clips(given.test_clips, skip_bad=given.skip_bad) if given.test_clips else (),
    )
    if not given.groups:
        print(
            "note: each clip counts as a source of its own; pass --groups CSV if several were cut from one video",
            file=sys.stderr,
        )
    trained = train_clips(
        split,
        config,
        resumed or given.out or runs / f"{datetime.now():%Y-%m-%d-%H%M%S}",
        photo_run=Run.open(given.photo_run) if given.photo_run else shipped_run(),
        cache=given.cache or user_cache_path("har-lens") / "clip-features",
        device=device_named(given.device),
        resume=resumed is not None,
        inputs=_inputs(given),
        skip_bad=given.skip_bad,
        callbacks=ClipCallbacks(
            start=lambda line: print(line, flush=True),
            epoch=_print_epoch,
            encoding=ProgressBar("looking at frames", "clip"),
            evaluation=ProgressBar("evaluating", "clip"),
        ),
    )
    _print_scores(trained)
    return 0


def _config(given: argparse.Namespace, resumed: Path | None) -> TemporalConfig:
    """Of the kind's defaults and what was given; a training that goes on keeps its own."""
    from har_core.training.state import read_state

    if wrong := [flag(name) for name in _NOT_OF_CLIPS if getattr(given, name) is not None]:
        raise ConfigError(f"{', '.join(wrong)} is not for clips; leave it out")
    fields = (TrainConfig.model_fields.keys() | TemporalConfig.model_fields.keys()) - {"temporal", "recipe"}
    changes = {name: value for name in sorted(fields) if (value := getattr(given, name)) is not None}
    if resumed is None:
        return TemporalConfig.of_kind(given.temporal, **changes)
    saved = read_state(resumed)["config"]
    if saved.get("temporal") != given.temporal:
        raise ConfigError(
            f"expected a training of {given.temporal} in {resumed}, found {saved.get('temporal') or 'one of photos'}; name its "
            "folder with --out"
        )
    config = TemporalConfig(**saved)
    if wrong := [flag(name) for name in changes if name not in TemporalConfig.model_fields]:
        raise ConfigError(f"{wrong[0]} is not for clips; leave it out")
    refuse_changes({name: value for name, value in changes.items() if name != "weights"}, config.as_dict())
    return config.model_copy(update={name: value for name, value in changes.items() if name == "weights"})


def refuse_changes(given: Mapping[str, Any], saved: Mapping[str, Any]) -> None:
    """Of a training that goes on; what was not given, None, is as saved.

    Raises:
        ConfigError: naming the first value that differs.
    """
    for name, value in given.items():
        if value is not None and value != saved.get(name):
            before = f"no {flag(name)}" if saved.get(name) is None else f"{flag(name)} {saved[name]}"
            raise ConfigError(
                f"a resumed training keeps its configuration: expected {before}, found {flag(name)} {value}; leave it out, or "
                "start anew"
            )


_PATHS = ("groups", "test_clips", "photo_run", "cache")


def _inputs(given: argparse.Namespace) -> dict[str, Any]:
    """What `_take_up` finds again."""
    paths = {name: str(path.resolve()) if (path := getattr(given, name)) is not None else None for name in _PATHS}
    return {**paths, "skip_bad": given.skip_bad}


def _take_up(given: argparse.Namespace, resumed: Path) -> None:
    """Set what was left out to what the training began with.

    A file or folder that is no longer where it was may be named anew; whether it holds the same is told by the state.

    Raises:
        ConfigError: if something else is given.
    """
    from har_core.runs.run import shipped_run
    from har_core.training.state import read_state

    saved = read_state(resumed)["identity"].get("inputs")
    if saved is None:  # of an earlier version
        return
    given.skip_bad = given.skip_bad or saved["skip_bad"]
    for name in _PATHS:
        path, before = getattr(given, name), saved[name]
        if path is None:
            setattr(given, name, Path(before) if before is not None else None)
        elif name != "cache":
            if before is None and name == "photo_run":
                before = str(shipped_run().folder.resolve())
            if before is None or Path(before).exists():
                refuse_changes({name: str(path.resolve())}, {name: before})


def _clips(folder: Path, *, skip_bad: bool) -> Sequence[Sample]:
    from har_core.data.clip_folder import scan_clips

    return scan_clips(folder, skip_bad=skip_bad)


def _print_epoch(row: dict[str, float], best: bool) -> None:
    print(
        f"epoch {row['epoch']:2.0f}  training loss {row['train_loss']:.4f} accuracy {row['train_accuracy']:.4f}  "
        f"dev loss {row['eval_loss']:.4f} accuracy {row['eval_accuracy']:.4f}  {row['seconds']:.0f} s"
        f"{'  best' if best else ''}",
        flush=True,
    )


def _print_scores(trained: Run) -> None:
    from har_core.analysis.scores import classification_report

    matrix, scores = trained.confusion_matrix(), trained.manifest.scores
    assert scores is not None
    print(
        f"\n{classification_report(matrix, trained.classes)[0]}\nConfusion matrix (rows: true, columns: predicted):\n{matrix}"
    )
    low, high = scores.accuracy_interval
    print(
        f"\nAccuracy on {scores.n:,} test clips {scores.accuracy:.4f} (95 %: {low:.4f} to {high:.4f}, if they are independent)"
    )
    print(f"Run: {trained.folder}")
