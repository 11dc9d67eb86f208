"""Somebody's own photos: scored as the model would one by one, unknown classes as they choose, bad files named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ImageOps

from har_core.data import scan
from har_core.errors import Cancelled, DataError
from har_core.images import open_photo
from har_core.recogniser import Recogniser
from har_core.runs import Run
from har_core.scoring import score, write_run
from tests.conftest import COLOURS, picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos of each known class, three of one that the model does not know, and a file that is no photo."""
    for label in (*COLOURS, "violet"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(3):
            image = picture(COLOURS.get(label, (150, 30, 200)), seed=number)
            image.save(tmp_path / "photos" / label / f"{number}.png")
    (tmp_path / "photos" / "blue" / "notes.jpg").write_bytes(b"these are notes")
    return tmp_path / "photos"


def test_the_same_as_photo_by_photo(folder: Path, tiny: Recogniser) -> None:
    samples = scan(folder, verify=False).samples
    seen: list[tuple[int, int]] = []
    scored = score(samples, tiny, progress=lambda done, total: seen.append((done, total)))
    table = scored.evaluation.predictions
    assert table.classes == tiny.spec.classes and len(table) == 9 and seen[-1] == (10, 10)
    for row, name in enumerate(table.samples):
        alone = tiny.recognise(open_photo(folder / name), name)
        assert np.allclose(alone.probabilities, table.probabilities[row], atol=1e-5)
        assert np.allclose(alone.maps, scored.evaluation.maps[row], atol=1e-2)
        assert table.classes[table.true[row]] == name.split("/")[0]
    reasons = {problem.name: problem.reason for problem in scored.left_out}
    assert len(reasons) == 4 and "not a photo" in reasons["blue/notes.jpg"]
    assert "does not know violet" in reasons["violet/0.png"]


def test_mirror_images_are_averaged(folder: Path, tiny: Recogniser) -> None:
    samples = [sample for sample in scan(folder, verify=False).samples if sample.label == "red"]
    found = score(samples, tiny, flip=True).evaluation.predictions.probabilities
    for sample, chances in zip(samples, found, strict=True):
        photo = open_photo(sample.path)
        ways = [tiny.recognise(way, "x").probabilities for way in (photo, ImageOps.mirror(photo))]
        assert np.allclose(chances, np.mean(ways, axis=0), atol=2e-3) and not np.allclose(*ways, atol=1e-5)


def test_unknown_classes_can_count_as_errors(folder: Path, tiny: Recogniser) -> None:
    scored = score(scan(folder, verify=False).samples, tiny, unknown="counted as errors")
    table = scored.evaluation.predictions
    assert table.classes == (*tiny.spec.classes, "violet") and len(table) == 12
    violet = table.true == 3
    assert violet.sum() == 3 and (table.predicted[violet] != 3).all() and (table.probabilities[:, 3] == 0).all()
    assert scored.evaluation.maps.shape[1] == 4


def test_it_can_be_stopped_and_says_when_nothing_is_left(folder: Path, tiny: Recogniser) -> None:
    samples = scan(folder, verify=False).samples
    with pytest.raises(Cancelled):
        score(samples, tiny, cancelled=lambda: True)
    with pytest.raises(DataError, match="does not know violet"):
        score([sample for sample in samples if sample.label == "violet"], tiny)


def test_the_result_is_a_run(folder: Path, tmp_path: Path, tiny: Recogniser) -> None:
    by = Run(tmp_path / "by-whom", {"model": {"crop_size": 64, "resize": 72}, "classes": [], "files": {}})
    scored = score(scan(folder, verify=False).samples, tiny)
    run = write_run(tmp_path / "run", scored, by, title="Mine")
    assert run.title == "Mine" and len(run.predictions()) == 9 and run.heatmaps().shape[0] == 9
    assert len(run.card["data"]["left_out"]) == 4 and "By whom" in run.card["source"]
