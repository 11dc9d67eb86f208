"""Labeled clips, scored from the command line: every page works on them, and a clip plays beside the frames that decided."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from har_core.cli import main
from har_core.runs.run import Run, assets_folder
from tests.media.clip_makers import make_clip
from tests.pages.conftest import PAGES, opened, text

SMALL = assets_folder() / "runs" / "edge"


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(data folder, folder of runs): four clips of two actions, and the run `clips` of them."""
    data, runs = tmp_path_factory.mktemp("clips"), tmp_path_factory.mktemp("runs")
    for number, name in enumerate(("astronaut.jpg", "camera.jpg", "grace_hopper.jpg", "astronaut.jpg")):
        photo = Image.open(assets_folder() / "samples" / name).convert("RGB").resize((160, 120))
        folder = data / ("laughing", "texting")[number % 2]
        folder.mkdir(exist_ok=True)
        content = make_clip(rate=4, size=(160, 120), pictures=[np.asarray(photo)] * 4)
        (folder / f"clip {number}.mp4").write_bytes(content)
    assert main(["evaluate", str(data), "--run", str(SMALL), "--out", str(runs / "clips"), "--fps", "2"]) == 0
    return data, runs


def test_every_page_works_on_clips(scored: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    data, runs = scored
    monkeypatch.setenv("HAR_DATA", str(data))
    monkeypatch.setenv("HAR_RUNS", str(runs))
    run = Run.open(runs / "clips")
    assert len(run.predictions()) == 4 and run.has("heatmaps.npy") and run.has("embeddings.npy")
    for page in PAGES:
        app = opened(page, "clips")
        assert not app.exception and not [error for error in app.error if "damaged" not in error.value], page


@pytest.mark.parametrize("there", [True, False])
def test_the_clip_plays_beside_its_frame(
    scored: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    data, runs = scored
    monkeypatch.setenv("HAR_DATA", str(data if there else tmp_path))
    shutil.copytree(runs / "clips", tmp_path / "runs" / "clips")
    if not there:
        shutil.rmtree(tmp_path / "runs" / "clips" / "frames")
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    sample = str(Run.open(runs / "clips").predictions().samples[0])
    app = opened("errors", "clips", photo=sample, correct="all")
    app = app if "The clip" in text(app) else opened("errors", "clips", photo=sample)
    assert not app.exception and "2 frames looked at" in text(app)
    assert len(app.get("video")) == (1 if there else 0)
    assert ("not on this machine" in text(app)) != there
