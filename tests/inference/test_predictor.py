"""One loop for a photo, a folder, an upload: in order, batched, bad files as their own outcome, nothing read too far ahead."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from har_core.data.transforms import center_crop_box
from har_core.errors import Cancelled, ImageError
from har_core.inference.prediction import Prediction
from har_core.inference.predictor import Predictor
from har_core.media.images import open_photo
from tests.conftest import COLORS, picture


def photo(number: int) -> Image.Image:
    return picture(list(COLORS.values())[number % 3], (60 + number % 7, 48), seed=number)


def load(number: int) -> Image.Image:
    if number % 10 == 3:
        raise ImageError(f"{number} is not a photo")
    if number % 10 == 7:
        raise FileNotFoundError(f"{number} is gone")
    time.sleep((number % 4) / 500)  # the first of a batch is not the first that is ready
    return photo(number)


def test_one_outcome_for_each_item_in_order(tiny: Predictor) -> None:
    found = list(tiny.predict_all(range(40), load, name=lambda number: f"photo {number}", batch_size=6))
    assert [item for item, _ in found] == list(range(40))
    for number, outcome in found:
        if number % 10 == 3:
            assert isinstance(outcome, ImageError)
        elif number % 10 == 7:
            assert isinstance(outcome, FileNotFoundError)
        else:
            assert isinstance(outcome, Prediction) and outcome.name == f"photo {number}"
            alone = tiny.predict(photo(number), "alone")
            assert np.allclose(outcome.probabilities, alone.probabilities, atol=1e-5)
            assert np.allclose(outcome.class_maps, alone.class_maps, atol=1e-4)
            assert np.allclose(outcome.embedding, alone.embedding, atol=1e-4)
            assert outcome.key == alone.key and outcome.crop == alone.crop and outcome.photo.size == photo(number).size


def test_a_prediction_says_what_the_network_does(tiny: Predictor) -> None:
    found = tiny.predict(photo(0), "one.png")
    logits = tiny.forward(found.input[None]).logits[0]
    assert np.array_equal(found.probabilities, logits.softmax(dim=0).numpy()) and found.classes == tiny.spec.classes
    assert found.probabilities.sum() == pytest.approx(1) and found.confidence == found.probabilities.max()
    assert found.predicted == found.classes[found.ranking[0]] and sorted(found.ranking) == [0, 1, 2]
    assert found.class_maps.shape == (3, 2, 2) and found.embedding.shape == (512,) and found.input.shape == (3, 64, 64)
    assert found.key != tiny.predict(photo(1), "one.png").key


def test_batches_of_one_give_the_same_to_the_last_bit(tiny: Predictor) -> None:
    for number, outcome in tiny.predict_all(range(3), photo, batch_size=1):
        assert isinstance(outcome, Prediction)
        alone = tiny.predict(photo(number), str(number))
        assert outcome.name == alone.name and np.array_equal(outcome.probabilities, alone.probabilities)
        assert np.array_equal(outcome.class_maps, alone.class_maps)


def test_shrunk_photos_keep_their_crop(tiny: Predictor) -> None:
    ((_, small),) = tiny.predict_all([0], lambda _: picture(COLORS["red"], (400, 200)), photo_side=100)
    large = tiny.predict(picture(COLORS["red"], (400, 200)), "0")
    assert isinstance(small, Prediction) and small.photo.size == (100, 50) and large.photo.size == (400, 200)
    for one, other in ((small, large), (large.shrunk(100), large)):
        assert one.crop.left == pytest.approx(other.crop.left / 4) and one.crop.bottom == pytest.approx(
            other.crop.bottom / 4
        )
    assert np.array_equal(small.probabilities, large.probabilities)
    assert tiny.predict(large.photo, "0", photo_side=100).photo.size == (100, 50)
    assert large.crop == center_crop_box(400, 200, crop_size=64, resize=72)


def test_items_are_taken_as_they_are_needed(tiny: Predictor) -> None:
    taken: list[int] = []

    def endless() -> Iterator[int]:
        number = 0
        while True:
            taken.append(number)
            yield number
            number += 1

    outcomes = tiny.predict_all(endless(), photo, batch_size=4)
    assert next(outcomes)[0] == 0
    outcomes.close()
    assert len(taken) == 8  # the batch, and the next one ahead
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_it_is_asked_before_every_batch_whether_to_go_on(tiny: Predictor) -> None:
    seen: list[int] = []
    with pytest.raises(Cancelled):
        for item, _ in tiny.predict_all(range(40), photo, batch_size=4, cancelled=lambda: len(seen) >= 8):
            seen.append(item)
    assert seen == list(range(8))


def test_other_errors_of_a_photo_are_not_hidden(tiny: Predictor) -> None:
    def broken(_: int) -> Image.Image:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(tiny.predict_all(range(3), broken))


def test_nothing_in_nothing_out(tiny: Predictor) -> None:
    assert list(tiny.predict_all([], photo)) == []


def test_threads_share_a_predictor(tiny: Predictor) -> None:
    expected = [tiny.predict(photo(number), "x").probabilities for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: tiny.predict(photo(number), "x").probabilities, range(8)))
    assert all(np.array_equal(one, other) for one, other in zip(expected, found, strict=True))


def test_upright_photos_of_any_mode_are_taken_from_files(tiny: Predictor, tmp_path: Path) -> None:
    picture(COLORS["red"]).convert("L").save(tmp_path / "gray.png")
    (tmp_path / "notes.png").write_text("these are notes")
    names = ("gray.png", "notes.png", "gone.png")
    outcomes = [outcome for _, outcome in tiny.predict_all([tmp_path / name for name in names], open_photo)]
    assert isinstance(outcomes[0], Prediction)
    assert isinstance(outcomes[1], ImageError) and isinstance(outcomes[2], ImageError)
