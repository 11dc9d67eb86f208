"""Folders of Hugging Face: the same answer as transformers' own, maps of every kind, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from har_core.cam.class_maps import class_activation_maps
from har_core.errors import CheckpointError
from har_core.inference.predictor import Predictor
from har_core.inference.views import first_looks
from har_core.media.geometry import whole_photo
from har_core.models.external import options as told
from har_core.models.external.load import load_model, notes_of
from har_core.models.external.options import ModelOptions
from har_core.models.registry import anatomy_of
from har_core.runs.run import assets_folder
from tests.conftest import COLORS, picture
from tests.models.external.making import CLASSES, HUGGING_FACE, SIZE, hugging_face

transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module", params=HUGGING_FACE)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hugging_face(tmp_path_factory.mktemp("hf") / request.param, request.param)


def photos(real: bool) -> list[Image.Image]:
    """Of odd shapes, so that half of a margin has to be rounded."""
    if real:
        names = sorted((assets_folder() / "samples").glob("*.jpg"))
        return [Image.open(name).convert("RGB").resize((211, 300)) for name in names[:2]]
    return [picture(COLORS["red"], (183, 275)), picture(COLORS["blue"], (262, 193))]


def test_the_same_as_transformers_own(folder: Path) -> None:
    """Its processor and its model, on photos as they come; gradients give the embedding's logits."""
    theirs = transformers.AutoModelForImageClassification.from_pretrained(folder, attn_implementation="eager").eval()
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    model, spec = load_model(str(folder))
    assert spec.classes == CLASSES and spec.architecture.startswith("huggingface/")
    predictor = Predictor(model, spec)
    for photo in [*photos(True), *photos(False)]:
        with torch.no_grad():
            expected = theirs(**processor(photo, return_tensors="pt")).logits
        image = predictor.preprocess(photo)
        found = predictor.forward(image[None])
        assert torch.allclose(found.logits, expected, atol=1e-3)
        look = first_looks(photo, spec)[0]
        if spec.preprocessing.fit == "squash" and spec.crop_size == spec.resize:
            assert look.box == whole_photo(*photo.size)


def test_maps(folder: Path) -> None:
    model, _ = load_model(str(folder))
    anatomy = anatomy_of(model)
    assert anatomy.explanation == HUGGING_FACE[folder.name]
    images = torch.randn(3, 3, SIZE, SIZE)
    found = class_activation_maps(model, images)
    assert found.class_maps.shape[:2] == (3, 3) and found.class_maps.abs().sum() > 0
    alone = torch.cat([class_activation_maps(model, image[None]).class_maps for image in images])
    assert torch.allclose(found.class_maps, alone, rtol=1e-3, atol=1e-5)
    if found.embeddings.shape[1]:
        assert torch.allclose(anatomy.head(model)(found.embeddings), found.logits, atol=1e-4)
    if anatomy.explanation == "closed form":
        bias = anatomy.head(model).bias
        assert torch.allclose(found.class_maps.mean(dim=(2, 3)) + bias, found.logits, atol=1e-4)


def test_attention_is_that_of_an_oracle(tmp_path: Path) -> None:
    """One class at a time, by the formula as it stands in the paper, from transformers' own outputs."""
    folder = hugging_face(tmp_path / "ViT", "ViT")
    model, _ = load_model(str(folder))
    images = torch.randn(2, 3, SIZE, SIZE)
    found = class_activation_maps(model, images).class_maps
    theirs = transformers.AutoModelForImageClassification.from_pretrained(folder, attn_implementation="eager").eval()
    for target in range(3):
        out = theirs(pixel_values=images.clone().requires_grad_(), output_attentions=True)
        attention = out.attentions[-1]
        (gradient,) = torch.autograd.grad(out.logits[:, target].sum(), attention)
        for photo in range(2):
            total = np.zeros(17)
            for own, by in zip(attention[photo].detach().numpy(), gradient[photo].numpy(), strict=True):
                jacobian = np.diag(own[0]) - np.outer(own[0], own[0])  # of the softmax
                total += np.maximum(jacobian @ by[0], 0)
            assert np.allclose(found[photo, target].numpy().ravel(), total[1:], rtol=1e-3, atol=1e-7)


def test_pickled_weights_hold_tensors_alone(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    folder = hugging_face(tmp_path / "ResNet", "ResNet")
    before = load_model(str(folder))[0](torch.ones(1, 3, SIZE, SIZE))
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    assert torch.equal(load_model(str(folder))[0](torch.ones(1, 3, SIZE, SIZE)), before)

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "run",))

    torch.save({**state, "x": Evil()}, folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="cannot be read as weights"):
        load_model(str(folder))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"auto_map": {"AutoModelForImageClassification": "x.Y"}}, "code of its own"),
        ({"quantization_config": {"quant_method": "x"}}, "quantized"),
        ({"hidden_sizes": [8, 10**9]}, "at most"),
        ({"depths": [1, 10**6]}, "layers"),
        ({"depths": [400] * 400}, "layers"),
        ({"hidden_sizes": [8, 100_000]}, "fit"),
        ({"hidden_sizes": [8, 17]}, "fit"),
        ({"num_labels": 10**9, "id2label": None}, "at most"),
        ({"id2label": {str(n): f"c{n}" for n in range(5)}}, "3 classes"),
        ({"id2label": {"0": "a", "1": "b", "7": "c"}}, "class names"),
        ({"model_type": "bert"}, "AutoModelForImageClassification"),
        ({"model_type": "../../x"}, "transformers knows"),
        ({"model_type": None}, "transformers knows"),
        ({"architectures": ["ResNetModel"]}, "AutoModelForImageClassification"),
        ({"architectures": 5}, "AutoModelForImageClassification"),
    ],
)
def test_configurations_that_are_refused(tmp_path: Path, change: dict[str, Any], fragment: str) -> None:
    folder = hugging_face(tmp_path / "ResNet", "ResNet")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(CheckpointError, match=fragment) as caught:
        load_model(str(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"image_processor_type": "MobileViTImageProcessor", "do_flip_channel_order": True}, "image processor"),
        ({"resample": 1}, "bilinear or bicubic"),
        ({"size": {"height": 32, "width": 64}}, "--crop-size"),
        ({"size": {"longest_edge": 64}}, "--crop-size"),
        ({"image_mean": [0.5]}, "mean"),
        ({"crop_pct": 1e-9}, "4096"),
    ],
)
def test_image_processors_that_are_refused(tmp_path: Path, change: dict[str, Any], fragment: str) -> None:
    folder = hugging_face(tmp_path / "ResNet", "ResNet")
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CheckpointError, match=fragment) as caught:
        load_model(str(folder))
    assert "\n" not in str(caught.value)


def test_other_hostile_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import load_file, save_file

    folder = hugging_face(tmp_path / "ResNet", "ResNet")
    processor, weights = folder / "preprocessor_config.json", folder / "model.safetensors"
    kept = processor.read_text()
    processor.unlink()
    with pytest.raises(CheckpointError, match="--crop-size, --mean and --std"):
        load_model(str(folder))
    options = ModelOptions(crop_size=SIZE, mean=(0.5,) * 3, std=(0.5,) * 3)
    assert load_model(str(folder), options)[1].resize == SIZE
    processor.write_text(kept)
    state = load_file(weights)
    name = next(iter(state))
    save_file(state | {name: state[name] * float("nan")}, weights)
    with pytest.raises(CheckpointError, match="finite"):
        load_model(str(folder))
    weights.write_bytes(b"these are notes")
    with pytest.raises(CheckpointError, match="cannot be read as weights"):
        load_model(str(folder))
    weights.unlink()
    with pytest.raises(CheckpointError, match="found neither"):
        load_model(str(folder))
    for content in ("[1]", "notes", "[" * 10**5):
        (folder / "config.json").write_text(content)
        with pytest.raises(CheckpointError, match="JSON table"):
            load_model(str(folder))
    with (folder / "config.json").open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(CheckpointError, match=f"{told._MAX_CONFIG:,}"):
        load_model(str(folder))
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match="a folder without"):
        load_model(str(folder))


def test_an_input_that_the_network_does_not_take(tmp_path: Path) -> None:
    folder = hugging_face(tmp_path / "ViT", "ViT", size={"height": 80, "width": 80})
    with pytest.raises(CheckpointError, match="80 pixels"):
        load_model(str(folder))


def test_without_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = hugging_face(tmp_path / "ResNet", "ResNet")
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(CheckpointError, match=r"pip install transformers"):
        load_model(str(folder))


FLAGS: dict[str, Any] = {"crop_size": SIZE, "mean": (0.1, 0.2, 0.3), "std": (0.5,) * 3, "interpolation": "bicubic"}


@pytest.mark.parametrize(
    "change",
    [
        {"size": {"height": 64, "width": 48}},
        {"size": None},
        {"size": "large"},
        {"image_mean": None},
        {"image_std": [0.5]},
        {"resample": 1},
        {"image_processor_type": "EfficientNetImageProcessor", "rescale_offset": True, "include_top": True},
        {"do_resize": False},
        {"do_pad": True},
    ],
)
def test_flags_overrule_the_image_processor(tmp_path: Path, change: dict[str, Any]) -> None:
    folder = hugging_face(tmp_path / "ViT", "ViT")
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CheckpointError, match="--"):
        load_model(str(folder))
    _, spec = load_model(str(folder), ModelOptions(**FLAGS))
    pixels = spec.preprocessing
    assert (spec.crop_size, spec.resize, pixels.mean, pixels.std) == (SIZE, SIZE, FLAGS["mean"], FLAGS["std"])
    assert (pixels.interpolation, pixels.fit) == ("bicubic", "squash")
    _, spec = load_model(str(folder), ModelOptions(**FLAGS, resize=72, fit="crop"))
    assert (spec.resize, spec.preprocessing.fit) == (72, "crop")


def test_a_flag_leaves_the_rest_of_the_image_processor(tmp_path: Path) -> None:
    folder = hugging_face(tmp_path / "ConvNeXt", "ConvNeXt")
    own = load_model(str(folder))[1]
    _, spec = load_model(str(folder), ModelOptions(mean=(0.1, 0.2, 0.3)))
    assert spec == replace(own, preprocessing=replace(own.preprocessing, mean=(0.1, 0.2, 0.3)))


def test_channels_in_another_order_cannot_be_overruled(tmp_path: Path) -> None:
    folder = hugging_face(tmp_path / "ViT", "ViT")
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"do_flip_channel_order": True}))
    with pytest.raises(CheckpointError, match="ONNX"):
        load_model(str(folder), ModelOptions(**FLAGS))


def configured(folder: Path, **change: Any) -> Path:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    return folder


def test_names_that_were_not_saved(tmp_path: Path) -> None:
    labels = {str(number): f"LABEL_{number}" for number in range(3)}
    folder = configured(hugging_face(tmp_path / "ResNet", "ResNet"), id2label=labels)
    with pytest.raises(CheckpointError, match="--classes FILE"):
        load_model(str(folder))
    assert load_model(str(folder), ModelOptions(classes=("a", "b", "c")))[1].classes == ("a", "b", "c")


def test_networks_of_several_labels_a_photo(tmp_path: Path) -> None:
    folder = hugging_face(tmp_path / "ResNet", "ResNet")
    assert notes_of(load_model(str(folder))[0]) == ()
    configured(folder, problem_type="multi_label_classification")
    assert len(notes_of(load_model(str(folder))[0])) == 1


def test_a_pointer_in_place_of_the_weights(tmp_path: Path) -> None:
    folder = hugging_face(tmp_path / "ResNet", "ResNet")
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:a\nsize 100\n")
    with pytest.raises(CheckpointError, match="git lfs pull"):
        load_model(str(folder))


def test_several_labels_are_read_as_those_of_an_onnx_file(tmp_path: Path) -> None:
    """A sigmoid for each class, divided by their sum; maps do not add up to that."""
    folder = hugging_face(tmp_path / "ResNet", "ResNet")
    images = torch.randn(2, 3, SIZE, SIZE)
    shares = load_model(str(folder))[0](images).sigmoid()
    model, _ = load_model(str(configured(folder, problem_type="multi_label_classification")))
    for logits in (model(images), class_activation_maps(model, images).logits):
        assert torch.allclose(logits.softmax(dim=1), shares / shares.sum(dim=1, keepdim=True), atol=1e-6)
    assert anatomy_of(model).explanation == "gradient"


def test_outputs_that_are_no_scores(tmp_path: Path) -> None:
    folder = configured(hugging_face(tmp_path / "ResNet", "ResNet"), problem_type="regression")
    with pytest.raises(CheckpointError, match="regression"):
        load_model(str(folder))


@pytest.mark.parametrize("labels", [None, {}, {str(number): f"c{number}" for number in range(5)}])
def test_other_outputs_than_names(tmp_path: Path, labels: Any, capfd: pytest.CaptureFixture[str]) -> None:
    folder = hugging_face(tmp_path / "DeiT", "DeiT")
    expected = load_model(str(folder))[0](torch.ones(1, 3, SIZE, SIZE))
    configured(folder, id2label=labels, label2id=None)
    capfd.readouterr()
    with pytest.raises(CheckpointError, match=r"3 classes in id2label.*--classes FILE with 3"):
        load_model(str(folder))
    with pytest.raises(CheckpointError, match=r"found .* and 4 in --classes"):
        load_model(str(folder), ModelOptions(classes=("a", "b", "c", "d")))
    assert not any(capfd.readouterr())
    model, spec = load_model(str(folder), ModelOptions(classes=("a", "b", "c")))
    assert spec.classes == ("a", "b", "c") and torch.equal(model(torch.ones(1, 3, SIZE, SIZE)), expected)


def test_names_by_their_numbers_alone(tmp_path: Path) -> None:
    folder = configured(hugging_face(tmp_path / "ResNet", "ResNet"), id2label=None)
    assert load_model(str(folder))[1].classes == CLASSES


def test_weights_that_are_missing_are_told_in_a_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = configured(hugging_face(tmp_path / "ResNet", "ResNet"), hidden_sizes=[8, 17])
    capfd.readouterr()
    with pytest.raises(CheckpointError, match=r"× .* by config\.json"):
        load_model(str(folder))
    assert not any(capfd.readouterr())
