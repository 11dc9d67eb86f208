"""A network → one ONNX graph: images (B, 3, H, W) → `logits` (B, K), `class_maps` (B, K, h, w), `embeddings` (B, D).

Networks in closed form have their class maps in the graph.  Gradients cannot be stored in one: networks that need them leave
`class_maps` out, and whoever reads the file explains them by occlusion.
"""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from har_core.errors import CheckpointError, ConfigError
from har_core.models.anatomy import WholeNetwork
from har_core.models.checkpoint import first_line
from har_core.models.external.onnx_network import EMBEDDINGS, LOGITS, MAPS, OnnxNetwork
from har_core.models.registry import anatomy_of, forward_features, forward_pool, head
from har_core.models.spec import ModelSpec
from har_core.runs.manifest import CENTER_ALONE, in_order

IMAGES = "images"
_OPSET = 18


class Graph(nn.Module):
    """Images (B, 3, H, W) → the outputs that `names` lists, in that order."""

    directions: Tensor

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.has_maps = _has_maps(model)
        self.names = [LOGITS, *([MAPS] if self.has_maps else []), EMBEDDINGS]
        if self.has_maps:
            self.register_buffer("directions", head(model).weight.detach()[:, :, None, None].clone())

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        anatomy = anatomy_of(self.model)
        if isinstance(anatomy, WholeNetwork):
            answer = anatomy.answer(self.model, images, maps=False)
            return answer.logits, answer.embeddings
        last = anatomy.head(self.model)
        features = forward_features(self.model, images)
        embeddings = forward_pool(self.model, features)
        logits = functional.linear(embeddings, last.weight, last.bias)
        if not self.has_maps:
            return logits, embeddings
        return logits, functional.conv2d(features.maps, self.directions), embeddings


def _has_maps(model: nn.Module) -> bool:
    anatomy = anatomy_of(model)
    return not isinstance(anatomy, WholeNetwork) and anatomy.explanation == "closed form"


def exported_spec(model: nn.Module, spec: ModelSpec) -> ModelSpec:
    """What the file will say of itself: without class maps there is no look at the evidence."""
    if _has_maps(model):
        return spec
    return replace(spec, views=in_order(view for view in spec.views if view != "evidence"))


def write_graph(
    model: nn.Module, spec: ModelSpec, path: Path, *, more: Mapping[str, Any] = MappingProxyType({})
) -> ModelSpec:
    """Write the graph with any batch size and, where the network and torch's exporter allow it, any height and width.

    Args:
        spec: goes into the metadata, as `models.external.onnx_file` reads them.
        more: other metadata, JSON values.

    Returns:
        The spec of the file: with the view center alone where it takes one size.

    Raises:
        CheckpointError: if a package is missing, or torch cannot export the network.
        ConfigError: if it is an ONNX file already.
        OSError: if the file cannot be written.
    """
    if isinstance(model, OnnxNetwork):
        raise ConfigError("expected a model of torch to export, found an ONNX file; use that")
    try:
        import onnx
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ImportError as error:
        raise CheckpointError(
            "expected the packages onnx and onnxscript to export, found none; pip install onnx onnxscript"
        ) from error
    graph = Graph(model).eval()
    with _contiguous(model), _evenly_padded(model) as same:
        try:
            stored = _exported(graph, spec)
        except CheckpointError:
            if not spec.any_size:
                raise
            spec = replace(spec, any_size=False, views=CENTER_ALONE)
            stored = _exported(graph, spec)
    if same:
        _pad_as_tensorflow(stored)
    told = {**_metadata(spec), **more}
    onnx.helper.set_model_props(stored, {key: json.dumps(value, ensure_ascii=False) for key, value in told.items()})
    path.write_bytes(stored.SerializeToString())
    return spec


def _exported(graph: Graph, spec: ModelSpec) -> Any:
    free, side = {0: "batch"}, spec.crop_size
    images = torch.zeros(2, 3, side, side)
    if spec.any_size:
        free |= {2: "height", 3: "width"}
        images = torch.zeros(2, 3, side, side + 32)  # equal sides would be taken for one
    quiet = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [one.level for one in quiet]
    try:
        for one in quiet:
            one.setLevel(logging.ERROR)
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                graph,
                (images,),
                input_names=[IMAGES],
                output_names=graph.names,
                dynamic_shapes=(free,),
                opset_version=_OPSET,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # torch.export has many
        raise CheckpointError(
            f"torch could not export the network ({first_line(error)}); other networks can be exported, as those of "
            "torchvision"
        ) from error
    finally:
        for one, level in zip(quiet, levels, strict=True):
            one.setLevel(level)
    assert program is not None
    return program.model_proto


@contextmanager
def _contiguous(model: nn.Module) -> Iterator[None]:
    """Weights in the order in which ONNX stores them: the exporter would write a transposition for each."""
    model.to(memory_format=torch.contiguous_format)
    try:
        yield
    finally:
        model.to(memory_format=torch.channels_last)


@contextmanager
def _evenly_padded(model: nn.Module) -> Iterator[bool]:
    """timm's convolutions that pad as TensorFlow does, for the moment the same on all sides: whether there are any.

    How they pad depends on the input's size.  ONNX has an attribute for it (`_pad_as_tensorflow`), which torch's exporter does not
    write: it would compute the padding anew in front of each.
    """
    strided = [module for module in model.modules() if isinstance(module, nn.Conv2d) and max(module.stride) > 1]
    same = [module for module in strided if type(module).__name__ == "Conv2dSame"]
    if not same or any(max(module.kernel_size) > 1 for module in strided if module not in same):
        yield False  # or nothing would tell the two apart afterwards
        return
    kinds = [(type(module), module.padding) for module in same]
    try:
        for module in same:
            module.__class__ = nn.Conv2d
            sides = zip(module.kernel_size, module.dilation, strict=True)
            module.padding = tuple((side - 1) * wide // 2 for side, wide in sides)
        yield True
    finally:
        for module, (kind, padding) in zip(same, kinds, strict=True):
            module.__class__, module.padding = kind, padding


def _pad_as_tensorflow(stored: Any) -> None:
    """Of the strided convolutions.  The sizes of their outputs are those that they have."""
    import onnx

    shapes = {one.name: tuple(one.dims) for one in stored.graph.initializer}
    for node in stored.graph.node:
        if node.op_type != "Conv" or max(shapes.get(node.input[1], ())[2:], default=1) == 1:
            continue
        values = {one.name: tuple(one.ints) for one in node.attribute}
        if max(values.get("strides", (1,))) > 1:
            kept = [one for one in node.attribute if one.name not in ("pads", "auto_pad")]
            del node.attribute[:]
            node.attribute.extend([*kept, onnx.helper.make_attribute("auto_pad", "SAME_UPPER")])


def _metadata(spec: ModelSpec) -> dict[str, Any]:
    pixels = spec.preprocessing
    return {
        "classes": spec.classes,
        "crop_size": spec.crop_size,
        "resize": spec.resize,
        "mean": pixels.mean,
        "std": pixels.std,
        "interpolation": pixels.interpolation,
        "fit": pixels.fit,
        "crop_down": pixels.crop_down,
        "temperature": spec.temperature,
        "views": spec.views,
        "architecture": spec.architecture,
    }
