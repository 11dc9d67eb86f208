"""preprocessor_config.json of Hugging Face → crop size, resize and preprocessing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from har_core.data.transforms import Fit, Interpolation, Preprocessing
from har_core.errors import CheckpointError
from har_core.files import printable
from har_core.models.external.options import ModelOptions, read_config

_INTERPOLATION: dict[int, Interpolation] = {2: "bilinear", 3: "bicubic"}  # of Pillow
_KNOWN = ("ViT", "DeiT", "Beit", "Bit", "ConvNext", "Levit", "MobileNetV1", "MobileNetV2", "CLIP", "Siglip")
_SQUARES = ("ViT", "DeiT", "Beit", "Siglip")
_CONVNEXT_LARGE = 384  # pixels, from which on it squashes instead of cropping


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
    odd = [key for key in ("do_flip_channel_order", "do_pad", "rescale_offset", "include_top") if values.get(key)]
    if kind not in _KNOWN or odd or values.get("do_resize", True) is not True:
        raise CheckpointError(
            f"{path.name}: expected the image processor of {', '.join(_KNOWN)}, resizing and normalizing, found "
            f"{printable(named or 'none')[:60]}{' with ' + odd[0] if odd else ''}; export the model as ONNX"
        )
    try:
        crop_size, resize, fit = _geometry(kind, values)
        mean, std = _normalization(values)
        resample = values.get("resample", 3 if kind in ("ConvNext", "Levit", "Bit", "CLIP", "Beit", "DeiT") else 2)
        interpolation = options.interpolation or _INTERPOLATION[resample]
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise CheckpointError(
            f"{path.name}: expected sizes, mean, std and resample as transformers writes them (bilinear or bicubic), found "
            f"others; pass --crop-size, --mean, --std and --interpolation"
        ) from error
    return Feeding(crop_size, resize, Preprocessing(mean, std, interpolation, fit, crop_down=True))


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
    (a, b, c), (d, e, f) = (tuple(value / scale for value in part) for part in (mean, std))
    return (a, b, c), (d, e, f)
