"""Generated photos, a tiny model, and what only some machines have: the real photos, a browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file

from har_core.model import ModelSpec, build
from har_core.recogniser import Recogniser, shipped_run

ROOT = Path(__file__).parent.parent
TINY = {"architecture": "resnet18", "crop_size": 32, "resize": 36}


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    torch.manual_seed(0)


def picture(colour: tuple[int, int, int], size: tuple[int, int] = (60, 48), seed: int = 0) -> Image.Image:
    """A plain colour with noise, so that no two are alike and a class can be learnt."""
    noise = np.random.default_rng(seed).integers(-40, 40, (size[1], size[0], 3))
    return Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8))


COLOURS = {"blue": (30, 40, 200), "green": (40, 190, 60), "red": (210, 50, 40)}


@pytest.fixture(scope="session")
def kaggle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """36 photos of three classes in Kaggle's layout."""
    folder = tmp_path_factory.mktemp("kaggle")
    (folder / "train").mkdir()
    rows = ["filename,label"]
    for number in range(36):
        label = sorted(COLOURS)[number % 3]
        picture(COLOURS[label], seed=number).save(folder / "train" / f"Image_{number}.jpg", quality=95)
        rows.append(f"Image_{number}.jpg,{label}")
    (folder / "Training_set.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ResNet-18 weights drawn at random, as a file of pretrained weights."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    save_file(torchvision.models.resnet18().state_dict(), path)
    return path


@pytest.fixture(scope="session")
def tiny() -> Recogniser:
    """An untrained ResNet-18 with three classes, whose batch norms have seen a few photos."""
    torch.manual_seed(2)
    spec = ModelSpec(tuple(sorted(COLOURS)), "resnet18", "3x3", 64, 72)
    model = build(spec).train()
    with torch.no_grad():
        model(torch.randn(16, 3, 64, 64))
    return Recogniser(model.eval().requires_grad_(False), spec)


@pytest.fixture(scope="session")
def shipped() -> Recogniser:
    """The model that the app opens with."""
    return Recogniser.of(shipped_run(ROOT))


@pytest.fixture(scope="session")
def real_photos() -> Path:
    """180 photos of the data set, in Kaggle's layout."""
    folder = Path(os.environ.get("HAR_SAMPLE", ROOT.parent / "shared" / "har_sample"))
    if not (folder / "Training_set.csv").is_file():
        pytest.skip("needs real photos of the data set, which may not be committed: set HAR_SAMPLE to a folder of some")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs a browser: install chromium")
    return found
