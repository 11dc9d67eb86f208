"""Labeled clips → those a model learns from, is chosen by and is evaluated on, with no source video in two of them.

Clips that were cut from one video share camera, place and people: split at random, a network that knows the place by heart
would look as if it knew the action.
"""

from __future__ import annotations

import csv
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sklearn.model_selection import StratifiedGroupKFold

from har_core.data.samples import Sample
from har_core.errors import DataError
from har_core.files import and_more, printable

COLUMNS = ("clip", "group")


@dataclass(frozen=True)
class ClipSplit:
    """`train`, `dev` and `test` have no source video in common, but for test clips that came as a folder of their own.

    `classes`: sorted.  `sources`: the number of source videos of each part.  `description`: how the clips were split.
    """

    classes: tuple[str, ...]
    train: tuple[Sample, ...]
    dev: tuple[Sample, ...]
    test: tuple[Sample, ...]
    sources: tuple[int, int, int]
    description: str


def read_groups(path: Path, samples: Sequence[Sample]) -> dict[str, str]:
    """The source video of each clip, from a CSV with the columns `clip` (its name below the folder of clips) and `group`.

    Rows of other clips are no error: one file may serve several folders.

    Raises:
        DataError: if the file cannot be read, lacks a column, gives a clip two groups, or lacks a clip.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            found = tuple(table.fieldnames or ())
            if not set(COLUMNS) <= set(found):
                raise DataError(
                    f"{path.name}: expected the columns {' and '.join(COLUMNS)}, found {printable(', '.join(found))}; "
                    "name them so"
                )
            rows = [(row["clip"] or "", row["group"] or "") for row in table]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"expected a CSV of groups in {path}, found none that can be read; check the file") from error
    groups: dict[str, str] = {}
    for clip, group in rows:
        if groups.setdefault(clip, group) != group:
            raise DataError(f"{path.name}: expected one group for {printable(clip)}, found two; leave one out")
    missing = [sample.name for sample in samples if not groups.get(sample.name)]
    if missing:
        raise DataError(
            f"{path.name}: expected a group for every clip, found none for {printable(missing[0])}"
            f"{and_more(len(missing) - 1)}; add a row for each"
        )
    return {sample.name: groups[sample.name] for sample in samples}


def split_clips(
    samples: Sequence[Sample],
    groups: Mapping[str, str] | None = None,
    *,
    dev_fraction: float,
    test_fraction: float,
    seed: int,
    test: Sequence[Sample] = (),
) -> ClipSplit:
    """Split clips by their source videos, with about the same shares of classes in each part.

    The parts are folds of scikit-learn's `StratifiedGroupKFold`: a fraction means one of round(1 / fraction) folds, or of as many as
    there are sources and clips of a class.

    Args:
        groups: clip → source video; None: each clip is a source of its own.
        dev_fraction: share of what does not test, in (0, 0.5], that the epoch is chosen by.
        test_fraction: share of the sources that tests, in (0, 0.5].
        test: clips that test, in place of a share of the others.

    Raises:
        DataError: if there are too few sources, or a class has nothing to learn from.
    """
    classes = tuple(sorted({sample.label for sample in samples}))
    if unknown := sorted({sample.label for sample in test} - set(classes)):
        raise DataError(
            f"expected test clips of the classes {', '.join(classes)}; found {', '.join(map(printable, unknown))} too; "
            "remove them, or add clips of theirs to learn from"
        )
    source = groups or {sample.name: sample.name for sample in samples}
    what = (
        f"{len({source[one.name] for one in samples}):,} source videos"
        if groups
        else "each clip as a source of its own"
    )
    if test:
        rest, held_out = list(samples), list(test)
        how = f"a folder of its own tests; of the others ({what})"
    else:
        rest, held_out = _fold(list(samples), source, test_fraction, seed)
        how = f"by {what}: {test_fraction:g} test; of the rest"
    train, dev = _fold(rest, source, dev_fraction, seed + 1)
    counts = Counter(sample.label for sample in train)
    if empty := [name for name in classes if not counts[name]]:
        raise DataError(
            f"expected clips of every class to learn from, found none of {printable(', '.join(empty[:20]))} after splitting "
            f"by {what}; add clips of other sources, or choose another --seed"
        )
    return ClipSplit(
        classes,
        tuple(train),
        tuple(dev),
        tuple(held_out),
        tuple(len({source.get(one.name, one.name) for one in part}) for part in (train, dev, held_out)),  # type: ignore[arg-type]
        f"{how} {dev_fraction:g} choose the epoch; seed {seed}",
    )


def _fold(
    samples: list[Sample], source: Mapping[str, str], fraction: float, seed: int
) -> tuple[list[Sample], list[Sample]]:
    """(rest, one fold of the sources), each in the order of `samples`."""
    labels, videos = [sample.label for sample in samples], [source[sample.name] for sample in samples]
    folds = min(round(1 / fraction), len(set(videos)), max(Counter(labels).values()))  # of few clips, larger parts
    if folds < 2:
        raise DataError(
            f"expected clips of two or more source videos to split, found {len(set(videos))}; add clips of others, or pass "
            "--test-clips FOLDER"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes with fewer clips than folds: what is missing is checked above
        found = next(StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(labels, labels, videos))
    kept, held_out = ([samples[number] for number in part] for part in found)
    return kept, held_out
