"""One graph with logits, class maps and embeddings, compared with the network before it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from har_core.cam.class_maps import class_activation_maps
from har_core.errors import CheckpointError, ConfigError, DataError
from har_core.export import onnx_export
from har_core.export.onnx_export import export_onnx
from har_core.export.photos import FEWEST, choose_photos, stored_photos
from har_core.inference.answer_rules import frame_rule
from har_core.inference.predictor import Predictor
from har_core.models.external.load import load_model
from har_core.models.registry import anatomy_of, create_model
from har_core.models.spec import ModelSpec
from har_core.runs.run import Run
from tests.conftest import COLORS, picture
from tests.export.conftest import CLASSES
from tests.timm_kinds import EXPLANATION, KINDS, SIZE

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def test_it_answers_as_the_network_does(exported: Path, tiny: Predictor) -> None:
    """In any shape, with any batch: the views of a photo have other shapes than its crop."""
    network, spec = load_model(str(exported))
    assert spec.views == ("center", "whole", "evidence") and spec.any_size
    assert replace(spec, views=tiny.spec.views, architecture=tiny.spec.architecture) == tiny.spec
    assert anatomy_of(network).explanation == "closed form"
    for shape in ((1, 3, 64, 64), (5, 3, 64, 96), (2, 3, 128, 64)):
        images = torch.randn(*shape)
        expected, found = class_activation_maps(tiny.model, images), class_activation_maps(network, images)
        for name in ("logits", "class_maps", "embeddings"):
            torch.testing.assert_close(getattr(found, name), getattr(expected, name), rtol=1e-3, atol=1e-4)
    photo = picture(COLORS["red"], (200, 130))
    first = Predictor(tiny.model, replace(tiny.spec, views=spec.views)).predict(photo, "a")
    second = Predictor(network, spec).predict(photo, "a")
    np.testing.assert_allclose(second.probabilities, first.probabilities, atol=1e-3)
    np.testing.assert_allclose(second.class_maps, first.class_maps, atol=1e-3)
    assert second.nearer == first.nearer


def test_the_file_is_whole(exported: Path) -> None:
    model = onnx.load(exported)
    onnx.checker.check_model(model, full_check=True)
    assert [one.name for one in model.graph.output] == ["logits", "class_maps", "embeddings"]
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    told = {one.key for one in model.metadata_props}
    assert {"classes", "temperature", "views", "mean", "std", "model_sha256", "answer_rule"} <= told


@pytest.mark.parametrize(
    "kind", ["ViT", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("EfficientNet", "MobileNetV3"))]
)
def test_other_networks(kind: str, make_run: Callable[..., Run], tmp_path: Path) -> None:
    """Maps that need gradients are left out, and with them the view that needs maps; answers stay."""
    torch.manual_seed(0)
    model = create_model(spec := ModelSpec(CLASSES, KINDS[kind], crop_size=SIZE, resize=72))
    run = make_run(Predictor(model, spec), views=("center", "whole", "evidence") if kind != "ViT" else ("center",))
    done = export_onnx(run, tmp_path / "m.onnx")
    network, read = load_model(str(tmp_path / "m.onnx"))
    closed = EXPLANATION[kind] == "closed form"
    assert done.has_maps == closed and done.same.difference < 1e-3 and done.same.count >= FEWEST
    assert anatomy_of(network).explanation == ("closed form" if closed else "occlusion")
    assert done.views == read.views and done.fewer_views == (kind == "MobileNetV3")
    photo = picture(COLORS["blue"], (90, 70))
    views = read.views
    expected = Predictor(model, replace(spec, views=views)).predict(photo, "a").probabilities
    np.testing.assert_allclose(Predictor(network, read).predict(photo, "a").probabilities, expected, atol=1e-3)


@pytest.mark.slow
def test_padding_as_tensorflow_has_it(make_run: Callable[..., Run], tmp_path: Path) -> None:
    """How much a strided convolution pads depends on whether its input is odd: in all sizes as in torch."""
    torch.manual_seed(0)
    model = create_model(spec := ModelSpec(CLASSES, "timm/tf_efficientnet_lite0", crop_size=72, resize=80))
    kinds = {type(module).__name__ for module in model.modules()}
    onnx_export.write_graph(model, spec, tmp_path / "m.onnx")
    assert "Conv2dSame" in kinds and kinds == {type(module).__name__ for module in model.modules()}
    assert "Pad" not in {node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node}
    network, _ = load_model(str(tmp_path / "m.onnx"))
    for shape in ((1, 3, 72, 72), (2, 3, 65, 97)):
        images = torch.randn(*shape)
        torch.testing.assert_close(network(images), model(images), rtol=1e-3, atol=1e-4)


def broken(change: Callable[[Any], None]) -> Callable[..., ModelSpec]:
    """An exporter whose graphs are wrong."""
    write = onnx_export.write_graph

    def wrong(model: Any, spec: ModelSpec, path: Path, **more: Any) -> ModelSpec:
        told: ModelSpec = write(model, spec, path, **more)
        stored = onnx.load(path)
        change(stored)
        onnx.save(stored, path)
        return told

    return wrong


def shift_strides(stored: Any) -> None:
    """As old exporters did with ResNets: a stride at another place."""
    for node in stored.graph.node:
        for attribute in node.attribute:
            if attribute.name == "pads" and list(attribute.ints) == [1, 1, 1, 1] and node.op_type == "Conv":
                attribute.ints[:] = [2, 2, 0, 0]
                return


def freeze_batch(stored: Any) -> None:
    stored.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    del stored.graph.value_info[:]


def other_temperature(stored: Any) -> None:
    next(one for one in stored.metadata_props if one.key == "temperature").value = "2.0"


def test_the_rule_of_answers_is_in_the_file(make_run: Callable[..., Run], quick_graph: None, tmp_path: Path) -> None:
    """As `har-lens predict` has it, so that whoever has the file alone names what that names."""
    for tested in (None, {f"{number}.png": CLASSES[number % 3] for number in range(60)}):
        run = make_run(tested=tested)
        export_onnx(run, tmp_path / "a.onnx")
        told = {one.key: one.value for one in onnx.load(tmp_path / "a.onnx").metadata_props}
        stored, rule = json.loads(told["answer_rule"]), frame_rule(run, Predictor.from_run(run))
        assert stored["threshold"] == rule.threshold
        assert (np.inf if stored["lowest"] is None else stored["lowest"]) == rule.lowest
        assert bool(np.isfinite(rule.lowest)) is (tested is not None)


@pytest.mark.usefixtures("quick_graph")
@pytest.mark.parametrize(
    ("change", "fragment"),
    [(shift_strides, "differs"), (freeze_batch, "any number"), (other_temperature, "metadata")],
)
def test_a_wrong_file_is_not_kept(
    change: Callable[[Any], None],
    fragment: str,
    make_run: Callable[..., Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onnx_export, "write_graph", broken(change))
    out = tmp_path / "m.onnx"
    out.write_bytes(b"older")
    with pytest.raises(CheckpointError, match=fragment):
        export_onnx(make_run(), out)
    assert out.read_bytes() == b"older" and [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_an_onnx_file_is_not_exported_again(exported: Path, tmp_path: Path) -> None:
    network, spec = load_model(str(exported))
    with pytest.raises(ConfigError, match="ONNX"):
        onnx_export.write_graph(network, spec, tmp_path / "m.onnx")


def test_which_photos_are_compared(make_run: Callable[..., Run], data: Path) -> None:
    every = stored_photos()
    assert len(every) >= FEWEST and len({photo.name for photo in every}) == len(every)
    sizes = {photo.open().size for photo in every[:24]}
    assert len(sizes) > 8
    tested = {f"{label}/{number:03}.png": label for number, label in enumerate(CLASSES * 30)}
    chosen = choose_photos(make_run(tested=tested), data, compared=70, scaling=40)
    assert chosen.unseen and {photo.name for photo in chosen.compared} <= set(tested) and len(chosen.compared) == 70
    assert not {photo.name for photo in chosen.scaling} & set(tested) and len(chosen.scaling) == 40
    assert all(photo.label == photo.name.split("/")[0] for photo in chosen.compared)
    without = choose_photos(make_run(), data, compared=100, scaling=64)
    names = [{photo.name for photo in photos} for photos in (without.compared, without.scaling)]
    assert not names[0] & names[1] and list(map(len, names)) == [100, 64]


def test_too_few_photos(make_run: Callable[..., Run], kaggle_folder: Path) -> None:
    with pytest.raises(DataError, match="36"):
        choose_photos(make_run(), kaggle_folder, compared=96)
    with pytest.raises(ConfigError, match="--photos"):
        choose_photos(make_run(), None, compared=96, scaling=64)
