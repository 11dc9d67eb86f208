"""Photos that show the same: within a data set, and on both sides of a split.

What a model has seen in training should not be counted as a test.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import imagehash
import numpy as np

from har_core.analysis.duplicate_groups import DISTANCE as DISTANCE
from har_core.analysis.duplicate_groups import WIDE_DISTANCE, HashPairs
from har_core.data.samples import Problem, Sample
from har_core.data.scan import Progress
from har_core.errors import DataError, ImageError
from har_core.media.images import open_photo

MAX_PAIRS = 10**7
"""What `hash_pairs` keeps in memory at most (250 MB)."""

_Result = TypeVar("_Result")
_CELLS = 1 << 20  # of the matrix of all pairs that are compared at once: what a processor's cache holds


@dataclass(frozen=True)
class NearDuplicate:
    """Names of a test photo and of a training photo that show the same.

    `distance`: of their hashes, in bits of 64; 0 is most alike.  `identical`: byte for byte.
    """

    test: str
    train: str
    distance: int
    identical: bool


@dataclass(frozen=True)
class HashedPhotos:
    """The photos of a list that can be read, and what the others suffer from.

    `samples`: M of them, in the order of the list.  `hashes`: (M,) uint64, pHash.  `digests`: M, SHA-256 of the files.
    """

    samples: tuple[Sample, ...]
    hashes: np.ndarray
    digests: tuple[bytes, ...]
    problems: tuple[Problem, ...]


def find_near_duplicates(
    test: Sequence[Sample], train: Sequence[Sample], *, distance: int = DISTANCE, progress: Progress | None = None
) -> list[NearDuplicate]:
    """All pairs of a test and a training photo whose perceptual hashes differ in at most `distance` bits.

    Byte-identical photos are at distance 0.

    Returns:
        The pairs in the order of `test`, then of `train`.

    Raises:
        ImageError: if a photo cannot be read.
    """
    hashes, digests = perceptual_hashes([*test, *train], progress=progress)
    found = []
    for row in range(len(test)):
        differing = np.bitwise_count(hashes[len(test) :] ^ hashes[row])
        for column in np.flatnonzero(differing <= distance).tolist():
            identical = digests[row] == digests[len(test) + column]
            found.append(NearDuplicate(test[row].name, train[column].name, int(differing[column]), identical))
    return found


def perceptual_hashes(
    samples: Sequence[Sample], *, workers: int | None = None, progress: Progress | None = None
) -> tuple[np.ndarray, tuple[bytes, ...]]:
    """pHash and SHA-256 of each photo.

    The hash is pHash: signs of the low frequencies of a 32 × 32 cosine transform, 64 bits (Zauner 2010), as the package
    imagehash computes it.  Half of its bits are ones, so that two hashes differ in an even number of bits.

    Args:
        workers: threads that decode; the number of cores by default.

    Returns:
        (M,) uint64 hashes, and M digests of 32 bytes.

    Raises:
        ImageError: if a photo cannot be read.
    """
    found = _each(_hash, samples, workers, progress)
    return _column([number for number, _ in found]), tuple(digest for _, digest in found)


def hash_photos(samples: Sequence[Sample], *, progress: Progress | None = None) -> HashedPhotos:
    """As `perceptual_hashes`, but a photo that cannot be read is told and left out."""
    kept, hashes, digests, problems = [], [], [], []
    for sample, found in zip(samples, _each(_hash_or_error, samples, None, progress), strict=True):
        if isinstance(found, ImageError):
            problems.append(Problem.of_photo(sample.name, found))
        else:
            kept.append(sample)
            hashes.append(found[0])
            digests.append(found[1])
    return HashedPhotos(tuple(kept), _column(hashes), tuple(digests), tuple(problems))


def hash_pairs(
    hashes: np.ndarray, digests: Sequence[bytes] | None = None, *, distance: int = WIDE_DISTANCE
) -> HashPairs:
    """All pairs of photos whose hashes differ in at most `distance` bits; each pair once.

    All are compared, some rows at a time: half a second for 12,600 photos, half a minute for 100,000.

    Args:
        hashes: (M,) uint64, as `perceptual_hashes` gives them.
        digests: M of the files; without them no pair is `identical`.

    Raises:
        DataError: if there are more than `MAX_PAIRS`.
    """
    size, count, start = len(hashes), 0, 0
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    while start < size:
        stop = min(size, start + max(1, _CELLS // (size - start)))
        bits = np.bitwise_count(hashes[start:stop, None] ^ hashes[None, start:])
        rows, columns = np.nonzero(bits <= distance)
        later = columns > rows
        rows, columns = rows[later], columns[later]
        found.append((rows + start, columns + start, bits[rows, columns].astype(np.int64)))
        start, count = stop, count + len(rows)
        if count > MAX_PAIRS:
            raise DataError(
                f"expected at most {MAX_PAIRS:,} pairs of similar photos, found more among {size:,} photos; remove what is "
                "there again and again, such as plain pictures"
            )
    none = np.empty(0, dtype=np.int64)
    first, second, differing = (np.concatenate([none, *(part[place] for part in found)]) for place in range(3))
    files = np.arange(size) if digests is None else np.unique(np.array(digests, dtype="S32"), return_inverse=True)[1]
    return HashPairs(first, second, differing, files[first] == files[second])


def _hash(sample: Sample) -> tuple[int, bytes]:
    bits = imagehash.phash(open_photo(sample.path, sample.name)).hash
    number = int("".join("1" if bit else "0" for bit in bits.ravel()), 2)
    return number, hashlib.sha256(sample.path.read_bytes()).digest()


def _hash_or_error(sample: Sample) -> tuple[int, bytes] | ImageError:
    try:
        return _hash(sample)
    except ImageError as error:
        return error


def _each(
    function: Callable[[Sample], _Result], samples: Sequence[Sample], workers: int | None, progress: Progress | None
) -> list[_Result]:
    results = []
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:  # decoding releases the GIL
        try:
            for result in pool.map(function, samples):
                results.append(result)
                if progress is not None:
                    progress(len(results), len(samples))
        except BaseException:  # what still waits for a thread is not begun
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results


def _column(hashes: list[int]) -> np.ndarray:
    return np.array(hashes, dtype=np.uint64)
