"""Each kind of photo is shown upright, or refused with a reason."""

from __future__ import annotations

import io
import os
import socket
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from har_core.errors import ImageError
from har_core.media import images
from har_core.media.images import ACCEPTED, add_decoders, open_photo
from har_core.media.isolated import IsolatedDecoder

RED, BLUE = (220, 30, 30), (30, 30, 220)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    add_decoders()  # and with them the encoder of HEIC
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def two_halves(mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right; 80 × 40."""
    image = Image.new("RGB", (80, 40), RED)
    image.paste(BLUE, (40, 0, 80, 40))
    return image.convert(mode)


def close(pixel: tuple[int, ...], expected: tuple[int, int, int], tolerance: int = 12) -> bool:
    return len(pixel) == 3 and all(abs(a - b) <= tolerance for a, b in zip(pixel, expected, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_accepted_kinds(kind: str) -> None:
    photo = open_photo(encoded(two_halves(), kind))
    assert photo.mode == "RGB" and photo.size == (80, 40)
    assert close(photo.getpixel((10, 20)), RED) and close(photo.getpixel((70, 20)), BLUE)


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_what_phones_and_pages_send_is_decoded_by_a_worker(kind: str) -> None:
    """In one thread, since a worker may start no others."""
    decoder = IsolatedDecoder()
    for size in ((80, 40), (4032, 3024)):
        photo = decoder.open(encoded(two_halves().resize(size), kind), "IMG_0001.HEIC")
        assert photo.width / photo.height == size[0] / size[1] and photo.width in (80, 2016)
        assert close(photo.getpixel((photo.width // 8, photo.height // 2)), RED)
    assert decoder.crashes == 0
    decoder.close()


@pytest.mark.parametrize(("kind", "brand"), [("HEIF", b"mif1"), ("HEIF", b"msf1"), ("AVIF", b"mif1")])
def test_a_brand_that_does_not_tell_the_kind(kind: str, brand: bytes) -> None:
    data = encoded(two_halves(), kind)
    assert open_photo(data[:8] + brand + data[12:]).size == (80, 40)


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_turned_by_the_file_itself(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = open_photo(
        encoded(two_halves().transpose(Image.Transpose.ROTATE_90), kind, exif=exif.tobytes(), quality=95)
    )
    assert photo.size == (80, 40) and not photo.info and not photo.getexif()
    assert close(photo.getpixel((10, 20)), RED) and close(photo.getpixel((70, 20)), BLUE)


@pytest.mark.parametrize(("kind", "mode"), [("HEIF", "RGBA"), ("HEIF", "LA"), ("AVIF", "RGBA")])
def test_transparency_of_new_kinds(kind: str, mode: str) -> None:
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 0)).convert(mode)
    assert min(open_photo(encoded(image, kind)).getpixel((5, 5))) > 250


def test_kind_comes_from_the_content_not_from_the_name(tmp_path: Path) -> None:
    path = tmp_path / "photo.txt"
    path.write_bytes(encoded(two_halves(), "PNG"))
    assert open_photo(path).size == (80, 40)


def test_a_phones_multi_picture_file_shows_its_first_picture() -> None:
    second = Image.new("RGB", (20, 20), BLUE)
    data = encoded(two_halves(), "MPO", save_all=True, append_images=[second])
    photo = open_photo(data, "phone.jpg")
    assert photo.size == (80, 40) and close(photo.getpixel((10, 20)), RED)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_animations_are_refused_as_a_gif_is(kind: str) -> None:
    """Their first frame may show nothing; one of a single frame is a photo."""
    frames = [Image.new("RGB", (30, 30), color) for color in (RED, BLUE)]
    with pytest.raises(ImageError, match=r"is an animated .*, which is not accepted: .*export it as JPEG"):
        open_photo(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert open_photo(encoded(frames[0], kind, save_all=True)).size == (30, 30)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_and_no_exif_is_kept(orientation: int) -> None:
    upright = two_halves()
    turn = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = upright if turn is None else upright.transpose(turn)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Phone"
    photo = open_photo(encoded(stored, "JPEG", exif=exif, quality=95))
    assert photo.size == (80, 40)
    assert close(photo.getpixel((10, 20)), RED) and close(photo.getpixel((70, 20)), BLUE)
    assert not photo.getexif() and not photo.info
    assert b"Phone" not in encoded(photo, "PNG")


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(16, 0)
    photo = open_photo(encoded(Image.fromarray(ramp), "PNG"))
    values = np.asarray(photo)[0, :, 0].astype(int)
    assert (np.abs(values - np.arange(256)) <= 1).all()


@pytest.mark.parametrize(("most", "white"), [(200, 255), (4095, 4095), (8191, 8191), (8192, 65535), (65535, 65535)])
def test_twelve_bits_in_sixteen_are_not_black(most: int, white: int) -> None:
    ramp = np.linspace(0, most, 256).astype(np.uint16)[None].repeat(16, 0)
    values = np.asarray(open_photo(encoded(Image.fromarray(ramp), "PNG")))[0, :, 0].astype(int)
    assert (np.abs(values - ramp[0].astype(int) * 255 / white) <= 1).all()


def deep_colors(most: int) -> bytes:
    """A PNG with 16-bit samples of red, green and blue from 0 to `most`, and of alpha."""
    ramp = np.linspace(0, most, 64).astype(">u2")
    rows = np.zeros((16, 64, 4), ">u2")
    rows[..., :3], rows[..., 3] = ramp[:, None], 65535
    ihdr = struct.pack(">IIBBBBB", 64, 16, 16, 6, 0, 0, 0)
    lines = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    chunks = [(b"IHDR", ihdr), (b"IDAT", lines), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


@pytest.mark.parametrize(("most", "brightest"), [(4095, 255), (65535, 255), (20_000, 78), (0, 0)])
def test_twelve_bits_in_sixteen_of_colors(most: int, brightest: int) -> None:
    """Transparency is not brightened."""
    photo = np.asarray(open_photo(deep_colors(most)))
    assert abs(int(photo.max()) - brightest) <= 1 and (np.diff(photo[0, :, 0].astype(int)) >= 0).all()


@pytest.mark.parametrize(("mode", "kind"), [("CMYK", "JPEG"), ("L", "JPEG"), ("L", "PNG"), ("P", "PNG"), ("1", "PNG")])
def test_other_color_models_become_rgb(mode: str, kind: str) -> None:
    photo = open_photo(encoded(two_halves(mode), kind))
    assert photo.mode == "RGB" and photo.size == (80, 40)
    if mode in ("CMYK", "P"):
        assert close(photo.getpixel((10, 20)), RED, 40)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_on_white(mode: str) -> None:
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 0)).convert(mode)
    options = {"transparency": image.getpixel((0, 0))} if mode == "P" else {}
    assert open_photo(encoded(image, "PNG", **options)).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_truncated_files_are_refused_not_half_shown(kind: str, share: float) -> None:
    noisy = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8))
    data = encoded(noisy, kind)
    with pytest.raises(ImageError, match=r"holiday\.jpg is (cut off|damaged)"):
        open_photo(data[: int(len(data) * share)], "holiday.jpg")


def test_damaged_exif_does_not_cost_the_photo() -> None:
    data = encoded(two_halves(), "JPEG")
    broken = b"Exif\0\0MM\0*\xff\xff\xff\xff"
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(broken) + 2) + broken + data[2:]
    assert open_photo(data).size == (80, 40)


@pytest.mark.parametrize(
    ("data", "kind", "advice"),
    [
        (encoded(two_halves(), "GIF"), "a GIF", "export it as JPEG"),
        (encoded(two_halves(), "BMP"), "a BMP", "export it as JPEG"),
        (encoded(two_halves(), "TIFF"), "a TIFF", "export it as JPEG"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "damaged", "Copy or download it again"),
        (b"\0\0\0\x18ftypavif" + b"\0" * 40, "damaged", "Copy or download it again"),
        (b"\0\0\0\x18ftypmp42" + b"\0" * 40, "a video", "still"),
        (b"%PDF-1.7\n", "a PDF", "export the page"),
        (b"PK\x03\x04" + b"\0" * 40, "a zip archive", "unpack"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG", "export it as JPEG"),
        (b"<!doctype html><html>", "a web page", "save the picture itself"),
        (b"hello", "not a photo", "Accepted are"),
        (b"\0\0\0\x18ftypcrx " + bytes(40), "a Canon raw photo", "export it as JPEG"),
        (b"\0\0\0\x20ftypM4A " + bytes(40), "a sound file", "choose a photo"),
        (b"\0\0\0\x18ftypavci\0\0\0\0mif1avci" + bytes(40), "a HEIC with H.264", "export it as JPEG"),
        (b"FUJIFILMCCD-RAW 0201", "a Fujifilm raw photo", "export it as JPEG"),
        (b"IIRO\x08\0\0\0", "an Olympus raw photo", "export it as JPEG"),
        (b"IIU\0\x18\0\0\0", "a Panasonic raw photo", "export it as JPEG"),
        (b"FOVb" + bytes(40), "a Sigma raw photo", "export it as JPEG"),
        (b"%!PS-Adobe-3.0", "an EPS", "export it as JPEG"),
        (b"P6\n1 1\n255\n000", "a PNM image", "export it as JPEG"),
        (b"7z\xbc\xaf'\x1c", "a 7z archive", "unpack it"),
        (b"Rar!\x1a\7", "a RAR archive", "unpack it"),
        (b"RIFF\0\0\0\0AVI LIST", "an AVI video", "still"),
        (b"\xef\xbb\xbf<svg>", "an SVG", "export it as JPEG"),
        (b"\n<!-- drawn --><svg>", "an SVG", "export it as JPEG"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS", "git lfs pull"),
        (b"PK\x03\x04[Content_Types].xml word/document.xml", "a Word document", "export the photos"),
        (b"PK\x03\x04[Content_Types].xml xl/workbook.xml", "an Excel workbook", "export the photos"),
    ],
)
def test_other_files_are_refused_by_what_they_are(data: bytes, kind: str, advice: str) -> None:
    with pytest.raises(ImageError) as caught:
        open_photo(data, "upload.jpg")
    message = str(caught.value)
    assert message.startswith("upload.jpg") and kind in message and advice in message
    assert message.endswith(ACCEPTED)


def test_empty_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="empty"):
        open_photo(b"", "nothing.jpg")
    with pytest.raises(ImageError, match=r"gone\.jpg cannot be read"):
        open_photo(tmp_path / "gone.jpg")


def test_what_is_no_regular_file_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # its address has at most 100 bytes
        server.bind("socket")
        for path in (tmp_path / "pipe", tmp_path / "socket", tmp_path, Path("/dev/zero")):
            with pytest.raises(ImageError, match=rf"{path.name} is (no file|a folder)"):
                open_photo(path)


def test_a_file_that_grows_is_read_up_to_the_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff" + bytes(500))
    monkeypatch.setattr(images, "MAX_BYTES", 100)
    monkeypatch.setattr(Path, "stat", lambda _: os.stat_result((0o100644, 0, 0, 1, 0, 0, 0, 0, 0, 0)))
    with pytest.raises(ImageError, match=r"MB\. Save a smaller copy"):
        open_photo(tmp_path / "a.jpg")


def test_too_many_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert images.MAX_BYTES == 25_000_000
    path = tmp_path / "large.jpg"
    path.write_bytes(b"\xff\xd8" + b"\0" * images.MAX_BYTES)
    for source in (path, path.read_bytes()):
        with pytest.raises(ImageError, match=r"25\.0 MB.*at most 25 MB"):
            open_photo(source, "large.jpg")


def test_too_many_pixels_are_refused_before_decoding() -> None:
    header = encoded(Image.new("L", (1, 1)), "PNG")
    for side in (6_325, 40_000):  # 40.0 megapixels and a bomb, in 67 bytes
        ihdr = struct.pack(">II", side, side) + header[24:29]
        data = header[:16] + ihdr + struct.pack(">I", zlib.crc32(b"IHDR" + ihdr)) + header[33:]
        with (
            warnings.catch_warnings(action="error"),
            pytest.raises(ImageError, match=rf"{side} × {side} pixels\. Save a smaller copy.*40 megapixels"),
        ):
            open_photo(data, "bomb.png")


@pytest.mark.parametrize("size", [(10, 201), (3199, 1), (2, 40_000)])
def test_very_narrow_photos_are_refused_before_decoding(size: tuple[int, int]) -> None:
    """With its shorter side at the network's size, one of a few kilobytes would take gigabytes."""
    data = encoded(Image.new("RGB", size), "PNG")
    with pytest.raises(ImageError, match="20 times the shorter at most"):
        open_photo(data[:60], "narrow.png")


def test_a_photo_at_the_limit_of_its_aspect_is_accepted() -> None:
    assert open_photo(encoded(Image.new("RGB", (10, 200)), "PNG"), "narrow.png").size == (10, 200)


@pytest.mark.parametrize(("size", "expected"), [((3199, 1600), (3199, 1600)), ((6400, 3200), (1600, 800))])
def test_large_photos_are_decoded_smaller(size: tuple[int, int], expected: tuple[int, int]) -> None:
    for kind in ("JPEG", "PNG"):
        assert open_photo(encoded(Image.new("RGB", size), kind), "large").size == expected
