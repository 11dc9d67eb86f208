"""Near-duplicates are found: copies, and copies of another size and quality; and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from har_core.data.near_duplicates import NearDuplicate, find_near_duplicates
from har_core.data.samples import Sample
from har_core.errors import ImageError


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
