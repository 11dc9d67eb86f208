"""Where the model looked in a scored photo: by the run whose model it was, and by no other."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from app_pages.state.scored_evidence import NO_MODEL, NO_PHOTO
from har_core.inference.predictor import Predictor
from har_core.inference.score import model_info
from har_core.models.checkpoint import save_checkpoint
from har_core.models.registry import create_model
from har_core.runs.file_names import MODEL
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.writing import write_manifest
from har_core.scoring.batch import ModelRequest, facts_of
from har_core.scoring.browse import Only, ScoredPhotos
from har_core.scoring.index import make_index
from har_core.scoring.local import LocalEngine
from har_core.scoring.output import write_manifest as write_scored_manifest
from har_core.scoring.shards import Asked, make_plan
from har_core.scoring.sources import Source
from har_core.scoring.work import Work, score_missing
from tests.conftest import COLORS, picture
from tests.pages.conftest import opened, text
from tests.pages.scored.conftest import require_whole


def write_model(folder: Path, predictor: Predictor) -> Path:
    folder.mkdir(parents=True)
    save_checkpoint(predictor.model, predictor.spec, folder / MODEL)
    write_manifest(folder, Manifest(status=COMPLETE, classes=predictor.spec.classes, model=model_info(predictor)))
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny: Predictor) -> Path:
    """Six photos that a run's model has scored, and before it in the list a run whose model differs in its weights alone."""
    folder = tmp_path_factory.mktemp("server")
    for number in range(6):
        label = sorted(COLORS)[number % 3]
        path = folder / "photos" / label / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(COLORS[label], (120, 90), seed=number).save(path)
    torch.manual_seed(7)
    write_model(folder / "runs" / "another", Predictor(create_model(tiny.spec).eval(), tiny.spec))
    request = ModelRequest(str(write_model(folder / "runs" / "the-model", tiny)))
    facts, out = facts_of(request), folder / "runs" / "scored"
    asked = Asked(source=str(folder / "photos"), column=None, labels="folders", shard_size=4, model=facts.identity)
    plan = make_plan(asked, Source(asked.source), str(out), label=lambda name: name.split("/")[0])
    done = score_missing(Work(str(out), plan, plan.id, request), LocalEngine(0))
    make_index(
        str(out),
        write_scored_manifest(str(out), plan, done, classes=facts.spec.classes, network=facts.network),
    )
    return folder


@pytest.fixture
def photos(server: Path, monkeypatch: pytest.MonkeyPatch, tiles: list[list[Any]]) -> ScoredPhotos:
    monkeypatch.setenv("HAR_RUNS", str(server / "runs"))
    monkeypatch.setenv("HAR_DATA", str(server / "photos"))
    return ScoredPhotos(server / "runs" / "scored")


def test_predicted_and_true_stand_side_by_side(photos: ScoredPhotos) -> None:
    wrong = next(one for one in photos.page(Only("all")) if one.true != one.predicted)
    app = opened("scored", show="all", at=wrong.sample)
    require_whole(app)
    heads = [line.value for line in app.markdown if line.value.startswith("Why *")]
    assert [head.split("*")[1] for head in heads] == [wrong.predicted, wrong.true]
    assert "Computed by *The model*" in text(app) and "one scale" in text(app)
    assert NO_MODEL not in text(app) and NO_PHOTO not in text(app)


def test_a_photo_that_is_right_has_one(photos: ScoredPhotos) -> None:
    right = next(one for one in photos.page(Only("all")) if one.true == one.predicted)
    app = opened("scored", show="all", at=right.sample)
    heads = [line.value for line in app.markdown if line.value.startswith("Why *")]
    assert not app.exception and len(heads) == 1 and "one scale" not in text(app) and "Computed by" in text(app)


@pytest.mark.parametrize("missing", ["photo", "model"])
def test_what_is_not_at_hand_is_said(
    missing: str, photos: ScoredPhotos, server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing == "photo":
        monkeypatch.setenv("HAR_DATA", str(tmp_path))
    else:
        for name in ("scored", "another"):
            shutil.copytree(server / "runs" / name, tmp_path / "runs" / name)
        monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("scored", show="all", at=photos.page(Only("all"))[0].sample)
    require_whole(app)
    assert (NO_PHOTO if missing == "photo" else NO_MODEL) in text(app)
    assert not [line for line in app.markdown if line.value.startswith("Why *")]
