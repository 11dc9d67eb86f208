#!/usr/bin/env python3
"""Name the action in photos, and show where it is seen, with onnxruntime, NumPy and Pillow alone.

    python predict.py MODEL.onnx PHOTO... [--heatmap OUT.png] [--json] [--views center] [--threads 2]

MODEL.onnx is written by `har-lens export RUN --to onnx`.  The answers are those of `har-lens predict`: one action, two, "unsure" or
"none".  The exit status is 1 if a photo could not be read or its heatmap not be written, 2 if nothing was tried.

It is one file on purpose, to be copied beside a model: nothing of the project has to be installed with it.
"""

from __future__ import annotations

import argparse
import codecs
import contextlib
import io
import json
import stat
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

VIEWS = ("center", "whole", "evidence")
HEATMAP_SUFFIXES = (".png", ".jpg", ".jpeg")
GRID = 14  # cells a side of a map that is made of several views
MAX_BYTES, MAX_PIXELS, MAX_ASPECT, DECODE_SIDE = 25_000_000, 40_000_000, 20, 1600
_STRIDE, _AREA, _LONGEST = 32, 1.45, 3.0
_STRONG, _NEAREST, _FARTHEST, _SMALLER, _KEPT = 0.35, 0.5, 0.85, 6 / 7, 2.5
_CELLS = 7  # cells a side of a map by occlusion
_INFERNO = ((0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85), (227, 89, 51), (249, 140, 10),
            (249, 201, 50), (252, 255, 164))  # fmt: skip


class PredictError(Exception):
    """A photo or a model that cannot be used, and what to do about it."""


class Box(NamedTuple):
    """A part of a photo, in its pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def scaled(self, across: float, down: float) -> Box:
        return Box(self.left * across, self.top * down, self.right * across, self.bottom * down)


class Answer(NamedTuple):
    """`probabilities`: (K,) float32, sum 1.  `heatmap`: (h, w) float32 in [0, 1] of the most probable class, over `box` of the photo.
    `known`: log Σ exp of the logits, higher is more like a known class.
    """

    probabilities: np.ndarray
    heatmap: np.ndarray | None
    box: Box
    known: float


class Found(NamedTuple):
    logits: np.ndarray
    maps: np.ndarray | None
    box: Box


class Model:
    """A network with what feeds it.

    Args:
        threads: of onnxruntime; 0 for one a core.

    Raises:
        PredictError: if the file cannot be read, or is not of `har-lens export`.
    """

    def __init__(self, path: Path, *, views: Sequence[str] | None = None, threads: int = 0) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 4
        if not path.is_file():
            raise PredictError(
                f"expected a model at {path}, found no file; write one with har-lens export RUN --to onnx"
            )
        onnxruntime.disable_telemetry_events()
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            stored = self.session.get_modelmeta().custom_metadata_map
            told: dict[str, Any] = {key: json.loads(value) for key, value in stored.items() if key in _KEYS}
            if missing := [key for key in _NEEDED if told.get(key) is None]:
                raise PredictError(
                    f"{path.name} lacks the metadata of har-lens export ({', '.join(missing)}); write a model with "
                    "har-lens export RUN --to onnx"
                )
            self.classes = tuple(map(str, told["classes"]))
            self.crop_size, self.resize = int(told["crop_size"]), int(told["resize"])
            self.mean = np.array(told["mean"], np.float32)[:, None, None]
            self.std = np.array(told["std"], np.float32)[:, None, None]
            self.filter = Image.Resampling[str(told.get("interpolation", "bilinear")).upper()]
            self.squash, self.crop_down = told.get("fit") == "squash", bool(told.get("crop_down"))
            self.temperature = np.float32(told.get("temperature", 1.0))
            self.least_known: float | None = told.get("least_known")
            rule = told.get("answer_rule") or {}  # earlier exports lack it: as for a run without predictions
            self.lowest = np.inf if rule.get("lowest") is None else float(rule["lowest"])
            self.threshold = float(rule.get("threshold", 0.5))
            self.outputs = [one.name for one in self.session.get_outputs()]
            shape = self.session.get_inputs()[0].shape
        except PredictError:
            raise
        except Exception as error:  # onnxruntime has a class for each kind; metadata of other kinds
            reason = " ".join(str(error).split())[:120]
            raise PredictError(
                f"{path.name} is not a model of har-lens export, or is damaged ({reason}); export it again"
            ) from error
        self.has_maps = "class_maps" in self.outputs
        chosen = tuple(views or told.get("views") or VIEWS[:1])
        self.views = tuple(view for view in VIEWS if view in chosen)
        if self.views != ("center",) and any(isinstance(side, int) for side in shape[2:]):
            raise PredictError(f"{path.name} takes {shape[3]} × {shape[2]} pixels only; pass --views center")
        if "evidence" in self.views and not self.has_maps:
            raise PredictError(
                f"{path.name} has no class maps, which the view evidence needs; pass --views center,whole"
            )

    def predict(self, photo: Image.Image, *, heatmap: bool = True) -> Answer:
        """Of an upright RGB photo.

        Args:
            heatmap: of a file without class maps it takes 49 passes.
        """
        looks = []
        if "center" in self.views or "whole" not in self.views:
            looks.append((self.crop_box(*photo.size), self.center_crop(photo)))
        if "whole" in self.views:
            everything = Box(0.0, 0.0, float(photo.width), float(photo.height))
            looks.append((everything, self.look(photo, everything, self.crop_size)))
        region = looks[-1][0]
        found = [self.run(box, image) for box, image in looks]
        if "evidence" in self.views:
            nearer = self.nearer(photo, found, region)
            found = [nearer] if self.views == ("evidence",) else [*found, nearer]
        logits = np.mean([one.logits for one in found], axis=0)
        best = int(logits.argmax())
        if not self.has_maps:
            maps = self.occlusion(looks[-1][1], found[-1].logits, best) if heatmap else None
        else:
            alone = self.views == ("center",)
            parts = [(one.maps[best], one.box) for one in found if one.maps is not None]
            maps = parts[0][0] if alone else place(parts, region)
        return Answer(
            softmax(logits / self.temperature), None if maps is None else scaled(maps), region, logsumexp(logits)
        )

    def named(self, answer: Answer) -> str:
        """What the answer is called: one class, "a or b", "unsure" or "none"; as `har-lens predict` says it."""
        if self.least_known is not None and answer.known < self.least_known:
            return "none"
        order = np.argsort(-answer.probabilities, kind="stable")
        own = order[: max(1, int((answer.probabilities >= self.lowest).sum()))]
        together = answer.probabilities[own].sum(dtype=np.float64)
        few = len(own) == 1 or (len(own) == 2 and len(order) > 2)
        return " or ".join(self.classes[k] for k in own) if few and together >= self.threshold - 1e-6 else "unsure"

    def run(self, box: Box, image: np.ndarray) -> Found:
        names = [self.outputs[0], *(["class_maps"] if self.has_maps else [])]
        values = self.session.run(names, {self.session.get_inputs()[0].name: image[None]})
        return Found(values[0][0], values[1][0] if self.has_maps else None, box)

    def to_input(self, photo: Image.Image) -> np.ndarray:
        """An RGB photo as it is → (3, height, width) float32, normalized."""
        values = np.asarray(photo, np.uint8).transpose(2, 0, 1).astype(np.float32) * np.float32(1 / 255)
        return np.ascontiguousarray((values - self.mean) / self.std)

    def center_crop(self, photo: Image.Image) -> np.ndarray:
        smaller = photo.resize(self._resized(*photo.size), self.filter)
        left, top = (self._margin(side) for side in smaller.size)
        return self.to_input(smaller.crop((left, top, left + self.crop_size, top + self.crop_size)))

    def crop_box(self, width: int, height: int) -> Box:
        across, down = self._resized(width, height)
        left, top = round((across - self.crop_size) / 2), round((down - self.crop_size) / 2)
        return Box(left, top, left + self.crop_size, top + self.crop_size).scaled(width / across, height / down)

    def _resized(self, width: int, height: int) -> tuple[int, int]:
        if self.squash:
            return self.resize, self.resize
        long = int(self.resize * max(width, height) / min(width, height))
        return (self.resize, long) if width <= height else (long, self.resize)

    def _margin(self, side: int) -> int:
        return (side - self.crop_size) // 2 if self.crop_down else round((side - self.crop_size) / 2)

    def look(self, photo: Image.Image, box: Box, crop_size: int) -> np.ndarray:
        """Any part of a photo at about the area of a crop of that size, in its own shape."""
        size = input_size(box.right - box.left, box.bottom - box.top, crop_size)
        left, top = min(int(max(0.0, box.left)), photo.width - 1), min(int(max(0.0, box.top)), photo.height - 1)
        right, bottom = round(min(photo.width, box.right)), round(min(photo.height, box.bottom))
        part = photo.crop((left, top, max(left + 1, right), max(top + 1, bottom)))
        return self.to_input(part.resize(size, self.filter))

    def nearer(self, photo: Image.Image, found: Sequence[Found], region: Box) -> Found:
        """The look at a square around the strongest evidence for what the other looks found."""
        probabilities = softmax(np.mean([one.logits for one in found], axis=0))
        count = len(probabilities)
        maps = np.stack([place([(one.maps[k], one.box) for one in found], region) for k in range(count)])  # type: ignore[index]
        evidence = np.tensordot(probabilities, np.maximum(maps, 0), axes=1)
        rows, columns = np.nonzero(evidence >= _STRONG * evidence.max())
        across, down = (region.right - region.left) / GRID, (region.bottom - region.top) / GRID
        left, right = region.left + columns.min() * across, region.left + (columns.max() + 1) * across
        top, bottom = region.top + rows.min() * down, region.top + (rows.max() + 1) * down
        crop = min(photo.size) * self.crop_size / self.resize
        side = min(max(right - left, bottom - top, _NEAREST * crop), _FARTHEST * crop)
        x, y = (left + right) / 2, (top + bottom) / 2
        box = within(Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2), region)
        factor = min(1.0, _KEPT * self.resize / min(photo.size))
        kept = photo
        if factor < 1:
            kept = photo.resize((round(photo.width * factor), round(photo.height * factor)), Image.Resampling.BILINEAR)
        part = box.scaled(kept.width / photo.width, kept.height / photo.height)
        return self.run(box, self.look(kept, part, round(_SMALLER * self.crop_size)))

    def occlusion(self, image: np.ndarray, logits: np.ndarray, best: int) -> np.ndarray:
        """How much the logit falls when a cell is replaced by the mean color: one pass a cell."""
        rows, columns = (np.arange(side) * _CELLS // side for side in image.shape[1:])
        falls = np.zeros((_CELLS, _CELLS), np.float32)
        for row in range(_CELLS):
            for column in range(_CELLS):
                hidden = image * ~((rows == row)[:, None] & (columns == column))
                falls[row, column] = logits[best] - self.run(Box(0, 0, 1, 1), hidden.astype(np.float32)).logits[best]
        return falls


_NEEDED = ("classes", "crop_size", "resize", "mean", "std")
_KEYS = {*_NEEDED, "interpolation", "fit", "crop_down", "temperature", "views", "least_known", "answer_rule"}


# What people do name in place of a photo: offset, first bytes, what it is, what to do.
_EXPORT, _UNPACK, _STILL = "export it as JPEG", "unpack it and choose the photos in it", "take a still from it"
_KINDS = (
    (0, b"%PDF", "a PDF", "export the page as JPEG"), (0, b"GIF8", "a GIF", _EXPORT), (0, b"BM", "a BMP", _EXPORT),
    (0, b"II*\0", "a TIFF (or a camera's raw file)", _EXPORT), (0, b"MM\0*", "a TIFF (or a camera's raw file)", _EXPORT),
    (0, b"8BPS", "a Photoshop file", _EXPORT), (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 image", _EXPORT),
    (0, b"\xff\x0a", "a JPEG XL image", _EXPORT), (0, b"\0\0\0\x0cJXL ", "a JPEG XL image", _EXPORT),
    (0, b"PK\3\4", "a zip archive or an office document", _UNPACK), (0, b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (0, b"Rar!", "a RAR archive", _UNPACK), (0, b"\x1f\x8b", "a gzip or tar.gz archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK), (0, b"\x1aE\xdf\xa3", "a video", _STILL), (8, b"AVI ", "an AVI video", _STILL),
    (0, b"\0\0\1\xba", "an MPEG video", _STILL), (0, b"FLV", "a Flash video", _STILL),
    (4, b"ftyphe", "a HEIC photo", _EXPORT), (4, b"ftypm", "a HEIC photo or a video", _EXPORT), (4, b"ftyp", "a video", _STILL),
    (0, b"OggS", "a sound or video", "choose a photo"), (0, b"ID3", "a sound file", "choose a photo"),
)  # fmt: skip
_PHOTOS = ((0, b"\xff\xd8\xff"), (0, b"\x89PNG\r\n"), (8, b"WEBP"), (4, b"ftypavi"))


def _kind(data: bytes) -> tuple[str, str]:
    """What a file is that is no photo, with its article, and what to do."""
    if (found := next((one for one in _KINDS if data.startswith(one[1], one[0])), None)) is not None:
        return found[2], found[3]
    start = data[:4096].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith(b"<"):
        places = {start.find(tag): tag for tag in (b"<svg", b"<html", b"<!doctype html") if tag in start}
        tag = places[min(places)] if places else b""
        return ("an SVG drawing", _EXPORT) if tag == b"<svg" else ("a web page or XML", "save the picture itself")
    with contextlib.suppress(UnicodeDecodeError):
        text = codecs.getincrementaldecoder("utf-8")().decode(data[:4096])
        if all(one.isprintable() or one.isspace() for one in text):
            return "a text", "choose a photo"
    return "no photo that can be read", "choose another"


def _bytes(path: Path, name: str) -> bytes:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # a device may be endless, and a pipe wait for ever
            found = (
                "a folder; name the photos in it" if stat.S_ISDIR(mode) else "a device, pipe or socket; name a photo"
            )
            raise PredictError(f"{name} is {found}")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise PredictError(f"{name} cannot be read (no such file); check the path") from error
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise PredictError(f"{name} cannot be read ({reason}); check the path") from error
    if not data:
        raise PredictError(f"{name} is empty (0 bytes); choose another file")
    if len(data) > MAX_BYTES:
        raise PredictError(f"{name} has more than {MAX_BYTES // 10**6} MB; save a smaller copy")
    return data


def open_photo(path: Path) -> Image.Image:
    """Upright, RGB, on white, at most twice `DECODE_SIDE` pixels long.

    Raises:
        PredictError: if the file is no JPEG, PNG, WebP or AVIF photo that can be read, moves, or is too large or too narrow.
    """
    name = path.name or str(path)
    data = _bytes(path, name)
    if not any(data.startswith(first, offset) for offset, first in _PHOTOS):
        kind, remedy = _kind(data)
        raise PredictError(f"{name} is {kind}, which is not read here (JPEG, PNG, WebP and AVIF are): {remedy}")
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP", "AVIF")) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise PredictError(f"{name} has more than {MAX_PIXELS // 10**6} megapixels; save a smaller copy")
            if max(opened.size) > MAX_ASPECT * min(opened.size):
                raise PredictError(
                    f"{name} has {opened.width} × {opened.height} pixels, its longer side may be {MAX_ASPECT} times the "
                    "shorter at most; cut out the part that matters"
                )
            if opened.format in ("PNG", "WEBP", "AVIF") and getattr(opened, "is_animated", False):
                raise PredictError(f"{name} is an animation, which is not accepted; export one picture of it as JPEG")
            deep = opened.format == "PNG" and ";16" in str(opened.tile)
            factor = _reduction(opened.size)
            if factor > 1:
                opened.draft(None, (opened.width // factor, opened.height // factor))
            opened.load()
            factor = _reduction(opened.size)
            image: Image.Image = opened
            with contextlib.suppress(Exception):  # of a damaged orientation: the pixels may be fine
                image = ImageOps.exif_transpose(opened)
            if deep:
                image = _of_16_bits(image)
            if image.has_transparency_data:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            image = image.convert("RGB")
            return image.reduce(factor) if factor > 1 else image
    except PredictError:
        raise
    except Exception as error:  # decoders raise nearly anything
        cut = "truncated" in str(error).lower()
        raise PredictError(
            f"{name} is {'cut off' if cut else 'damaged or cut off'}; copy or download it again"
        ) from error


def _of_16_bits(image: Image.Image) -> Image.Image:
    """To 8 bits, of colors, of which Pillow keeps the upper 8, too.  Cameras write 8 to 13 bits into 16: the largest of these is white."""
    gray = image.mode.startswith("I")
    least, full = (8, 2**16) if gray else (1, 2**8)
    colors = image.convert("I" if gray else "RGB")
    most = int(np.asarray(colors).max())
    white = 2 ** max(least, most.bit_length()) - 1 if most < full // 8 else full - 1
    if gray:
        return colors.point(lambda value: value * (255 / white) + 0.5).convert("L")
    scaled = [min(255, round(value * 255 / white)) for value in range(256)]
    return image.point([value for band in image.getbands() for value in (range(256) if band == "A" else scaled)])


def _reduction(size: tuple[int, int]) -> int:
    factor = 1
    while max(size) >= 2 * factor * DECODE_SIDE:
        factor *= 2
    return factor


def input_size(width: float, height: float, crop_size: int) -> tuple[int, int]:
    """Width and height for a part of a photo: multiples of 32 pixels, in about its shape."""
    ratio = min(max(width, height) / min(width, height), _LONGEST)
    for cells in range(max(1, round(crop_size / _STRIDE)), 0, -1):
        shorter, longer = cells * _STRIDE, round(cells * ratio) * _STRIDE
        if shorter * longer <= _AREA * crop_size**2:
            break
    return (longer, shorter) if width >= height else (shorter, longer)


def within(box: Box, outer: Box) -> Box:
    """Moved, not cut, into another box; cut only where it is larger than that."""
    wide = min(box.right - box.left, outer.right - outer.left)
    high = min(box.bottom - box.top, outer.bottom - outer.top)
    left = min(max(outer.left, box.left), outer.right - wide)
    top = min(max(outer.top, box.top), outer.bottom - high)
    return Box(left, top, left + wide, top + high)


def place(parts: Sequence[tuple[np.ndarray, Box]], region: Box) -> np.ndarray:
    """Maps (h, w) of several looks → their mean over the region, (GRID, GRID), each where it belongs."""
    total = np.zeros((GRID, GRID))
    for values, box in parts:
        rows = _shares(values.shape[0], box.top, box.bottom, region.top, region.bottom)
        columns = _shares(values.shape[1], box.left, box.right, region.left, region.right)
        total += (rows @ values @ columns.T) * (GRID**2 / values.size)
    return (total / len(parts)).astype(np.float32)


def _shares(count: int, start: float, end: float, low: float, high: float) -> np.ndarray:
    parts, cells = np.linspace(start, end, count + 1), np.linspace(low, high, GRID + 1)
    overlap = np.minimum(cells[1:, None], parts[None, 1:]) - np.maximum(cells[:-1, None], parts[None, :-1])
    return np.asarray(overlap.clip(0) / np.diff(parts))


def scaled(values: np.ndarray) -> np.ndarray:
    """A signed map → [0, 1]: the positive evidence, minus its minimum, divided by its maximum."""
    values = np.maximum(values, 0)
    values = values - values.min()
    return np.asarray(values / (values.max() + 1e-7), np.float32)


def overlay(photo: Image.Image, answer: Answer, *, opacity: float = 0.6) -> Image.Image:
    """The heatmap where it lies on its photo; what the network did not see is dimmed."""
    assert answer.heatmap is not None
    left, top, right, bottom = (round(edge) for edge in answer.box)
    heat = Image.fromarray(answer.heatmap).resize(
        (max(1, right - left), max(1, bottom - top)), Image.Resampling.BILINEAR
    )
    values = np.asarray(heat)[max(0, -top) :, max(0, -left) :]
    left, top = max(0, left), max(0, top)
    canvas = np.asarray(photo, np.float32) * 0.42
    seen = np.asarray(photo, np.float32)[top:bottom, left:right]
    values = values[: seen.shape[0], : seen.shape[1]].clip(0, 1)
    positions = np.linspace(0, 1, len(_INFERNO))
    colors = np.stack([np.interp(values, positions, channel) for channel in zip(*_INFERNO, strict=True)], axis=-1)
    canvas[top:bottom, left:right] = seen + (colors - seen) * (opacity * (0.25 + 0.75 * values))[..., None]
    return Image.fromarray(canvas.round().clip(0, 255).astype(np.uint8))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(), np.float32)


def logsumexp(logits: np.ndarray) -> float:
    values = logits.astype(np.float64)
    return float(values.max() + np.log(np.exp(values - values.max()).sum()))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, metavar="MODEL.onnx")
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    parser.add_argument(
        "--heatmap", type=Path, metavar="OUT.png", help="of one photo; of several, OUT-1.png, OUT-2.png, …"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")
    parser.add_argument(
        "--views", type=_views, metavar="A,B", help="some of center, whole, evidence (default: the model's)"
    )
    parser.add_argument("--threads", type=int, default=0, help="default: one a core")
    given = parser.parse_args(arguments)
    warnings.filterwarnings("ignore", module="PIL")  # of damaged metadata: the pixels may be fine
    several = len(given.photos) > 1
    outs = [heatmap_path(given.heatmap, number if several else None) for number, _ in enumerate(given.photos, start=1)]
    try:
        if given.heatmap is not None:
            check_heatmaps(outs, [given.model, *given.photos])
        model = Model(given.model, views=given.views, threads=given.threads)
    except PredictError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # as a name that is too long
        print(f"error: {str(error.filename)[:100]} cannot be used ({error.strerror}); choose another", file=sys.stderr)
        return 2
    failed = False
    for path, out in zip(given.photos, outs, strict=True):
        try:
            photo = open_photo(path)
            answer = model.predict(photo, heatmap=out is not None)
        except PredictError as error:
            failed = True
            print(json.dumps({"file": str(path), "error": str(error)}) if given.json else f"error: {error}",
                  file=sys.stdout if given.json else sys.stderr)  # fmt: skip
            continue
        print(_line(str(path), model, answer, as_json=given.json), flush=True)
        if out is not None:
            try:
                overlay(photo, answer).save(out)
            except OSError as error:
                failed = True
                print(f"error: {out} could not be written ({error.strerror or error})", file=sys.stderr)
    return int(failed)


def heatmap_path(path: Path | None, number: int | None) -> Path | None:
    """Where the heatmap of a photo goes; `number`: of several photos, from 1."""
    if path is None or number is None or not path.name:
        return path
    return path.with_stem(f"{path.stem}-{number}")


def check_heatmaps(outs: Sequence[Path | None], inputs: Sequence[Path]) -> None:
    """Before any work is done.

    Raises:
        PredictError: if a heatmap would replace a photo or the model, has no suffix of a picture, or cannot be written.
    """
    own = {path.resolve() for path in inputs}
    for out in filter(None, outs):
        if out.suffix.lower() not in HEATMAP_SUFFIXES:
            raise PredictError(f"expected a heatmap that ends in {', '.join(HEATMAP_SUFFIXES)}, found {out}; rename it")
        if out.resolve() in own:
            raise PredictError(
                f"expected a heatmap beside the photos and the model, found {out}, one of them; rename it"
            )
        if out.exists() and not out.is_file():
            raise PredictError(f"expected a file for the heatmap, found something else at {out}; rename it")
    for folder in {out.parent for out in outs if out is not None}:
        if not folder.is_dir():
            raise PredictError(f"expected a folder for the heatmap at {folder}, found none; make it first")
        try:
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            raise PredictError(f"{folder} cannot be written ({error.strerror}); choose another folder") from error


def _line(file: str, model: Model, answer: Answer, *, as_json: bool) -> str:
    best, called = int(answer.probabilities.argmax()), model.named(answer)
    likeliest = model.classes[best]
    if as_json:
        shares = dict(zip(model.classes, answer.probabilities.astype(float).round(6).tolist(), strict=True))
        row = {"file": file, "answer": called, "predicted": likeliest, "confidence": shares[likeliest]}
        told = {"probably_none": called == "none"} if model.least_known is not None else {}
        return json.dumps(row | told | {"probabilities": shares})
    words = {"none": f"none, likeliest {likeliest}", "unsure": f"unsure, perhaps {likeliest}"}
    return f"{file}: {words.get(called, called)} ({answer.probabilities[best]:.1%})"


def _views(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not set(names) <= set(VIEWS):
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(VIEWS)}; found {text!r}")
    return names


if __name__ == "__main__":
    raise SystemExit(main())
