"""What a file is by its first bytes, whatever it is called."""

from __future__ import annotations

import re
from typing import NamedTuple

ACCEPTED_KINDS = "JPEG, PNG, WebP, HEIC or AVIF"


class Refusal(NamedTuple):
    """What a file is that is no photo to be read, with its article, and what its owner can do."""

    kind: str
    advice: str

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture that can be exported as a photo."""
        return self.advice in (EXPORT, _DEVELOP, _STILL)


# Files that people do try to upload: offset, first bytes.
EXPORT = "open it in an image viewer and export it as JPEG"
_DEVELOP = "export it as JPEG with the camera's software or an image viewer"
_STILL = "take a still from it"
_UNPACK = "unpack it and choose the photos in it"
_PICTURE = "save the picture itself, not the page around it"
_PHOTO = "choose a photo"
_IN_IT = "export the photos in it as JPEG"
_REFUSED = (
    (0, b"GIF8", Refusal("a GIF", EXPORT)),
    (0, b"BM", Refusal("a BMP", EXPORT)),
    (0, b"IIU\0", Refusal("a Panasonic raw photo", _DEVELOP)),
    (0, b"IIRO", Refusal("an Olympus raw photo", _DEVELOP)),
    (0, b"IIRS", Refusal("an Olympus raw photo", _DEVELOP)),
    (0, b"MMOR", Refusal("an Olympus raw photo", _DEVELOP)),
    (0, b"FUJIFILMCCD-RAW", Refusal("a Fujifilm raw photo", _DEVELOP)),
    (0, b"FOVb", Refusal("a Sigma raw photo", _DEVELOP)),
    (0, b"\0MRM", Refusal("a Minolta raw photo", _DEVELOP)),
    (6, b"HEAPCCDR", Refusal("a Canon raw photo", _DEVELOP)),
    (8, b"CR\x02", Refusal("a Canon raw photo", _DEVELOP)),
    (4, b"ftypcrx ", Refusal("a Canon raw photo", _DEVELOP)),
    (0, b"II*\0", Refusal("a TIFF (or a camera's raw file)", EXPORT)),
    (0, b"MM\0*", Refusal("a TIFF (or a camera's raw file)", EXPORT)),
    (0, b"II+\0", Refusal("a TIFF", EXPORT)),
    (0, b"MM\0+", Refusal("a TIFF", EXPORT)),
    (0, b"II\xbc\x01", Refusal("a JPEG XR image", EXPORT)),
    (0, b"%PDF", Refusal("a PDF", "export the page as JPEG")),
    (0, b"%!PS", Refusal("an EPS or PostScript file", EXPORT)),
    (0, b"\xc5\xd0\xd3\xc6", Refusal("an EPS or PostScript file", EXPORT)),
    (0, b"8BPS", Refusal("a Photoshop file", EXPORT)),
    (0, b"gimp xcf", Refusal("a GIMP file", EXPORT)),
    (0, b"v/1\x01", Refusal("an OpenEXR image", EXPORT)),
    (0, b"#?RADIANCE", Refusal("a Radiance HDR image", EXPORT)),
    (0, b"DDS ", Refusal("a DDS texture", EXPORT)),
    (0, b"qoif", Refusal("a QOI image", EXPORT)),
    (0, b"\0\0\0\x0cjP  ", Refusal("a JPEG 2000 image", EXPORT)),
    (0, b"\xff\x4f\xff\x51", Refusal("a JPEG 2000 image", EXPORT)),
    (0, b"\xff\x0a", Refusal("a JPEG XL image", EXPORT)),
    (0, b"\0\0\0\x0cJXL ", Refusal("a JPEG XL image", EXPORT)),
    (0, b"\0\0\x01\0", Refusal("an icon", EXPORT)),
    (0, b"7z\xbc\xaf", Refusal("a 7z archive", _UNPACK)),
    (0, b"Rar!", Refusal("a RAR archive", _UNPACK)),
    (0, b"\x1f\x8b", Refusal("a gzip or tar.gz archive", _UNPACK)),
    (0, b"BZh", Refusal("a bzip2 archive", _UNPACK)),
    (0, b"\xfd7zXZ\0", Refusal("an xz archive", _UNPACK)),
    (0, b"\x28\xb5\x2f\xfd", Refusal("a Zstandard archive", _UNPACK)),
    (257, b"ustar", Refusal("a tar archive", _UNPACK)),
    (0, b"MSCF", Refusal("a CAB archive", _UNPACK)),
    (
        0,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        Refusal("an old Word, Excel or PowerPoint file", _IN_IT),
    ),
    (0, b"{\\rtf", Refusal("a text document (RTF)", _IN_IT)),
    (
        0,
        b"version https://git-lfs",
        Refusal("a pointer of Git LFS and not the photo itself", "fetch it with git lfs pull"),
    ),
    (0, b"\0\5\x16\7", Refusal("what a Mac keeps beside a photo (._NAME)", "choose the photo itself")),
    (0, b"[InternetShortcut]", Refusal("a link to a web page", "save the picture itself")),
    (
        0,
        b"bplist0",
        Refusal("an Apple property list and no photo", "download the photo itself, from iCloud if it lies there"),
    ),
    (0, b"\x1aE\xdf\xa3", Refusal("a video", _STILL)),
    (0, b"\x30\x26\xb2\x75", Refusal("a Windows Media video", _STILL)),
    (0, b"FLV", Refusal("a Flash video", _STILL)),
    (0, b"\0\0\x01\xba", Refusal("an MPEG video", _STILL)),
    (0, b"\0\0\x01\xb3", Refusal("an MPEG video", _STILL)),
    (0, b"OggS", Refusal("an Ogg sound or video", _PHOTO)),
    (0, b"ID3", Refusal("a sound file", _PHOTO)),
    (0, b"fLaC", Refusal("a sound file", _PHOTO)),
    (0, b"#!AMR", Refusal("a sound file", _PHOTO)),
    (0, b"MZ\x90", Refusal("a Windows program", _PHOTO)),
    (0, b"\x7fELF", Refusal("a program", _PHOTO)),
    (0, b"SQLite format 3", Refusal("a database", _PHOTO)),
)
_RIFF = {b"AVI ": Refusal("an AVI video", _STILL), b"WAVE": Refusal("a sound file", _PHOTO)}
# The kind that a file says it has in its box "ftyp"; any other is a video.
_BRANDS = {
    b"M4A ": Refusal("a sound file", _PHOTO),
    b"M4B ": Refusal("a sound file", _PHOTO),
    b"M4P ": Refusal("a sound file", _PHOTO),
    b"avci": Refusal("a HEIC with H.264 inside", EXPORT),
    b"avcs": Refusal("a HEIC with H.264 inside", EXPORT),
    b"mif1": Refusal("a HEIC of an unusual kind", EXPORT),
    b"msf1": Refusal("a HEIC of an unusual kind", EXPORT),
}
# Zips that are documents, by a name in them.
_OFFICE = (
    (b"word/document.xml", Refusal("a Word document", _IN_IT)),
    (b"xl/workbook.", Refusal("an Excel workbook", _IN_IT)),
    (b"ppt/presentation.xml", Refusal("a PowerPoint presentation", _IN_IT)),
    (b"mimetypeapplication/vnd.oasis.opendocument", Refusal("an OpenDocument file", _IN_IT)),
    (b"mimetypeapplication/epub", Refusal("an e-book", _IN_IT)),
)
_MARKUP = (
    (rb"<svg|<!doctype svg", Refusal("an SVG drawing", EXPORT)),
    (rb"<!doctype html|<html|<head|<body|<script", Refusal("a web page", _PICTURE)),
    (rb"<\?xml", Refusal("an XML or SVG file", EXPORT)),
)
_HEAD = 4096  # bytes
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


def refusal(data: bytes) -> Refusal | None:
    """What a file is that is no photo; None if that cannot be told either.

    Args:
        data: all of it, or its first 4,096 bytes, which may not tell a document from a zip.
    """
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return office_kind(data) or Refusal("a zip archive", _UNPACK)
    if (found := _markup(data[:_HEAD])) is not None:
        return found
    if (found := next((kind for offset, magic, kind in _REFUSED if data.startswith(magic, offset)), None)) is not None:
        return found
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], Refusal("a video", _STILL))
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12])
    if re.match(rb"[{\[]\s*[\"{]", data):
        return Refusal("a text (JSON)", _PHOTO)
    if re.match(rb"P[1-7]\s", data):
        return Refusal("a PNM image (PPM, PGM or PBM)", EXPORT)
    return None


def office_kind(data: bytes) -> Refusal | None:
    """Which kind of document a zip is; None of any other zip."""
    return next((kind for name, kind in _OFFICE if name in data), None)


def _markup(start: bytes) -> Refusal | None:
    """Of a text of tags, which may begin with a byte order mark, white space or comments."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        start = start.decode("utf-16", "ignore").encode()
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not text.startswith(b"<"):
        return None
    text = re.sub(rb"<!--.*?-->", b"", text, flags=re.DOTALL)
    found = [(place.start(), kind) for tags, kind in _MARKUP if (place := re.search(tags, text)) is not None]
    svg, page, xml = (next((at for at, kind in found if kind is each), None) for _, each in _MARKUP)
    if svg is not None and (page is None or svg < page):
        return _MARKUP[0][1]
    return _MARKUP[1][1] if page is not None else _MARKUP[2][1] if xml is not None else None
