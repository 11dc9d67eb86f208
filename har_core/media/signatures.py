"""What a file is by its first bytes, whatever it is called."""

from __future__ import annotations

from typing import NamedTuple

ACCEPTED_KINDS = "JPEG, PNG, WebP, HEIC or AVIF"


class Refusal(NamedTuple):
    """What a file is that is no photo to be read, with its article, and what its owner can do."""

    kind: str
    advice: str


# Files that people do try to upload: offset, first bytes.
_EXPORT = "open it in an image viewer and export it as JPEG"
_REFUSED = (
    (0, b"GIF8", Refusal("a GIF", _EXPORT)),
    (0, b"BM", Refusal("a BMP", _EXPORT)),
    (0, b"II*\0", Refusal("a TIFF (or a camera's raw file)", _EXPORT)),
    (0, b"MM\0*", Refusal("a TIFF (or a camera's raw file)", _EXPORT)),
    (0, b"%PDF", Refusal("a PDF", "export the page as JPEG")),
    (0, b"8BPS", Refusal("a Photoshop file", _EXPORT)),
    (0, b"PK\x03\x04", Refusal("a zip archive", "unpack it and choose the photos in it")),
    (0, b"\0\0\0\x0cjP  ", Refusal("a JPEG 2000 image", _EXPORT)),
    (0, b"\xff\x4f\xff\x51", Refusal("a JPEG 2000 image", _EXPORT)),
    (0, b"\xff\x0a", Refusal("a JPEG XL image", _EXPORT)),
    (0, b"\0\0\0\x0cJXL ", Refusal("a JPEG XL image", _EXPORT)),
    (0, b"\0\0\x01\0", Refusal("an icon", _EXPORT)),
    (0, b"<svg", Refusal("an SVG drawing", _EXPORT)),
    (0, b"<?xml", Refusal("an XML or SVG file", _EXPORT)),
    (0, b"<!DOCTYPE", Refusal("a web page", "save the picture itself, not the page around it")),
    (0, b"<html", Refusal("a web page", "save the picture itself, not the page around it")),
    (0, b"\x1aE\xdf\xa3", Refusal("a video", "take a still from it")),
    (4, b"ftyp", Refusal("a video", "take a still from it")),
)
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
_AVIF_BRANDS = {b"avif", b"avis"}
_EITHER_BRANDS = {b"mif1", b"msf1"}  # which one, the other brands of the file say


def photo_format(start: bytes) -> str | None:
    """The format of a photo that is accepted, as Pillow names it.

    Args:
        start: the first 12 bytes or more; of HEIC and AVIF files whose first brand does not tell, the first 64.
    """
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"  # or MPO, which many phones write: a JPEG followed by others (depth, a second lens)
    if start.startswith(b"\x89PNG\r\n"):
        return "PNG"
    if (start[:4], start[8:12]) == (b"RIFF", b"WEBP"):
        return "WEBP"
    if start[4:8] != b"ftyp":
        return None
    brand = start[8:12]
    if brand in _EITHER_BRANDS:
        others = start[16 : min(int.from_bytes(start[:4], "big"), 64)]
        return "AVIF" if _AVIF_BRANDS & {others[at : at + 4] for at in range(0, len(others), 4)} else "HEIF"
    return "HEIF" if brand in _HEIC_BRANDS else "AVIF" if brand in _AVIF_BRANDS else None


def starts_like_photo(start: bytes) -> bool:
    """Whether a file whose first 12 bytes or more these are is to be opened as a photo, whatever it is called."""
    return photo_format(start) is not None


def refusal(start: bytes) -> Refusal | None:
    """What a file is that is no photo; None if that cannot be told either."""
    for offset, magic, found in _REFUSED:
        if start[offset : offset + len(magic)].lower() == magic.lower():
            return found
    return None
