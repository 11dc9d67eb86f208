"""Runs of models of clips, with class maps and without, on every page."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from har_core.data.clip_split import split_clips
from har_core.training.temporal_config import TemporalConfig
from har_core.training.temporal_pipeline import train_clips
from tests.pages.conftest import PAGES, opened
from tests.training.moving_squares import PlainReader, make_clips
from tests.training.tiny_resnet import photo_run

KINDS = ("convlstm", "transformer")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("temporal")
    photos, clips = photo_run(folder / "photo" / "run"), make_clips(folder / "clips", 8)
    split = split_clips(clips, dev_fraction=0.2, test_fraction=0.5, seed=0)
    for kind in KINDS:
        config = TemporalConfig.of_kind(kind, frames=4, epochs=1)
        train_clips(
            split, config, folder / "runs" / kind, photo_run=photos, cache=folder / "cache", device=torch.device("cpu"),
            reader=PlainReader(),
        )  # fmt: skip
    return folder / "runs"


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_opens(kind: str, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAR_RUNS", str(runs))
    app = opened("overview", kind)
    for page, file in PAGES.items():
        app.switch_page(file)
        app.query_params["run"] = kind
        app.run()
        assert not app.exception and not app.error and len(app.title) == 1, page
