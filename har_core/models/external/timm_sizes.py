"""The input for which a network of timm was built, where it is another than that of its name.

A vision transformer is made here for its name's own input, and answers others by positions in between.  One that was trained at
another input has positions of its own for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn

from har_core.errors import CheckpointError
from har_core.files import and_more, printable
from har_core.models import timm_networks
from har_core.models.checkpoint import copy_with_spec, load_checkpoint, read_metadata, save_checkpoint
from har_core.models.external.options import require_finite
from har_core.models.registry import create_model
from har_core.models.spec import ModelSpec

_FOLLOWED = {"img_size", "num_classes", "in_chans", "global_pool"}  # checked, each in its place
_WITHOUT_EFFECT = {
    "dynamic_img_size",
    "strict_img_size",
    "pretrained",
    "drop_block_rate",
    "head_drop_rate",
    "drop_rate",
    "drop_path_rate",
    "proj_drop_rate",
    "attn_drop_rate",
    "pos_drop_rate",
    "patch_drop_rate",
}


def built_for(arguments: Any) -> int | None:
    """The side in pixels for which a network was built, if its arguments say so.

    Raises:
        CheckpointError: naming the arguments that make it another than its name does.
    """
    if not isinstance(arguments, dict):
        raise CheckpointError("config.json: expected model_args as timm writes them, found others; check the folder")
    if odd := [str(key) for key in arguments if key not in _FOLLOWED | _WITHOUT_EFFECT]:
        raise CheckpointError(
            "expected a network that its name alone rebuilds, found the arguments "
            f"{printable(', '.join(f'{key} {arguments[key]}' for key in odd[:3]))[:120]}{and_more(len(odd) - 3)} in config.json; export "
            "it as ONNX"
        )
    if arguments.get("in_chans", 3) != 3:
        raise CheckpointError(
            f"expected a network of photos of three channels, found in_chans {printable(str(arguments['in_chans']))[:40]} in config.json; "
            "export it as ONNX that makes three channels to these"
        )
    size = arguments.get("img_size")
    sides = size if isinstance(size, list) else [size, size]
    if size is None:
        return None
    if len(sides) != 2 or sides[0] != sides[1] or isinstance(sides[0], bool) or not isinstance(sides[0], int):
        raise CheckpointError(
            f"expected a square input, found img_size {printable(str(size))[:40]} in config.json; export a network of a square one"
        )
    return sides[0]


def fit_side(model: Any, state: Mapping[str, Tensor], side: int) -> None:
    """Build the positions of a vision transformer for another input, if those in its weights are.

    Args:
        model: is changed in place.
        side: of the square input for which the weights were made, in pixels.
    """
    own = getattr(model, "pos_embed", None)
    theirs = state.get("pos_embed")
    if own is not None and theirs is not None and own.shape != theirs.shape and hasattr(model, "set_input_size"):
        model.set_input_size(img_size=side)


def load_kept(path: Path) -> tuple[nn.Module, ModelSpec]:
    """As `load_checkpoint`, with the positions that the file has.

    Raises:
        CheckpointError: as `load_checkpoint`.
    """
    try:
        return load_checkpoint(path)
    except CheckpointError:
        if (found := _kept(path)) is None:
            raise
        return found


def copy_kept(path: Path, spec: ModelSpec, to: Path) -> None:
    """As `copy_with_spec`, with the positions that the file has.

    Raises:
        CheckpointError: as `load_checkpoint`.
        OSError: if the copy cannot be written.
    """
    try:
        copy_with_spec(path, spec, to)
    except CheckpointError:
        if (found := _kept(path)) is None:
            raise
        save_checkpoint(found[0], spec, to, half=False)


def _kept(path: Path) -> tuple[nn.Module, ModelSpec] | None:
    """A network of timm with positions of its own; None if it is something else."""
    try:
        spec, state = ModelSpec.from_dict(json.loads(read_metadata(path)["spec"])), load_file(path)
        if not spec.architecture.startswith(timm_networks.PREFIX):
            return None
        model = create_model(spec)
        fit_side(model, state, spec.crop_size)
        model.load_state_dict(state)
        require_finite(state, path.name)
    except Exception:  # whatever it is: `load_checkpoint` has said it
        return None
    return model.requires_grad_(False), spec
