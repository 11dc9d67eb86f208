"""What is measured of photos, against what is known of drawn ones, and against SciPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter
from scipy.signal import convolve2d

from har_core.data.photo_properties import (
    SCHEMA,
    crop_boxes,
    measure_photos,
    read_photo_properties,
    sharpness,
    write_photo_properties,
)
from har_core.errors import RunError
from har_core.media.geometry import center_crop_box
from har_core.runs.file_names import PHOTO_PROPERTIES
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.run import Run
from har_core.runs.writing import write_manifest
from tests.conftest import picture

CROP = {"crop_size": 224, "resize": 256}


def measured(folder: Path, **photos: Image.Image) -> pd.DataFrame:
    for name, photo in photos.items():
        photo.save(folder / f"{name}.png")
    found = measure_photos([(name, folder / f"{name}.png") for name in photos], **CROP)
    assert not found.problems
    return found.table.set_index("sample")


def test_drawn_photos(tmp_path: Path) -> None:
    halves = Image.fromarray(np.repeat([[0, 255]], 50, axis=1).repeat(60, axis=0).astype(np.uint8)).convert("RGB")
    table = measured(
        tmp_path,
        white=Image.new("RGB", (300, 200), "white"),
        black=Image.new("RGB", (200, 300)),
        halves=halves,
        green=Image.new("RGB", (256, 256), (0, 255, 0)),
    )
    assert list(table.index) == ["white", "black", "halves", "green"]
    assert table["brightness"].tolist() == pytest.approx([1, 0, 0.5, 0.587], abs=0.003)  # ITU-R BT.601
    assert table["contrast"].tolist() == pytest.approx([0, 0, 0.5, 0])
    assert table.loc[["white", "black", "green"], "sharpness"].tolist() == pytest.approx([0, 0, 0])
    assert table["width"].tolist() == [300, 200, 100, 256] and table["height"].tolist() == [200, 300, 60, 256]
    assert table.loc["green", "outside_crop"] == pytest.approx(1 - (224 / 256) ** 2)
    assert table.loc["white", "outside_crop"] == pytest.approx(table.loc["black", "outside_crop"])
    assert table.loc["white", "outside_crop"] == pytest.approx(1 - 224**2 / (256 * 384))


def test_crop_boxes_are_those_of_each_photo() -> None:
    """`center_crop_box` is held against the evaluation transform elsewhere."""
    sizes = [(300, 200), (200, 900), (256, 256), (300, 200), (1, 7)]
    found = crop_boxes(pd.DataFrame(sizes, columns=["width", "height"]), **CROP)
    for (width, height), box in zip(sizes, found, strict=True):
        one = center_crop_box(width, height, **CROP)
        in_pixels = box * [width, height, width, height]
        assert in_pixels.tolist() == pytest.approx([one.left, one.top, one.right, one.bottom])


def test_a_crop_that_is_larger_than_the_photo_leaves_nothing_out(tmp_path: Path) -> None:
    Image.new("RGB", (50, 50)).save(tmp_path / "a.png")
    found = measure_photos([("a", tmp_path / "a.png")], crop_size=64, resize=48)
    assert found.table["outside_crop"].tolist() == [0]


def test_sharpness_is_the_variance_of_the_laplacian_of_the_sharpest_tile() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256)).astype(np.uint8)
    noise[:, 64:] = 100  # only the left column of tiles has anything
    kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    edges = convolve2d(np.pad(noise.astype(np.float64), 1, mode="symmetric"), kernel, mode="valid")
    expected = max(edges[start : start + 64, :64].var() for start in range(0, 256, 64))
    assert sharpness(Image.fromarray(noise)) == pytest.approx(np.log10(1 + expected), rel=1e-5)


def test_blur_lowers_sharpness_and_a_plain_background_does_not() -> None:
    photo = picture((120, 120, 120), (300, 256), seed=3).convert("L")
    on_plain = Image.new("L", (600, 512), 200)
    on_plain.paste(photo, (0, 0))
    levels = [sharpness(photo.filter(ImageFilter.GaussianBlur(radius))) for radius in (0, 1, 2, 4)]
    assert levels == sorted(levels, reverse=True) and levels[0] - levels[-1] > 1
    assert sharpness(on_plain) > sharpness(on_plain.filter(ImageFilter.GaussianBlur(3))) + 1


def test_photos_that_cannot_be_read_are_left_out_and_named(tmp_path: Path) -> None:
    picture((9, 9, 9)).save(tmp_path / "good.jpg")
    (tmp_path / "bad.jpg").write_bytes(b"nothing")
    calls: list[tuple[int, int]] = []
    names = ["bad.jpg", "good.jpg", "missing.jpg"]
    found = measure_photos(
        [(name, tmp_path / name) for name in names], **CROP, progress=lambda *done: calls.append(done)
    )
    assert found.table["sample"].tolist() == ["good.jpg"]
    assert [problem.name for problem in found.problems] == ["bad.jpg", "missing.jpg"]
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_no_photos() -> None:
    found = measure_photos([], **CROP)
    assert list(found.table.columns) == list(SCHEMA) and len(found.table) == 0 and found.problems == ()
    assert crop_boxes(found.table, **CROP).shape == (0, 4)


def test_a_run_keeps_them_and_gives_them_in_any_order(tmp_path: Path) -> None:
    run: Run = write_manifest(tmp_path, Manifest(status=COMPLETE, classes=("a", "b")))
    picture((200, 10, 10)).save(tmp_path / "NA.jpg")
    picture((20, 10, 10)).save(tmp_path / "b.jpg")
    table = measure_photos([(name, tmp_path / name) for name in ("NA.jpg", "b.jpg")], **CROP).table
    run = write_photo_properties(run, table)
    assert run.has(PHOTO_PROPERTIES)
    read = read_photo_properties(run, np.array(["b.jpg", "none.jpg", "NA.jpg"], dtype=object))
    assert read["sample"].tolist() == ["b.jpg", "none.jpg", "NA.jpg"]
    assert read.iloc[1, 1:].isna().all()
    for name in list(SCHEMA)[1:]:
        assert read[name].iloc[[2, 0]].tolist() == table[name].tolist()
    boxes = crop_boxes(read, **CROP)
    assert np.isnan(boxes[1]).all() and ((boxes[[0, 2]] >= 0) & (boxes[[0, 2]] <= 1)).all()
    with pytest.raises(RunError, match="brightness"):
        write_photo_properties(run, table.assign(brightness=1.5))
