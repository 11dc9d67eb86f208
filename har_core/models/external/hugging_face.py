"""A folder of Hugging Face's `AutoModelForImageClassification` → a network that is explained through what transformers returns.

Nothing of the folder is executed: the network is one of transformers' own, and its weights are tensors alone.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from har_core.errors import CheckpointError
from har_core.files import printable
from har_core.models.checkpoint import first_line
from har_core.models.external.hugging_face_input import read_input
from har_core.models.external.options import ModelOptions, class_names, read_config, require_finite, require_no_pointer
from har_core.models.external.outputs import outputs_anatomy
from har_core.models.spec import ModelSpec

CONFIG, PREPROCESSOR, WEIGHTS = "config.json", "preprocessor_config.json", "model.safetensors"
PREFIX = "huggingface/"

_REFUSED = {
    "auto_map": "code of its own",
    "quantization_config": "quantized weights",
    "use_pretrained_backbone": "a backbone from elsewhere",
    "use_timm_backbone": "a backbone from elsewhere",
}
_SEVERAL = "multi_label_classification"
_PLACEHOLDER = re.compile(r"LABEL_\d+")
_MAX_NUMBER = 10**6
_MAX_LAYERS = 1000


class HuggingFaceNetwork(nn.Module):
    """Images (B, 3, H, W) → logits (B, K).

    `notes`: what a person should know of how its outputs are read, a sentence each.
    """

    def __init__(self, model: Any, preprocessor: Path | None) -> None:
        super().__init__()
        self.model, self.preprocessor = model, preprocessor
        self.notes: tuple[str, ...] = ()

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.model(pixel_values=images, return_dict=True).logits
        return logits

    def save(self, folder: Path) -> None:
        """Write config, weights and, if there is one, the preprocessor's configuration."""
        self.model.save_pretrained(folder, max_shard_size="1TB")
        if self.preprocessor is not None:
            shutil.copyfile(self.preprocessor, folder / PREPROCESSOR)


def load_folder(folder: Path, options: ModelOptions) -> tuple[nn.Module, ModelSpec]:
    """The network, and what feeds it.

    Raises:
        CheckpointError: if transformers is missing, or the folder is damaged, or holds what is not for image classification.
    """
    values = read_config(folder / CONFIG)
    _require_plain(values, folder)
    state = _state(folder)
    model: Any = _model(values, state)
    feeding = read_input(folder / PREPROCESSOR, options)
    network = HuggingFaceNetwork(model, folder / PREPROCESSOR if (folder / PREPROCESSOR).is_file() else None)
    names = options.classes or values.get("id2label") or {}
    count = int(model.config.num_labels)
    _require_classes(names, count)
    if values.get("problem_type") == _SEVERAL:
        network.notes = (
            f"it was trained for several labels a photo ({_SEVERAL}): its logits are turned into shares of one label by a softmax",
        )
    spec = options.apply(
        ModelSpec(
            class_names(names, count),
            PREFIX + printable(type(model).__name__)[:80],
            crop_size=feeding.crop_size,
            resize=feeding.resize,
            preprocessing=feeding.preprocessing,
            any_size=_takes_any_size(network, feeding.crop_size),
        )
    )
    try:
        anatomy, logits = outputs_anatomy(network.eval(), spec.crop_size, getattr(model.config, "patch_size", None))
    except Exception as error:  # each network checks its input in its own way
        raise CheckpointError(
            f"expected a network that takes images of {spec.crop_size} pixels, found that it does not ({first_line(error)}); check "
            "the folder, or --crop-size"
        ) from error
    if logits.shape[1:] != (count,):
        raise CheckpointError(
            f"expected a network with {count:,} outputs, found {tuple(logits.shape[1:])}; check the folder"
        )
    network.anatomy = anatomy  # type: ignore[assignment]
    return network, spec


def _require_classes(names: Any, count: int) -> None:
    if count < 2:
        raise CheckpointError(
            f"expected a network that tells two or more classes apart, found one output in {CONFIG} (num_labels {count}); export it as "
            "ONNX, which is taken with two class names"
        )
    told = list(names.values()) if isinstance(names, dict) else []
    if told and all(isinstance(name, str) and _PLACEHOLDER.fullmatch(name) for name in told):
        raise CheckpointError(
            f"{CONFIG}: expected the names of the {count:,} classes in id2label, found {told[0]}, …, which stand for names that were not "
            "saved; pass --classes FILE"
        )


def _require_plain(values: dict[str, Any], folder: Path) -> None:
    for key, what in _REFUSED.items():
        if values.get(key):
            raise CheckpointError(
                f"expected a network of transformers itself, found {what} ({key} in {CONFIG}); export it as ONNX"
            )
    if (folder / "adapter_config.json").exists():
        raise CheckpointError(
            "expected a whole model, found an adapter (adapter_config.json); merge it and save it again"
        )
    numbers = _numbers(values, "")
    if (deep := sum(value for place, value in numbers if "layer" in place or "depth" in place)) > _MAX_LAYERS:
        raise CheckpointError(f"{CONFIG}: expected at most {_MAX_LAYERS:,} layers, found {deep:.3g}; check the folder")
    for place, value in numbers:
        if abs(value) > _MAX_NUMBER and "token" not in place:
            raise CheckpointError(
                f"{CONFIG}: expected {printable(place)[:60]} to be at most {_MAX_NUMBER:,}, found {value:.3g}; check the folder"
            )


def _numbers(value: Any, place: str) -> list[tuple[str, float]]:
    if isinstance(value, bool):
        return []
    if isinstance(value, int | float):
        return [(place, float(min(max(value, -(10**18)), 10**18)))]
    if isinstance(value, list):
        return [found for one in value for found in _numbers(one, place)]
    if isinstance(value, dict) and place not in ("id2label", "label2id"):
        return [found for key, one in value.items() for found in _numbers(one, key)]
    return []


def _state(folder: Path) -> dict[str, Tensor]:
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


def _model(values: dict[str, Any], state: dict[str, Tensor]) -> nn.Module:
    try:
        from transformers import AutoConfig
        from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING as KINDS
        from transformers.utils import logging
    except ImportError as error:
        raise CheckpointError(
            "expected the package transformers for a folder of Hugging Face, found none; pip install transformers"
        ) from error
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
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
    try:
        with torch.device("meta"):
            size = sum(parameter.numel() for parameter in chosen(config).parameters())
        held = sum(tensor.numel() for tensor in state.values())
        if size > 2 * held + _MAX_NUMBER:
            raise ValueError(f"{size:,} weights are described, and {held:,} are there")
        model, found = chosen.from_pretrained(
            None,
            config=config,
            state_dict=dict(state),
            attn_implementation="eager",
            dtype=torch.float32,
            output_loading_info=True,
        )
        if missing := sorted(found["missing_keys"]):
            raise ValueError(f"{len(missing)} tensors are missing, such as {missing[0]}")
    except Exception as error:  # of transformers, of torch
        raise CheckpointError(
            f"expected weights that fit {CONFIG}, found others ({first_line(error)}); copy the folder again"
        ) from error
    network: nn.Module = model.eval().requires_grad_(False)
    return network


@torch.no_grad()
def _takes_any_size(network: nn.Module, size: int) -> bool:
    for height, width in ((size, size + 64), (128, 160)):
        try:
            network(torch.zeros(1, 3, height, width))
        except Exception:  # whatever it says: it does not
            return False
    return True
