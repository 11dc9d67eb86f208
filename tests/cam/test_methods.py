"""Every method leaves the model as it was, and many threads can share one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from har_core.cam import methods
from har_core.cam.class_maps import class_activation_maps
from har_core.cam.methods import METHODS, Method, compute_cam
from har_core.errors import Cancelled
from har_core.inference.predictor import Predictor
from tests.conftest import COLORS, picture


def hooks(model: nn.Module) -> int:
    return sum(
        len(part._forward_hooks) + len(part._backward_hooks) + len(part._forward_pre_hooks) for part in model.modules()
    )


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_a_heatmap_and_leaves_the_model_alone(tiny: Predictor, method: Method) -> None:
    image = tiny.preprocess(picture(COLORS["blue"]))
    before = {name: tensor.clone() for name, tensor in tiny.model.state_dict().items()}
    found = compute_cam(method, tiny.model, image, 1)
    assert found.shape == (64, 64) and found.dtype == np.float32 and 0 <= found.min() <= found.max() <= 1.0001
    assert hooks(tiny.model) == 0
    assert not any(parameter.requires_grad for parameter in tiny.model.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in tiny.model.state_dict().items())


def test_eigencam_does_not_depend_on_the_class(tiny: Predictor) -> None:
    image = tiny.preprocess(picture(COLORS["blue"]))
    assert np.array_equal(*(compute_cam("EigenCAM", tiny.model, image, target) for target in (0, 2)))


def test_scorecam_reports_progress_and_can_be_cancelled(tiny: Predictor) -> None:
    image, seen = tiny.preprocess(picture(COLORS["blue"])), []
    compute_cam("Score-CAM", tiny.model, image, 0, progress=lambda done, total: seen.append((done, total)))
    assert (
        seen[0] == (0, 513) and seen[-1] == (513, 513) and seen == sorted(seen)
    )  # one pass for the photo, one for each of 512 channels
    with pytest.raises(Cancelled):
        compute_cam("Score-CAM", tiny.model, image, 0, cancelled=lambda: len(seen) > 0)
    assert hooks(tiny.model) == 0 and not methods._package.locked()


def test_no_hook_is_left_behind_by_an_exception(tiny: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*arguments: object) -> None:
        raise ValueError("out of memory")

    monkeypatch.setattr("pytorch_grad_cam.base_cam.scale_cam_image", failing)
    with pytest.raises(ValueError, match="out of memory"):
        compute_cam("LayerCAM", tiny.model, tiny.preprocess(picture(COLORS["blue"])), 0)
    assert hooks(tiny.model) == 0 and not methods._package.locked()


def test_threads_share_a_model_by_mixed_methods_with_predictions_beside_them(tiny: Predictor) -> None:
    """4 threads × 12 heatmaps: each result is exactly that of a single thread."""
    photos = [tiny.preprocess(picture(color, seed=seed)) for seed, color in enumerate(COLORS.values())]
    quick: tuple[Method, ...] = ("Grad-CAM", "Grad-CAM++", "LayerCAM", "EigenCAM")
    tasks = [(quick[n % 4], n % 3, (n // 4) % 3) for n in range(12)]

    def work(task: tuple[Method, int, int]) -> tuple[np.ndarray, np.ndarray]:
        method, photo, target = task
        heatmap = compute_cam(method, tiny.model, photos[photo], target)
        return heatmap, class_activation_maps(tiny.model, photos[photo][None]).logits.numpy()

    expected = {task: work(task) for task in tasks}

    def agrees(thread: int) -> bool:
        turn = tasks[3 * thread :] + tasks[: 3 * thread]
        return all(np.array_equal(a, b) for task in turn for a, b in zip(expected[task], work(task), strict=True))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(agrees, range(4)))
