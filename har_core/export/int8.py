"""An ONNX file in 32-bit arithmetic → the same network in 8-bit arithmetic, by static quantization.

Weights and activations are stored as they were, with pairs of QuantizeLinear and DequantizeLinear around what is computed in 8
bits (Jacob et al. 2018; onnxruntime makes one operator of each such group).  Activations are scaled by what training photos
bring about.  The logits, class maps and embeddings themselves stay in 32 bits, so that maps still add up to logits.
"""

from __future__ import annotations

import io
import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from har_core.errors import CheckpointError
from har_core.models.checkpoint import first_line

Calibration = Literal["entropy", "percentile", "minmax"]

_AT_ONCE = 4  # photos whose activations are held together: 45 MB each of a ResNet-50


@dataclass(frozen=True, kw_only=True)
class Int8Options:
    """`per_channel`: a scale for each output channel of a weight.  `reduce_range`: weights of 7 bits: without VNNI, AVX2 adds
    pairs of products in 16 bits, which 8-bit weights overflow; those of depthwise convolutions keep 8.  `percentile`: of the
    activations that are kept, if so calibrated.  `float_first`: so many convolutions at the start are left in 32 bits, which costs
    no time and loses least.
    """

    calibration: Calibration = "percentile"
    percentile: float = 99.999
    float_first: int = 2
    per_channel: bool = True
    reduce_range: bool = True


def quantize(path: Path, images: Sequence[np.ndarray], to: Path, options: Int8Options | None = None) -> None:
    """Write the 8-bit form of a file.

    Args:
        images: (3, H, W) float32, normalized, of any shapes.
        to: the new file; its metadata are those of `path` with `precision` "int8".

    Raises:
        CheckpointError: if a package is missing, or onnxruntime cannot quantize the network.
    """
    options = options or Int8Options()
    try:
        import onnx
        from onnxruntime.quantization import QuantType
        from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise CheckpointError(
            "expected the packages onnx and onnxruntime to quantize, found none; pip install onnx onnxruntime"
        ) from error
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        root, level = logging.getLogger(), logging.getLogger().level
        try:
            root.setLevel(logging.ERROR)
            quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
            ranges = _ranges(prepared, images, Path(folder), options)
            model = onnx.load(prepared)
            quantizer = QDQQuantizer(
                model,
                options.per_channel,
                options.reduce_range,
                QuantType.QInt8,
                QuantType.QUInt8,
                ranges,
                [],
                float_nodes(model) + _first(model, options.float_first),
                _OPERATORS,
                {"TensorQuantOverrides": _whole_range(model, QuantType.QInt8)} if options.reduce_range else {},
            )
            quantizer.quantize_model()
        except Exception as error:  # of protocol buffers, of onnxruntime
            raise CheckpointError(f"onnxruntime could not quantize the network ({first_line(error)})") from error
        finally:
            root.setLevel(level)
        quantized = quantizer.model.model
        told = {one.key: one.value for one in onnx.load(path, load_external_data=False).metadata_props}
        del quantized.metadata_props[:]
        onnx.helper.set_model_props(quantized, told | {"precision": json.dumps("int8")})
        to.write_bytes(quantized.SerializeToString())


def _whole_range(model: Any, kind: Any) -> dict[str, Any]:
    """Weights of depthwise convolutions keep 8 bits: their products are not added in pairs, and there are few to make up for it."""
    grouped = [
        node
        for node in model.graph.node
        if node.op_type == "Conv" and any(one.name == "group" and one.i > 1 for one in node.attribute)
    ]
    one = {"axis": 0, "quant_type": kind, "symmetric": True, "reduce_range": False}
    return {node.input[1]: [one] for node in grouped}


def _first(model: Any, count: int) -> list[str]:
    return [node.name for node in model.graph.node if node.op_type == "Conv"][:count]


_OPERATORS = [
    "Conv",
    "Gemm",
    "MatMul",
    "Add",
    "Mul",
    "Clip",
    "Relu",
    "MaxPool",
    "Concat",
    "GlobalAveragePool",
    "AveragePool",
]


def float_nodes(model: Any) -> list[str]:
    """The nodes between the last maps and the outputs: what only the outputs are made of, from the end up to the first
    convolution that is not an output itself."""
    makes = {name: node for node in model.graph.node for name in node.output}
    outputs = [one.name for one in model.graph.output]
    found: dict[str, None] = {}
    ahead = list(outputs)
    while ahead:
        name = ahead.pop()
        node = makes.get(name)
        if node is None or node.name in found or (node.op_type in _BODY and name not in outputs):
            continue
        found[node.name] = None
        ahead.extend(node.input)
    return list(found)


_BODY = {"Conv", "Relu", "Clip", "Add", "Concat", "MaxPool"}


def _ranges(path: Path, images: Sequence[np.ndarray], folder: Path, options: Int8Options) -> Any:
    from onnxruntime.quantization import CalibrationMethod, create_calibrator

    method = {
        "entropy": CalibrationMethod.Entropy,
        "percentile": CalibrationMethod.Percentile,
        "minmax": CalibrationMethod.MinMax,
    }[options.calibration]
    more: dict[str, Any] = {"symmetric": False}  # what a ReLU lets through has one sign
    if options.calibration == "percentile":
        more["percentile"] = options.percentile
    elif options.calibration == "entropy":
        more |= {"num_bins": 1024, "num_quantized_bins": 128}  # onnxruntime's own 128 and 128 leave nothing to choose
    calibrator = create_calibrator(
        path,
        _OPERATORS,
        augmented_model_path=str(folder / "augmented.onnx"),
        calibrate_method=method,
        extra_options=more,
    )
    name = calibrator.infer_session.get_inputs()[0].name
    with redirect_stdout(io.StringIO()):
        for shape in dict.fromkeys(image.shape for image in images):  # onnxruntime stacks what it is given at once
            alike = [image for image in images if image.shape == shape]
            for start in range(0, len(alike), _AT_ONCE):
                calibrator.collect_data(_Reader(name, alike[start : start + _AT_ONCE]))
        return calibrator.compute_data()


class _Reader:
    """Images one after the other, as onnxruntime asks for them."""

    def __init__(self, name: str, images: Sequence[np.ndarray]) -> None:
        self._next: Iterator[dict[str, np.ndarray]] = ({name: image[None]} for image in images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._next, None)
