"""An ONNX file → a network that answers on onnxruntime.

Input: floats (B, 3, H, W), or (B, H, W, 3).  Of its outputs, one with a value for each class answers, chosen by its name (see
`onnx_choice`): with logits, or with probabilities, of which the logarithm is taken (see `onnx_outputs`).  Two more are used if they are there: `class_maps`
(B, K, h, w) and `embeddings` (B, D).

Metadata that tell how it is fed, each a text of JSON: `classes` (a list of K names), `crop_size` and `resize` (pixels), `mean` and
`std` (three numbers each, of values in [0, 1]), `interpolation` ("bilinear" or "bicubic"), `fit` ("crop" or "squash"),
`crop_down` (as in `Preprocessing`), `temperature`, and `views` (a list, as in `ModelSpec`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from har_core.errors import CheckpointError
from har_core.files import printable
from har_core.models.checkpoint import first_line
from har_core.models.external.onnx_choice import (
    ALL_SCORES,
    answering,
    candidates,
    is_sorted,
    is_sorted_beyond_chance,
    require_classes_in_order,
    width,
)
from har_core.models.external.onnx_graph import Graph, read_graph
from har_core.models.external.onnx_input import FLOATS, input_of
from har_core.models.external.onnx_metadata import feeding, told_of
from har_core.models.external.onnx_network import EMBEDDINGS, MAPS, OnnxAnatomy, OnnxNetwork
from har_core.models.external.onnx_outputs import differ, form_of
from har_core.models.external.options import ModelOptions, class_names
from har_core.models.spec import ModelSpec

ARCHITECTURE = "onnx"

_ANSWERS = (*FLOATS, "tensor(uint8)", "tensor(int8)")


def load_onnx(path: Path, options: ModelOptions, *, beside: bool = False) -> tuple[nn.Module, ModelSpec]:
    """The network, and what feeds it.

    Args:
        beside: whether weights may lie in data files beside the file (see `read_graph`).

    Raises:
        CheckpointError: if onnxruntime is missing, the file is damaged, keeps its weights elsewhere, has other inputs and
            outputs, answers otherwise to the same image, or nothing tells how it is fed.
    """
    place = printable(path.name)
    graph = read_graph(path, place, beside=beside)
    session = _session(graph, place)
    taken = input_of(session, place)
    network = OnnxNetwork(path, session, taken, alone=graph.by_batch)
    network.gathered = graph.gathered
    told, notes = told_of(session.get_modelmeta().custom_metadata_map, options, place)
    given: dict[str, Any] = {
        name: told.get(name) if getattr(options, name) is None else getattr(options, name)
        for name in ("crop_size", "classes", "mean", "std")
    }
    if given["crop_size"] is None:
        given["crop_size"] = taken.side
    if missing := [name for name, value in given.items() if value is None or value in ([], {})]:
        flags = " ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise CheckpointError(f"{place}: expected {', '.join(missing)} in its metadata, found none; pass {flags}")
    fed = feeding(told | given, place)
    if taken.side is not None and fed["crop_size"] != taken.side:
        raise CheckpointError(
            f"{place}: expected crop_size {taken.side}, the side of its input, found {given['crop_size']}; check --crop-size"
        )
    names = given["classes"]
    if not isinstance(names, list | tuple | dict):
        raise CheckpointError(
            f"{place}: expected class names in its metadata classes, found {printable(str(names))[:60]}; pass --classes FILE"
        )
    widths = _widths(session)
    if widths and graph.ranked.issuperset(widths):
        require_classes_in_order(next(iter(widths)), np.empty((0, 0)), {}, ranked=True, place=place)
    if not _whole_beside(session):  # the highest scores with their classes have another fault than their number
        candidates(widths, len(names), place, outputs=_described(session))  # before what depends on it
    spec = options.apply(ModelSpec(class_names(names, len(names)), ARCHITECTURE, **fed))
    _try_out(network, spec, graph, place)
    by_batch = ("its 8-bit scales are found anew for each batch, so photos are answered one at a time",)
    network.notes = (*notes, *network.notes, *(by_batch if graph.by_batch else ()))
    any_size = taken.side is None and _takes(network, (spec.crop_size, spec.crop_size + 64))
    return network, replace(spec, any_size=any_size)


def _session(graph: Graph, place: str) -> Any:
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # it would write what it does into a file of the user's, and tell its maker
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    settings.intra_op_num_threads = torch.get_num_threads()
    try:
        return onnxruntime.InferenceSession(graph.content, settings, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class for each kind
        raise CheckpointError(f"{place} cannot be run by onnxruntime ({first_line(error)}); export it again") from error


def _widths(session: Any) -> dict[str, int | None]:
    """The outputs that may answer → how many values they have (see `onnx_choice.width`), as the file says."""
    return {
        one.name: None if _may_lack_batch(one.shape) else width(one.shape)
        for one in session.get_outputs()
        if one.type in _ANSWERS and one.name not in (MAPS, EMBEDDINGS)
    }


def _may_lack_batch(shape: Any) -> bool:
    """Whether its one side is several numbers, of images or of classes."""
    return len(shape or ()) == 1 and isinstance(shape[0], int) and shape[0] > 1


def _whole_beside(session: Any) -> list[str]:
    """Outputs of whole numbers, as many as an output of float numbers has."""
    widths = {one.name: width(one.shape) for one in session.get_outputs()}
    floats = {widths[one.name] for one in session.get_outputs() if one.type in FLOATS}
    whole = [one.name for one in session.get_outputs() if "int" in one.type and one.type.startswith("tensor(")]
    return [name for name in whole if widths[name] in floats and widths[name] != 1]


def _described(session: Any) -> list[str]:
    kinds = [(one, one.type.removeprefix("tensor(").removesuffix(")")) for one in session.get_outputs()]
    return [
        f"{one.name} of {kind if '(' not in kind else one.type} ({', '.join(str(side or '?') for side in one.shape or ())})"
        for one, kind in kinds
    ]


def _try_out(network: OnnxNetwork, spec: ModelSpec, graph: Graph, place: str) -> None:
    """Run it on images of noise, and see what its outputs are.

    Raises:
        CheckpointError: if they are not what they must be.
    """
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(3, 3, spec.crop_size, spec.crop_size, generator=generator)
    images = noise * torch.tensor([0.0, 1.0, 3.0])[:, None, None, None]
    widths, count = _widths(network.session), len(spec.classes)
    beside = _whole_beside(network.session)
    wanted = [name for name in network.outputs if name in widths or name in (MAPS, EMBEDDINGS, *beside)]
    try:
        once = network.shapes(images[:1], wanted)
        found = dict(zip(wanted, network.raw(images, wanted), strict=True))
    except Exception as error:  # onnxruntime has a class for each kind
        raise CheckpointError(
            f"{place} does not take images of {spec.crop_size} pixels ({first_line(error)}); check --crop-size"
        ) from error
    loose = [name for name in widths if once[name][:1] != (network.batch or 1,)]
    shaped = {
        name: width(found[name].shape) if name not in loose and len(found[name]) == len(images) else 0
        for name in widths
    }
    if loose and not any(values in (count, 1) for values in shaped.values()):
        _require_batch({name: once[name] for name in loose}, place)
    names = candidates(shaped, count, place, outputs=_described(network.session))
    if not all(bool(np.isfinite(one).all()) for one in found.values()):
        raise CheckpointError(f"{place}: expected finite outputs, found NaN or infinity; export it again")
    name, note = answering({one: found[one].reshape(len(images), -1) for one in names}, place)
    network.answering = name
    values = found[name].reshape(len(images), -1)
    _require_steady(network, images, values, place)
    others = {other: whole for other, whole in found.items() if other != name}
    require_classes_in_order(name, values, others, ranked=name in graph.ranked, place=place)
    if values.min() >= 0 and values.max() <= 1:  # look twice, before they are taken for shares
        (more,) = network.raw(torch.stack([noise[0].flip(1) - 2, noise[0].flip(2) + 2]), [name])
        values = np.concatenate([values, more.reshape(2, -1)])
    form = form_of(values, sigmoid=name in graph.sigmoids, place=place, name=name, classes=spec.classes)
    network.form, network.notes = form, tuple(one for one in (note, form.note) if one)
    _require_unsorted(network, values, spec.crop_size, place)
    maps, embeddings = found.get(MAPS), found.get(EMBEDDINGS)
    if embeddings is not None and (embeddings.ndim != 2 or len(embeddings) != len(images)):
        raise CheckpointError(f"{place}: expected embeddings (B, D), found {tuple(embeddings.shape)}; export it so")
    if maps is None or values.shape[1] != count:
        return
    if maps.ndim != 4 or maps.shape[:2] != (len(images), count):
        raise CheckpointError(f"{place}: expected class_maps (B, K, h, w), found {tuple(maps.shape)}; export it so")
    rest = values[: len(images)].astype(np.float32) - maps.astype(np.float32).mean(axis=(2, 3))
    adds_up = form.kind == "logits" and np.allclose(rest, np.broadcast_to(rest[:1], rest.shape), rtol=1e-3, atol=1e-3)
    network.anatomy = OnnxAnatomy("closed form" if adds_up else "gradient")


def _require_batch(shapes: dict[str, tuple[int, ...]], place: str) -> None:
    """Raises:
    CheckpointError: always, naming the first output that has more than one value.
    """
    name, shape = max(shapes.items(), key=lambda one: np.prod(one[1]) > 1)
    raise CheckpointError(
        f"{place}: expected an output (B, K), a row for each image, found {printable(name)[:40]} of shape "
        f"({', '.join(map(str, shape))}), without the batch; export it with the batch as its first side (without y[0] or squeeze)"
    )


def _require_unsorted(network: OnnxNetwork, values: np.ndarray, side: int, place: str) -> None:
    """Raises:
    CheckpointError: if values fall in every row for images that differ much, which those of classes would not.
    """
    if values.shape[1] < 3 or not is_sorted(values) or (np.diff(values.astype(np.float64), axis=1) > 0).any():
        return
    generator = torch.Generator().manual_seed(1)
    images = [
        functional.interpolate(2 * torch.randn(16, 3, cells, cells, generator=generator), size=(side, side))
        for cells in (1, 2, 4, 16)
    ]
    if is_sorted_beyond_chance(network(torch.cat(images)).numpy()):
        raise CheckpointError(
            f"{place}: expected a value for each class, found values that fall in order for all of "
            f"{sum(map(len, images))} images of noise in {printable(network.answering)[:40]}; {ALL_SCORES}"
        )


def _require_steady(network: OnnxNetwork, images: Tensor, values: np.ndarray, place: str) -> None:
    """Raises:
    CheckpointError: if the same image is answered otherwise a second time, or beside others.
    """
    once, *again = (network.raw(images[1:2], [network.answering])[0].reshape(1, -1) for _ in range(4))
    by_chance, by_others = (
        "one by chance (dropout that is still on?)",
        "one by the others in the batch (batch norms that are still in training mode?)",
    )
    for other, what in (*((one, by_chance) for one in again), (values[1:2], by_others)):
        if differ(once, other, values):
            raise CheckpointError(
                f"{place}: expected the same answer to the same photo, found {what}; call model.eval() before the export"
            )


def _takes(network: OnnxNetwork, size: tuple[int, int]) -> bool:
    try:
        network(torch.zeros(1, 3, *size))
    except Exception:  # whatever it says: it does not
        return False
    return True
