"""Labeled photos → those a model learns from, and those it is evaluated on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from har_core.data.near_duplicates import NearDuplicate, find_near_duplicates
from har_core.data.scan import LabeledPhotos, Progress, Sample

EvalSplit = Literal["test", "dev"]

DEV_FRACTION = 0.1
"""Share of each class of the training photos that becomes the dev set, on which recipes are compared."""


def stratified_split(samples: Sequence[Sample], *, fraction: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """Split samples class by class, as the published report does.

    One stream of random numbers runs through all labels in their order of first appearance; each label's names
    are shuffled and the first `max(1, int(fraction * n))` are held out.

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
        held_out.update(group[: max(1, int(fraction * len(group)))])
    train = [sample for sample in samples if sample.name not in held_out]
    return train, [sample for sample in samples if sample.name in held_out]


@dataclass(frozen=True)
class Split:
    """`train` and `evaluation` have no photo in common; `near_duplicates` are the pairs for whose sake training photos
    were dropped."""

    train: list[Sample]
    evaluation: list[Sample]
    near_duplicates: list[NearDuplicate]

    @property
    def dropped(self) -> tuple[str, ...]:
        """Names of the photos that were dropped from `train`, sorted."""
        return tuple(sorted({pair.train for pair in self.near_duplicates}))


def split_photos(
    photos: LabeledPhotos,
    *,
    test_fraction: float,
    seed: int,
    eval_split: EvalSplit = "test",
    drop_near_duplicates: bool = False,
    progress: Progress | None = None,
) -> Split:
    """Split photos as a recipe says.

    Args:
        test_fraction: share of each class that is the test set.
        eval_split: evaluate on the test set; or on a dev set, `DEV_FRACTION` of each class of the others, which then do
            not train, while the test set is left alone.
        drop_near_duplicates: drop training photos that are nearly identical to one of the evaluation.
        progress: of looking for them.

    Raises:
        ImageError: if a photo cannot be read while looking for near-duplicates.
    """
    train, evaluation = stratified_split(photos.samples, fraction=test_fraction, seed=seed)
    if eval_split == "dev":
        train, evaluation = stratified_split(train, fraction=DEV_FRACTION, seed=seed)
    pairs = find_near_duplicates(evaluation, train, progress=progress) if drop_near_duplicates else []
    dropped = {pair.train for pair in pairs}
    return Split([sample for sample in train if sample.name not in dropped], evaluation, pairs)
