"""The configuration and the weights in a folder of Hugging Face → a network of transformers.

What transformers says meanwhile, as its table of weights that do not fit, is kept from the terminal: errors say it in a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from logging import CRITICAL
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from har_core.errors import CheckpointError
from har_core.files import printable
from har_core.models.checkpoint import first_line
from har_core.models.external.options import require_finite, require_no_pointer

CONFIG, WEIGHTS = "config.json", "model.safetensors"

_MORE = 10**6  # weights that a configuration may describe beyond twice those that are there


def read_state(folder: Path) -> dict[str, Tensor]:
    """The weights, from model.safetensors or from pytorch_model.bin, which is read with `weights_only=True`.

    Raises:
        CheckpointError: if there are none, or they are damaged.
    """
    path = next((folder / name for name in (WEIGHTS, "pytorch_model.bin") if (folder / name).is_file()), None)
    if path is None:
        raise CheckpointError(
            f"expected {WEIGHTS} or pytorch_model.bin beside {CONFIG}, found neither; save the model in one file"
        )
    require_no_pointer(path)
    try:
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
        if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
            raise ValueError("it holds no state dict")
    except Exception as error:  # safetensors and the unpickler raise errors of their own kinds
        raise CheckpointError(f"{path.name} cannot be read as weights ({first_line(error)}); copy it again") from error
    require_finite(state, path.name)
    return state


def network_of(values: dict[str, Any], state: dict[str, Tensor], classes: Sequence[str] | None) -> nn.Module:
    """The network that a configuration describes, in evaluation mode.

    Args:
        values: of the configuration.
        classes: what a person calls the outputs; as many as the weights have are believed more than the configuration.

    Raises:
        CheckpointError: if transformers is missing, or has no such network, or the weights are others.
    """
    with _quiet():
        config, kind = _kind(values)
        try:
            with torch.device("meta"):
                described = {name: tuple(tensor.shape) for name, tensor in kind(config).state_dict().items()}
        except Exception as error:  # of transformers, of torch
            raise CheckpointError(
                f"{CONFIG}: expected a network that can be built, found none ({first_line(error)})"
            ) from error
        odd = _others(described, state)
        if (outputs := _outputs(odd, int(config.num_labels))) is not None:
            _require_names(values, outputs, classes)
            config.num_labels = outputs
            odd = {}
        try:
            _require_small(described, state)
            return _filled(kind, config, state)
        except Exception as error:  # of transformers, of torch
            raise CheckpointError(
                f"expected weights that fit {CONFIG}, found others ({_told(odd) or first_line(error)}); copy the folder again"
            ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what transformers writes on the terminal.

    Raises:
        CheckpointError: if transformers is missing.
    """
    try:
        import transformers  # noqa: F401
        from transformers.utils import logging
    except ImportError as error:
        raise CheckpointError(
            "expected the package transformers for a folder of Hugging Face, found none; pip install transformers"
        ) from error
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    before = logging.get_verbosity()
    logging.set_verbosity(CRITICAL)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _kind(values: dict[str, Any]) -> tuple[Any, Any]:
    """transformers' configuration, and its class of network."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING as KINDS

    try:
        kind = values.get("model_type")
        config = AutoConfig.for_model(**{**values, "model_type": str(kind)[:100]})
        known = KINDS.get(type(config), None)
    except Exception as error:  # each configuration checks itself in its own way
        raise CheckpointError(
            f"{CONFIG}: expected a configuration that transformers knows, found another ({first_line(error)}); pip install -U "
            "transformers"
        ) from error
    named = values.get("architectures")
    names = list(map(str, named)) if isinstance(named, list) else []
    kinds = known if isinstance(known, tuple) else (known,) if known is not None else ()
    chosen = next((one for one in kinds if one is not None and one.__name__ in names), None)
    if chosen is None:
        found = printable(str(names[0] if names else kind))[:60]
        raise CheckpointError(
            f"expected a network of AutoModelForImageClassification, found {found}; save a classifier, or export it as ONNX"
        )
    return config, chosen


Shape = tuple[int, ...]


def _others(described: Mapping[str, Shape], state: Mapping[str, Tensor]) -> dict[str, tuple[Shape, Shape]]:
    """Weights of another shape than the configuration says → (that of the configuration, that of the weights)."""
    return {
        name: (shape, tuple(state[name].shape))
        for name, shape in described.items()
        if name in state and tuple(state[name].shape) != shape
    }


def _outputs(odd: Mapping[str, tuple[Shape, Shape]], count: int) -> int | None:
    """How many outputs the weights have, if it is the number of outputs alone in which they are others; else None."""
    heads = [
        (own, theirs) for own, theirs in odd.values() if own and theirs and own[0] == count and own[1:] == theirs[1:]
    ]
    found = {theirs[0] for _, theirs in heads}
    return found.pop() if len(found) == 1 and len(heads) == len(odd) else None


def _require_names(values: Mapping[str, Any], outputs: int, classes: Sequence[str] | None) -> None:
    if outputs < 2 or (classes is not None and len(classes) == outputs):
        return
    names = values.get("id2label")
    told = f"{len(names):,}" if isinstance(names, dict) and names else "none"
    passed = "" if classes is None else f" and {len(classes):,} in --classes"
    raise CheckpointError(
        f"{CONFIG}: expected the names of {outputs:,} classes in id2label, one for each output that the weights have, found {told}"
        f"{passed}; pass --classes FILE with {outputs:,} names"
    )


def _told(odd: Mapping[str, tuple[Shape, Shape]]) -> str:
    """The first weights that do not fit, if there are any."""
    if not odd:
        return ""
    name, shapes = next(iter(odd.items()))
    own, theirs = (" × ".join(map(str, shape)) for shape in shapes)
    return f"{printable(name)[:80]} is {theirs}, and {own} by {CONFIG}"


def _require_small(described: Mapping[str, Shape], state: Mapping[str, Tensor]) -> None:
    size, held = sum(map(math.prod, described.values())), sum(tensor.numel() for tensor in state.values())
    if size > 2 * held + _MORE:
        raise ValueError(f"{size:,} weights are described, and {held:,} are there")


def _filled(kind: Any, config: Any, state: Mapping[str, Tensor]) -> nn.Module:
    model, found = kind.from_pretrained(
        None,
        config=config,
        state_dict=dict(state),
        attn_implementation="eager",
        dtype=torch.float32,
        output_loading_info=True,
    )
    if missing := sorted(found["missing_keys"]):
        raise ValueError(f"{len(missing)} tensors are missing, such as {missing[0]}")
    network: nn.Module = model.eval().requires_grad_(False)
    return network
