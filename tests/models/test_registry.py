"""Every network has the same parts: features, head, last stage, and stages that can be frozen."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from har_core.errors import CheckpointError
from har_core.models.pretrained import load_pretrained
from har_core.models.registry import (
    create_model,
    forward_features,
    head,
    list_architectures,
    set_training_mode,
    split_frozen,
)
from har_core.models.resnet import STAGES
from har_core.models.spec import ModelSpec


@pytest.fixture
def model(tiny_weights: Path) -> nn.Module:
    return load_pretrained(str(tiny_weights), classes="ab", architecture="resnet18", crop_size=64, resize=72)[0]


@pytest.mark.parametrize("architecture", list_architectures())
def test_features_and_head_make_the_network(architecture: str) -> None:
    model = create_model(ModelSpec(("a", "b", "c"), architecture))
    images = torch.randn(1, 3, 64, 64)
    seen: list[torch.Tensor] = []
    model.layer4[-1].register_forward_hook(lambda module, inputs, output: seen.append(output))
    with torch.no_grad():
        features = forward_features(model, images).maps
        logits = head(model)(features.mean(dim=(2, 3)))
        assert torch.allclose(logits, model(images), atol=1e-4)
    assert features.shape[1:] == (head(model).in_features, 2, 2) and logits.shape == (1, 3)
    assert torch.equal(seen[0], features)
    parameters = {name.split(".")[0] for name, _ in model.named_parameters()}
    assert parameters == set(STAGES)


def test_unknown_architectures_are_answered_with_the_known_ones() -> None:
    with pytest.raises(CheckpointError) as caught:
        create_model(ModelSpec(("a", "b"), "vgg"))
    assert all(name in str(caught.value) for name in ("vgg", *list_architectures()))


def test_only_bottlenecks_have_a_stride_to_place() -> None:
    with pytest.raises(CheckpointError, match="resnet18"):
        create_model(ModelSpec(("a", "b"), "resnet18", "1x1"))


@pytest.mark.parametrize("freeze_bn", [False, True])
def test_frozen_stages_hold_no_gradient_and_their_batch_norms_keep_still(model: nn.Module, freeze_bn: bool) -> None:
    frozen, learning = split_frozen(model, ("layer4", "fc"))
    set_training_mode(model, ("layer4", "fc"), freeze_bn=freeze_bn)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    images = torch.randn(4, 3, 64, 64)
    learning(frozen(images)).sum().backward()
    learned = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert learned == {name for name, _ in model.named_parameters() if name.startswith(("layer4.", "fc."))}
    moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert all(name.startswith("layer4.") for name in moved) and bool(moved) != freeze_bn  # running statistics


@pytest.mark.parametrize("unfreeze", [("fc",), ("layer3", "layer4", "fc"), STAGES])
def test_any_stages_can_be_frozen(model: nn.Module, unfreeze: tuple[str, ...]) -> None:
    frozen, learning = split_frozen(model, unfreeze)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(learning(frozen(images)), model(images), atol=1e-5)
    assert (len(frozen) == 0) == (unfreeze == STAGES)
