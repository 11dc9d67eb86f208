"""A file of weights, as training scripts write them → the state dict of one network, by the names that it expects."""

from __future__ import annotations

import os
import pickle
import re
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from har_core.errors import WeightsError
from har_core.files import printable, reason_of
from har_core.models.checkpoint import read_metadata

_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".tar", ".torchscript")
_WORDS = ("imagenet", "kinetics", "random", "package")

# Where training scripts put the state dict; of several, the one that is named first.
_ENTRIES = (
    "state_dict_ema",
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "params_ema",
    "params",
    "ema",
    "module",
)
_LEAST = 0.8
"""The share of a file's tensors that must begin alike for that to be left out, if not all of the network are among them."""
_COUNTER = "num_batches_tracked"  # of batch norms: not in all files, and not needed

_SAVE = "save its state dict alone: torch.save(model.state_dict(), FILE), or safetensors.torch.save_file(model.state_dict(), FILE)"
_LFS = b"version https://git-lfs"
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"


def names_file(weights: str) -> bool:
    """Whether starting weights are a file and not a name: one that exists, whatever its suffix, or what is written as one."""
    path = Path(weights)
    return (
        (weights not in _WORDS and path.exists())
        or path.suffix.lower() in _SUFFIXES
        or any(separator in weights for separator in (os.sep, os.altsep) if separator)
    )


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """(the state dict in a file of safetensors or PyTorch, the metadata of a file of safetensors).

    The content says what a file is, not its suffix.  Nothing that a file holds is executed.

    Raises:
        WeightsError: if there is no file, it cannot be read, or a tensor holds NaN or infinity.
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no file"
        raise WeightsError(f"expected starting weights at {path}, found {found}; check --weights")
    try:
        with path.open("rb") as file:
            start = file.read(64)
        if start.startswith(_LFS):
            raise WeightsError(
                f"expected starting weights at {path}, found a Git LFS pointer to them; fetch them with git lfs pull, or download the "
                "file itself"
            )
        state, metadata = _read(path, start)
    except WeightsError:
        raise
    except ValueError as error:
        raise WeightsError(f"expected weights in {path}, but {error}; {_SAVE}") from error
    except OSError as error:
        raise WeightsError(f"{path} cannot be read as weights ({reason_of(error)}); check the file") from error
    except (
        Exception
    ) as error:  # safetensors and the unpickler raise errors of their own kinds, with advice of their own
        if (beyond := _beyond_tensors(error)) is not None:
            raise WeightsError(
                f"expected tensors alone in {path}, found {beyond}, which are not loaded, because code in such a file could run; "
                f"where it was made, {_SAVE}"
            ) from error
        raise WeightsError(
            f"{path} cannot be read as weights, it is damaged or cut off; check the file, or copy it again"
        ) from error
    for name, tensor in state.items():
        if not bool(torch.isfinite(tensor).all()):
            raise WeightsError(
                f"{path}: expected finite weights, found NaN or infinity in {printable(name)[:80]}; take an earlier checkpoint"
            )
    return state, metadata


def _read(path: Path, start: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    if start[8:9] == b"{":
        return load_file(path), read_metadata(path)
    if start.startswith((_ZIP, _PICKLE)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of archives of TorchScript, which are refused
            return state_dict_in(torch.load(path, map_location="cpu", weights_only=True)), {}
    found = "it is empty" if not start else "a web page" if start.lstrip()[:1] == b"<" else "a file of another kind"
    raise WeightsError(
        f"expected a file of safetensors or PyTorch at {path}, found {found}; check the file, or download it again"
    )


def state_dict_in(loaded: Any) -> dict[str, Tensor]:
    """The state dict in what was loaded: itself, or the entry where training scripts of PyTorch, Lightning and timm put it.

    Raises:
        ValueError: if there is none.
    """
    while isinstance(loaded, dict) and (entry := next((key for key in _ENTRIES if _is_table(loaded.get(key))), None)):
        loaded = loaded[entry]
    if not isinstance(loaded, dict) or not loaded:
        raise ValueError("it holds no state dict")
    if not all(isinstance(value, Tensor) for value in loaded.values()):
        others = [printable(str(name))[:40] for name, value in loaded.items() if not isinstance(value, Tensor)]
        raise ValueError(f"it holds no state dict, found {', '.join(others[:5])}")
    return {str(name).removeprefix("module."): value for name, value in loaded.items()}


def without_prefix(
    state: Mapping[str, Tensor], expected: Collection[str]
) -> tuple[dict[str, Tensor], str, tuple[str, ...]]:
    """A state dict by the names that a network expects, where they begin alike in the file, as `model._orig_mod.` or `backbone.`.

    Args:
        expected: names of the network's tensors, but for the head.

    Returns:
        (the state dict, what its names began with, the tensors that did not, which are left out).  As it was, if nothing fits better.

    Raises:
        WeightsError: if the network is in it several times, under different names.
    """
    needed = [name for name in expected if not name.endswith(_COUNTER)]
    fits = {prefix: sum(f"{prefix}{name}" in state for name in needed) for prefix in _prefixes(state, needed)}
    most = max(fits.values(), default=0)
    if most <= fits.get("", 0):
        return dict(state), "", ()
    best = sorted(prefix for prefix, count in fits.items() if count == most)
    if len(best) > 1 and most == len(needed):
        raise WeightsError(
            f"expected one network in the starting weights, found it {len(best)} times, as {printable(best[0])} and "
            f"{printable(best[1])}; save the one that is meant"
        )
    inside = {name.removeprefix(best[0]): tensor for name, tensor in state.items() if name.startswith(best[0])}
    if most < len(needed) and len(inside) < _LEAST * len(state):
        return dict(state), "", ()
    return inside, best[0], tuple(name for name in state if not name.startswith(best[0]))


def _prefixes(state: Mapping[str, Tensor], needed: list[str]) -> set[str]:
    """What may stand before the names of a network in a file: what does before some of them."""
    some = {*needed[:4], *needed[len(needed) // 2 :][:2], *needed[-4:]}
    ends = {name: f".{name}" for name in some}
    return {"", *(found[: -len(name)] for name, end in ends.items() for found in state if found.endswith(end))}


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and bool(value)


def _beyond_tensors(error: Exception) -> str | None:
    """What a checkpoint holds besides tensors, if that is why PyTorch does not read it."""
    text = str(error)
    if "TorchScript" in text:
        return "the programs of a TorchScript archive"
    named = re.search(r"GLOBAL ([\w.]+)", text) if isinstance(error, pickle.UnpicklingError) else None
    return f"objects of {named[1][:80]} too" if named else None
