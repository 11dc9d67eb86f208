"""Runs of other networks than ResNets, on every page."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from har_core.data.scan import scan
from har_core.inference.evaluate import evaluate
from har_core.inference.predictor import Predictor
from har_core.models.checkpoint import save_checkpoint
from har_core.models.registry import create_model, explanation, own_input
from har_core.models.spec import ModelSpec
from har_core.runs.file_names import MODEL
from har_core.runs.manifest import COMPLETE, Manifest, ModelInfo
from har_core.runs.writing import write_results
from tests.conftest import COLORS
from tests.pages.conftest import PAGES, opened, text
from tests.timm_kinds import KINDS, SIZE


@pytest.fixture(scope="module")
def other_runs(kaggle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an untrained network of each kind, and what it says of a few photos."""
    folder, photos = tmp_path_factory.mktemp("runs"), scan(kaggle_folder)
    for kind, architecture in KINDS.items():
        torch.manual_seed(0)
        own = own_input(architecture)
        assert own is not None
        spec = ModelSpec(
            tuple(sorted(COLORS)), architecture, crop_size=SIZE, resize=SIZE, preprocessing=own.preprocessing
        )
        model, out = create_model(spec), folder / kind.lower()
        out.mkdir()
        save_checkpoint(model, spec, out / MODEL)
        found = evaluate(photos.samples[:12], Predictor(model, spec))
        info = ModelInfo(architecture=architecture, crop_size=SIZE, resize=SIZE, explanation=explanation(model))
        manifest = Manifest(status=COMPLETE, classes=spec.classes, model=info)
        write_results(out, found.predictions, found.class_maps, found.embeddings, manifest)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_opens(kind: str, other_runs: Path, kaggle_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAR_RUNS", str(other_runs))
    monkeypatch.setenv("HAR_DATA", str(kaggle_folder))
    app = opened("overview", kind.lower())
    for page, file in PAGES.items():
        app.switch_page(file)
        app.query_params["run"] = kind.lower()
        app.run()
        assert not app.exception and not app.error and len(app.title) == 1, page
        if page == "predict":
            next(button for button in app.button if button.key and "sample" in button.key).click().run()
            assert not app.exception and not app.error
            assert any("answer-action" in one.value for one in app.main.get("html")) or "probable" in text(app)
