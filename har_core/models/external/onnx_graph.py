"""The bytes of an ONNX file, and of the data file that may lie beside it → one checked model, and what its graph says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from har_core.errors import CheckpointError
from har_core.files import printable
from har_core.models.checkpoint import first_line
from har_core.models.external.options import require_no_pointer

_MAX_BYTES = 2**31 - 1  # of a protocol buffer
_DATA = re.compile(r"[._]data$")
_ONE_FILE = "torch.onnx.export(…, external_data=False), or onnx.save(onnx.load('model.onnx'), 'whole.onnx')"
_PASSING = {
    "Cast",
    "Clip",
    "DequantizeLinear",
    "Flatten",
    "Identity",
    "QuantizeLinear",
    "Reshape",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
}
"""Operators that leave values as they are."""

_MONOTONE = _PASSING | {"Add", "Div", "Exp", "Log", "LogSoftmax", "Mul", "Sigmoid", "Slice", "Softmax", "Sub"}
"""Operators that leave the order of values as it is, for all that a network does to its scores."""

_MAX_DEPTH = 20  # operators behind a sigmoid


@dataclass(frozen=True, kw_only=True)
class Graph:
    """`content`: the whole model.  `sigmoids`: outputs that are a sigmoid's, whatever their shape.  `ranked`: outputs that are the
    highest values in falling order, or their places, as topk and sort give them.  `by_batch`: whether 8-bit scales are found anew for each batch, so that an answer depends on what shares the batch.  `gathered`: whether some of the weights came from data files.
    """

    content: bytes
    sigmoids: frozenset[str]
    ranked: frozenset[str]
    by_batch: bool
    gathered: bool


def read_graph(path: Path, place: str, *, beside: bool) -> Graph:
    """Read and check a file.  All weights are in the result: onnxruntime opens no file by itself.

    Args:
        place: what the file is called in errors.
        beside: whether weights may lie in data files in the same folder, as PyTorch writes them; else they are refused.

    Raises:
        CheckpointError: if the packages are missing, the file is damaged, too large, or trains while it answers, or its data is not
            there.
    """
    try:
        import onnx
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise CheckpointError(
            "expected the packages onnx and onnxruntime for an ONNX file, found none; pip install onnx onnxruntime"
        ) from error
    _require_small(path.stat().st_size, place)
    require_no_pointer(path)
    content = path.read_bytes()
    try:
        model = onnx.load_model_from_string(content)
        tensors = list(_parts(model, "TensorProto"))
    except Exception as error:  # of the protocol buffers
        raise CheckpointError(f"expected an ONNX model in {place}, found something else; export it again") from error
    if not model.graph.node:
        raise CheckpointError(f"expected an ONNX model in {place}, found something else; export it again")
    if outside := [one for one in tensors if one.data_location == onnx.TensorProto.EXTERNAL or one.external_data]:
        if not beside:
            raise CheckpointError(
                f"{place}: expected all weights in the file, found some in another; save the model in one file: {_ONE_FILE}"
            )
        _take_in(outside, path, place, len(content))
        content = model.SerializeToString()
    _require_finite(tensors, place)
    nodes = list(_parts(model, "NodeProto"))
    if any(map(_is_training, nodes)):
        raise CheckpointError(
            f"{place}: expected a network that answers, found one whose batch norms are in training mode; call model.eval() before "
            "the export"
        )
    made = _origins(model.graph, _PASSING)
    return Graph(
        content=content,
        sigmoids=frozenset(name for name, node in made.items() if node.op_type == "Sigmoid"),
        ranked=_ranked(model.graph),
        by_batch=any(node.op_type == "DynamicQuantizeLinear" for node in nodes),
        gathered=bool(outside),
    )


def _require_small(size: int, place: str) -> None:
    if size > _MAX_BYTES:
        raise CheckpointError(
            f"{place}: expected at most {_MAX_BYTES:,} bytes, found {size:,}; export it in half precision"
        )


def _parts(message: Any, kind: str) -> Iterator[Any]:
    """All tensors or nodes in a model: of its graph, of subgraphs and functions."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for one in value if isinstance(value, list) or hasattr(value, "add") else [value]:
            if one.DESCRIPTOR.name == kind:
                yield one
            if one.DESCRIPTOR.name != "TensorProto":
                yield from _parts(one, kind)


def _take_in(tensors: list[Any], path: Path, place: str, size: int) -> None:
    """Read weights from data files into the model.

    A model can name any file, and a run that carries it may be published: only regular files of its own folder are read, whose names
    say that they are data of a model.
    """
    import onnx

    files: dict[str, bytes] = {}
    for tensor in tensors:
        told = {entry.key: entry.value for entry in tensor.external_data}
        name = told.get("location", "")
        if name not in files:
            file = path.parent / name
            if Path(name).name != name or not (_DATA.search(name) or name.startswith(path.stem)):
                raise CheckpointError(
                    f"{place}: expected its weights in {place}.data beside it, found some in another file, {printable(name)[:60]!r}; "
                    f"save the model in one file: {_ONE_FILE}"
                )
            if file.is_symlink() or not file.is_file():
                raise CheckpointError(
                    f"{place}: expected the rest of its weights in {printable(name)[:60]} beside it, found no such file; copy it "
                    f"there, or save the model in one file: {_ONE_FILE}"
                )
            _require_small(file.stat().st_size, printable(name)[:60])
            require_no_pointer(file)
            files[name] = file.read_bytes()
        data = files[name]
        try:
            start = int(told.get("offset", 0))
            length = int(told.get("length", len(data) - start))
        except ValueError:
            start, length = -1, 0
        if start < 0 or length < 0 or start + length > len(data):
            raise CheckpointError(
                f"{printable(name)[:60]} is damaged or of another model; copy it again together with {place}"
            )
        size += length
        _require_small(size, place)
        tensor.raw_data = data[start : start + length]
        tensor.ClearField("external_data")
        tensor.data_location = onnx.TensorProto.DEFAULT


def _require_finite(tensors: list[Any], place: str) -> None:
    import onnx

    for tensor in tensors:
        if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE):
            try:
                finite = bool(np.isfinite(onnx.numpy_helper.to_array(tensor)).all())
            except ValueError as error:
                raise CheckpointError(f"{place} is damaged ({first_line(error)}); export it again") from error
            if not finite and not _is_mask(tensor):
                raise CheckpointError(
                    f"{place}: expected finite weights, found NaN or infinity in {printable(tensor.name)[:80]}; export it again"
                )


def _is_mask(tensor: Any) -> bool:
    """A constant of minus infinity hides tokens in the attention; a weight has more dimensions and is never all infinite."""
    return len(tensor.dims) == 0


def _is_training(node: Any) -> bool:
    """Batch norms say so by an attribute, before opset 14 by the statistics that they give out."""
    return node.op_type == "BatchNormalization" and (
        any(one.name == "training_mode" and one.i for one in node.attribute)
        or sum(name != "" for name in node.output) > 1
    )


def _origins(graph: Any, passing: set[str]) -> dict[str, Any]:
    """Outputs → the node that made them, before operators that change nothing of interest."""
    made_by = {name: node for node in graph.node for name in node.output}
    found = {}
    for output in graph.output:
        if (node := _origin(output.name, made_by, passing)) is not None:
            found[output.name] = node
    return found


def _origin(name: str, made_by: dict[str, Any], passing: set[str]) -> Any:
    node = made_by.get(name)
    for _ in range(_MAX_DEPTH):
        if node is None or node.op_type not in passing or not node.input:
            break
        node = made_by.get(node.input[0])
    return node


def _ranked(graph: Any) -> frozenset[str]:
    """`sort` is exported as TopK; `argsort` too, and its places gather the values."""
    made_by = {name: node for node in graph.node for name in node.output}
    found = set()
    for name, node in _origins(graph, _MONOTONE).items():
        if node.op_type == "GatherElements":
            node = _origin(node.input[1], made_by, _PASSING)
        if node is not None and node.op_type == "TopK":
            found.add(name)
    return frozenset(found)
