"""The mean of several runs' weights, as a run."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from har_core.cli import soup as command
from har_core.data.scan import LabeledPhotos
from har_core.errors import RunError
from har_core.runs.file_names import MODEL
from har_core.runs.run import Run
from har_core.training.soup import average, make_soup
from tests.training.conftest import best, run_training


@pytest.fixture(scope="module")
def two(photos: LabeledPhotos, network_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """A soup of two trainings, and another training with another augmentation."""
    folder = tmp_path_factory.mktemp("ingredients")
    changes = {"epochs": 1, "full_crop_epochs": 0}
    one = run_training(photos, best(network_weights, soup_size=2, **changes), folder / "one")
    return [one, run_training(photos, best(network_weights, augmentation="trivialaugment", **changes), folder / "two")]


def test_each_training_counts_once(two: list[Run], photos: LabeledPhotos, kaggle_folder: Path, tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    folders = [str(run.folder) for run in two]
    assert command.run(parser.parse_args(["soup", str(kaggle_folder), *folders, "--out", str(tmp_path / "soup")])) == 0
    made = Run.open(tmp_path / "soup")
    one, other, mean = (load_file(run.folder / MODEL) for run in (*two, made))
    for name, values in mean.items():
        expected = (2 * one[name].float() + other[name].float()) / 3
        assert torch.allclose(values.float(), expected, rtol=2e-3, atol=1e-4), name
    training = made.manifest.training
    assert (training.soup_size, training.epochs, len(made.history())) == (3, 3, 3)
    assert (
        made.manifest.scores is not None
        and made.predictions().samples.tolist() == two[0].predictions().samples.tolist()
    )
    with pytest.raises(RunError, match="expected a folder without a run"):
        make_soup(made.folder, two, photos.samples)


def test_runs_of_different_splits_are_refused(
    two: list[Run], photos: LabeledPhotos, network_weights: Path, tmp_path: Path
) -> None:
    """What one was evaluated on, another may have learned from."""
    other = run_training(photos, best(network_weights, epochs=1, full_crop_epochs=0, seed=7), tmp_path / "other")
    with pytest.raises(RunError, match="the same photos"):
        average([two[0], other])


def test_missing_photos_are_named(two: list[Run], photos: LabeledPhotos, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="found 0 of them"):
        make_soup(tmp_path / "soup", two, [])
    assert not (tmp_path / "soup").exists()
