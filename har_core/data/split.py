"""Labeled photos → those a model learns from, and those it is evaluated on."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from har_core.analysis.temperature import FEWEST
from har_core.data.corrections import NONE, Corrections
from har_core.data.near_duplicates import NearDuplicate, find_near_duplicates
from har_core.data.samples import Sample
from har_core.data.scan import LabeledPhotos, Progress
from har_core.errors import DataError

EvalSplit = Literal["test", "dev"]
SplitBy = Literal["auto", "random", "folders"]

DEV_FRACTION = 0.1
"""Share of each class of the training photos that becomes the dev set, on which recipes are compared."""


def stratified_split(
    samples: Sequence[Sample], *, fraction: float, seed: int, at_least: int = 1
) -> tuple[list[Sample], list[Sample]]:
    """Split samples class by class, as the published report does.

    One stream of random numbers runs through all labels in their order of first appearance; each label's names
    are shuffled and the first `max(at_least, int(fraction * n))` are held out.

    Args:
        fraction: share of each class that is held out, in (0, 1).

    Returns:
        (train, held out), each in the order of `samples`.
    """
    names: dict[str, list[str]] = {}
    for sample in samples:
        names.setdefault(sample.label, []).append(sample.name)
    stream = random.Random(seed)
    held_out: set[str] = set()
    for group in names.values():
        stream.shuffle(group)
        held_out.update(group[: max(at_least, int(fraction * len(group)))])
    train = [sample for sample in samples if sample.name not in held_out]
    return train, [sample for sample in samples if sample.name in held_out]


@dataclass(frozen=True)
class Split:
    """`train`, `calibration` and `evaluation` have no photo in common; `near_duplicates` are the pairs for whose sake training
    photos were dropped.

    `calibration`: photos that the temperature is fitted on, neither trained nor scored on; none if there are too few.
    `description`: how the photos were split.  `eval_split`: what `evaluation` is; a folder `val/` is a dev set.
    """

    train: list[Sample]
    evaluation: list[Sample]
    near_duplicates: list[NearDuplicate]
    description: str
    eval_split: EvalSplit
    calibration: list[Sample] = field(default_factory=list)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Names of the photos that were dropped from `train`, sorted."""
        return tuple(sorted({pair.train for pair in self.near_duplicates}))


def split_photos(
    photos: LabeledPhotos,
    *,
    test_fraction: float,
    seed: int,
    by: SplitBy = "random",
    eval_split: EvalSplit = "test",
    drop_near_duplicates: bool = False,
    calibration_fraction: float = 0.0,
    corrections: Corrections = NONE,
    progress: Progress | None = None,
) -> Split:
    """Split photos as a recipe says.

    Args:
        test_fraction: share of each class that is the test set, of a random split.
        by: random: class by class; folders: as the photos lie in train/, val/ and test/; auto: by folders if there are
            some to train and some to evaluate.
        eval_split: evaluate on the test set, or on `val/` where there is no `test/`; or on a dev set, which then does not
            train, while the test set is left alone: `val/`, or `DEV_FRACTION` of each class of the training photos.
        drop_near_duplicates: drop training photos that are nearly identical to one of the evaluation.
        calibration_fraction: share of each class of the training photos that is held out to fit the temperature on.
        corrections: applied after the split, which follows the labels as they were: so that runs with and without corrections
            are evaluated on the same photos.
        progress: of looking for near-duplicates.

    Raises:
        DataError: if the folders are no split, or a class had no photo to learn from, or near-duplicates made up most of
            what it had.
        ImageError: if a photo cannot be read while looking for near-duplicates.
    """
    folders = {name: [sample for sample in photos.samples if sample.split == name] for name in ("train", "val", "test")}
    own = bool(folders["train"] and (folders["val"] or folders["test"]))
    if by == "folders" and not own:
        raise DataError(
            "expected class folders in train/ and in test/ or val/, found none; add them, or leave --split folders out"
        )
    if own and by != "random":
        train = folders["train"]
        if eval_split == "test" and not folders["test"]:
            eval_split = "dev"
        other, unused = ("test", "val") if eval_split == "test" else ("val", "test")
        evaluation = folders[other]
        description = f"the folders train/ and {other}/" if evaluation else "the folder train/"
        if folders[unused]:
            description += f", not {unused}/ ({len(folders[unused]):,} photos)"
    else:
        train, evaluation = stratified_split(photos.samples, fraction=test_fraction, seed=seed)
        description = f"{test_fraction:g} of each class, shuffled with seed {seed}"
        if eval_split == "dev":
            evaluation = []
    if not evaluation:
        train, evaluation = stratified_split(train, fraction=DEV_FRACTION, seed=seed)
        description += f"; then {DEV_FRACTION:g} of each class of the rest"
    pairs = find_near_duplicates(evaluation, train, progress=progress) if drop_near_duplicates else []
    dropped = {pair.train for pair in pairs}
    kept = [sample for sample in train if sample.name not in dropped]
    _require_every_class(photos.classes, train, kept)
    kept, evaluation = corrections.apply(kept), corrections.apply(evaluation)
    kept, calibration = _calibration_photos(kept, calibration_fraction, seed)
    if not evaluation:
        raise DataError(
            "expected photos to evaluate on, found that all of them are left out; name fewer with --leave-out"
        )
    if corrections.sources:
        _require_every_class(photos.classes, kept, kept)
    return Split(kept, evaluation, pairs, description, eval_split, calibration)


def _calibration_photos(train: list[Sample], fraction: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """(train, calibration); nothing is held out where it would be too few to fit anything on."""
    left, held_out = stratified_split(train, fraction=fraction, seed=seed + 1, at_least=0)
    return (left, held_out) if len(held_out) >= FEWEST else (train, [])


def _require_every_class(classes: Sequence[str], train: Sequence[Sample], kept: Sequence[Sample]) -> None:
    """Stop if a class has nothing to learn from, or loses nearly all of it as near-duplicates."""
    before, after = (Counter(sample.label for sample in samples) for samples in (train, kept))
    empty = [label for label in classes if not before[label]]
    if empty:
        raise DataError(
            f"expected training photos of every class, found none of {', '.join(empty[:20])}; add some, or remove the "
            "class"
        )
    lost = [
        f"{label} ({before[label] - after[label]:,} of {before[label]:,})"
        for label in classes
        if after[label] < before[label] and after[label] < max(2, before[label] / 4)
    ]
    if lost:
        raise DataError(
            f"expected few near-duplicates of the evaluation among the training photos, found nearly all of "
            f"{', '.join(lost[:20])}; pass --no-drop-near-duplicates to learn from them all the same, or put photos of one "
            "burst on one side of a split of your own: train/CLASS and test/CLASS"
        )
