"""preprocessor_config.json of Hugging Face → crop size, resize and preprocessing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from har_core.data.transforms import Fit, Interpolation, Preprocessing
from har_core.errors import CheckpointError
from har_core.files import printable
from har_core.models.external.options import ModelOptions, read_config

_INTERPOLATION: dict[int, Interpolation] = {2: "bilinear", 3: "bicubic"}  # of Pillow
_KNOWN = ("ViT", "DeiT", "Beit", "Bit", "ConvNext", "Levit", "MobileNetV1", "MobileNetV2", "CLIP", "Siglip")
_SQUARES = ("ViT", "DeiT", "Beit", "Siglip")
_ODD = {"do_flip_channel_order": "", "do_pad": "size", "rescale_offset": "normalize", "include_top": "normalize"}
"""Steps that are not done here → what a person tells in their place."""

_CONVNEXT_LARGE = 384  # pixels, from which on it squashes instead of cropping


T = TypeVar("T")


class Feeding(NamedTuple):
    crop_size: int
    resize: int
    preprocessing: Preprocessing


def read_input(path: Path, options: ModelOptions) -> Feeding:
    """How a photo is fed.

    Raises:
        CheckpointError: if the file is missing and `options` do not say it, or if it asks for what is not done here.
    """
    if not path.is_file():
        if options.crop_size is None or options.mean is None or options.std is None:
            raise CheckpointError(
                f"expected {path.name} beside config.json, found none; copy it, or pass --crop-size, --mean and --std"
            )
        return Feeding(options.crop_size, options.resize or options.crop_size, Preprocessing())
    values = read_config(path)
    named = str(values.get("image_processor_type") or values.get("feature_extractor_type") or "")
    kind = (
        named.removesuffix("Pil").removesuffix("Fast").removesuffix("ImageProcessor").removesuffix("FeatureExtractor")
    )
    sized, normalized = options.crop_size is not None, options.mean is not None and options.std is not None
    odd = [key for key, by in _ODD.items() if values.get(key) and not {"size": sized, "normalize": normalized}.get(by)]
    if values.get("do_resize", True) is not True and not sized:
        odd.append("do_resize")
    if odd or (kind not in _KNOWN and not (sized and normalized)):
        way = "" if "do_flip_channel_order" in odd else "pass --crop-size, --mean, --std and --interpolation, or "
        raise CheckpointError(
            f"{path.name}: expected the image processor of {', '.join(_KNOWN)}, resizing and normalizing, found "
            f"{printable(named or 'none')[:60]}{' with ' + odd[0] if odd else ''}; {way}export the model as ONNX"
        )
    side = options.crop_size or 0
    usual_fit: Fit = "squash" if kind in _SQUARES else "crop"
    crop_size, resize, fit = _or_told(
        lambda: _geometry(kind, values),
        (side, options.resize or side, options.fit or usual_fit) if sized else None,
        f"{path.name}: expected a square size in pixels as transformers writes it",
        "--crop-size, and --resize and --fit where they are not the usual ones",
    )
    told: Any = (options.mean, options.std) if normalized else None
    mean, std = _or_told(
        lambda: _normalization(values),
        told,
        f"{path.name}: expected image_mean and image_std of three numbers, those of image_std above 0",
        "--mean and --std",
    )
    usual = 3 if kind in ("ConvNext", "Levit", "Bit", "CLIP", "Beit", "DeiT") else 2
    interpolation: Interpolation = _or_told(
        lambda: _INTERPOLATION[values.get("resample", usual)],
        options.interpolation,
        f"{path.name}: expected resample 2 or 3, bilinear or bicubic",
        "--interpolation",
    )
    return Feeding(crop_size, resize, Preprocessing(mean, std, interpolation, fit, crop_down=True))


def _or_told(read: Callable[[], T], told: T | None, expected: str, flags: str) -> T:
    """What the file says, else what a person told.

    Raises:
        CheckpointError: if neither does, naming the flags that say it.
    """
    try:
        return read()
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError, ZeroDivisionError) as error:
        if told is not None:
            return told
        raise CheckpointError(f"{expected}, found other values; pass {flags}") from error


def _geometry(kind: str, values: dict[str, Any]) -> tuple[int, int, Fit]:
    """Crop size, resize and fit, in pixels."""
    size = values["size"]
    if not isinstance(size, dict):
        size = {"height": size, "width": size} if kind in _SQUARES else {"shortest_edge": size}
    crop = _square(values["crop_size"]) if values.get("do_center_crop") or kind == "Levit" else None
    if "shortest_edge" not in size:
        side = _square(size)
        return crop or side, side, "squash"
    side = int(size["shortest_edge"])
    if kind == "ConvNext":
        if side >= _CONVNEXT_LARGE:
            return side, side, "squash"
        return side, int(side / float(values.get("crop_pct") or 224 / 256)), "crop"
    if kind == "Levit":
        side = int(256 / 224 * side)
    if crop is None:
        raise ValueError("a photo of any shape is no square")
    return crop, side, "crop"


def _square(size: Any) -> int:
    if not isinstance(size, dict):
        return int(size)
    if size["height"] != size["width"]:
        raise ValueError("not a square")
    return int(size["height"])


def _normalization(values: dict[str, Any]) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and std for values in [0, 1], whatever the processor multiplies pixels by."""
    scale = 255 * float(values.get("rescale_factor", 1 / 255)) if values.get("do_rescale", True) else 255.0
    mean, std = [0.0] * 3, [1.0] * 3
    if values.get("do_normalize", True):
        mean, std = list(map(float, values["image_mean"])), list(map(float, values["image_std"]))
    if min(std) <= 0:
        raise ValueError("nothing can be divided by it")
    (a, b, c), (d, e, f) = (tuple(value / scale for value in part) for part in (mean, std))
    return (a, b, c), (d, e, f)
