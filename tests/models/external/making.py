"""Tiny models of every kind that comes from elsewhere, written to a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

CLASSES = ("blue", "green", "red")
SIZE = 64

HUGGING_FACE = {
    "ViT": "attention",
    "DeiT": "attention",
    "DINOv2": "attention",
    "BEiT": "gradient",
    "Swin": "gradient",
    "ConvNeXt": "gradient",
    "ResNet": "closed form",
    "MobileNetV2": "gradient",
}
"""Each kind → how it is explained."""


def hugging_face(folder: Path, kind: str, **processor: Any) -> Path:
    """A folder as `save_pretrained` of the model and its image processor writes it; random weights."""
    import torch
    import transformers as t

    torch.manual_seed(3)
    labels = dict(enumerate(CLASSES))
    names = {"id2label": labels, "label2id": {name: number for number, name in labels.items()}}
    tokens = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": SIZE, "patch_size": 16}
    square = {"size": {"height": SIZE, "width": SIZE}}
    cut = {"size": {"shortest_edge": 73}, "crop_size": {"height": SIZE, "width": SIZE}}
    config, network, image_processor, fed = {
        "ViT": (t.ViTConfig(**tokens, **names), t.ViTForImageClassification, t.ViTImageProcessor, square),
        "DeiT": (
            t.DeiTConfig(**tokens, **names),
            t.DeiTForImageClassificationWithTeacher,
            t.DeiTImageProcessor,
            cut | {"size": {"height": 72, "width": 72}},
        ),
        "DINOv2": (t.Dinov2Config(**tokens, **names), t.Dinov2ForImageClassification, t.BitImageProcessor, cut),
        "BEiT": (t.BeitConfig(**tokens, **names), t.BeitForImageClassification, t.BeitImageProcessor, square),
        "Swin": (
            t.SwinConfig(image_size=SIZE, patch_size=4, embed_dim=16, depths=[1, 1], num_heads=[1, 2], window_size=4, **names),
            t.SwinForImageClassification,
            t.ViTImageProcessor,
            square,
        ),
        "ConvNeXt": (
            t.ConvNextConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], **names),
            t.ConvNextForImageClassification,
            t.ConvNextImageProcessor,
            {"size": {"shortest_edge": SIZE}, "crop_pct": 0.9},
        ),
        "ResNet": (
            t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], **names),
            t.ResNetForImageClassification,
            t.ConvNextImageProcessor,
            {"size": {"shortest_edge": SIZE}, "crop_pct": 0.875},
        ),
        "MobileNetV2": (
            t.MobileNetV2Config(image_size=SIZE, depth_multiplier=0.35, **names),
            t.MobileNetV2ForImageClassification,
            t.MobileNetV2ImageProcessor,
            cut,
        ),
    }[kind]  # fmt: skip
    model = network(config)
    with torch.no_grad():
        for parameter in model.parameters():  # transformers' own start is so small that all photos look alike
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder)
    image_processor(**fed | processor).save_pretrained(folder)
    return folder


def timm_folder(folder: Path, name: str = "test_resnet", *, safe: bool = True, **config: Any) -> Path:
    """A folder as timm's `save_for_hf` writes it; random weights."""
    import timm
    import torch
    from timm.models import save_for_hf

    torch.manual_seed(4)
    model = timm.create_model(name, num_classes=len(CLASSES))
    save_for_hf(model, str(folder), {"label_names": list(CLASSES), **config}, safe_serialization=safe)
    return folder


def onnx_file(
    path: Path,
    *,
    metadata: dict[str, Any] | None = None,
    shape: tuple[Any, ...] = ("batch", 3, "height", "width"),
    probabilities: bool = False,
    maps: bool = False,
    embeddings: bool = False,
    weight: float = 1.0,
) -> Path:
    """A network that tells blue, green and red apart by the mean of that channel, 8 × 8 pixels a cell of its maps."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kernel = np.zeros((3, 3, 8, 8), np.float32)
    for output, channel in enumerate((2, 1, 0)):
        kernel[output, channel] = 4 * weight / 64
    bias = np.array([0.5, 0, 0], np.float32)
    nodes = [
        helper.make_node("Conv", ["images", "kernel"], ["class_maps"], strides=[8, 8]),
        helper.make_node("GlobalAveragePool", ["class_maps"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["embeddings"]),
        helper.make_node("Add", ["embeddings", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    outputs = [
        helper.make_tensor_value_info("probabilities" if probabilities else "logits", TensorProto.FLOAT, [None, 3])
    ]
    if maps:
        outputs.append(helper.make_tensor_value_info("class_maps", TensorProto.FLOAT, [None, 3, None, None]))
    if embeddings:
        outputs.append(helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, [None, 3]))
    graph = helper.make_graph(
        nodes,
        "colors",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, list(shape))],
        outputs,
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    told = {"classes": CLASSES, "crop_size": SIZE, "resize": 72, "mean": [0.5] * 3, "std": [0.5] * 3}
    helper.set_model_props(
        model, {key: json.dumps(value) for key, value in (told if metadata is None else metadata).items()}
    )
    onnx.save(model, path)
    return path


Step = tuple[str, Sequence[Any], dict[str, Any]]
"""An operator of ONNX, its other inputs (arrays), and its attributes."""


def onnx_steps(path: Path, *steps: Step, output: str = "answer", number_type: int = 1, **others: Any) -> Path:
    """As `onnx_file`, with more operators behind the logits, whose values are the one output.

    Args:
        number_type: of `onnx.TensorProto`, what the output's numbers are.
        others: of `onnx_file`.
    """
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(onnx_file(path, **others))
    last = "logits"
    for number, (operator, arrays, attributes) in enumerate(steps):
        name = output if number == len(steps) - 1 else f"step{number}"
        inputs = [last]
        for place, array in enumerate(arrays):
            inputs.append(f"{name}_{place}")
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(array), inputs[-1]))
        model.graph.node.append(helper.make_node(operator, inputs, [name], **attributes))
        last = name
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info(last, number_type, None))
    onnx.save(model, path)
    return path
