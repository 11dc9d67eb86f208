"""A visitor's own labeled photos."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app_pages.own.scoring import ERROR
from app_pages.state import jobs, models
from har_core.inference import evaluate as evaluation
from har_core.media.isolated import IsolatedDecoder
from har_core.runs.run import shipped_run
from tests.pages.conftest import PAGES, follow, links, opened, wait_for, wait_for_job, widget
from tests.pages.own.zips import asked, bring, evaluate_all, packed, photo, zipped


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Scoring waits until it is set, or until it is stopped."""
    opened_gate, real = threading.Event(), evaluation.evaluate

    def gated(samples: Any, predictor: Any, *, cancelled: Callable[[], bool], **options: Any) -> evaluation.Evaluation:
        wait_for(lambda: opened_gate.is_set() or cancelled())
        return real(samples, predictor, cancelled=cancelled, **options)

    monkeypatch.setattr(evaluation, "evaluate", gated)
    yield opened_gate
    opened_gate.set()


def test_a_visitors_own_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are evaluated, looked at on every page, decoded elsewhere, and gone when the session forgets them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app = opened("own")
    bring(app, "mine.zip", packed(("sitting", "running", "juggling"), 2))
    assert app.subheader[0].value == "6 photos of 3 actions"
    choice = asked(app, "juggling")
    assert choice.label == "juggling (2 photos)" and choice.options[:3] == ["Skip", "Score as wrong", "calling"]
    choice.set_value(ERROR).run()
    evaluate_all(app)
    assert not app.exception and "on 6 photos" in app.success[0].value
    follow(app, "**See where it fails**")
    assert app.session_state["run"] == "run-0" and "on 6 photos" in app.title[0].value

    decoded: list[str] = []
    decoder = models.decoder()

    def note(data: bytes, name: str) -> Image.Image:
        decoded.append(name)
        return IsolatedDecoder.open(decoder, data, name)

    monkeypatch.setattr(decoder, "open", note)
    for file in PAGES.values():
        app.switch_page(file).run()
        assert not app.exception and not [error for error in app.error if "damaged" not in error.value]
    app.switch_page(PAGES["errors"]).run()
    assert "of 6 photos" in app.title[0].value and not any("on this machine" in line.value for line in app.caption)
    assert decoded
    assert len(list(tmp_path.glob("har-lens-*"))) == 1
    del app, choice
    models.keep_out_of_collections()
    assert list(tmp_path.glob("har-lens-*")) == []


def test_a_scoring_goes_on_beside_other_pages_and_its_result_waits(gate: threading.Event) -> None:
    app = opened("own")
    bring(app, "mine.zip", packed(("sitting",), 1))
    app.button(key="own-start").click().run()
    app.switch_page(PAGES["scores"]).run()
    assert any("Scoring mine.zip" in line.value for line in app.caption)
    time.sleep(1)
    gate.set()
    wait_for_job(app, "own-job")
    app.run()
    assert any("Your mine: scored" in line.value for line in app.caption)
    app.switch_page(PAGES["own"]).run()
    assert links(app, "**See where it fails**") and app.text_input(key="keep-run-0")
    follow(app, "**See where it fails**")
    app.switch_page(PAGES["own"]).run()
    assert app.session_state["run"] == "run-0" and "predicting uses" in app.info[0].value
    assert app.button(key="own-start") and app.text_input(key="keep-run-0")
    evaluate_all(app)
    assert app.session_state["own-runs"]["run-1"].by == "best"


@pytest.mark.parametrize("ended", [False, True])
def test_a_scoring_keeps_its_zip_and_its_run_until_it_is_over(
    ended: bool, gate: threading.Event, made_runs: Path
) -> None:
    app = opened("own")
    bring(app, "a.zip", packed(("sitting",), 1))
    app.button(key="own-start").click().run()
    job = app.session_state["own-job"]
    assert not app.file_uploader and not [one for one in app.button if one.label.startswith("Remove")]
    copy = made_runs / "another"
    shutil.copytree(shipped_run().folder, copy)
    try:
        app.run()
        widget(app, "selectbox", "run").set_value("another").run()
        assert app.button(key="own-cancel") and app.session_state["own-job"] is job and not job.stopping
        if ended:
            app.session_state["own-job"].stop()
        gate.set()
        wait_for_job(app, "own-job")
        app.run()
    finally:
        shutil.rmtree(copy)
    assert not app.exception and "own-job" not in app.session_state
    assert list(app.session_state["own-runs"]) == ([] if ended else ["run-0"])
    assert app.file_uploader and app.button(key="own-start") and app.subheader[0].value == "1 photo of 1 action"


@pytest.mark.parametrize("change", ["another zip", "no zip"])
def test_another_zip_takes_the_place_of_the_one_before(change: str) -> None:
    app = opened("own")
    bring(app, "a.zip", packed(("sitting",), 1))
    if change == "no zip":
        next(button for button in app.button if button.label == "Remove a.zip").click().run()
        assert not app.subheader
    bring(app, "b.zip", packed(("running", "sitting"), 1))
    assert app.subheader[0].value == "2 photos of 2 actions"


def test_cancelling_answers_at_once(gate: threading.Event) -> None:
    app = opened("own")
    bring(app, "mine.zip", packed(("sitting",), 1))
    app.button(key="own-start").click().run()
    app.session_state["own-job"].stop()
    app.run()
    wait_for_job(app, "own-job")
    app.run()
    assert app.info[0].value == jobs.STOPPED and app.button(key="own-start").label == "Evaluate again"


def test_a_set_is_removed_with_its_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app = opened("own")
    bring(app, "mine.zip", packed(("sitting",), 1))
    evaluate_all(app)
    follow(app, "**See where it fails**")
    app.switch_page(PAGES["own"]).run()
    app.button(key="remove-run-0").click().run()
    assert not app.exception and app.session_state["run"] == "best" and not app.session_state["own-runs"]
    next(button for button in app.button if button.label == "Remove mine.zip").click().run()
    models.keep_out_of_collections()
    assert list(tmp_path.glob("har-lens-*")) == []


def test_a_zip_that_is_none_is_refused_in_plain_words() -> None:
    app = opened("own")
    app.file_uploader[0].set_value(("mine.zip", b"these are notes", "application/zip")).run()
    assert not app.exception and "expected a zip of photos" in app.error[0].value


def test_folders_that_are_actions_count_and_not_a_table_beside_them() -> None:
    app = opened("own")
    table = b"filename,label,confidence\nsitting/1.png,running,0.9\nrunning/1.png,running,0.8\n"
    bring(
        app,
        "mine.zip",
        zipped({"sitting/1.png": photo(0), "running/1.png": photo(1), "predictions.csv": table}),
    )
    assert app.subheader[0].value == "2 photos of 2 actions"
    assert "predictions.csv was not read" in app.info[0].value and "1 of 2 photos" in app.info[0].value


def test_names_of_which_none_is_a_photo_leave_nothing_to_evaluate() -> None:
    app = opened("own")
    table = b"filename,label\nIMG_1.png,running\nIMG_2.png,sitting\n"
    bring(app, "mine.zip", zipped({"1.png": photo(0), "2.png": photo(1), "labels.csv": table}))
    said = app.error[0].value.replace("\\", "")
    assert "IMG_1.png" in said and "1.png)" in said and "()" not in said
    assert not any(button.key == "own-start" for button in app.button)


def test_photos_that_could_not_be_read_are_in_the_headline_and_the_result() -> None:
    app = opened("own")
    entries = {"sitting/1.png": photo(0), "running/1.png": photo(1), "running/2.png": b"", "sitting/2.png": b"x"}
    bring(app, "mine.zip", zipped(entries))
    evaluate_all(app)
    assert app.subheader[0].value == "4 photos of 2 actions, 2 of 4 photos could not be read"
    assert not app.success and "; 2 of 4 photos could not be read" in app.warning[0].value
    follow(app, "**See where it fails**")
    told = next(line.value for line in app.markdown if "were not used" in line.value).replace("\\", "")
    assert "2 photos were not used" in told and "running/2.png" in told and "folder" not in told


def test_labels_in_a_spreadsheet_are_said_not_to_be_read() -> None:
    app = opened("own")
    bring(app, "mine.zip", zipped({"images/1.png": photo(0), "images/2.png": photo(1), "labels.xlsx": b"PK"}))
    assert "The file labels.xlsx was not read" in app.info[0].value
    assert not any("labels.xlsx" in line.value for line in app.caption)
