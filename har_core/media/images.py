"""Untrusted bytes or a path → an upright RGB photo, or a clear error.

Training, evaluation, the command line and the pages open photos only here: they accept the same files and see the same
pixels.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageOps

from har_core.errors import ImageError
from har_core.media.layout import PHOTO_SUFFIXES

MAX_BYTES = 25 * 1000 * 1000
MAX_PIXELS = 40 * 1000 * 1000
MAX_ASPECT = 20
"""Longer over shorter side.  A very narrow photo would take gigabytes once its shorter side has the network's size."""

DECODE_SIDE = 1600
"""Pixels.  A photo whose longer side has at least twice as many is decoded at 1/2, 1/4, … of its size."""

ACCEPTED = (
    f"Accepted are JPEG, PNG and WebP photos of at most {MAX_BYTES // 10**6} MB and {MAX_PIXELS // 10**6} megapixels."
)

# Only these decoders of Pillow may run, whatever the file is called.
# JPEG includes MPO, which many phones write: a JPEG followed by others (depth, a second lens). The first is the photo.
_DECODERS = ("JPEG", "PNG", "WEBP")

# Files that people do try to upload: (offset, first bytes, what it is, how to convert it).
_EXPORT = "open it in an image viewer and export it as JPEG"
_REFUSED = (
    (0, b"GIF8", "a GIF", _EXPORT),
    (0, b"BM", "a BMP", _EXPORT),
    (0, b"II*\0", "a TIFF (or a camera's raw file)", _EXPORT),
    (0, b"MM\0*", "a TIFF (or a camera's raw file)", _EXPORT),
    (0, b"%PDF", "a PDF", "export the page as JPEG"),
    (0, b"8BPS", "a Photoshop file", _EXPORT),
    (0, b"PK\x03\x04", "a zip archive", "unpack it and choose the photos in it"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 image", _EXPORT),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 image", _EXPORT),
    (0, b"\xff\x0a", "a JPEG XL image", _EXPORT),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL image", _EXPORT),
    (0, b"\0\0\x01\0", "an icon", _EXPORT),
    (0, b"<svg", "an SVG drawing", _EXPORT),
    (0, b"<?xml", "an XML or SVG file", _EXPORT),
    (0, b"<!DOCTYPE", "a web page", "save the picture itself, not the page around it"),
    (0, b"<html", "a web page", "save the picture itself, not the page around it"),
    (0, b"\x1aE\xdf\xa3", "a video", "take a still from it"),
)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_HEIC_ADVICE = (
    "on an iPhone choose Settings > Camera > Formats > Most Compatible, or share the photo by mail, which "
    "converts it; on a computer open it and export it as JPEG"
)


def open_photo(source: bytes | str | Path, name: str | None = None) -> Image.Image:
    """Decode one photo.

    The kind is read from the content, not from the name.  Of an animated file the first frame is taken; 16-bit samples
    are scaled to 8 bits; CMYK, palette and gray become RGB; transparency is laid on white; the EXIF orientation is
    applied.  Large photos are reduced (see `DECODE_SIDE`): the network sees them at 256 pixels, pages show them at 1,024.

    Args:
        source: the file's bytes, or its path.
        name: what to call it in an error; the path's last part by default.

    Returns:
        An upright photo of mode RGB that carries no metadata (no EXIF, no ICC profile, no text).

    Raises:
        ImageError: if the file cannot be read, is not JPEG, PNG or WebP, is truncated or damaged, or is beyond `MAX_BYTES`,
            `MAX_PIXELS` or `MAX_ASPECT`.  The message names the file, the reason and what is accepted.
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

    try:
        opened = Image.open(io.BytesIO(data), formats=_DECODERS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(label) from error
    except Exception as error:  # a malformed header can raise nearly anything
        raise _not_accepted(label, data) from error

    with opened:
        width, height = opened.size
        if width * height > MAX_PIXELS:  # known from the header: nothing has been decoded yet
            raise _too_many_pixels(label, width, height)
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
            return _upright_rgb(opened, _reduction(*opened.size))
        except Exception as error:  # as above: decoders raise OSError, SyntaxError, ValueError, struct.error…
            reason = "is cut off" if "truncated" in str(error).lower() else f"is damaged ({_one_line(error)})"
            raise ImageError(f"{label} {reason}. Copy or download it again, or choose another. {ACCEPTED}") from error


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


def starts_like_photo(start: bytes) -> bool:
    """Whether a file whose first 12 bytes or more these are is to be opened as a photo, whatever it is called."""
    return start.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n")) or (start[:4], start[8:12]) == (b"RIFF", b"WEBP")


def _read(path: Path, label: str) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ImageError(f"{label} has {path.stat().st_size / 1e6:.1f} MB. Save a smaller copy. {ACCEPTED}")
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{label} cannot be read ({error.strerror}). Check the path. {ACCEPTED}") from error


def _reduction(width: int, height: int) -> int:
    """The largest power of two by which the longer side can be divided and still be `DECODE_SIDE`."""
    factor = 1
    while max(width, height) >= 2 * factor * DECODE_SIDE:
        factor *= 2
    return factor


def _upright_rgb(image: Image.Image, factor: int) -> Image.Image:
    """Apply the orientation and convert to RGB, without metadata, `factor` times smaller."""
    try:
        image = ImageOps.exif_transpose(image)
    except Exception:  # the pixels may be fine: show them as they are stored
        pass
    if image.mode.startswith("I"):  # 16-bit grayscale PNG: 65535 is white; convert() would clip at 255
        image = image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    if factor > 1:
        image = image.reduce(factor)
    clean = Image.new("RGB", image.size)
    clean.paste(image)
    return clean


def _not_accepted(label: str, data: bytes) -> ImageError:
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand in _HEIF_BRANDS:
            return ImageError(f"{label} is a HEIC photo, which is not accepted: {_HEIC_ADVICE}. {ACCEPTED}")
        if brand in (b"avif", b"avis"):
            return ImageError(f"{label} is an AVIF image, which is not accepted: {_EXPORT}. {ACCEPTED}")
        return ImageError(f"{label} is a video, which is not accepted: take a still from it. {ACCEPTED}")
    for offset, magic, kind, advice in _REFUSED:
        if data[offset : offset + len(magic)].lower() == magic.lower():
            return ImageError(f"{label} is {kind}, which is not accepted: {advice}. {ACCEPTED}")
    if data[:2] == b"\xff\xd8" or data[:4] == b"\x89PNG" or data[8:12] == b"WEBP":
        return ImageError(f"{label} is damaged or cut off. Copy or download it again. {ACCEPTED}")
    return ImageError(f"{label} is not a photo that can be read. {ACCEPTED}")


def _too_many_pixels(label: str, width: int = 0, height: int = 0) -> ImageError:
    found = f"{width} × {height} pixels" if width else "an extreme number of pixels"
    return ImageError(f"{label} has {found}. Save a smaller copy. {ACCEPTED}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
