"""Generated photos, a tiny model, and what only some machines have: real photos, a browser.

Torch is imported inside the fixtures, so that tests of the packages that do without it start at once.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from har_core.inference.predictor import Predictor

if workers := os.environ.get(
    "PYTEST_XDIST_WORKER_COUNT"
):  # processes that each use all cores would slow each other down
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))

ROOT = Path(__file__).parent.parent
TINY = {"architecture": "resnet18", "crop_size": 32, "resize": 36}
"""Values of a training's configuration that make it quick."""

COLORS = {"blue": (30, 40, 200), "green": (40, 190, 60), "red": (210, 50, 40)}


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    if "torch" in sys.modules:
        import torch

        torch.manual_seed(0)


def picture(color: tuple[int, int, int], size: tuple[int, int] = (60, 48), seed: int = 0) -> Image.Image:
    """A plain color with noise, so that no two are alike and a class can be learned."""
    noise = np.random.default_rng(seed).integers(-40, 40, (size[1], size[0], 3))
    return Image.fromarray((np.array(color) + noise).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def kaggle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """36 photos of three classes in Kaggle's layout."""
    folder = tmp_path_factory.mktemp("kaggle")
    (folder / "train").mkdir()
    rows = ["filename,label"]
    for number in range(36):
        label = sorted(COLORS)[number % 3]
        picture(COLORS[label], seed=number).save(folder / "train" / f"Image_{number}.jpg", quality=95)
        rows.append(f"Image_{number}.jpg,{label}")
    (folder / "Training_set.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ResNet-18 weights drawn at random, as a file of pretrained weights."""
    import torch
    import torchvision
    from safetensors.torch import save_file

    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    save_file(torchvision.models.resnet18().state_dict(), path)
    return path


@pytest.fixture(scope="session")
def tiny() -> Predictor:
    """An untrained ResNet-18 with three classes, whose batch norms have seen a few photos; class maps of 2 × 2."""
    import torch

    from har_core.inference.predictor import Predictor
    from har_core.models.registry import create_model
    from har_core.models.spec import ModelSpec

    torch.manual_seed(2)
    spec = ModelSpec(tuple(sorted(COLORS)), "resnet18", "3x3", 64, 72)
    model = create_model(spec).train()
    with torch.no_grad():
        model(torch.randn(16, 3, 64, 64))
    return Predictor(model.eval().requires_grad_(False), spec)


@pytest.fixture(scope="session")
def shipped() -> Predictor:
    """The model that the app opens with."""
    from har_core.inference.predictor import Predictor
    from har_core.runs.run import shipped_run

    return Predictor.from_run(shipped_run())


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
