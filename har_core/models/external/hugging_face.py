"""A folder of Hugging Face's `AutoModelForImageClassification` → a network that is explained through what transformers returns.

Nothing of the folder is executed: the network is one of transformers' own, and its weights are tensors alone.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from har_core.errors import CheckpointError
from har_core.files import printable
from har_core.models.checkpoint import first_line
from har_core.models.external.hugging_face_input import read_input
from har_core.models.external.hugging_face_weights import CONFIG, network_of, read_state
from har_core.models.external.options import ModelOptions, class_names, read_config
from har_core.models.external.outputs import outputs_anatomy
from har_core.models.spec import ModelSpec

PREPROCESSOR = "preprocessor_config.json"
PREFIX = "huggingface/"

_REFUSED = {
    "auto_map": "code of its own",
    "quantization_config": "quantized weights",
    "use_pretrained_backbone": "a backbone from elsewhere",
    "use_timm_backbone": "a backbone from elsewhere",
}
_SEVERAL, _ONE = "multi_label_classification", "single_label_classification"
_PLACEHOLDER = re.compile(r"LABEL_\d+")
_MAX_NUMBER = 10**6
_MAX_LAYERS = 1000


class HuggingFaceNetwork(nn.Module):
    """Images (B, 3, H, W) → logits (B, K).

    `notes`: what a person should know of how its outputs are read, a sentence each.  `several`: whether it was trained for several
    labels a photo; its logits are then those of shares, a sigmoid for each class divided by their sum, as of an ONNX file.
    """

    def __init__(self, model: Any, preprocessor: Path | None) -> None:
        super().__init__()
        self.model, self.preprocessor = model, preprocessor
        self.notes: tuple[str, ...] = ()
        self.several = False

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.model(pixel_values=images, return_dict=True).logits
        return functional.logsigmoid(logits) if self.several else logits

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
    values = _with_names(read_config(folder / CONFIG))
    _require_plain(values, folder)
    model: Any = network_of(values, read_state(folder), options.classes)
    feeding = read_input(folder / PREPROCESSOR, options)
    network = HuggingFaceNetwork(model, folder / PREPROCESSOR if (folder / PREPROCESSOR).is_file() else None)
    names = options.classes or values.get("id2label") or {}
    count = int(model.config.num_labels)
    _require_classes(names, count)
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
    if values.get("problem_type") == _SEVERAL:
        network.several, anatomy = True, anatomy.of_sigmoids()
        network.notes = (
            f"it was trained for several labels a photo ({_SEVERAL}): its outputs are independent probabilities (a sigmoid for each "
            "class), and were divided by their sum",
        )
    network.anatomy = anatomy  # type: ignore[assignment]
    return network, spec


def _with_names(values: dict[str, Any]) -> dict[str, Any]:
    """With `id2label` from `label2id` where it is missing."""
    numbers = values.get("label2id")
    if values.get("id2label"):
        return values
    values = {key: value for key, value in values.items() if key != "id2label"}
    if not isinstance(numbers, dict) or not numbers or not all(type(number) is int for number in numbers.values()):
        return values
    return {**values, "id2label": {str(number): name for name, number in numbers.items()}}


def _require_classes(names: Any, count: int) -> None:
    if count < 2:
        raise CheckpointError(
            f"expected a network that tells two or more classes apart, found one output in {CONFIG} (num_labels {count}); export it as "
            "ONNX, which is taken with two class names"
        )
    if not names:
        raise CheckpointError(
            f"{CONFIG}: expected the names of the {count:,} classes in id2label, found none; pass --classes FILE"
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
    if (kind := values.get("problem_type")) not in (None, "", _ONE, _SEVERAL):
        raise CheckpointError(
            f"{CONFIG}: expected a network that was trained to tell classes apart, found problem_type {printable(str(kind))[:40]}, whose "
            f"outputs are no scores of classes; choose another network, or write {_ONE} there if they are"
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


@torch.no_grad()
def _takes_any_size(network: nn.Module, size: int) -> bool:
    for height, width in ((size, size + 64), (128, 160)):
        try:
            network(torch.zeros(1, 3, height, width))
        except Exception:  # whatever it says: it does not
            return False
    return True
