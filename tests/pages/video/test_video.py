"""A visitor's clip: watched, cut into segments, looked at frame by frame; kept while they look elsewhere, and gone with them."""

from __future__ import annotations

import io
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from app_pages.state import models
from app_pages.video import clips
from har_core.inference import video
from har_core.runs.run import assets_folder
from tests.media.clip_makers import make_clip
from tests.pages.conftest import PAGES, click, opened, text, wait_for, wait_for_job, widget

RATE = 4
SMALL = "edge"
"""A run whose network answers quickly."""


@pytest.fixture(scope="module")
def clip() -> bytes:
    """Two portraits, a second and a half of each."""
    names = ["astronaut.jpg"] * 6 + ["camera.jpg"] * 6
    photos = [Image.open(assets_folder() / "samples" / name).convert("RGB").resize((160, 120)) for name in names]
    return make_clip(rate=RATE, size=(160, 120), pictures=[np.asarray(photo) for photo in photos])


def bring(content: bytes, name: str = "mine.mp4", app: AppTest | None = None) -> AppTest:
    app = app or opened("video", SMALL)
    app.file_uploader[0].set_value((name, content, "video/mp4")).run()
    if clips._ANSWERING in app.session_state:
        wait_for_job(app, clips._ANSWERING)
        app.run()
    return app


def frame(app: AppTest) -> str:
    return next(line.value for line in app.caption if line.value.startswith("Frame "))


def test_a_clip_is_watched_and_every_frame_can_be_looked_at(
    clip: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app = bring(clip)
    assert not app.exception and not app.error and "12 frames of 0:03" in text(app)
    segments = app.dataframe[0].value
    assert segments["from"][0] == "0:00.0" and segments["to"].iloc[-1] == "0:03.0"
    assert list(segments["from"][1:]) == list(segments["to"][:-1])
    app.button(key="clip-at-0").click().run()
    assert frame(app).startswith("Frame 1 of 12")
    click(app, "After")
    assert frame(app).startswith("Frame 2 of 12, at 0:00.2")
    assert app.selectbox(key="method").value == "Grad-CAM" and app.get("plotly_chart")
    app.switch_page(PAGES["scores"]).run()
    app.switch_page(PAGES["video"]).run()
    assert frame(app).startswith("Frame 2 of 12") and "12 frames" in text(app)
    assert len(list(tmp_path.glob("har-lens-*"))) == 1
    app.button(key="clip-remove").click().run()
    assert len(app.file_uploader) == 1 and not app.dataframe
    models.keep_out_of_collections()
    assert not list(tmp_path.glob("har-lens-*"))


def test_another_rate_is_another_answer(clip: bytes) -> None:
    app = bring(clip)
    app.segmented_control(key="clip-fps").set_value(2.0).run()
    wait_for_job(app, clips._ANSWERING)
    app.run()
    assert "6 frames of 0:03" in text(app)


def choose_rate(app: AppTest, rate: float) -> None:
    app.segmented_control(key="clip-fps").set_value(rate).run()


def choose_run(app: AppTest, rate: float) -> None:
    widget(app, "selectbox", "run").set_value(SMALL if rate == RATE else "edge-int8").run()


@pytest.mark.parametrize("choose", [choose_rate, choose_run])
def test_what_was_read_before_another_choice_is_kept(clip: bytes, choose: Callable[[AppTest, float], None]) -> None:
    app = bring(clip)
    first = app.session_state[clips._ANSWERING]
    choose(app, 2.0)
    wait_for_job(app, clips._ANSWERING)
    app.run()
    second = app.session_state[clips._ANSWERING]
    assert second is not first and second.result is not None
    for job, rate in ((first, RATE), (second, 2.0)):
        choose(app, rate)
        assert app.session_state[clips._ANSWERING] is job and not job.stopping and app.dataframe and not app.warning
    app.button(key="clip-remove").click().run()
    assert clips._BEFORE not in app.session_state


def test_tables_of_a_clip(clip: bytes) -> None:
    app = bring(clip)
    answers = app.session_state[clips._ANSWERING]
    found = video.clip_answer(
        answers.info, [f"c{n}" for n in range(15)], answers.answers, rule=video.FrameRule(), finished=True
    )
    frames = pd.DataFrame(video.frames_table(found)[1:], columns=video.frames_table(found)[0])
    assert len(frames) == 12 and np.allclose(frames.filter(like="p:").sum(axis=1), 1, atol=1e-3)
    assert [button.label for button in app.get("download_button")][:2] == ["Segments as CSV", "Frames as CSV"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"no clip at all", "not a clip"),
        (b"GIF89a" + bytes(100), "GIF"),
        (b"\x1aE\xdf\xa3" + bytes(500), ""),
    ],
)
def test_what_is_no_clip_is_refused_in_a_sentence(content: bytes, said: str) -> None:
    app = bring(content)
    assert not app.exception and app.title[0].value == "This clip was not read"
    line = app.error[-1].value
    assert said in line and "mine" in line and "/tmp" not in line
    bring(make_clip(rate=RATE, frames=4), "other.mp4", app)
    assert "4 frames" in text(app)


def test_a_clip_that_breaks_off_is_answered_as_far_as_it_goes() -> None:
    whole = make_clip("matroska", "mpeg4", frames=40, rate=8, size=(320, 240), options={"g": "4"})
    app = bring(whole[: len(whole) * 6 // 10], "cut.mkv")
    assert (
        not app.exception and app.dataframe and any("cut.mkv" in note.value.replace("\\", "") for note in app.warning)
    )


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The third frame is answered when the event is set."""
    go = threading.Event()
    answered = video.predict_clip

    def one_by_one(*args: object, **more: object) -> Iterator[video.FrameAnswer]:
        for number, answer in enumerate(answered(*args, **more)):  # type: ignore[arg-type]
            if number == 2:
                go.wait(30)
            yield answer

    monkeypatch.setattr(clips, "predict_clip", one_by_one)
    yield go
    go.set()


def test_what_is_known_is_shown_before_the_end_and_stopping_keeps_it(clip: bytes, slow: threading.Event) -> None:
    app = opened("video", SMALL)
    app.file_uploader[0].set_value(("mine.mp4", clip, "video/mp4")).run()
    job = app.session_state[clips._ANSWERING]
    wait_for(lambda: len(job.answers) == 2)
    app.run()
    assert app.title[0].value.startswith("Watching mine.mp4") and len(app.get("plotly_chart")) == 1
    app.button(key="clip-stop").click().run()
    slow.set()
    wait_for(lambda: not job.running)
    app.run()
    assert not app.exception and app.dataframe and any("Stopped at" in note.value for note in app.warning)


def test_a_clip_that_is_being_read_is_not_left_for_another(clip: bytes, slow: threading.Event) -> None:
    app = opened("video", SMALL)
    app.file_uploader[0].set_value(("mine.mp4", clip, "video/mp4"))
    app.segmented_control(key="clip-fps").set_value(2.0).run()
    job = app.session_state[clips._ANSWERING]
    assert job.running and job.fps == 2 and not app.file_uploader and not app.segmented_control
    app.switch_page(PAGES["scores"]).run()
    app.switch_page(PAGES["video"]).run()
    assert app.session_state[clips._ANSWERING] is job and not job.stopping and not app.file_uploader
    slow.set()
    wait_for(lambda: not job.running)
    app.run()
    assert "6 frames of 0:03" in text(app) and app.session_state[clips._ANSWERING] is job
    assert app.file_uploader and app.segmented_control(key="clip-fps").value == 2


def test_a_thumbnail_bears_the_heat_where_the_network_looked(clip: bytes) -> None:
    from app_pages.video.strip import strip_picture

    app = bring(clip)
    answer = app.session_state[clips._ANSWERING].answers[0]
    plain = Image.open(io.BytesIO(answer.thumbnail)).convert("RGB")
    hot = strip_picture(answer)
    assert hot.size == plain.size
    change = np.abs(np.asarray(hot, dtype=float) - np.asarray(plain, dtype=float)).mean(axis=2)
    assert change.max() > 40 > change.min()
