"""The Predict page."""

from __future__ import annotations

import time

import pytest

from har_core import recogniser
from har_core.images import open_photo
from tests.conftest import ROOT
from tests.pages.conftest import opened, text


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
