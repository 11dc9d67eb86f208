"""edge/predict.py: the answers of the library, without PyTorch."""

from __future__ import annotations

import json
import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from har_core.data.transforms import Preprocessing, center_crop_box, eval_transform
from har_core.errors import ImageError
from har_core.inference import views
from har_core.inference.predictor import Predictor
from har_core.media.geometry import Box, whole_photo
from har_core.media.images import open_photo
from har_core.models.external.load import load_model
from har_core.models.spec import ModelSpec
from tests.conftest import COLORS, ROOT, picture
from tests.media.test_images import deep_colors, encoded
from tests.models.external.making import CLASSES, SIZE, onnx_file

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SHAPES = ((64, 64), (90, 70), (70, 201), (301, 77), (640, 427), (33, 40))
TOLD: dict[str, Any] = {
    "classes": CLASSES,
    "crop_size": SIZE,
    "resize": 73,
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
}


def file(folder: Path, **told: Any) -> Path:
    maps = told.pop("maps", True)
    shape = told.pop("shape", ("batch", 3, "height", "width"))
    return onnx_file(folder / "m.onnx", maps=maps, shape=shape, embeddings=True, metadata=TOLD | told)


@pytest.mark.parametrize("fit", ["crop", "squash"])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("crop_down", [False, True])
def test_pixels_are_those_of_the_library(
    edge: ModuleType, tmp_path: Path, fit: Any, interpolation: Any, crop_down: bool
) -> None:
    """To the last bit, in every shape."""
    pixels = Preprocessing(tuple(TOLD["mean"]), tuple(TOLD["std"]), interpolation, fit, crop_down)
    model = edge.Model(file(tmp_path, fit=fit, interpolation=interpolation, crop_down=crop_down))
    spec = ModelSpec(CLASSES, crop_size=SIZE, resize=73, preprocessing=pixels)
    for number, shape in enumerate(SHAPES):
        photo = picture((120, 90, 60), shape, seed=number)
        np.testing.assert_array_equal(model.center_crop(photo), eval_transform(SIZE, 73, pixels)(photo).numpy())
        assert tuple(model.crop_box(*shape)) == pytest.approx(
            astuple(center_crop_box(*shape, crop_size=SIZE, resize=73, fit=fit))
        )
        for box in (whole_photo(*shape), Box(-3.0, 4.2, 30.5, 31.5)):
            expected = views.look_at(photo, box, spec.crop_size, pixels).image.numpy()
            np.testing.assert_array_equal(model.look(photo, edge.Box(*astuple(box)), SIZE), expected)


def astuple(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


@pytest.mark.parametrize(
    "own", [("center",), ("whole",), ("evidence",), ("center", "whole"), ("center", "whole", "evidence")]
)
def test_answers_are_those_of_the_library(edge: ModuleType, tmp_path: Path, own: Sequence[str]) -> None:
    path = file(tmp_path, views=own, temperature=0.7)
    library, model = Predictor(*load_model(str(path))), edge.Model(path)
    assert model.views == library.spec.views == tuple(own)
    for number, shape in enumerate(SHAPES):
        photo = picture(COLORS["green"], shape, seed=number)
        photo.paste((210, 50, 40), (5, 5, 25, 20))
        expected, found = library.predict(photo, "a"), model.predict(photo)
        np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)
        assert found.known == pytest.approx(expected.known, abs=1e-5)
        assert tuple(found.box) == pytest.approx(astuple(expected.crop))
        best = np.maximum(expected.class_maps[expected.ranking[0]], 0)
        if np.ptp(best) > 0:
            np.testing.assert_allclose(found.heatmap, (best - best.min()) / np.ptp(best), atol=1e-3)


def test_without_maps_occlusion_explains(edge: ModuleType, tmp_path: Path) -> None:
    path = file(tmp_path, maps=False)
    photo = picture(COLORS["red"], (90, 70))
    expected, found = Predictor(*load_model(str(path))).predict(photo, "a"), edge.Model(path).predict(photo)
    best = np.maximum(expected.class_maps[expected.ranking[0]], 0)
    np.testing.assert_allclose(found.heatmap, (best - best.min()) / np.ptp(best), atol=1e-2)
    assert edge.Model(path).predict(photo, heatmap=False).heatmap is None


def run(edge: ModuleType, capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = edge.main([str(each) for each in arguments])
    return status, *capsys.readouterr()


def test_the_command(edge: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = file(tmp_path, least_known=100.0)
    photos = [tmp_path / f"{name}.png" for name in COLORS]
    for path in photos:
        picture(COLORS[path.stem], (90, 70)).save(path)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff these are no pixels")
    missing, broken = tmp_path / "none.jpg", tmp_path / "broken.jpg"
    status, out, _ = run(edge, capsys, model, *photos, broken, missing, "--json", "--heatmap", tmp_path / "heat.png")
    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 1 and [row.get("predicted") for row in rows] == [*COLORS, None, None]
    assert rows[0]["probably_none"] and sum(rows[0]["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert "broken.jpg" in rows[3]["error"] and "no such file" in rows[4]["error"]
    assert [Image.open(tmp_path / f"heat-{n}.png").size for n in (1, 2, 3)] == [(90, 70)] * 3
    status, out, error = run(edge, capsys, model, photos[0], broken)
    assert status == 1 and "blue" in out and "broken.jpg" in error and "\n" not in error.strip()


@pytest.mark.parametrize(
    ("photos", "heatmap"),
    [
        (["own.jpg"], "own.jpg"),
        (["own.jpg"], "sub/../own.jpg"),
        (["other.jpg", "own-2.jpg"], "own.jpg"),
        (["own.jpg"], "heat.xyz"),
        (["own.jpg"], "heat"),
        (["own.jpg"], "m.onnx"),
        (["own.jpg"], "missing/heat.png"),
        (["own.jpg"], "folder.png"),
        (["own.jpg"], ""),
        (["own.jpg", "other.jpg"], ""),
    ],
)
def test_heatmaps_replace_no_photo(
    edge: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], photos: list[str], heatmap: str
) -> None:
    model = file(tmp_path)
    for name in ("own.jpg", "own-2.jpg", "other.jpg"):
        picture(COLORS["red"], (90, 70)).save(tmp_path / name)
    for name in ("sub", "folder.png"):
        (tmp_path / name).mkdir()
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    out = str(tmp_path / heatmap) if heatmap else ""
    status, said, error = run(edge, capsys, model, *(tmp_path / name for name in photos), "--heatmap", out)
    assert status == 2 and not said and "heatmap" in error and len(error.splitlines()) == 1
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_an_answer_outlives_a_heatmap_that_cannot_be_written(
    edge: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(COLORS["red"], (90, 70)).save(tmp_path / "a.png")

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    status, out, error = run(edge, capsys, file(tmp_path), tmp_path / "a.png", "--heatmap", tmp_path / "heat.png")
    assert status == 1 and "red" in out and "No space" in error and len(error.splitlines()) == 1


def test_photos_are_opened_as_the_library_opens_them(edge: ModuleType, tmp_path: Path) -> None:
    """Turned phones, transparency, gray, palettes, 16 bits, and photos that are large."""
    exif = Image.Exif()
    exif[0x0112] = 6
    noise = picture((90, 120, 60), (60, 40))
    noise.save(tmp_path / "turned.jpg", exif=exif)
    noise.convert("L").save(tmp_path / "gray.png")
    noise.convert("P").save(tmp_path / "palette.png")
    noise.convert("CMYK").save(tmp_path / "cmyk.jpg")
    clear = noise.convert("RGBA")
    clear.putalpha(90)
    clear.save(tmp_path / "clear.png")
    for most in (0, 200, 4095, 8191, 8192, 65535):
        gray = np.linspace(0, most, 2400).reshape(40, 60).astype(np.uint16)
        Image.fromarray(gray).save(tmp_path / f"deep-{most}.png")
        (tmp_path / f"colors-{most}.png").write_bytes(deep_colors(most))
    (tmp_path / "phone.jpg").write_bytes(encoded(noise, "MPO", save_all=True, append_images=[noise.rotate(180)]))
    for kind in ("PNG", "WEBP", "AVIF"):
        (tmp_path / f"one.{kind}").write_bytes(encoded(noise, kind, save_all=True))
    noise.resize((3300, 2200)).save(tmp_path / "large.jpg")
    noise.resize((3300, 200)).save(tmp_path / "large.png")
    for path in tmp_path.iterdir():
        np.testing.assert_array_equal(
            np.asarray(edge.open_photo(path)), np.asarray(open_photo(path)), err_msg=path.name
        )


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "GIF", "narrow"])
def test_what_the_library_refuses_is_refused(edge: ModuleType, tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (30, 30), color) for color in COLORS.values()]
    path = tmp_path / "a.jpg"
    if kind == "narrow":
        frames[0].resize((10, 201)).save(path)
    else:
        path.write_bytes(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    with pytest.raises(ImageError):
        open_photo(path)
    with pytest.raises(edge.PredictError, match=r"^a\.jpg [^\n]*$"):
        edge.open_photo(path)


def test_a_damaged_orientation_does_not_cost_the_photo(
    edge: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(image: Image.Image) -> Image.Image:
        raise ValueError("damaged")

    picture(COLORS["red"], (90, 70)).save(tmp_path / "a.png")
    monkeypatch.setattr(ImageOps, "exif_transpose", broken)
    np.testing.assert_array_equal(edge.open_photo(tmp_path / "a.png"), open_photo(tmp_path / "a.png"))


@pytest.mark.parametrize(
    ("told", "arguments", "fragment"),
    [
        ({"classes": None}, [], "lacks the metadata of harlens export (classes)"),
        ({"shape": (1, 3, SIZE, SIZE)}, ["--views", "whole"], "center"),
        ({"maps": False}, ["--views", "evidence"], "class maps"),
    ],
)
def test_models_that_cannot_be_used(
    edge: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], told: Any, arguments: list[str], fragment: str
) -> None:
    status, _, error = run(edge, capsys, file(tmp_path, **told), "a.jpg", *arguments)
    assert status == 2 and fragment in error.replace("har-lens", "harlens") and "\n" not in error.strip()


def test_what_is_no_model(edge: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.onnx").write_bytes(b"these are notes")
    for path in (tmp_path / "notes.onnx", tmp_path / "none.onnx"):
        status, _, error = run(edge, capsys, path, "a.jpg")
        assert status == 2 and path.name in error and "\n" not in error.strip()


def test_it_needs_three_packages() -> None:
    """And the files of the folder say so."""
    lines = (ROOT / "edge" / "requirements.txt").read_text().splitlines()
    names = {line.split(">")[0] for line in lines if line and not line.startswith("#")}
    assert names == {"onnxruntime", "numpy", "pillow"}
    assert len((ROOT / "edge" / "README.md").read_text().splitlines()) <= 30


@pytest.mark.slow
def test_in_an_environment_of_its_own(tmp_path: Path) -> None:
    """Of less than 250 MB; needs the network."""
    model = file(tmp_path)
    picture(COLORS["red"], (90, 70)).save(tmp_path / "a.png")
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    got = subprocess.run(
        [python, "-m", "pip", "install", "-q", "-r", ROOT / "edge" / "requirements.txt"],
        capture_output=True,
        text=True,
        check=False,
    )
    if got.returncode and "No matching distribution" in got.stderr:
        pytest.skip("needs packages from PyPI")
    assert got.returncode == 0, got.stderr
    packages = next((tmp_path / "env" / "lib").glob("python*/site-packages"))
    assert not (packages / "torch").exists()
    assert sum(path.stat().st_size for path in packages.rglob("*") if path.is_file()) < 250e6
    done = subprocess.run(
        [python, ROOT / "edge" / "predict.py", model, tmp_path / "a.png", "--heatmap", tmp_path / "heat.png"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "red" in done.stdout and Image.open(tmp_path / "heat.png").size == (90, 70)
