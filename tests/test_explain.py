"""Class maps against the grad-cam package, and many threads on one model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from har_core import explain as module
from har_core.errors import Cancelled
from har_core.explain import METHODS, Method, explain, heatmap, heatmap_by, heatmaps_on_one_scale
from har_core.images import open_photo
from har_core.recogniser import Recogniser
from tests.conftest import COLOURS, ROOT, picture

SAMPLES = sorted((ROOT / "assets" / "samples").glob("*.jpg"))


def hooks(model: nn.Module) -> int:
    return sum(
        len(part._forward_hooks) + len(part._backward_hooks) + len(part._forward_pre_hooks) for part in model.modules()
    )


def package_maps(recogniser: Recogniser, image: torch.Tensor) -> np.ndarray:
    """Grad-CAM of every class by the package, which needs parameters that require gradients."""
    import copy

    model = copy.deepcopy(recogniser.model).requires_grad_(True)
    with GradCAM(model=model, target_layers=[model.get_submodule("layer4")[-1]]) as cam:  # type: ignore[index]
        return np.stack(
            [cam(image[None], [ClassifierOutputTarget(index)])[0] for index in range(len(recogniser.spec.classes))]
        )


def test_the_mean_of_a_map_plus_the_bias_is_the_logit(tiny: Recogniser) -> None:
    images = torch.randn(5, 3, 64, 64)
    found = explain(tiny.model, images)
    with torch.no_grad():
        assert torch.allclose(found.logits, tiny.model(images), atol=1e-4)
    bias = tiny.model.get_parameter("fc.bias")
    assert torch.allclose(found.maps.mean(dim=(2, 3)) + bias, found.logits, atol=1e-4)
    assert found.maps.shape == (5, 3, 2, 2) and found.embeddings.shape == (5, 512)


def test_heatmaps_equal_the_packages_on_a_tiny_model(tiny: Recogniser) -> None:
    image = tiny.input(picture(COLOURS["red"], (90, 80)))
    ours = explain(tiny.model, image[None]).maps[0].numpy()
    for one, other in zip(ours, package_maps(tiny, image), strict=True):
        assert np.abs(heatmap(one, 64) - other).max() < 1e-3


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_heatmaps_equal_the_packages_on_the_shipped_model(shipped: Recogniser, path: Path) -> None:
    image = shipped.input(open_photo(path))
    ours = explain(shipped.model, image[None]).maps[0].numpy()
    theirs = package_maps(shipped, image)
    assert len(ours) == len(theirs) == 15 and theirs.max() > 0.9
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(heatmap(one, 224) - other).max() < 1e-3


def test_a_class_without_evidence_is_dark() -> None:
    assert heatmap(np.full((7, 7), -3.0), 224).max() == 0


def test_one_scale_keeps_the_ratio_of_strengths() -> None:
    strong, weak = np.zeros((2, 7, 7))
    strong[3, 3], weak[5, 5] = 8.0, 2.0
    one, other = heatmaps_on_one_scale(np.stack([strong, weak]), 224)
    assert one.max() == pytest.approx(1, abs=1e-5) and other.max() == pytest.approx(0.25, abs=1e-5)
    assert heatmap(weak, 224).max() == pytest.approx(1, abs=1e-5)  # alone, it has a scale of its own


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_a_heatmap_and_leaves_the_model_alone(tiny: Recogniser, method: Method) -> None:
    image = tiny.input(picture(COLOURS["blue"]))
    before = {name: tensor.clone() for name, tensor in tiny.model.state_dict().items()}
    found = heatmap_by(method, tiny.model, image, 1)
    assert found.shape == (64, 64) and found.dtype == np.float32 and 0 <= found.min() <= found.max() <= 1.0001
    assert hooks(tiny.model) == 0
    assert not any(parameter.requires_grad for parameter in tiny.model.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in tiny.model.state_dict().items())


def test_eigencam_does_not_depend_on_the_class(tiny: Recogniser) -> None:
    image = tiny.input(picture(COLOURS["blue"]))
    assert np.array_equal(*(heatmap_by("EigenCAM", tiny.model, image, target) for target in (0, 2)))


def test_scorecam_reports_progress_and_can_be_cancelled(tiny: Recogniser) -> None:
    image, seen = tiny.input(picture(COLOURS["blue"])), []
    heatmap_by("Score-CAM", tiny.model, image, 0, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (513, 513) and seen == sorted(seen)  # one pass for the photo, one for each of 512 channels
    with pytest.raises(Cancelled):
        heatmap_by("Score-CAM", tiny.model, image, 0, cancelled=lambda: len(seen) > 0)
    assert hooks(tiny.model) == 0 and not module._package.locked()


def test_no_hook_is_left_behind_by_an_exception(tiny: Recogniser, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*arguments: object) -> None:
        raise ValueError("out of memory")

    monkeypatch.setattr("pytorch_grad_cam.base_cam.scale_cam_image", failing)
    with pytest.raises(ValueError, match="out of memory"):
        heatmap_by("LayerCAM", tiny.model, tiny.input(picture(COLOURS["blue"])), 0)
    assert hooks(tiny.model) == 0 and not module._package.locked()


def test_threads_share_a_model_by_mixed_methods_with_predictions_beside_them(tiny: Recogniser) -> None:
    """4 threads × 50 explanations, each photo's result exactly that of a single thread."""
    photos = [tiny.input(picture(colour, seed=seed)) for seed, colour in enumerate(COLOURS.values())]
    quick: tuple[Method, ...] = ("Grad-CAM", "Grad-CAM++", "LayerCAM", "EigenCAM")
    tasks = [(quick[n % 4], n % 3, (n // 3) % 3) for n in range(50)]

    def work(thread: int) -> list[np.ndarray]:
        results = []
        for method, photo, target in tasks[thread:] + tasks[:thread]:
            results.append(heatmap_by(method, tiny.model, photos[photo], target))
            results.append(explain(tiny.model, photos[photo][None]).logits.numpy())
        return results

    expected = [work(thread) for thread in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, range(4)))
    for one, other in zip(expected, found, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_threads_share_the_shipped_model(shipped: Recogniser) -> None:
    """4 threads × 10 closed-form explanations."""
    images = [shipped.input(open_photo(path))[None] for path in SAMPLES]
    expected = [explain(shipped.model, image).maps.numpy() for image in images]

    def work(thread: int) -> bool:
        return all(
            np.array_equal(explain(shipped.model, images[(n + thread) % 3]).maps.numpy(), expected[(n + thread) % 3])
            for n in range(10)
        )

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
