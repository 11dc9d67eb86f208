"""The Live page, without a camera: frames are sent as the browser sends them."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from app_pages.components import camera as component
from app_pages.components.camera import Answer, Frame, sent_frame
from har_core.inference.predictor import Predictor
from har_core.media.geometry import center_crop_box
from har_core.media.images import open_photo
from har_core.runs.run import SHIPPED, Run, assets_folder
from tests.conftest import ROOT, picture
from tests.pages.conftest import PAGES, address, opened, text

LIVE = PAGES["live"]
SAMPLE = assets_folder() / "samples" / "grace_hopper.jpg"


class Camera:
    """Stands in for the camera, which Streamlit's test frame does not draw: what is sent next, and what was answered."""

    def __init__(self) -> None:
        self.sent: Frame | None = None
        self.side = 0
        self.answers: list[tuple[Frame | None, Answer | None, str]] = []
        self.keep: Any = None

    def draw(self, *, key: str, side: int, on_keep: Any) -> None:
        self.side = side
        st.button("Keep", key="keep", on_click=lambda: on_keep(SAMPLE.read_bytes()))

    def frame(self, key: str) -> Frame | None:
        return self.sent

    def link(self, *, key: str, frame: Frame | None = None, answer: Answer | None = None, refusal: str = "") -> None:
        self.answers.append((frame, answer, refusal))


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Camera:
    found = Camera()
    monkeypatch.setattr(component, "camera", found.draw)
    monkeypatch.setattr(component, "sent_frame", found.frame)
    monkeypatch.setattr(component, "camera_link", found.link)
    return found


@pytest.fixture
def live(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    return opened("live", SHIPPED, model=SHIPPED)


def jpeg(photo: Image.Image) -> bytes:
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG")
    return buffer.getvalue()


def answered(app: AppTest, camera: Camera, content: bytes) -> tuple[Answer | None, str]:
    """What the page says to one frame."""
    camera.sent = Frame(len(camera.answers), content)
    app.run()
    assert not app.exception
    frame, answer, refusal = camera.answers[-1]
    assert frame is camera.sent
    return answer, refusal


def test_a_frame_is_answered_as_the_model_sees_its_center(live: AppTest, camera: Camera, shipped: Predictor) -> None:
    assert len(live.title) == 1 and live.title[0].value.endswith("?")
    photo = open_photo(SAMPLE)
    answer, refusal = answered(live, camera, SAMPLE.read_bytes())
    spec = shipped.spec
    box = center_crop_box(*photo.size, crop_size=spec.crop_size, resize=spec.resize)
    expected = shipped.predict(photo, "", box)
    assert answer is not None and not refusal
    assert live.title[0].value == answer.headline
    labels, probabilities = zip(*answer.likeliest, strict=True)
    assert labels == tuple(spec.classes[index].replace("_", " ") for index in expected.ranking[:3])
    assert probabilities == pytest.approx(expected.probabilities[expected.ranking[:3]], abs=1e-4)
    across, down = photo.size
    assert answer.seen == pytest.approx((box.left / across, box.top / down, box.right / across, box.bottom / down))
    assert camera.side == spec.resize


def test_the_heat_is_strongest_where_the_evidence_is(live: AppTest, camera: Camera, shipped: Predictor) -> None:
    answer, _ = answered(live, camera, SAMPLE.read_bytes())
    assert answer is not None and answer.heat is not None
    heat = np.asarray(Image.open(io.BytesIO(answer.heat)))
    assert heat.shape == (28, 28, 4) and heat[..., 3].min() >= 63 and heat[..., 3].max() >= 254
    photo = open_photo(SAMPLE)
    box = center_crop_box(*photo.size, crop_size=shipped.spec.crop_size, resize=shipped.spec.resize)
    expected = shipped.predict(photo, "", box)
    peak = np.unravel_index(expected.class_maps[expected.ranking[0]].argmax(), expected.class_maps.shape[1:])
    found = np.unravel_index(heat[..., 3].argmax(), heat.shape[:2])
    assert all(abs((here + 0.5) / 28 - (there + 0.5) / 7) < 1 / 7 for here, there in zip(found, peak, strict=True))


def test_probabilities_are_means_over_the_last_second(
    live: AppTest, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("app_pages.live.answering.time.monotonic", lambda: now[0])
    photos = [SAMPLE.read_bytes(), (SAMPLE.parent / "astronaut.jpg").read_bytes()]
    alone = []
    for photo in photos:
        now[0] += 5
        answer, _ = answered(live, camera, photo)
        assert answer is not None
        alone.append(dict(answer.likeliest))
    now[0] += 5
    answered(live, camera, photos[0])
    now[0] += 0.6
    both, _ = answered(live, camera, photos[1])
    now[0] += 0.6
    late, _ = answered(live, camera, photos[1])
    assert both is not None and late is not None
    for label, probability in both.likeliest:
        if label in alone[0] and label in alone[1]:
            assert probability == pytest.approx((alone[0][label] + alone[1][label]) / 2, abs=1e-4)
    assert dict(late.likeliest) == pytest.approx(alone[1], abs=1e-4)


@pytest.mark.parametrize("content", [b"", b"no picture", jpeg(picture((9, 9, 9), (1600, 1200)))])
def test_what_is_no_frame_is_refused_and_the_next_one_answered(live: AppTest, camera: Camera, content: bytes) -> None:
    answer, refusal = answered(live, camera, content)
    assert answer is None and refusal and str(ROOT) not in refusal
    assert live.title[0].value.endswith("?")
    answer, refusal = answered(live, camera, jpeg(picture((9, 9, 9), (320, 240))))
    assert answer is not None and not refusal


def test_a_kept_frame_is_opened_on_predict(live: AppTest, camera: Camera) -> None:
    live.button(key="keep").click().run()
    assert [element.proto.page for element in live.get("page_link") if element.proto.label == "Predict"][
        -1
    ] == "predict"
    live.switch_page(PAGES["predict"]).run()
    assert not live.exception and any("camera.jpg" in button.label for button in live.button)
    assert any(header.value.startswith("Why ") for header in live.subheader)
    live.switch_page(LIVE).run()
    assert len(live.title) == 1 and live.title[0].value.endswith("?")


def test_the_model_is_chosen_here_and_stands_in_the_address(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened("live")
    quick = Run.open(assets_folder() / "runs" / "edge")
    assert camera.side == quick.manifest.model.resize and address(app) == {}
    choice = next(box for box in app.selectbox if box.label == "Model")
    assert quick.title in choice.options and len(choice.options) < len(app.selectbox[0].options)
    choice.set_value(SHIPPED).run()
    assert camera.side != quick.manifest.model.resize and address(app) == {"model": SHIPPED}
    assert "square" in text(app)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "text",
        {"number": 1},
        {"number": "1", "image": "AAAA"},
        {"number": True, "image": "AAAA"},
        {"number": 1, "image": "not base64!"},
        {"number": 1, "image": "é"},
        {"number": 1, "image": ["AAAA"]},
        {"number": 1, "image": "A" * 800_000},
    ],
)
def test_what_the_script_of_the_page_never_sends_is_passed_over(sent: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(component.st, "session_state", {"link": type("State", (), {"frame": sent})()})
    assert sent_frame("link") is None and sent_frame("another") is None


def test_a_frame_comes_in_base64(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = {"number": 7, "image": base64.b64encode(b"\xff\xd8content").decode()}
    monkeypatch.setattr(component.st, "session_state", {"link": type("State", (), {"frame": sent})()})
    assert sent_frame("link") == Frame(7, b"\xff\xd8content")


def test_the_page_opens_without_pytorch(tmp_path: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from streamlit.testing.v1 import AppTest
from app_pages.state import models
models.preload = lambda: None
app = AppTest.from_file({str(ROOT / "app.py")!r}, default_timeout=60).run()
app.switch_page({LIVE!r}).run()
assert not app.exception and len(app.title) == 1
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
