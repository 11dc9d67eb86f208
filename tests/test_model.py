"""A model is rebuilt from its own file alone, and starting weights are taken for what they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from har_core.config import RECIPES, TrainConfig
from har_core.errors import CheckpointError, ConfigError, WeightsError
from har_core.model import ModelSpec, build, from_pretrained, load_model, save_model, split_frozen, training_mode
from har_core.recogniser import Recogniser


def start(weights: str, **changes: object):  # type: ignore[no-untyped-def]
    options = {"classes": ("a", "b"), "architecture": "resnet18", "crop_size": 64, "resize": 72} | changes
    return from_pretrained(weights, **options)  # type: ignore[arg-type]


def test_a_saved_model_computes_the_same(tiny: Recogniser, tmp_path: Path) -> None:
    save_model(tiny.model, tiny.spec, tmp_path / "m.safetensors")
    model, spec = load_model(tmp_path / "m.safetensors")
    assert spec == tiny.spec and not model.training
    images = torch.randn(4, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(model(images), tiny.model(images), atol=0.02)
    assert (tmp_path / "m.safetensors").stat().st_size < 23e6  # 11.2 million parameters in half precision


def test_stride_placement_travels_with_the_file(tmp_path: Path) -> None:
    spec = ModelSpec(("a", "b"), "resnet50", "1x1", 64, 72)
    save_model(build(spec), spec, tmp_path / "m.safetensors")
    model, loaded = load_model(tmp_path / "m.safetensors")
    block = model.get_submodule("layer3")[0]  # type: ignore[index]
    assert loaded.stride_placement == "1x1"
    assert (block.conv1.stride, block.conv2.stride) == ((2, 2), (1, 1))


def test_stride_placement_of_starting_weights_is_obeyed(tmp_path: Path) -> None:
    state = build(ModelSpec(tuple("abc"), "resnet50")).state_dict()
    state = {name: tensor.contiguous() for name, tensor in state.items()}
    for metadata, stride in (({"stride_placement": "1x1"}, (2, 2)), ({}, (1, 1))):
        save_file(state, tmp_path / "w.safetensors", metadata=metadata)
        model, spec, _ = start(str(tmp_path / "w.safetensors"), architecture="resnet50")
        assert model.get_submodule("layer2")[0].conv1.stride == stride  # type: ignore[index]
        assert spec.stride_placement == metadata.get("stride_placement", "3x3")


def test_starting_weights_fill_all_but_the_head(tiny_weights: Path) -> None:
    model, _, origin = start(str(tiny_weights))
    assert torch.equal(model.get_parameter("layer1.0.conv1.weight"), load_file(tiny_weights)["layer1.0.conv1.weight"])
    assert model.get_parameter("fc.weight").shape == (2, 512) and origin == "resnet18.safetensors"


def test_a_state_dict_is_read_without_running_code(tmp_path: Path, tiny_weights: Path) -> None:
    torch.save(load_file(tiny_weights), tmp_path / "w.pt")
    start(str(tmp_path / "w.pt"))

    class Hostile:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"fc.weight": Hostile()}, tmp_path / "evil.pt")
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        start(str(tmp_path / "evil.pt"))
    assert not (tmp_path / "ran").exists()


def test_weights_that_do_not_fit(tmp_path: Path, tiny_weights: Path) -> None:
    with pytest.raises(WeightsError, match="choose --architecture"):
        start(str(tiny_weights), architecture="resnet50")
    with pytest.raises(WeightsError, match="found no file"):
        start(str(tmp_path / "none.safetensors"))
    with pytest.raises(WeightsError, match="expected 'imagenet', IMAGENET1K_V1"):
        start("IMAGENET99")
    (tmp_path / "bad.safetensors").write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="cannot be read"):
        start(str(tmp_path / "bad.safetensors"))


def test_imagenet_means_the_reports_weights_and_no_network_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def unreachable(url: str, **options: object) -> None:
        asked.append(url)
        raise OSError("no network")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", unreachable)
    with pytest.raises(WeightsError, match=r"could not download resnet50 IMAGENET1K_V1.*--weights FILE"):
        start("imagenet", architecture="resnet50")
    assert "resnet50-0676ba61" in asked[0]


@pytest.mark.parametrize("damage", ["cut", "flip-header", "format", "nan", "classes"])
def test_damaged_models_are_refused(tiny: Recogniser, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "m.safetensors"
    save_model(tiny.model, tiny.spec, path)
    state = load_file(path)
    spec = {
        "classes": ["a", "b", "c"],
        "architecture": "resnet18",
        "stride_placement": "3x3",
        "crop_size": 64,
        "resize": 72,
    }
    metadata = {"format": "har-lens-model/1", "spec": json.dumps(spec)}
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1000])
    elif damage == "flip-header":
        path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:])
    elif damage == "format":
        save_file(state, path, metadata=metadata | {"format": "har-lens-model/9"})
    elif damage == "nan":
        state["fc.bias"][0] = float("nan")
        save_file(state, path, metadata=metadata)
    else:
        save_file(state, path, metadata=metadata | {"spec": json.dumps(spec | {"classes": ["a", "a", "b"]})})
    with pytest.raises(CheckpointError, match=r"damaged|expected"):
        load_model(path)


def test_frozen_stages_hold_no_gradient_and_their_batch_norms_keep_still(tiny_weights: Path) -> None:
    model, _, _ = start(str(tiny_weights))
    trunk, head = split_frozen(model, ("layer4", "fc"))
    training_mode(model, ("layer4", "fc"))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    images = torch.randn(4, 3, 64, 64)
    head(trunk(images)).sum().backward()
    learning = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert learning == {name for name, _ in model.named_parameters() if name.startswith(("layer4.", "fc."))}
    moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved and all(name.startswith("layer4.") for name in moved)  # running statistics
    model.eval()
    assert torch.allclose(head(trunk(images)), model(images), atol=1e-5)


def test_all_batch_norms_can_be_kept_still(tiny_weights: Path) -> None:
    model, _, _ = start(str(tiny_weights))
    training_mode(model, ("layer4", "fc"), frozen_norms=True)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model(torch.randn(4, 3, 64, 64))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    "trainable", [("fc",), ("layer3", "layer4", "fc"), tuple(("conv1 bn1 layer1 layer2 layer3 layer4 fc").split())]
)
def test_any_stages_can_be_frozen(tiny_weights: Path, trainable: tuple[str, ...]) -> None:
    model, _, _ = start(str(tiny_weights))
    trunk, head = split_frozen(model, trainable)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(head(trunk(images)), model(images), atol=1e-5)


def test_the_recipe_is_the_reports() -> None:
    recipe = RECIPES["report"]
    assert (recipe.architecture, recipe.weights, recipe.trainable) == ("resnet50", "imagenet", ("layer4", "fc"))
    assert (recipe.crop_size, recipe.resize, recipe.batch_size, recipe.epochs) == (224, 256, 32, 15)
    assert (recipe.lr, recipe.step_size, recipe.gamma, recipe.seed) == (1e-4, 5, 0.1, 42)
    assert recipe.validation_fraction == 0.15 and recipe.views == 0
    assert TrainConfig.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe


def test_the_best_recipe_picks_no_epoch_by_its_score() -> None:
    recipe = RECIPES["best"]
    assert recipe.selection == "last" and recipe.leave_out_twins and recipe.scored == "validation"
    assert (recipe.seed, recipe.validation_fraction) == (RECIPES["report"].seed, RECIPES["report"].validation_fraction)
    assert TrainConfig.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe


def test_crops_grow_in_the_last_epochs() -> None:
    recipe = RECIPES["report"].replace(epochs=5, train_size=160, full_size_epochs=2)
    assert [recipe.sizes[recipe.full_size(epoch)] for epoch in range(1, 6)] == [160, 160, 160, 224, 224]
    assert RECIPES["report"].sizes == (224, 224) and not RECIPES["report"].full_size(15)


@pytest.mark.parametrize(
    "change",
    [{"lr": 0.0}, {"epochs": 0}, {"batch_size": 1}, {"resize": 100}, {"trainable": ("layer9", "fc")}, {"trainable": ("layer4",)},
     {"gamma": 2.0}, {"validation_fraction": 1.0}, {"precision": "fp8"}, {"architecture": "vgg"}, {"views": -1},
     {"head_lr_factor": 0.0}, {"weight_decay": -1.0}, {"min_area": 0.0}, {"warmup": -1.0}, {"label_smoothing": 1.0},
     {"average": 1.0}, {"train_size": -1}, {"full_size_epochs": -1}, {"scored": "test"}, {"selection": "first"}],
)  # fmt: skip
def test_settings_out_of_range_are_refused_with_their_flag(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="--" + next(iter(change)).replace("_", "-")):
        RECIPES["report"].replace(**change)
