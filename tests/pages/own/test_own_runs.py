"""Runs of the session's own: made while other pages are looked at, led to, kept, and told of without commands."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app_pages.own import importing, run_jobs
from app_pages.own.understanding import Choices
from app_pages.state import jobs, own_runs
from har_core.imports.build import read_predictions
from har_core.runs.file_names import MODEL
from har_core.runs.run import Run
from tests.pages.conftest import PAGES, address, links, opened, text, wait_for, wait_for_job
from tests.pages.own.bringing import LABELS, box, boxes, bring, choose, made, open_analysis


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """An import waits until it is set."""
    opened_gate, real = threading.Event(), read_predictions

    def gated(*given: Any, **options: Any) -> Any:
        wait_for(opened_gate.is_set)
        return real(*given, **options)

    monkeypatch.setattr(importing, "read_predictions", gated)
    yield opened_gate
    opened_gate.set()


@pytest.mark.parametrize("at_once", [False, True])
def test_an_import_goes_on_beside_other_pages_and_its_result_waits_unless_it_comes_at_once(
    at_once: bool, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_jobs, "AT_ONCE", 1e6 if at_once else 0.0)
    monkeypatch.setattr(run_jobs, "SOON", 1e6)
    app = bring(LABELS)
    app.button(key="table-open").click().run()
    assert app.button(key="table-cancel")
    app.switch_page(PAGES["scores"]).run()
    assert any("Reading mine.csv" in line.value for line in app.caption)
    gate.set()
    wait_for_job(app, "own-import")
    app.run()
    if at_once:
        assert app.session_state["run"] == "run-0" and address(app) == {"run": "run-0"} and "66.7" in app.title[0].value
        assert {link["run"] for name in ("Overview", "Confusions", "**Scores**") for link in links(app, name)} == {
            "run-0"
        }
        return
    assert app.session_state["run"] == "best" and any("Your mine: read" in line.value for line in app.caption)
    app.switch_page(PAGES["own"]).run()
    assert links(app, "Open the error analysis")[0]["run"] == "run-0"


def test_what_was_chosen_a_moment_before_the_button_counts() -> None:
    """Both reach the server at once; what the page had drawn for the button is of the choice before."""
    app = bring(LABELS)
    box(app, "predicted").set_value("other")
    open_analysis(app)
    run = made(app)
    names = [run.classes[index] for index in run.predictions().predicted]
    assert names == ["dog", "dog", "cat"]


def test_a_run_that_was_made_before_does_not_stand_for_the_choice_of_a_moment_ago() -> None:
    app = bring(LABELS)
    open_analysis(app)
    app.switch_page(PAGES["own"]).run()
    box(app, "predicted").set_value("other")
    open_analysis(app)
    found = made(app, "run-1")
    assert [found.classes[index] for index in found.predictions().predicted] == ["dog", "dog", "cat"]
    assert links(app, "Open the error analysis")[0]["run"] == "run-1"


def test_a_choice_that_cannot_be_opened_stops_the_button() -> None:
    app = bring("filename,true,pred,other\na.jpg,cat,cat,\nb.jpg,dog,cat,\nc.jpg,dog,dog,\n")
    box(app, "predicted").set_value("other")
    app.button(key="table-open").click().run()
    assert not app.exception and app.error and "own-import" not in app.session_state
    assert app.button(key="table-open").disabled


def test_an_import_that_is_canceled_keeps_nothing(gate: threading.Event) -> None:
    app = bring(LABELS)
    app.button(key="table-open").click().run()
    job = app.session_state["own-import"]
    assert app.button(key="table-cancel").label == "Cancel"
    job.stop()
    gate.set()
    wait_for(lambda: not job.running)
    app.run()
    assert job.stopping and job.result is None and not app.session_state["own-runs"]
    assert [one.value for one in app.info] == [jobs.STOPPED] and app.button(key="table-open") and boxes(app)


def test_a_table_that_is_being_read_is_not_left_for_other_columns(gate: threading.Event) -> None:
    """What a page that was drawn before sends, ends it as little."""
    app = bring(LABELS)
    choose(app, "predicted", "other")
    app.button(key="table-open").click().run()
    job = app.session_state["own-import"]
    assert job.running and not boxes(app) and app.button(key="table-remove").disabled and not app.file_uploader
    app.session_state["own-table"] = replace(app.session_state["own-table"], choices=Choices())
    app.run()
    assert app.session_state["own-import"] is job and job.running and not job.stopping
    gate.set()
    wait_for(lambda: not job.running)
    app.run()
    assert job.result is not None and made(app).confusion_matrix().tolist() == [[0, 1], [1, 1]]


def test_every_link_leads_to_the_new_run_before_the_page_leads_there() -> None:
    app = bring(LABELS)
    open_analysis(app)
    assert not app.title and [link["run"] for link in links(app, "Open the error analysis")] == ["run-0"]
    for name in ("Overview", "Predict", "Confusions", "Errors", "Scores", "Compare"):
        assert [link["run"] for link in links(app, name)] == ["run-0"], name
    assert "run" not in address(app), "Back from the analysis is one step"


@pytest.mark.parametrize("named", [True, False])
def test_a_trusted_visitor_keeps_a_run(named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder of runs that the app was started with, else in the workplace's."""
    monkeypatch.setattr("app_pages.state.settings.WORKPLACE", tmp_path / "elsewhere" if named else tmp_path)
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs") if named else "")
    app = bring(LABELS)
    open_analysis(app)
    app.switch_page(PAGES["own"]).run()

    def keep(name: str) -> None:
        app.text_input(key="keep-run-0").set_value(name).run()
        app.button(key="keep-button-run-0").click().run()

    keep("내 사진 1")
    kept = Run.open(tmp_path / "runs" / "내 사진 1")
    assert len(app.success) == 1 and kept.confusion_matrix().sum() == 3 and made(app).title == "Your mine"
    for refused, fragment in (
        ("../up", "letters"),
        ("Best", "already"),
        ("RUN-0", "already"),
        ("내 사진 1", "already"),
    ):
        keep(refused)
        assert fragment in app.error[0].value and not app.success
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["내 사진 1"]
    app = opened("compare", "내 사진 1")
    assert not app.exception and "내 사진 1" in app.title[0].value
    assert "Run: 내 사진 1" in next(box for box in app.selectbox if box.label == "Run").options


def test_a_kept_run_is_deleted_and_nothing_else_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model can not be deleted by a click, nor what lies elsewhere; a stranger is offered nothing."""
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = bring(LABELS)
    open_analysis(app)
    app.switch_page(PAGES["own"]).run()
    for name in ("mine", "yours"):
        app.text_input(key="keep-run-0").set_value(name).run()
        app.button(key="keep-button-run-0").click().run()
    shutil.copytree(tmp_path / "runs" / "mine", tmp_path / "runs" / "model")
    (tmp_path / "runs" / "model" / MODEL).write_bytes(b"weights")
    app = opened("own", "mine")
    assert {one.key for one in app.button if str(one.key).startswith("delete-button")} == {
        "delete-button-mine",
        "delete-button-yours",
    }
    app.button(key="delete-button-mine").click().run()
    assert not app.exception and app.session_state["run"] == "best"
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["model", "yours"]
    opened("scores", "yours").run()
    monkeypatch.setattr(own_runs, "settings", lambda: SimpleNamespace(trusted=False, runs=(tmp_path / "runs",)))
    strange = opened("own", "yours")
    assert not strange.exception
    assert not [one for one in strange.button if str(one.key).startswith(("delete-button", "rename-button"))]


def test_a_kept_run_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps its address and its verdicts; no two runs are called the same."""
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = bring(LABELS)
    open_analysis(app)
    app.switch_page(PAGES["own"]).run()

    def keep(name: str) -> None:
        app.text_input(key="keep-run-0").set_value(name).run()
        app.button(key="keep-button-run-0").click().run()

    def rename(name: str, new: str) -> None:
        field = next(one for one in app.text_input if str(one.key).startswith(f"rename-to-{name}-"))
        field.set_value(new).run()
        next(one for one in app.button if str(one.key).startswith(f"rename-button-{name}-")).click().run()

    keep("mine")
    keep("yours")
    app = opened("own", "mine")
    files = Run.open(tmp_path / "runs" / "mine").manifest.files
    for refused, fragment in (("../up", "letters"), ("  ", "letters"), ("Best", "already"), ("YOURS", "already")):
        rename("mine", refused)
        assert fragment in app.error[0].value and Run.open(tmp_path / "runs" / "mine").title == "mine"
    for title in ("내 사진 1", "내 사진 1", "Mine"):
        rename("mine", title)
        renamed = Run.open(tmp_path / "runs" / "mine")
        assert not app.exception and not app.error and renamed.title == title and renamed.manifest.files == files
        assert f"Run: {title}" in next(box for box in app.selectbox if box.label == "Run").options
    rename("mine", "내 사진 1")
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["mine", "yours"]
    app = bring(LABELS)
    open_analysis(app)
    app.switch_page(PAGES["own"]).run()
    keep("내 사진 1")
    assert "already" in app.error[0].value


@pytest.mark.parametrize("page", [("errors", {}), ("errors", {"view": "grid"}), ("errors", {"photo": "b.jpg"})])
def test_that_photos_are_missing_and_how_to_add_them_is_one_sentence(page: tuple[str, dict[str, str]]) -> None:
    app = bring(LABELS)
    open_analysis(app)
    app.switch_page(PAGES[page[0]])
    for name, value in {"run": "run-0", **page[1]}.items():
        app.query_params[name] = value
    app.run()
    told = [line.value for line in app.caption if "on this machine" in line.value or "to see them" in line.value]
    assert len(told) == 1 and "on this machine" in told[0] and "*Your photos*" in told[0]


@pytest.mark.parametrize("trusted", [False, True])
def test_a_visitor_is_told_no_command(trusted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes one, they cannot have: it is said why, or what they can do here."""
    monkeypatch.setattr("app_pages.components.on_disk.settings", lambda: SimpleNamespace(trusted=trusted))
    app = bring(LABELS)
    open_analysis(app)
    places = [("data", {"part": part}) for part in ("labels", "copies", "photos", "slices")]
    for page, query in [
        *places,
        ("map", {}),
        ("errors", {"show": "all", "photo": "b.jpg"}),
        ("scores", {}),
        ("training", {}),
    ]:
        app.switch_page(PAGES[page])
        app.query_params.clear()
        for name, value in {"run": "run-0", **query}.items():
            app.query_params[name] = value
        app.run()
        said = " ".join([text(app), *(one.value for one in (*app.info, *app.warning, *app.error))])
        assert not app.exception and not [word for word in ("har-lens", "train.py", "`--") if word in said], page
        if query.get("part") in ("copies", "photos", "slices"):
            assert ("Your photos" in said) == trusted
