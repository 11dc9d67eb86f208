"""Class maps against the grad-cam package."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from har_core.cam.class_maps import class_activation_maps
from har_core.cam.scales import to_heatmap
from har_core.inference.predictor import Predictor
from har_core.media.images import open_photo
from har_core.models.registry import head
from tests.conftest import COLORS, ROOT, picture

SAMPLES = sorted((ROOT / "assets" / "samples").glob("*.jpg"))


def package_heatmaps(predictor: Predictor, image: torch.Tensor, classes: list[int]) -> list[np.ndarray]:
    """Grad-CAM by the package, which needs parameters that require gradients."""
    model = copy.deepcopy(predictor.model).requires_grad_(True)
    with GradCAM(model=model, target_layers=[model.layer4[-1]]) as cam:
        return [cam(image[None], [ClassifierOutputTarget(index)])[0] for index in classes]


def test_the_mean_of_a_map_plus_the_bias_is_the_logit(tiny: Predictor) -> None:
    images = torch.randn(5, 3, 64, 64)
    found = class_activation_maps(tiny.model, images)
    with torch.no_grad():
        assert torch.allclose(found.logits, tiny.model(images), atol=1e-4)
    assert torch.allclose(found.class_maps.mean(dim=(2, 3)) + head(tiny.model).bias, found.logits, atol=1e-4)
    assert found.class_maps.shape == (5, 3, 2, 2) and found.embeddings.shape == (5, 512)


def test_heatmaps_equal_the_packages_on_a_tiny_model(tiny: Predictor) -> None:
    image = tiny.preprocess(picture(COLORS["red"], (90, 80)))
    ours = class_activation_maps(tiny.model, image[None]).class_maps[0].numpy()
    for one, other in zip(ours, package_heatmaps(tiny, image, [0, 1, 2]), strict=True):
        assert np.abs(to_heatmap(one, 64) - other).max() < 1e-3


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_heatmaps_equal_the_packages_on_the_shipped_model(shipped: Predictor, path: Path) -> None:
    """Classes from the most to the least probable."""
    image = shipped.preprocess(open_photo(path))
    found = class_activation_maps(shipped.model, image[None])
    order = found.logits[0].argsort(descending=True).tolist()
    classes = [*order[:3], order[7], order[-1]]
    theirs = package_heatmaps(shipped, image, classes)
    assert max(heatmap.max() for heatmap in theirs) > 0.9
    for index, other in zip(classes, theirs, strict=True):
        assert np.abs(to_heatmap(found.class_maps[0, index].numpy(), 224) - other).max() < 1e-3


def test_threads_share_the_shipped_model(shipped: Predictor) -> None:
    """How many threads share a sum changes its last digits; maps of another photo differ a million times as much."""
    images = [shipped.preprocess(open_photo(path))[None] for path in SAMPLES]
    expected = [class_activation_maps(shipped.model, image).class_maps.numpy() for image in images]

    def work(thread: int) -> bool:
        return all(
            np.allclose(
                class_activation_maps(shipped.model, images[(n + thread) % 3]).class_maps.numpy(),
                expected[(n + thread) % 3],
                atol=1e-3,
            )
            for n in range(6)
        )

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
