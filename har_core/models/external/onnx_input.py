"""What an ONNX file takes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from har_core.errors import CheckpointError
from har_core.files import printable

FLOATS: dict[str, type[np.floating[Any]]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
}
"""Types of an input, as onnxruntime calls them."""


class Input(NamedTuple):
    """`batch`, `side`: None where they are free.  `last`: whether channels come last."""

    batch: int | None
    side: int | None
    dtype: type[np.floating[Any]]
    last: bool


def input_of(session: Any, place: str) -> Input:
    """What a network takes.

    Raises:
        CheckpointError: if that is not one square image of three channels, saying how it is exported so.
    """
    inputs = session.get_inputs()
    shape = list(inputs[0].shape) if inputs else []
    sides = [side if isinstance(side, int) and side > 0 else None for side in shape]
    last = len(sides) == 4 and sides[3] == 3 and sides[1] != 3
    channels = sides[3 if last else 1] if len(sides) == 4 else 0
    if len(inputs) != 1 or inputs[0].type not in FLOATS or channels not in (3, None):
        found = f"{len(inputs)}, of {inputs[0].type} {shape}" if len(inputs) == 1 else f"{len(inputs)} of them"
        raise CheckpointError(
            f"{place}: expected one float input (B, 3, H, W), found {printable(found)[:120]}; {_recipe(inputs, channels)}"
        )
    batch, height, width = (sides[place] for place in ((0, 1, 2) if last else (0, 2, 3)))
    if height != width:
        high, wide = ("any" if side is None else side for side in (height, width))
        raise CheckpointError(
            f"{place}: expected a square input, found {high} × {wide} pixels; export it with a square image"
        )
    return Input(batch, height, FLOATS[inputs[0].type], last)


def _recipe(inputs: list[Any], channels: int | None) -> str:
    """How a network is exported that takes something else."""
    if len(inputs) != 1:
        return "export a network of the images alone, with the rest as constants in it"
    if channels == 1:
        return "export a network that makes photos gray itself: net(images.mean(1, keepdim=True))"
    if channels not in (0, 3, None):
        return "export a network of photos of three channels: red, green, blue"
    if "int" in inputs[0].type and channels:
        return (
            "export it with torch.zeros(1, 3, H, W) of floats as the example, and pass --mean 0,0,0 --std "
            "0.00392157,0.00392157,0.00392157 if it takes values from 0 to 255"
        )
    return "export it in 32-bit floats, with torch.zeros(1, 3, H, W) as the example"
