"""Untrusted bytes or a path → an upright RGB photo, or a clear error.

Training, evaluation, the command line and the pages open photos only here: they accept the same files and see the same
pixels.
"""

from __future__ import annotations

import io
import stat
from functools import cache
from pathlib import Path
from typing import cast

from PIL import Image, ImageFile, ImageOps

from har_core.errors import ImageError
from har_core.media.layout import PHOTO_SUFFIXES
from har_core.media.signatures import ACCEPTED_KINDS, EXPORT, photo_format, refusal, starts_like_photo

MAX_BYTES = 25 * 1000 * 1000
MAX_PIXELS = 40 * 1000 * 1000
MAX_ASPECT = 20
"""Longer over shorter side.  A very narrow photo would take gigabytes once its shorter side has the network's size."""

_DARK = 8
"""A 16-bit photo none of whose samples reaches this part of the range has fewer bits than that."""

_MOVING = {"PNG": "an animated PNG", "WEBP": "an animated WebP", "AVIF": "an animated AVIF"}

DECODE_SIDE = 1600
"""Pixels.  A photo whose longer side has at least twice as many is decoded at 1/2, 1/4, … of its size."""

ACCEPTED = (
    f"Accepted are photos as {ACCEPTED_KINDS}, of at most {MAX_BYTES // 10**6} MB and {MAX_PIXELS // 10**6} megapixels."
)


def open_photo(source: bytes | str | Path, name: str | None = None) -> Image.Image:
    """Decode one photo.

    The kind is read from the content, not from the name.  16-bit samples are scaled to 8 bits (those of a file that has
    fewer bits in 16 by their own range); CMYK, palette and gray become RGB; transparency is laid on white; the EXIF
    orientation is applied.  Of several pictures that are no animation the first is taken.  Large photos are reduced (see `DECODE_SIDE`): the network sees them at 256 pixels, pages show them at 1,024.

    Args:
        source: the file's bytes, or its path.
        name: what to call it in an error; the path's last part by default.

    Returns:
        An upright photo of mode RGB that carries no metadata (no EXIF, no ICC profile, no text).

    Raises:
        ImageError: if the file cannot be read, is not JPEG, PNG, WebP, HEIC or AVIF, moves, is truncated or damaged, or is beyond
            `MAX_BYTES`, `MAX_PIXELS` or `MAX_ASPECT`.  The message names the file, the reason and what is accepted.
    """
    if isinstance(source, bytes):
        label, data = name or "photo", source
    else:
        label = name or Path(source).name
        data = _read(Path(source), label)
    if not data:
        raise ImageError(f"{label} is empty (0 bytes). Choose another file. {ACCEPTED}")
    if len(data) > MAX_BYTES:
        raise ImageError(f"{label} has {len(data) / 1e6:.1f} MB. Save a smaller copy. {ACCEPTED}")

    kind = photo_format(data[:64])
    if kind is None:
        raise _not_accepted(label, data)
    try:
        if kind in ("HEIF", "AVIF"):
            add_decoders()
        opened = _opened(data, kind)
    except Exception as error:  # a malformed header can raise nearly anything
        raise ImageError(f"{label} is damaged or cut off. Copy or download it again. {ACCEPTED}") from error

    with opened:
        if kind in _MOVING and getattr(opened, "is_animated", False):
            raise ImageError(f"{label} is {_MOVING[kind]}, which is not accepted: {EXPORT}. {ACCEPTED}")
        width, height = opened.size
        if width * height > MAX_PIXELS:  # known from the header: nothing has been decoded yet
            raise ImageError(f"{label} has {width} × {height} pixels. Save a smaller copy. {ACCEPTED}")
        if max(width, height) > MAX_ASPECT * min(width, height):
            raise ImageError(
                f"{label} has {width} × {height} pixels, its longer side may be {MAX_ASPECT} times the shorter at most. "
                f"Cut out the part that matters. {ACCEPTED}"
            )
        factor = _reduction(width, height)
        try:
            if factor > 1:
                opened.draft(None, (width // factor, height // factor))  # JPEG: reduced while decoding, at no cost
            opened.load()
            return _upright_rgb(opened, _reduction(*opened.size), deep=kind == "PNG" and data[24] == 16)
        except Exception as error:  # as above: decoders raise OSError, SyntaxError, ValueError, struct.error…
            reason = "is cut off" if "truncated" in str(error).lower() else f"is damaged ({_one_line(error)})"
            raise ImageError(f"{label} {reason}. Copy or download it again, or choose another. {ACCEPTED}") from error


@cache
def add_decoders() -> None:
    """Import the decoders of HEIC and AVIF, as `open_photo` does when it meets the first such photo.

    They decode in one thread, the photo alone: no thumbnails, depth or other pictures that a phone keeps with it.
    """
    import pillow_heif
    from PIL import AvifImagePlugin

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def is_photo_file(path: Path) -> bool:
    """Whether a file is to be decoded: by its suffix, or whatever it is called, by how its content begins."""
    if not path.is_file():
        return False
    if path.suffix.lower() in PHOTO_SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return starts_like_photo(file.read(12))
    except OSError:
        return True  # what prevents it is told when it is decoded


def _opened(data: bytes, kind: str) -> ImageFile.ImageFile:
    """The header of a photo, read by the decoder of its kind: no other may run, whatever the file is called.

    `Image.open` would warn of a large photo on the terminal, or raise without its size, before the limits here are looked at.
    """
    if kind not in Image.OPEN:
        Image.init()
    factory, _ = Image.OPEN[kind]
    return factory(io.BytesIO(data), "")


def _read(path: Path, label: str) -> bytes:
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):  # a device may be endless, and a pipe wait for ever
            found = "a folder" if stat.S_ISDIR(state.st_mode) else "no file, but a device, pipe or socket"
            raise ImageError(f"{label} is {found}. Choose a photo. {ACCEPTED}")
        if state.st_size > MAX_BYTES:
            raise ImageError(f"{label} has {state.st_size / 1e6:.1f} MB. Save a smaller copy. {ACCEPTED}")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)  # it may be growing
    except OSError as error:
        raise ImageError(f"{label} cannot be read ({error.strerror}). Check the path. {ACCEPTED}") from error
    except ValueError as error:
        raise ImageError(f"{label} cannot be read ({_one_line(error)}). Check the path. {ACCEPTED}") from error


def _reduction(width: int, height: int) -> int:
    """The largest power of two by which the longer side can be divided and still be `DECODE_SIDE`."""
    factor = 1
    while max(width, height) >= 2 * factor * DECODE_SIDE:
        factor *= 2
    return factor


def _upright_rgb(image: Image.Image, factor: int, *, deep: bool) -> Image.Image:
    """Apply the orientation and convert to RGB, without metadata, `factor` times smaller.

    Args:
        deep: whether the file has 16-bit samples.
    """
    try:
        image = ImageOps.exif_transpose(image)
    except Exception:  # the pixels may be fine: show them as they are stored
        pass
    if image.mode.startswith("I"):
        image = _gray_of_16_bits(image.convert("I"))
    elif deep:
        image = _brightened(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    if factor > 1:
        image = image.reduce(factor)
    clean = Image.new("RGB", image.size)
    clean.paste(image)
    return clean


def _gray_of_16_bits(image: Image.Image) -> Image.Image:
    """65535 is white (`convert` would clip at 255).  Cameras write 8 to 13 bits into 16, too: then the largest of these is."""
    _, most = cast(tuple[int, int], image.getextrema())
    white = 2 ** max(8, most.bit_length()) - 1 if most < 2**16 // _DARK else 2**16 - 1
    return image.point(lambda value: value * (255 / white) + 0.5).convert("L")


def _brightened(image: Image.Image) -> Image.Image:
    """As `_gray_of_16_bits`, of colors, of whose 16 bits Pillow keeps the upper 8."""
    bands = image.getbands()
    colors = [band for band in bands if band != "A"]
    most = max(cast(tuple[int, int], image.getchannel(band).getextrema())[1] for band in colors)
    if not 0 < most < 2**8 // _DARK:
        return image
    white = 2 ** most.bit_length() - 1
    scaled = [min(255, round(value * 255 / white)) for value in range(256)]
    return image.point([value for band in bands for value in (range(256) if band == "A" else scaled)])


def _not_accepted(label: str, data: bytes) -> ImageError:
    if (found := refusal(data)) is not None:
        return ImageError(f"{label} is {found.kind}, which is not accepted: {found.advice}. {ACCEPTED}")
    return ImageError(f"{label} is not a photo that can be read. {ACCEPTED}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
