"""An ONNX file → a network that answers on onnxruntime.

Input: float32 (B, 3, H, W).  First output: logits (B, K), or probabilities, of which the logarithm is taken.  Two more are used
if they are there: `class_maps` (B, K, h, w) and `embeddings` (B, D).

Metadata that tell how it is fed, each a text of JSON: `classes` (a list of K names), `crop_size` and `resize` (pixels), `mean` and
`std` (three numbers each, of values in [0, 1]), `interpolation` ("bilinear" or "bicubic"), `fit` ("crop" or "squash"),
`crop_down` (as in `Preprocessing`), `temperature`, and `views` (a list, as in `ModelSpec`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from har_core.data.transforms import Preprocessing
from har_core.errors import CheckpointError
from har_core.files import printable
from har_core.models.anatomy import Answer, WholeNetwork
from har_core.models.checkpoint import first_line
from har_core.models.external.options import ModelOptions, class_names
from har_core.models.spec import ModelSpec
from har_core.runs.manifest import CENTER_ALONE, Explanation

KEYS = (
    "classes",
    "crop_size",
    "resize",
    "mean",
    "std",
    "interpolation",
    "fit",
    "crop_down",
    "temperature",
    "views",
)
LOGITS, MAPS, EMBEDDINGS = "logits", "class_maps", "embeddings"
ARCHITECTURE = "onnx"

_TINY = float(np.finfo(np.float32).tiny)
_MAX_BYTES = 2**31 - 1  # of a protocol buffer


class OnnxNetwork(nn.Module):
    """Images (B, 3, H, W) → logits (B, K).

    Args:
        batch: the number of images that the network takes, if it takes no other.
    """

    def __init__(self, path: Path, session: Any, batch: int | None) -> None:
        super().__init__()
        self.path, self.session, self.batch = path, session, batch
        self.input: str = session.get_inputs()[0].name
        self.outputs: list[str] = [one.name for one in session.get_outputs()]
        self.probabilities = False
        self.anatomy = OnnxAnatomy()

    def forward(self, images: Tensor) -> Tensor:
        return self.run(images, [self.outputs[0]])[0]

    def run(self, images: Tensor, outputs: list[str]) -> list[Tensor]:
        """Some of the outputs, float32; the first is logits."""
        values = np.ascontiguousarray(images.detach().cpu().numpy(), dtype=np.float32)
        size = self.batch or len(values)
        rows: list[list[np.ndarray]] = []
        for start in range(0, len(values), size):
            part = values[start : start + size]
            whole = np.concatenate([part, np.zeros((size - len(part), *part.shape[1:]), np.float32)])
            rows.append([np.asarray(one)[: len(part)] for one in self.session.run(outputs, {self.input: whole})])
        found = [
            torch.from_numpy(np.concatenate(column).astype(np.float32)).to(images.device)
            for column in zip(*rows, strict=True)
        ]
        if self.probabilities:
            found[0] = found[0].clamp(min=_TINY).log()
        return found

    def told(self, key: str) -> Any:
        """One of the metadata, None if it is not there or no JSON."""
        try:
            return json.loads(self.session.get_modelmeta().custom_metadata_map[key])
        except (KeyError, ValueError, RecursionError):
            return None

    def save(self, path: Path) -> None:
        shutil.copyfile(self.path, path)


class OnnxAnatomy(WholeNetwork):
    def __init__(self, explanation: Explanation = "occlusion") -> None:
        self.explanation = explanation

    def answer(self, model: Any, images: Tensor, *, maps: bool) -> Answer:
        has_maps, has_embeddings = maps and self.explanation != "occlusion", EMBEDDINGS in model.outputs
        names = [model.outputs[0], *([MAPS] if has_maps else []), *([EMBEDDINGS] if has_embeddings else [])]
        found = dict(zip(names, model.run(images, names), strict=True))
        logits = found[names[0]]
        return Answer(logits, found.get(MAPS), found.get(EMBEDDINGS, logits.new_zeros(len(logits), 0)))


def load_onnx(path: Path, options: ModelOptions) -> tuple[nn.Module, ModelSpec]:
    """The network, and what feeds it.

    Raises:
        CheckpointError: if onnxruntime is missing, the file is damaged, keeps its weights elsewhere, has other inputs and
            outputs, or nothing tells how it is fed.
    """
    place = printable(path.name)
    session = _session(path, place)
    batch, side = _input(session, place)
    network = OnnxNetwork(path, session, batch)
    told = _metadata(session, place)
    crop_size: Any = options.crop_size or told.get("crop_size") or side
    needed: dict[str, Any] = {name: getattr(options, name) or told.get(name) for name in ("classes", "mean", "std")}
    missing = [name for name, value in {"crop_size": crop_size, **needed}.items() if not value]
    if missing:
        flags = " ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise CheckpointError(f"{place}: expected {', '.join(missing)} in its metadata, found none; pass {flags}")
    if side is not None and crop_size != side:
        raise CheckpointError(
            f"{place}: expected crop_size {side}, the side of its input, found {crop_size}; check --crop-size"
        )
    count = _outputs(session, place)
    try:
        names = needed["classes"]
        count = len(names) if count is None else count
        spec = ModelSpec(
            class_names(names, count),
            ARCHITECTURE,
            crop_size=int(crop_size),
            resize=int(told.get("resize") or crop_size),
            views=tuple(told.get("views", CENTER_ALONE)),
            temperature=float(told.get("temperature", 1.0)),
            preprocessing=Preprocessing(
                tuple(map(float, needed["mean"])),  # type: ignore[arg-type]
                tuple(map(float, needed["std"])),  # type: ignore[arg-type]
                told.get("interpolation", "bilinear"),
                told.get("fit", "crop"),
                bool(told.get("crop_down", False)),
            ),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(
            f"{place}: expected metadata of {', '.join(KEYS)}, found others ({first_line(error)})"
        ) from error
    spec = options.apply(spec)
    _try_out(network, spec, place)
    return network, replace(spec, any_size=side is None and _takes(network, (spec.crop_size, spec.crop_size + 64)))


def _session(path: Path, place: str) -> Any:
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise CheckpointError(
            "expected the packages onnx and onnxruntime for an ONNX file, found none; pip install onnx onnxruntime"
        ) from error
    if (size := path.stat().st_size) > _MAX_BYTES:
        raise CheckpointError(
            f"{place}: expected at most {_MAX_BYTES:,} bytes, found {size:,}; export it in half precision"
        )
    content = path.read_bytes()
    try:
        model = onnx.load_model_from_string(content)
        tensors = list(_tensors(model))
    except Exception as error:  # of the protocol buffers
        raise CheckpointError(f"expected an ONNX model in {place}, found something else; export it again") from error
    if not model.graph.node:
        raise CheckpointError(f"expected an ONNX model in {place}, found something else; export it again")
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data for tensor in tensors):
        raise CheckpointError(
            f"{place}: expected all weights in the file, found some in another; save the model in one file"
        )
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
    del model, tensors
    onnxruntime.disable_telemetry_events()  # it would write what it does into a file of the user's, and tell its maker
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    settings.intra_op_num_threads = torch.get_num_threads()
    try:
        return onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class for each kind
        raise CheckpointError(f"{place} cannot be run by onnxruntime ({first_line(error)}); export it again") from error


def _is_mask(tensor: Any) -> bool:
    """A constant of minus infinity hides tokens in the attention; a weight has more dimensions and is never all infinite."""
    return len(tensor.dims) == 0


def _tensors(message: Any) -> Iterator[Any]:
    """All tensors in a model: initializers, constants, those of subgraphs and functions."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for one in value if isinstance(value, list) or hasattr(value, "add") else [value]:
            if one.DESCRIPTOR.name == "TensorProto":
                yield one
            else:
                yield from _tensors(one)


def _input(session: Any, place: str) -> tuple[int | None, int | None]:
    """The fixed batch size and the fixed side, None where they are free."""
    inputs = session.get_inputs()
    shape = inputs[0].shape if inputs else []
    if (
        len(inputs) != 1
        or inputs[0].type != "tensor(float)"
        or len(shape) != 4
        or (shape[1] not in (3, None) and isinstance(shape[1], int))
    ):
        found = f"{len(inputs)} of {inputs[0].type if inputs else 'nothing'} {shape}"
        raise CheckpointError(
            f"{place}: expected one float input (B, 3, H, W), found {printable(found)[:120]}; export it so"
        )
    batch, _, height, width = (side if isinstance(side, int) and side > 0 else None for side in shape)
    if height != width:
        raise CheckpointError(f"{place}: expected a square input, found {height} × {width}; export it so")
    return batch, height


def _outputs(session: Any, place: str) -> int | None:
    shape = session.get_outputs()[0].shape
    if shape is not None and len(shape) not in (0, 2):
        raise CheckpointError(
            f"{place}: expected a first output (B, K) of logits, found {printable(str(shape))[:80]}; export it so"
        )
    return shape[1] if len(shape) == 2 and isinstance(shape[1], int) else None


def _metadata(session: Any, place: str) -> dict[str, Any]:
    found = session.get_modelmeta().custom_metadata_map
    told: dict[str, Any] = {}
    for key in KEYS:
        if key in found:
            try:
                told[key] = json.loads(found[key])
            except (ValueError, RecursionError) as error:
                raise CheckpointError(
                    f"{place}: expected JSON in its metadata {key}, found {printable(found[key])[:60]}"
                ) from error
    return told


def _try_out(network: OnnxNetwork, spec: ModelSpec, place: str) -> None:
    """Run it on random images, and see what its outputs are.

    Raises:
        CheckpointError: if they are not what they must be.
    """
    generator = torch.Generator().manual_seed(0)
    images = (
        torch.randn(3, 3, spec.crop_size, spec.crop_size, generator=generator)
        * torch.tensor([0.0, 1.0, 3.0])[:, None, None, None]
    )
    try:
        logits, *others = network.run(images, network.outputs)
    except Exception as error:  # onnxruntime has a class for each kind
        raise CheckpointError(
            f"{place} does not take images of {spec.crop_size} pixels ({first_line(error)}); check --crop-size"
        ) from error
    if logits.shape != (3, len(spec.classes)):
        raise CheckpointError(
            f"{place}: expected a first output of {len(spec.classes)} classes, found the shape {tuple(logits.shape)}; check the "
            "class names"
        )
    found = dict(zip(network.outputs[1:], others, strict=True))
    if not all(bool(torch.isfinite(one).all()) for one in (logits, *found.values())):
        raise CheckpointError(f"{place}: expected finite outputs, found NaN or infinity; export it again")
    network.probabilities = bool((logits >= 0).all() and ((logits.sum(dim=1) - 1).abs() < 1e-4).all())
    maps, embeddings = found.get(MAPS), found.get(EMBEDDINGS)
    if embeddings is not None and (embeddings.ndim != 2 or len(embeddings) != 3):
        raise CheckpointError(f"{place}: expected embeddings (B, D), found {tuple(embeddings.shape)}; export it so")
    if maps is None:
        return
    if maps.ndim != 4 or maps.shape[:2] != logits.shape:
        raise CheckpointError(f"{place}: expected class_maps (B, K, h, w), found {tuple(maps.shape)}; export it so")
    rest = logits - maps.mean(dim=(2, 3))
    adds_up = not network.probabilities and torch.allclose(rest, rest[:1].expand_as(rest), rtol=1e-3, atol=1e-3)
    network.anatomy = OnnxAnatomy("closed form" if adds_up else "gradient")


def _takes(network: OnnxNetwork, size: tuple[int, int]) -> bool:
    try:
        network(torch.zeros(1, 3, *size))
    except Exception:  # whatever it says: it does not
        return False
    return True
