"""Every page through app.py, without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from har_core import recogniser
from har_core.images import open_photo
from har_core.runs import Run
from tests.conftest import ROOT

PAGES = sorted(path.name for path in (ROOT / "pages").glob("[!_]*.py"))


def opened(page: str | None = None) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.run()
    if page is not None:
        app.switch_page(f"pages/{page}").run()
    return app


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens(page: str) -> None:
    app = opened(page)
    assert not app.exception and not app.error and len(app.title) == 1


def test_the_start_tells_a_newcomer_what_to_do() -> None:
    app = opened()
    text = " ".join(element.value for element in app.markdown)
    assert "Drop a photo" in text and "listening to music" in text
    assert sum(button.label == "Try this sample" for button in app.button) == 3


def test_a_sample_is_recognised_and_its_source_named() -> None:
    app = opened()
    app.button(key="sample-astronaut.jpg").click().run()
    assert not app.exception and not app.error
    assert any("NASA, public domain" in caption.value for caption in app.caption)
    assert any(header.value.startswith("Why ") for header in app.subheader)


def test_below_the_threshold_no_action_is_claimed() -> None:
    app = opened()
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
    import time

    app = opened()
    app.button(key="sample-astronaut.jpg").click().run()
    app.selectbox(key="method").set_value(method).run()
    deadline = time.monotonic() + 60
    while app.session_state["job"].running and time.monotonic() < deadline:
        time.sleep(0.2)
    app.run()
    assert not app.exception and app.session_state["job"].error is None
    assert any(caption.value.startswith(method) for caption in app.caption)
    assert any("whatever the class" in caption.value for caption in app.caption) is (method == "EigenCAM")


def test_a_damaged_run_is_told_in_plain_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text("{")
    monkeypatch.setattr("pages._shared.shipped_run", lambda root: Run.open(tmp_path))
    app = opened()
    assert not app.exception and len(app.error) == 1 and "card.json" in app.error[0].value
