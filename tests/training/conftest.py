"""A tiny network, recipes for it, and reference runs that several tests compare with."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from har_core.cli import train as train_command
from har_core.data.clip_split import ClipSplit
from har_core.data.dataset import PhotoDataset
from har_core.data.scan import LabeledPhotos, scan
from har_core.data.transforms import eval_transform, train_transform
from har_core.models.pretrained import load_pretrained
from har_core.models.registry import BUILDERS
from har_core.runs.file_names import HISTORY, MODEL
from har_core.runs.run import Run
from har_core.training.config import RECIPES, TrainConfig
from har_core.training.pipeline import train
from har_core.training.trainer import Trainer
from tests.training.temporal_runs import moving_split
from tests.training.tiny_network import NAME, TinyNetwork, register
from tests.training.tiny_resnet import photo_run

CPU = torch.device("cpu")
_SMALL = {"architecture": NAME, "crop_size": 32, "resize": 36, "batch_size": 4, "precision": "fp32"}
FLAGS = ["--architecture", NAME, "--crop-size", "32", "--resize", "36", "--precision", "fp32", "--device", "cpu",
         "--recipe", "baseline", "--epochs", "2", "--batch-size", "4", "--workers", "0"]  # fmt: skip
"""The command line of the `baseline` recipe."""

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
"""Of a process that trains."""


@pytest.fixture(autouse=True, scope="package")
def _tiny_network() -> Iterator[None]:
    """Known by its name, and computed in one thread: several wait for each other more than they compute."""
    register()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    del BUILDERS[NAME]


@pytest.fixture(scope="package")
def network_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the tiny network drawn at random, as a file of pretrained weights."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_file(TinyNetwork(num_classes=2).state_dict(), path)
    return path


@pytest.fixture(scope="package")
def photos(kaggle_folder: Path) -> LabeledPhotos:
    return scan(kaggle_folder)


@pytest.fixture(scope="package")
def reference(photos: LabeledPhotos, network_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run of an uninterrupted training by the baseline recipe."""
    folder = tmp_path_factory.mktemp("reference") / "run"
    return run_training(photos, baseline(network_weights), folder)


@pytest.fixture(scope="package")
def split(tmp_path_factory: pytest.TempPathFactory) -> ClipSplit:
    return moving_split(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="package")
def base(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run whose model looks at the frames of clips."""
    return photo_run(tmp_path_factory.mktemp("photo") / "run")


@pytest.fixture(scope="package")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the features of clips are stored."""
    return tmp_path_factory.mktemp("cache")


def baseline(weights: Path, **changes: Any) -> TrainConfig:
    """The baseline recipe, for the tiny network and a few photos: 33 train, 3 are evaluated."""
    return RECIPES["baseline"].replace(**(_SMALL | {"weights": str(weights), "epochs": 2} | changes))


def best(weights: Path, **changes: Any) -> TrainConfig:
    """The best recipe, likewise."""
    small = {"weights": str(weights), "epochs": 4, "train_crop_size": 24, "full_crop_epochs": 1, "soup_size": 1,
             "drop_near_duplicates": False}  # fmt: skip
    return RECIPES["best"].replace(**(_SMALL | small | changes))


def run_training(photos: LabeledPhotos, config: TrainConfig, folder: Path, **options: Any) -> Run:
    run = train(photos, config, folder, **({"device": CPU, "workers": 0} | options))
    assert run is not None
    return run


def make_trainer(photos: LabeledPhotos, config: TrainConfig, folder: Path) -> Trainer:
    """A trainer on all photos, which evaluates on them too."""
    torch.manual_seed(config.seed)
    model, _, _ = load_pretrained(
        config.weights,
        classes=photos.classes,
        architecture=config.architecture,
        crop_size=config.crop_size,
        resize=config.resize,
    )
    crops = [train_transform(size, config.min_crop_scale) for size in config.crop_sizes]
    train_set = PhotoDataset.of(photos.samples, photos.classes, *crops, seed=config.seed)
    eval_set = PhotoDataset.of(photos.samples, photos.classes, eval_transform(config.crop_size, config.resize))
    folder.mkdir(parents=True, exist_ok=True)
    return Trainer(
        model, train_set, eval_set, config,
        folder=folder, identity={}, device=CPU, precision=torch.float32, workers=0,
    )  # fmt: skip


def run_command(*arguments: object) -> int:
    """`har-lens train` in this process; errors are raised."""
    parser = argparse.ArgumentParser()
    train_command.add_parser(parser.add_subparsers())
    return train_command.run(parser.parse_args(["train", *map(str, arguments)]))


def assert_same_result(run: Run, expected: Run) -> None:
    """The same weights to the last bit, and the same history."""
    first, second = load_file(expected.folder / MODEL), load_file(run.folder / MODEL)
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
    pd.testing.assert_frame_equal(history(run.folder), history(expected.folder), rtol=1e-12)


def history(folder: Path) -> pd.DataFrame:
    """What history.csv says, but for the times."""
    return pd.read_csv(folder / HISTORY).drop(columns="seconds")
