"""Near-duplicates are found: copies, and copies of another size and quality; and nothing else."""

from __future__ import annotations

import hashlib
import shutil
import time
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image

from har_core.data import near_duplicates
from har_core.data.near_duplicates import (
    NearDuplicate,
    find_near_duplicates,
    hash_pairs,
    hash_photos,
    perceptual_hashes,
)
from har_core.data.samples import Sample
from har_core.errors import Cancelled, DataError, ImageError


def scene(seed: int) -> Image.Image:
    """Something with large shapes, as photos have and noise has not."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((240, 200), Image.Resampling.BICUBIC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six scenes, a copy of the first, and the second once more, smaller and compressed."""
    for number in range(6):
        scene(number).save(tmp_path / f"{number}.png")
    shutil.copy(tmp_path / "0.png", tmp_path / "copy.png")
    scene(1).resize((160, 133)).save(tmp_path / "smaller.jpg", quality=60)
    return tmp_path


def samples(folder: Path, *names: str) -> list[Sample]:
    return [Sample(name, folder / name, "a") for name in names]


def test_near_duplicates_and_only_they(folder: Path) -> None:
    test = samples(folder, "0.png", "1.png", "2.png", "3.png")
    train = samples(folder, "4.png", "copy.png", "smaller.jpg", "5.png")
    seen: list[tuple[int, int]] = []
    found = find_near_duplicates(test, train, progress=lambda *step: seen.append(step))
    assert found[0] == NearDuplicate("0.png", "copy.png", 0, True)
    assert [(pair.test, pair.train, pair.identical) for pair in found[1:]] == [("1.png", "smaller.jpg", False)]
    assert seen[-1] == (8, 8)
    assert find_near_duplicates(test[2:], train) == [] == find_near_duplicates(test, [])


def test_the_distance_bounds_what_is_found(folder: Path) -> None:
    found = find_near_duplicates(samples(folder, "0.png"), samples(folder, "1.png", "copy.png"), distance=64)
    assert [pair.train for pair in found] == ["1.png", "copy.png"] and found[0].distance > 8


def test_a_photo_that_cannot_be_read_is_an_error(folder: Path) -> None:
    (folder / "5.png").write_bytes(b"none")
    with pytest.raises(ImageError, match=r"5\.png"):
        find_near_duplicates(samples(folder, "0.png"), samples(folder, "5.png"))


def test_hashes_are_those_of_imagehash_and_digests_those_of_the_files(folder: Path) -> None:
    photos = samples(folder, "0.png", "smaller.jpg", "3.png")
    seen: list[tuple[int, int]] = []
    hashes, digests = perceptual_hashes(photos, workers=2, progress=lambda *step: seen.append(step))
    expected = [int(str(imagehash.phash(Image.open(photo.path).convert("RGB"))), 16) for photo in photos]
    assert hashes.dtype == np.uint64 and hashes.tolist() == expected
    assert list(digests) == [hashlib.sha256(photo.path.read_bytes()).digest() for photo in photos]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert perceptual_hashes([])[0].shape == (0,)


def test_a_photo_that_cannot_be_read_is_told_and_left_out(folder: Path) -> None:
    (folder / "5.png").write_bytes(b"none")
    photos = samples(folder, "4.png", "5.png", "gone.png", "0.png")
    found = hash_photos(photos)
    assert [sample.name for sample in found.samples] == ["4.png", "0.png"]
    assert [problem.name for problem in found.problems] == ["5.png", "gone.png"]
    assert found.hashes.tolist() == perceptual_hashes([photos[0], photos[3]])[0].tolist()
    assert len(found.digests) == 2


def test_what_is_left_is_not_begun_once_somebody_stops_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Sample] = []

    def hashed(sample: Sample) -> tuple[int, bytes]:
        begun.append(sample)
        time.sleep(0.005)
        return 0, b""

    def stop(done: int, total: int) -> None:
        raise Cancelled

    monkeypatch.setattr(near_duplicates, "_hash", hashed)
    with pytest.raises(Cancelled):
        perceptual_hashes(samples(folder, "0.png") * 1000, workers=2, progress=stop)
    assert 0 < len(begun) < 900


@pytest.mark.parametrize("cells", [1, 50, 1 << 20])
def test_pairs_are_those_of_comparing_each_with_each(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_duplicates, "_CELLS", cells)
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**64, 60, dtype=np.uint64)
    hashes[30:] = hashes[:30] ^ (np.uint64(1) << random.integers(0, 64, 30, dtype=np.uint64))
    hashes[7] = hashes[55] = hashes[9]
    digests = [bytes([0] * 31 + [row]) for row in range(60)]
    digests[55] = digests[9]
    for distance in (0, 1, 2, 24):
        found = hash_pairs(hashes, digests, distance=distance)
        bits = np.array([[(one ^ other).bit_count() for other in hashes.tolist()] for one in hashes.tolist()])
        rows, columns = np.nonzero(np.triu(bits <= distance, 1))
        assert found.first.tolist() == rows.tolist() and found.second.tolist() == columns.tolist()
        assert found.distance.tolist() == bits[rows, columns].tolist()
        assert [(one, other) for one, other in zip(rows, columns, strict=True) if {one, other} == {9, 55}] == [(9, 55)]
        assert found.identical.tolist() == [{one, other} == {9, 55} for one, other in zip(rows, columns, strict=True)]
    assert not hash_pairs(hashes).identical.any()
    assert len(hash_pairs(hashes[:1]).first) == 0 == len(hash_pairs(hashes[:0]).first)


def test_pairs_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_duplicates, "MAX_PAIRS", 44)
    assert len(hash_pairs(np.zeros(9, dtype=np.uint64)).first) == 36
    with pytest.raises(DataError, match="44"):
        hash_pairs(np.zeros(11, dtype=np.uint64))
