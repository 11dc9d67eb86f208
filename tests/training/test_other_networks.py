"""One small network of timm of each kind: trained, killed, resumed to the same bits, shipped, and explained."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm

from har_core.data.scan import LabeledPhotos
from har_core.errors import CheckpointError, ConfigError
from har_core.inference.faithfulness import measure_faithfulness
from har_core.inference.predictor import Predictor
from har_core.runs.file_names import MODEL
from har_core.runs.run import Run
from har_core.training.config import RECIPES, TrainConfig
from har_core.training.state import read_state
from tests.conftest import COLORS, ROOT, picture
from tests.timm_kinds import EXPLANATION, KINDS, SIZE
from tests.training.conftest import ENVIRONMENT, assert_same_result, run_training

_KILL = """
import os, signal, sys
from pathlib import Path
import torch
from har_core.data.scan import scan
from tests.timm_kinds import KINDS
from tests.training.conftest import run_training
from tests.training.test_other_networks import config

torch.set_num_threads(1)
photos, save = scan(Path(sys.argv[1])), torch.save
for kind in KINDS:
    child = os.fork()  # each begins with what is imported already
    if child == 0:
        calls = []
        def saving(value, path):
            save(value, path)
            calls.append(path)
            if len(calls) == 7:
                os.kill(os.getpid(), signal.SIGKILL)
        torch.save = saving
        run_training(photos, config(kind), Path(sys.argv[2]) / kind, save_every=0)
        os._exit(1)
    print(kind, -os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def config(kind: str, **changes: Any) -> TrainConfig:
    small = {"architecture": KINDS[kind], "weights": "random", "crop_size": SIZE, "batch_size": 8, "epochs": 2}
    options = {"precision": "fp32", "lr": 1e-3, "unfreeze": ("last3",)}
    return RECIPES["baseline"].adapted(**(small | options | changes))


@pytest.fixture(scope="module")
def killed(kaggle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of trainings that were killed in the middle of an epoch, by kind."""
    folder = tmp_path_factory.mktemp("killed")
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_KILL), kaggle_folder, folder],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    signals = [line.split() for line in ended.stdout.splitlines() if line.startswith(tuple(KINDS))]
    assert signals == [[kind, str(int(signal.SIGKILL))] for kind in KINDS], ended.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_training_ends_with_the_same_bits(
    kind: str, killed: Path, photos: LabeledPhotos, tmp_path: Path
) -> None:
    out, reference = killed / kind, run_training(photos, config(kind), tmp_path / "reference")
    progress = read_state(out)["progress"]
    assert (progress["epoch"] > 1 or progress["batch"] > 0) and not (out / MODEL).exists()
    run = run_training(photos, config(kind), out, resume=True)
    assert_same_result(run, reference)
    assert_explained(kind, run)


def assert_explained(kind: str, run: Run) -> None:
    """By the file alone, as by the stored evaluation."""
    manifest = run.manifest
    assert manifest.model.architecture == KINDS[kind] and manifest.model.explanation == EXPLANATION[kind]
    assert manifest.versions["timm"] == timm.__version__ and len(run.history()) == 2
    predictor = Predictor.from_run(Run.open(run.folder))
    found = predictor.predict(picture(COLORS["red"], (90, 80)), "red.png")
    stored = run.class_maps()
    assert found.class_maps.shape == stored.shape[1:] and np.isfinite(stored.astype(np.float32)).all()
    assert np.allclose(predictor.logits(run.embeddings()).argmax(axis=1), run.predictions().predicted)
    table = measure_faithfulness(predictor, [picture(COLORS["blue"], (90, 80))], steps=2)
    assert {"deletion", "insertion"} <= set(table["measure"].str.lower()) and np.isfinite(table["value"]).all()


@pytest.mark.parametrize("kind", ["ConvNeXt", "ViT"])
def test_the_best_recipe_fits_itself_to_the_network(kind: str, photos: LabeledPhotos, tmp_path: Path) -> None:
    """Three views, smaller crops at first, layer-wise rates, an average, a soup of two."""
    small = {"weights": "random", "crop_size": SIZE, "batch_size": 8, "epochs": 2, "soup_size": 2, "precision": "fp32",
             "full_crop_epochs": 1}  # fmt: skip
    recipe = RECIPES["best"].adapted(architecture=KINDS[kind], layer_decay=0.7, **small)
    assert recipe.views == ("center", "whole", "evidence") and 32 <= recipe.train_crop_size < SIZE <= recipe.resize
    run = run_training(photos, recipe, tmp_path / "run")
    assert run.manifest.training.soup_size == 2 and run.manifest.model.views == recipe.views


def test_what_a_network_cannot_do_is_refused_in_one_sentence() -> None:
    fixed = "timm/vit_small_patch14_reg4_dinov2"
    recipe = RECIPES["best"].adapted(architecture=fixed)
    assert recipe.views == ("center",) and recipe.train_crop_size == 0 and recipe.crop_size == 518
    for change in ({"views": ("whole",)}, {"train_crop_size": 224}, {"unfreeze": ("layer4", "fc")},
                   {"freeze_bn": False}):  # fmt: skip
        with pytest.raises(ConfigError) as caught:
            RECIPES["best"].adapted(architecture=fixed, **change)
        assert "\n" not in str(caught.value) and str(caught.value).count(". ") == 0
    with pytest.raises(CheckpointError, match="vit_small_patch14_reg4_dinov2"):
        RECIPES["best"].adapted(architecture="timm/vit_small_patch14_reg4_dino")
    with pytest.raises((CheckpointError, ConfigError), match="one linear layer"):
        RECIPES["best"].adapted(architecture="timm/deit_tiny_distilled_patch16_224")


def test_an_input_that_a_network_does_not_take(photos: LabeledPhotos, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"choose its own size, 160$"):
        run_training(photos, config("ViT", crop_size=60), tmp_path / "run")
    assert not (tmp_path / "run").exists()
