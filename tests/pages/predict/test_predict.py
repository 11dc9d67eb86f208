"""The Predict page."""

from __future__ import annotations

import io
import os
import shutil
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from har_core.inference.prediction import Prediction
from har_core.inference.predictor import Predictor
from har_core.inference.views import first_looks
from har_core.media.images import open_photo
from har_core.models.spec import ModelSpec
from har_core.runs.file_names import MANIFEST
from har_core.runs.run import assets_folder, shipped_run
from tests.conftest import picture
from tests.pages.conftest import PAGES, click, opened, text, wait_for_job, widget


def encoded(photo: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    photo.save(buffer, kind)
    return buffer.getvalue()


def test_a_newcomer_is_told_what_to_do() -> None:
    app = opened("predict")
    assert len(app.file_uploader) == 1 and "listening to music" in text(app)
    assert sum(str(button.key).startswith("sample-") for button in app.button) == 3


def test_a_sample_is_predicted_and_its_source_named() -> None:
    app = opened("predict")
    app.button(key="sample-astronaut.jpg").click().run()
    assert not app.exception and not app.error
    assert any("NASA, public domain" in caption.value for caption in app.caption)
    assert any(header.value.startswith("Why ") for header in app.subheader)


def test_a_test_photo_is_a_sample_whose_label_is_told_after_the_answer(
    real_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAR_DATA", str(real_photos))
    app = opened("predict")
    predictions, seen = shipped_run().predictions(), set()
    first = next(button for button in app.button if button.label == "Try this sample")
    name = str(first.key).removeprefix("sample-")
    assert not any(name in line.value for line in app.caption)
    first.click().run()
    for _ in range(3):
        told = next(line.value for line in app.markdown if line.value.startswith("**The model is"))
        name = told.split("Test photo ")[1].rstrip(".").replace("\\", "")
        row = predictions.samples.tolist().index(name)
        right = predictions.true[row] == predictions.predicted[row]
        assert told.startswith("**The model is right**" if right else "**The model is wrong**")
        assert predictions.classes[predictions.true[row]].replace("_", " ") in told
        assert name not in seen
        seen.add(name)
        click(app, "Another")
    click(app, "Back to the start")
    assert any(button.label == "Try this sample" for button in app.button)


def test_a_run_without_weights_says_which_one_predicts() -> None:
    app = opened("predict", "published-report")
    assert "has results only" in app.info[0].value
    app.button(key="sample-astronaut.jpg").click().run()
    assert not app.exception and any(header.value.startswith("Why ") for header in app.subheader)


def test_below_the_threshold_no_action_is_claimed(shipped: Predictor) -> None:
    """And the threshold survives a visit to another page."""
    app = opened("predict")
    app.button(key="sample-camera.jpg").click().run()
    expected = shipped.predict(open_photo(assets_folder() / "samples" / "camera.jpg"), "camera.jpg")
    for threshold, unsure in ((0.0, False), (1.0, True)):
        widget(app, "slider", "threshold").set_value(threshold).run()
        answer = next(block.value for block in app.get("html") if 'id="answer"' in block.value)
        assert ("unsure" in answer) is unsure
        assert expected.predicted.replace("_", " ") in answer
    app.switch_page(PAGES["scores"]).run()
    app.switch_page(PAGES["predict"]).run()
    assert widget(app, "slider", "threshold").value == 1.0


@pytest.mark.parametrize("method", ["Grad-CAM++", "LayerCAM", "EigenCAM"])
def test_other_methods(method: str) -> None:
    app = opened("predict")
    app.button(key="sample-astronaut.jpg").click().run()
    app.selectbox(key="method").set_value(method).run()
    wait_for_job(app, "cam-job")
    app.run()
    assert not app.exception and app.session_state["cam-job"].error is None
    assert any(caption.value.startswith(method) for caption in app.caption)
    assert any("whatever the class" in caption.value for caption in app.caption) is (method == "EigenCAM")


def test_one_visitor_keeps_no_more_than_the_memory_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app_pages.predict.batch.AT_ONCE", 4)
    app = opened("predict")
    photos = [encoded(picture((number, 90, 200 - number), (1600, 1200), number), "JPEG") for number in range(3)]
    app.file_uploader(key="uploads").set_value(
        [(f"{number}.jpg", photos[number % 3], "image/jpeg") for number in range(6)]
    ).run()
    assert not app.exception and app.title[0].value.startswith("4 photos")
    assert "the last 2 were skipped" in app.warning[0].value
    for prediction in app.session_state["predictions"][1].values():
        assert prediction.photo.size == (1024, 768)
        assert astuple(prediction.crop) == (0, 0, 1024, 768)
        assert 0 <= prediction.nearer.left < prediction.nearer.right <= 1024


def test_what_is_kept_of_a_photo_is_smaller_but_what_the_network_saw_is_not() -> None:
    app, photo = opened("predict"), picture((9, 9, 9), (1600, 1200))
    app.file_uploader(key="uploads").set_value([("0.png", encoded(photo, "PNG"), "image/png")]).run()
    (prediction,) = app.session_state["predictions"][1].values()
    assert prediction.photo.size == (1024, 768)
    spec = ModelSpec(("a", "b"), views=("whole",))
    assert np.array_equal(prediction.input, first_looks(photo, spec)[0].image)


def test_a_second_photo_of_the_same_name_gets_a_heatmap_of_its_own() -> None:
    """As the camera's pictures have: the slow methods' results are kept between reruns."""
    app, heatmaps = opened("predict"), []
    for color in ((200, 30, 30), (30, 30, 200)):
        photo = encoded(picture(color, (300, 260)), "PNG")
        app.file_uploader(key="uploads").set_value([("camera.jpg", photo, "image/png")]).run()
        app.selectbox(key="method").set_value("LayerCAM").run()
        wait_for_job(app, "cam-job")
        (prediction,) = app.session_state["predictions"][1].values()
        assert isinstance(prediction, Prediction)
        assert app.selectbox(key=f"target-{prediction.key}").value == prediction.ranking[0]
        heatmaps.append(app.session_state["cam-job"].result)
    assert np.abs(heatmaps[0] - heatmaps[1]).max() > 0.1


def test_what_was_uploaded_survives_a_visit_to_another_page() -> None:
    """With its settings, and with a way to remove it."""
    app = opened("predict")
    photo = encoded(picture((200, 30, 30), (300, 260)), "PNG")
    app.file_uploader(key="uploads").set_value([("mine.png", photo, "image/png")]).run()
    app.slider(key="opacity").set_value(0.3).run()
    app.switch_page(PAGES["scores"]).run()
    app.switch_page(PAGES["predict"]).run()
    assert not app.exception and app.slider(key="opacity").value == 0.3
    assert any('<h1 id="answer-action"' in block.value for block in app.get("html")) and not app.title
    click(app, "Remove mine.png")
    assert not app.exception and any("Drop a photo" in line.value for line in app.markdown)
    assert not any('id="answer"' in block.value for block in app.get("html"))


def test_a_model_that_was_trained_again_answers_anew(made_runs: Path) -> None:
    folder = made_runs / "again"
    shutil.copytree(shipped_run().folder, folder)
    try:
        app = opened("predict", "again")
        app.button(key="sample-astronaut.jpg").click().run()
        before = app.session_state["predictions"][0]
        app.run()
        assert app.session_state["predictions"][0] is before
        os.utime(folder / MANIFEST)
        app.run()
        assert app.session_state["predictions"][0] is not before
    finally:
        shutil.rmtree(folder)
