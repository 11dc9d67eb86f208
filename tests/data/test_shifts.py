"""Photos as they come from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from har_core.data import shifts
from har_core.data.shifts import SHIFTS

PHOTO = Image.merge("RGB", [Image.linear_gradient("L").resize((300, 200)), Image.new("L", (300, 200), 90),
                            Image.linear_gradient("L").rotate(90).resize((300, 200))])  # fmt: skip
ALL = {name: shift for group in SHIFTS.values() for name, shift in group.items()}


@pytest.mark.parametrize("name", ALL)
def test_every_shift_changes_a_photo_and_does_so_alike_each_time(name: str) -> None:
    before = PHOTO.tobytes()
    one, two = ALL[name](PHOTO), ALL[name](PHOTO)
    assert one.mode == "RGB" and one.tobytes() == two.tobytes() and PHOTO.tobytes() == before
    assert one.size != PHOTO.size or one.tobytes() != before
    assert ALL[name](PHOTO.resize((17, 9))).mode == "RGB"


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_smaller_photo_keeps_its_frame(mirrored: bool) -> None:
    small = shifts.smaller(PHOTO, 0.5, mirrored=mirrored)
    assert small.size == PHOTO.size
    inner = np.asarray(small.crop((75, 50, 225, 150)), dtype=int)
    assert np.abs(inner - np.asarray(PHOTO.resize((150, 100), Image.Resampling.LANCZOS), dtype=int)).max() == 0


def test_a_mirrored_frame_goes_on_where_the_photo_ends() -> None:
    values = np.asarray(shifts.smaller(PHOTO, 0.5, mirrored=True), dtype=int)
    assert np.array_equal(values[49], values[50]) and np.array_equal(values[:, 224], values[:, 225])


@pytest.mark.parametrize("ratio", [9 / 16, 1.0, 21 / 9])
def test_the_shape_is_as_asked_and_nothing_is_stretched(ratio: float) -> None:
    shown = shifts.aspect(PHOTO, ratio)
    assert shown.width / shown.height == pytest.approx(ratio, rel=0.02)
    assert shown.width == PHOTO.width or shown.height == PHOTO.height


def test_more_severe_is_further_from_the_photo() -> None:
    clean = np.asarray(shifts._shorter_side(PHOTO), dtype=float)
    for damage in (shifts.noise, shifts.brightness, shifts.contrast):
        far = [np.abs(np.asarray(damage(PHOTO, severity), dtype=float) - clean).mean() for severity in (1, 3, 5)]
        assert far == sorted(far) and far[0] > 0
