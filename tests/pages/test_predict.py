"""The Predict page."""

from __future__ import annotations

import time
from dataclasses import astuple

import numpy as np
import pytest

from har_core import recogniser
from har_core.images import open_photo
from har_core.transforms import evaluation_crop, evaluation_transform
from pages import _many
from tests.conftest import ROOT, picture
from tests.pages.conftest import opened, text
from tests.test_images import encoded


def test_a_newcomer_is_told_what_to_do() -> None:
    app = opened("predict.py")
    assert "Drop a photo" in text(app) and "listening to music" in text(app)
    assert sum(button.label == "Try this sample" for button in app.button) == 3


def test_a_sample_is_recognised_and_its_source_named() -> None:
    app = opened("predict.py")
    app.button(key="sample-astronaut.jpg").click().run()
    assert not app.exception and not app.error
    assert any("NASA, public domain" in caption.value for caption in app.caption)
    assert any(header.value.startswith("Why ") for header in app.subheader)


def test_a_run_without_weights_says_who_answers() -> None:
    app = opened("predict.py", "published-report")
    assert "comes without weights" in app.info[0].value
    app.button(key="sample-astronaut.jpg").click().run()
    assert not app.exception and any(header.value.startswith("Why ") for header in app.subheader)


def test_below_the_threshold_no_action_is_claimed() -> None:
    app = opened("predict.py")
    app.button(key="sample-camera.jpg").click().run()
    shipped = recogniser.Recogniser.of(recogniser.shipped_run(ROOT))
    seen = shipped.recognise(open_photo(ROOT / "assets" / "samples" / "camera.jpg"), "camera.jpg")
    for threshold, unsure in ((0.0, False), (1.0, True)):
        app.slider(key="threshold").set_value(threshold).run()
        answer = next(block.value for block in app.get("html") if 'id="answer"' in block.value)
        assert ("unsure" in answer) is unsure
        assert seen.predicted.replace("_", " ") in answer


@pytest.mark.parametrize("method", ["Grad-CAM++", "LayerCAM", "EigenCAM"])
def test_other_methods(method: str) -> None:
    app = opened("predict.py")
    app.button(key="sample-astronaut.jpg").click().run()
    app.selectbox(key="method").set_value(method).run()
    deadline = time.monotonic() + 60
    while app.session_state["job"].running and time.monotonic() < deadline:
        time.sleep(0.2)
    app.run()
    assert not app.exception and app.session_state["job"].error is None
    assert any(caption.value.startswith(method) for caption in app.caption)
    assert any("whatever the class" in caption.value for caption in app.caption) is (method == "EigenCAM")


def test_one_visitor_keeps_no_more_than_the_memory_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_many, "AT_ONCE", 4)
    app = opened("predict.py")
    photos = [encoded(picture((number, 90, 200 - number), (1600, 1200), number), "JPEG") for number in range(3)]
    app.file_uploader(key="uploads").set_value(
        [(f"{number}.jpg", photos[number % 3], "image/jpeg") for number in range(6)]
    ).run()
    assert not app.exception and app.title[0].value == "4 photos recognised"
    assert "the last 2 were left out" in app.warning[0].value
    for seen in app.session_state["recognised"].values():
        assert seen.photo.size == (1024, 768)
        expected = evaluation_crop(1024, 768, crop_size=224, resize=256)
        assert np.allclose(astuple(seen.crop), astuple(expected), atol=1)


def test_what_is_kept_of_a_photo_is_smaller_but_what_the_network_saw_is_not() -> None:
    app, photo = opened("predict.py"), picture((9, 9, 9), (1600, 1200))
    app.file_uploader(key="uploads").set_value([("0.png", encoded(photo, "PNG"), "image/png")]).run()
    (seen,) = app.session_state["recognised"].values()
    assert seen.photo.size == (1024, 768)
    assert np.array_equal(seen.input, evaluation_transform(224, 256)(photo))


def test_a_second_photo_of_the_same_name_gets_a_heatmap_of_its_own() -> None:
    """As the camera's pictures have: the slow methods' results are kept between reruns."""
    app, heats = opened("predict.py"), []
    for colour in ((200, 30, 30), (30, 30, 200)):
        photo = encoded(picture(colour, (300, 260)), "PNG")
        app.file_uploader(key="uploads").set_value([("camera.jpg", photo, "image/png")]).run()
        app.selectbox(key="method").set_value("LayerCAM").run()
        deadline = time.monotonic() + 60
        while app.session_state["job"].running and time.monotonic() < deadline:
            time.sleep(0.2)
        (seen,) = app.session_state["recognised"].values()
        assert app.selectbox(key=f"target-{seen.key}").value == seen.ranking[0]
        heats.append(app.session_state["job"].result)
    assert np.abs(heats[0] - heats[1]).max() > 0.1
