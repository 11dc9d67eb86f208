"""The recipes are what was published, and values out of range are refused with their flag."""

from __future__ import annotations

import json
from typing import Any

import pytest

from har_core.errors import ConfigError
from har_core.runs.run import Run, assets_folder
from har_core.training.config import RECIPES, TrainConfig
from har_core.training.flags import flag


def test_the_baseline_is_the_reports() -> None:
    recipe = RECIPES["baseline"]
    assert (recipe.architecture, recipe.weights, recipe.unfreeze) == ("resnet50", "imagenet", ("layer4", "fc"))
    assert (recipe.crop_size, recipe.resize, recipe.batch_size, recipe.epochs) == (224, 256, 32, 15)
    assert (recipe.lr, recipe.step_size, recipe.gamma, recipe.seed) == (1e-4, 5, 0.1, 42)
    assert recipe.test_fraction == 0.15


def test_the_best_recipe_picks_no_epoch_by_its_score() -> None:
    recipe = RECIPES["best"]
    assert recipe.checkpoint == "last" and recipe.drop_near_duplicates and recipe.eval_split == "test"
    assert (recipe.seed, recipe.test_fraction) == (RECIPES["baseline"].seed, RECIPES["baseline"].test_fraction)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_published_run_was_trained_by_its_recipe(name: str) -> None:
    """Or its parts were, one after the other."""
    manifest = Run.open(assets_folder() / "runs" / name).manifest
    parts = [TrainConfig.from_dict(part) for part in (manifest.model_extra or {}).get("ingredients", [manifest.config])]
    for number, part in enumerate(parts):
        before = sum(each.soup_size for each in parts[:number])
        free = {"weights": part.weights, "precision": part.precision, "soup_size": part.soup_size, "views": part.views}
        free["calibration_fraction"] = part.calibration_fraction  # newer than the shipped trainings
        assert part == RECIPES[name].replace(**free, soup_offset=before)
    assert sum(part.soup_size for part in parts) == RECIPES[name].soup_size == manifest.training.soup_size
    assert manifest.model.views == RECIPES[name].views


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_what_is_stored_is_read_again(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.recipe == name
    assert TrainConfig.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe


def test_crops_grow_in_the_last_epochs_of_each_training() -> None:
    recipe = RECIPES["best"].replace(epochs=5, train_crop_size=160, full_crop_epochs=2, soup_size=2)
    sizes = [recipe.crop_sizes[recipe.is_full_crop(epoch)] for epoch in range(1, recipe.total_epochs + 1)]
    assert sizes == [160, 160, 160, 224, 224] * 2
    assert [recipe.epoch_of_training(epoch) for epoch in (1, 5, 6, 10)] == [1, 5, 1, 5]
    assert RECIPES["baseline"].crop_sizes == (224, 224) and not RECIPES["baseline"].is_full_crop(15)


@pytest.mark.parametrize(
    "change",
    [{"lr": 0.0}, {"lr": float("nan")}, {"lr": "1e-3"}, {"epochs": 0}, {"epochs": True}, {"batch_size": 1},
     {"resize": 100}, {"unfreeze": ("layer9", "fc")}, {"unfreeze": ("layer4",)}, {"unfreeze": ()}, {"gamma": 2.0},
     {"test_fraction": 1.0}, {"precision": "fp8"}, {"architecture": "vgg"}, {"head_lr_factor": 0.0},
     {"weight_decay": -1.0}, {"min_crop_scale": 0.0}, {"warmup_epochs": -1.0}, {"label_smoothing": 1.0},
     {"ema_decay": 1.0}, {"train_crop_size": -1}, {"full_crop_epochs": -1}, {"eval_split": "validation"},
     {"checkpoint": "first"}, {"soup_size": 0}, {"crop_size": 0}, {"step_size": 0}, {"seed": 1.5},
     {"views": ()}, {"views": ("left",)}, {"views": 0}, {"soup_offset": -1}],
)  # fmt: skip
def test_values_out_of_range_are_refused_with_their_flag(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        RECIPES["baseline"].replace(**change)
    name, value = next(iter(change.items()))
    said = str(caught.value)
    assert flag(name) in said and (repr(value) in said or name == "crop_size") and "\n" not in said


@pytest.mark.parametrize("change", [{"checkpoint": "best"}, {"freeze_bn": False}])
def test_soups_that_would_mix_what_does_not_mix(change: dict[str, Any]) -> None:
    """Epochs that were picked by their score, or batch norms whose statistics no longer fit the weights."""
    with pytest.raises(ConfigError, match=flag(next(iter(change)))):
        RECIPES["best"].replace(**change)


def test_unknown_settings_are_named() -> None:
    with pytest.raises(ConfigError, match="soft_labels"):
        TrainConfig.from_dict({**RECIPES["best"].as_dict(), "soft_labels": 0})
