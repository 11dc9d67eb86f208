"""Twins across a split are found: copies, copies of another size and quality, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from har_core import __main__ as cli
from har_core import commands, runs
from har_core.data import LABELS_FILE, Sample
from har_core.predictions import Predictions
from har_core.twins import Twins, find_twins


def scene(seed: int) -> Image.Image:
    """Something with large shapes, as photos have and noise has not."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((240, 200), Image.Resampling.BICUBIC)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six scenes, a copy of the first, and the second once more, smaller and compressed."""
    folder = tmp_path / "data"
    (folder / "train").mkdir(parents=True)
    for number in range(6):
        scene(number).save(folder / "train" / f"{number}.png")
    shutil.copy(folder / "train" / "0.png", folder / "train" / "copy.png")
    scene(1).resize((160, 133)).save(folder / "train" / "smaller.jpg", quality=60)
    names = sorted(path.name for path in (folder / "train").iterdir())
    rows = [f"{name},{'ab'[index % 2]}" for index, name in enumerate(names)]
    (folder / LABELS_FILE).write_text("\n".join(["filename,label", *rows]))
    return folder


def test_twins_and_only_they(photos: Path) -> None:
    def sample(name: str) -> Sample:
        return Sample(name, photos / "train" / name, "a")

    scored, others = (
        [sample(f"{n}.png") for n in range(4)],
        [sample(n) for n in ("4.png", "copy.png", "smaller.jpg", "5.png")],
    )
    seen: list[tuple[int, int]] = []
    found = find_twins(scored, others, progress=lambda done, total: seen.append((done, total)))
    assert found[0] == Twins("0.png", "copy.png", 0, True)
    assert [(pair.scored, pair.other, pair.identical) for pair in found[1:]] == [("1.png", "smaller.jpg", False)]
    assert seen[-1] == (8, 8)
    assert find_twins(scored[2:], others) == []


def test_the_command_scores_with_and_without_them(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four photos are scored, two of them have twins; the model is right on these two and on one more."""
    names = np.array(["0.png", "1.png", "2.png", "3.png"], dtype=object)
    table = Predictions(
        ("a", "b"), names, np.array([0, 1, 0, 1]), np.array([[1, 0], [0, 1], [1, 0], [1, 0]], np.float32)
    )
    table.write(tmp_path / "run" / runs.PREDICTIONS)
    runs.write_card(tmp_path / "run", {"status": runs.COMPLETE, "classes": ["a", "b"]})
    assert commands.run(lambda: cli.main(["twins", str(photos), "--run", str(tmp_path / "run")])) == 0
    told = capsys.readouterr()
    copy, smaller = (line.split("\t") for line in told.out.splitlines()[1:])
    assert copy == ["0.png", "copy.png", "0", "yes"]
    assert smaller[:2] == ["1.png", "smaller.jpg"] and smaller[3] == "no"
    assert "2 of 4 scored photos have a twin among 4 others" in told.err
    assert "all scored photos: 0.7500" in told.err and "without a twin: 0.5000" in told.err
