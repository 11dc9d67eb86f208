"""The parts of a photo that answer together: what is looked at, what is taken from it, and where it belongs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from har_core.errors import CheckpointError
from har_core.inference.prediction import Prediction
from har_core.inference.predictor import Predictor
from har_core.inference.views import Found, Look, evidence_box, first_looks, input_size, look_at
from har_core.media.geometry import Box, whole_photo
from har_core.models.checkpoint import load_checkpoint, save_checkpoint
from har_core.models.registry import head
from har_core.runs.manifest import View
from tests.conftest import picture

ALL: tuple[View, ...] = ("center", "whole", "evidence")


def colorful(size: tuple[int, int], seed: int = 0) -> Image.Image:
    """Blobs of many colors, so that every part of it looks different."""
    small = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def with_views(predictor: Predictor, *views: View) -> Predictor:
    return Predictor(predictor.model, replace(predictor.spec, views=views))


def logits_of(predictor: Predictor, prediction: Prediction) -> np.ndarray:
    """What the class maps and the head's bias add up to."""
    return prediction.class_maps.mean(axis=(1, 2)) + head(predictor.model).bias.numpy()


@pytest.mark.parametrize(
    ("size", "expected"),
    [((300, 200), (320, 224)), ((200, 300), (224, 320)), ((224, 224), (224, 224)), ((297, 224), (288, 224)),
     ((1920, 1080), (352, 192)), ((4000, 100), (384, 128)), ((1, 900), (128, 384)), ((10, 10), (224, 224))],
)  # fmt: skip
def test_the_size_of_a_look_is_bounded(size: tuple[int, int], expected: tuple[int, int]) -> None:
    found = input_size(*size, 224)
    assert found == expected and found[0] * found[1] <= 1.45 * 224**2


@pytest.mark.parametrize(
    "views", [("whole",), ("center", "whole"), ("center", "evidence"), ("evidence",), ("whole", "evidence"), ALL]
)
@pytest.mark.parametrize("size", [(150, 90), (90, 300), (64, 64), (2, 1)])
def test_maps_and_embeddings_add_up_to_the_answer(
    tiny: Predictor, views: tuple[View, ...], size: tuple[int, int]
) -> None:
    predictor = with_views(tiny, *views)
    photo = colorful(size)
    found = predictor.predict(photo, "photo")
    logits = torch.from_numpy(logits_of(predictor, found))
    assert np.allclose(logits.softmax(0), found.probabilities, atol=1e-5)
    last = head(predictor.model)
    assert np.allclose(last(torch.from_numpy(found.embedding)).softmax(0), found.probabilities, atol=1e-5)
    assert found.class_maps.shape == (3, 14, 14)
    assert found.crop == (whole_photo(*size) if "whole" in views else tiny.predict(photo, "x").crop)
    assert (found.nearer is not None) == ("evidence" in views)


def test_the_answer_is_the_mean_of_the_views(tiny: Predictor) -> None:
    photo = colorful((150, 90))
    both = with_views(tiny, "center", "whole")
    one, other = (logits_of(tiny, with_views(tiny, view).predict(photo, "x")) for view in ("center", "whole"))
    assert np.allclose(logits_of(both, both.predict(photo, "x")), (one + other) / 2, atol=1e-5)
    assert not np.allclose(one, other, atol=1e-3)


def test_each_view_counts(tiny: Predictor) -> None:
    """No two sets of views give the same answer."""
    photo = colorful((150, 90))
    sets: list[tuple[View, ...]] = [("center",), ("whole",), ("evidence",), ("center", "whole"), ("center", "evidence")]
    answers = [
        with_views(tiny, *views).predict(photo, "x").probabilities for views in [*sets, ("whole", "evidence"), ALL]
    ]
    for number, one in enumerate(answers):
        assert not any(np.allclose(one, other, atol=1e-5) for other in answers[:number])


def test_photos_of_many_shapes_in_one_batch(tiny: Predictor) -> None:
    predictor = with_views(tiny, *ALL)
    photos = [colorful(size, seed) for seed, size in enumerate([(150, 90), (90, 150), (64, 64), (150, 90), (600, 31)])]
    for photo, found in predictor.predict_all(photos, lambda photo: photo):
        alone = predictor.predict(photo, "x")
        assert isinstance(found, Prediction) and found.nearer == alone.nearer
        assert np.allclose(found.probabilities, alone.probabilities, atol=1e-4)
        assert np.allclose(found.class_maps, alone.class_maps, atol=1e-2)


def test_the_nearer_look_is_around_the_evidence_and_within_the_photo(tiny: Predictor) -> None:
    size = (400, 200)
    look = Look(whole_photo(*size), torch.zeros(3, 64, 128))
    for place in ((0, 0), (3, 7), (1, 4)):
        maps = np.full((3, 4, 8), -1.0, dtype=np.float32)
        maps[(1, *place)] = 5.0
        logits = np.array([0.0, 9.0, 0.0], dtype=np.float32)
        box = evidence_box([Found(logits, maps, np.zeros(1))], [look], size, tiny.spec)
        assert 0 <= box.left < box.right <= 400 and 0 <= box.top < box.bottom <= 200
        assert box.width == pytest.approx(box.height)
        assert 0.5 * 200 * 64 / 72 <= box.width + 1e-6 <= 0.85 * 200 * 64 / 72 + 1
        across, down = (place[1] + 0.5) * 50, (place[0] + 0.5) * 50
        assert box.left <= across <= box.right and box.top <= down <= box.bottom
        if place == (1, 4):
            assert ((box.left + box.right) / 2, (box.top + box.bottom) / 2) == pytest.approx((across, down), abs=15)


def test_a_photo_without_any_evidence_is_looked_at_all_the_same(tiny: Predictor) -> None:
    look = Look(whole_photo(100, 100), torch.zeros(3, 64, 64))
    nothing = Found(np.zeros(3, np.float32), np.full((3, 2, 2), -2.0, np.float32), np.zeros(1))
    box = evidence_box([nothing], [look], (100, 100), tiny.spec)
    assert box.width == pytest.approx(0.85 * 100 * 64 / 72) and (box.left + box.right) / 2 == pytest.approx(50)


def test_a_box_of_the_visitors(tiny: Predictor) -> None:
    """It answers alone, whatever the views, and what surrounds it does not count."""
    photo, box = colorful((150, 90)), Box(30, 10, 110, 70)
    found = with_views(tiny, *ALL).predict(photo, "x", box)
    assert found.crop == box and found.nearer is None and found.photo.size == (150, 90)
    assert torch.equal(found.input, look_at(photo, box, 64).image)
    painted = Image.new("RGB", photo.size, "red")
    painted.paste(photo.crop((30, 10, 110, 70)), (30, 10))
    assert np.array_equal(found.probabilities, tiny.predict(painted, "x", box).probabilities)
    assert not np.allclose(found.probabilities, tiny.predict(photo, "x").probabilities, atol=1e-4)


def test_large_photos_are_shown_small_and_looked_at_alike(tiny: Predictor) -> None:
    predictor = with_views(tiny, *ALL)
    photo = colorful((1800, 1500))
    ((_, small),) = predictor.predict_all([photo], lambda photo: photo, photo_side=180)
    large = predictor.predict(photo, "x")
    assert isinstance(small, Prediction) and small.photo.size == (180, 150)
    assert small.crop == whole_photo(180, 150) and np.array_equal(small.probabilities, large.probabilities)
    assert small.nearer is not None and large.nearer is not None and large.shrunk(180).nearer == small.nearer
    assert small.nearer.left == pytest.approx(large.nearer.left / 10)


def test_one_class_of_views_is_stored_with_the_model(tiny: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_checkpoint(tiny.model, replace(tiny.spec, views=ALL), path)
    assert load_checkpoint(path)[1].views == ALL
    for wrong in ((), ("whole", "center"), ("center", "left"), ("center", "center")):
        with pytest.raises(CheckpointError, match="center, whole, evidence"):
            replace(tiny.spec, views=wrong)


def test_the_center_alone_is_what_it_was(tiny: Predictor) -> None:
    photo = picture((200, 30, 30))
    (look,) = first_looks(photo, tiny.spec)
    assert torch.equal(look.image, tiny.preprocess(photo)) and tiny.predict(photo, "x").class_maps.shape == (3, 2, 2)
