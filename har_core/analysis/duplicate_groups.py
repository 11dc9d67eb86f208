"""Pairs of photos whose hashes are alike → groups of photos that show the same, and what they do to a run's figures.

A hash sees shapes and brightness, the network's features see what is in the photo: each vouches for the other where it
alone would be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from har_core.analysis.scores import Summary, summarize
from har_core.errors import RunError
from har_core.runs.predictions import Predictions
from har_core.runs.tables import TEST, TRAINING, Number, OneOf, Schema, Text

DISTANCE = 8
"""Bits of 64 in which the hashes of near-duplicates may differ.

Of this data set's 38 pairs across the published split at 8 or less, one does not show the same picture; at 10, most do
not.  A few near-duplicates that were cropped anew or carry another watermark lie beyond and are missed by the hash alone.
"""

CERTAIN_DISTANCE = 4
"""Bits up to which the hash alone counts: of a photo and a much smaller copy, the cosine can be as low as 0.81."""

WIDE_DISTANCE = 12
"""Bits in which they may differ if the embeddings agree: a copy with another watermark, or cut a little differently."""

SAME_COSINE = 0.95
"""Of the embeddings of two photos within `WIDE_DISTANCE`, from which on they count as the same.

All 11 such pairs of this data set beyond `DISTANCE` show the same scene; of those between 0.9 and 0.95, about half.
"""

OTHER_COSINE = 0.9
"""Of the embeddings of two photos between `CERTAIN_DISTANCE` and `DISTANCE`, below which they do not count.

People before white have similar hashes: all 12 such pairs of this data set show different people; of those that show the
same, none is below 0.91.
"""

LARGEST_CHAIN = 10
"""Photos of a group of which some are alike only through others.  Larger ones are taken apart."""

LEFT_OUT = "left out"
"""Where a photo is.  Left out: neither scored nor learned from, as are the near-duplicates that a training drops."""

SPLITS = (TEST, TRAINING, LEFT_OUT)

SCHEMA: Schema = {
    "group": Number(1, 10**7, whole=True),
    "sample": Text(),
    "split": OneOf(SPLITS),
    "label": Text(),
    "distance": Number(0, 64, whole=True),
    "cosine": Number(-1, 1, missing=True),
}
"""The table of groups, in the order of `find_groups`; `distance` in bits, to the group's first photo; `cosine` to it too."""

_CHUNK = 4096  # pairs whose embeddings are multiplied at a time


@dataclass(frozen=True)
class HashPairs:
    """P pairs of photos whose hashes are alike, sorted by `first`, then `second`.

    `first`, `second`: (P,) int64 rows of the photos, first < second.  `distance`: (P,) int64, of their hashes, in bits of 64.
    `identical`: (P,) bool, byte for byte.
    """

    first: np.ndarray
    second: np.ndarray
    distance: np.ndarray
    identical: np.ndarray


@dataclass(frozen=True)
class Member:
    """A photo of a group.

    `split`: one of `SPLITS`.  `distance`: of its hash to that of the group's first photo, in bits of 64.  `cosine`: of the
    two embeddings, in [-1, 1]; NaN if unknown.
    """

    sample: str
    split: str
    label: str
    distance: int
    cosine: float


@dataclass(frozen=True)
class Group:
    """Two or more photos that show the same.  The first is the one that most others are alike."""

    members: tuple[Member, ...]

    @property
    def labels_differ(self) -> bool:
        """At least one of the labels is wrong then, or the picture shows both."""
        return len({member.label for member in self.members}) > 1

    @property
    def across_split(self) -> bool:
        """A test photo was seen in training."""
        return {TEST, TRAINING} <= {member.split for member in self.members}


def same_photo(pairs: HashPairs, cosine: np.ndarray) -> np.ndarray:
    """(P,) bool: whether two photos with similar hashes count as the same.

    Identical files always do, and photos within `CERTAIN_DISTANCE` bits.  Others within `DISTANCE` do unless their cosine is
    below `OTHER_COSINE`; those within `WIDE_DISTANCE` do if it is `SAME_COSINE` or more.

    Args:
        cosine: (P,) of their embeddings; NaN where it is unknown, and the hash alone counts.
    """
    alike = (pairs.distance <= DISTANCE) & ~(cosine < OTHER_COSINE)
    confirmed = (pairs.distance <= WIDE_DISTANCE) & (cosine >= SAME_COSINE)
    return np.asarray(pairs.identical | (pairs.distance <= CERTAIN_DISTANCE) | alike | confirmed)


def cosines(embeddings: np.ndarray | None, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(P,) float64 in [-1, 1]: cosine similarity of rows; NaN without embeddings, or where one is not finite or zero.

    Args:
        embeddings: (M, D) pooled features, not centered.
    """
    found = np.full(len(first), np.nan)
    if embeddings is None:
        return found
    for start in range(0, len(first), _CHUNK):
        part = slice(start, start + _CHUNK)
        one, other = (np.asarray(embeddings[rows[part]], dtype=np.float64) for rows in (first, second))
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        products = np.einsum("pd,pd->p", one, other)
        known = np.isfinite(products) & np.isfinite(lengths) & (lengths > 0)
        found[part][known] = np.clip(products[known] / lengths[known], -1, 1)
    return found


def find_groups(
    samples: Sequence[str],
    labels: Sequence[str],
    splits: Sequence[str],
    hashes: np.ndarray,
    pairs: HashPairs,
    *,
    embeddings: np.ndarray | None = None,
) -> list[Group]:
    """The groups of photos that show the same: with different labels first, then across the split, then the largest.

    A group holds all that are the same directly or through others.  One of more than `LARGEST_CHAIN` photos, of which not all
    are alike the same one, is taken apart, so that a chain of chance likenesses does not bind what has nothing in common.

    Args:
        samples, labels, splits: of M photos: names, unique; labels; and which of `SPLITS` each is in.
        hashes: (M,) uint64.
        pairs: those within `WIDE_DISTANCE` or more bits, and all identical ones.
        embeddings: (M, D) pooled features, not centered; NaN in the rows where they are unknown.
    """
    same = same_photo(pairs, cosines(embeddings, pairs.first, pairs.second))
    groups = []
    for rows in _components(pairs.first[same], pairs.second[same]):
        distance = np.bitwise_count(hashes[rows] ^ hashes[rows[0]])
        cosine = cosines(embeddings, rows, np.full_like(rows, rows[0]))
        members = (
            Member(str(samples[row]), str(splits[row]), str(labels[row]), int(bits), float(similarity))
            for row, bits, similarity in zip(rows.tolist(), distance, cosine, strict=True)
        )
        groups.append(Group(tuple(members)))
    return sorted(groups, key=lambda group: (not group.labels_differ, not group.across_split, -len(group.members)))


def to_table(groups: Sequence[Group]) -> pd.DataFrame:
    """One row per photo, the columns of `SCHEMA`; groups are numbered from 1."""
    rows = [
        (number, member.sample, member.split, member.label, member.distance, member.cosine)
        for number, group in enumerate(groups, start=1)
        for member in group.members
    ]
    return pd.DataFrame(rows, columns=list(SCHEMA))


def from_table(table: pd.DataFrame) -> list[Group]:
    """What `to_table` gave, in its order.

    Raises:
        RunError: if a photo is there twice, or alone in a group.
    """
    members: dict[int, list[Member]] = {}
    for number, *values in table[list(SCHEMA)].itertuples(index=False):
        members.setdefault(number, []).append(Member(*values))
    repeated = table["sample"][table["sample"].duplicated()]
    lone = [found[0].sample for found in members.values() if len(found) < 2]
    if len(repeated) or lone:
        odd = str([*repeated, *lone][0])[:80]
        raise RunError(f"expected groups of two or more photos, each photo once, found {odd!r}; analyze the run again")
    return [Group(tuple(found)) for found in members.values()]


def group_numbers(samples: Sequence[str], groups: Sequence[Group]) -> np.ndarray:
    """(M,) int64, from 0: equal for photos of one group, so that no fold of a cross-validation holds a copy of another's."""
    number = {member.sample: index for index, group in enumerate(groups) for member in group.members}
    alone = len(groups)
    return np.array([number.get(str(sample), alone + row) for row, sample in enumerate(samples)], dtype=np.int64)


def without_leaks(predictions: Predictions, groups: Sequence[Group]) -> tuple[Summary | None, int]:
    """The scores on the test photos that show what no training photo shows, and how many others there are.

    None instead of the scores if none is left.
    """
    leaked = {member.sample for group in groups if group.across_split for member in group.members}
    kept = np.array([sample not in leaked for sample in predictions.samples], dtype=bool)
    if not kept.any():
        return None, len(kept)
    size = len(predictions.classes)
    cells = np.bincount(predictions.true[kept] * size + predictions.predicted[kept], minlength=size * size)
    return summarize(cells.reshape(size, size)), int((~kept).sum())


def _components(first: np.ndarray, second: np.ndarray) -> list[np.ndarray]:
    """Rows of each group; the first is the one with most links, of equals the one that comes first; the others in order."""
    if not len(first):
        return []
    rows, numbers = np.unique(np.concatenate([first, second]), return_inverse=True)
    one, other = numbers[: len(first)], numbers[len(first) :]
    links = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(len(rows), len(rows))).tocsr()
    links = (links + links.T).tocsr()
    labels = connected_components(links, directed=False)[1]
    order = np.argsort(labels, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    found = [group for part in parts for group in _around_centers(links, part)]
    return [rows[group] for group in sorted(found, key=min)]


def _around_centers(links: csr_array, part: np.ndarray) -> list[np.ndarray]:
    """A component as it is if it is small, or all are linked to one; else groups of a photo and those linked to it."""
    groups = []
    while len(part) > 1:
        inside = links[part][:, part]
        count = np.asarray(inside.sum(axis=1)).ravel()
        center = int(count.argmax())
        if count[center] == 0:
            break
        taken = np.ones(len(part), dtype=bool)
        if len(part) > LARGEST_CHAIN:
            taken = np.zeros(len(part), dtype=bool)
            taken[inside[[center]].indices] = True
            taken[center] = True
        others = part[taken & (np.arange(len(part)) != center)]
        groups.append(np.concatenate([part[[center]], others]))
        part = part[~taken]
    return groups
