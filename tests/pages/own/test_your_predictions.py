"""A visitor's own predictions: a table, what the page understands of it, and the run that it becomes."""

from __future__ import annotations

import io
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec
from streamlit.testing.v1 import AppTest

from app_pages.own import importing, run_jobs, table_upload
from app_pages.state import jobs, models
from har_core.imports.build import read_predictions
from har_core.runs.run import Run
from tests.conftest import picture
from tests.imports.broken_cases import BROKEN
from tests.pages.conftest import PAGES, address, follow, links, opened, text, wait_for, wait_for_job

LABELS = "filename,true,pred,other\na.jpg,cat,cat,dog\nb.jpg,dog,cat,dog\nc.jpg,dog,dog,cat\n"
LOGITS = "filename,true,logit_0,logit_1\na.jpg,cat,2.5,-1\nb.jpg,dog,0.5,0\nc.jpg,dog,-1,3\n"
SCORES = "filename,true,p:cat,p:dog\na.jpg,cat,0.9,0.1\nb.jpg,dog,0.75,0.25\nc.jpg,fox,0.4,0.6\n"


def bring(content: str | bytes, name: str = "mine.csv", app: AppTest | None = None) -> AppTest:
    app = app or opened("own", bring="predictions")
    data = content.encode() if isinstance(content, str) else content
    return app.file_uploader[0].set_value((name, data, "text/csv")).run()


def box(app: AppTest, role: str) -> Any:
    return next(one for one in app.selectbox if (one.key or "").startswith(f"table-{role}-"))


def boxes(app: AppTest) -> dict[str, object]:
    roles = ("file", "true", "predicted", "confidence", "scores", "top", "unknown")
    return {role: one.value for role in roles for one in app.selectbox if (one.key or "").startswith(f"table-{role}-")}


def choose(app: AppTest, role: str, value: str) -> AppTest:
    box(app, role).set_value(value)
    return app.run()


def open_analysis(app: AppTest) -> AppTest:
    app.button(key="table-open").click().run()
    if "own-import" in app.session_state:
        wait_for_job(app, "own-import")
        app.run()
    return app


def made(app: AppTest, name: str = "run-0") -> Run:
    return Run.open(app.session_state["own-runs"][name].folder)


def preview(app: AppTest) -> list[list[str]]:
    return app.dataframe[0].value.to_numpy().tolist()


def test_labels_become_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is shown what was understood, a column is changed, the pages show the run, and nothing is lost on the way."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app = bring(LABELS)
    assert not app.exception and app.subheader[0].value == "3 rows in mine.csv"
    assert boxes(app) == {"file": "filename", "true": "true", "predicted": "pred", "confidence": "\0none"}
    assert preview(app) == [["a.jpg", "cat", "cat"], ["b.jpg", "dog", "cat"], ["c.jpg", "dog", "dog"]]
    assert any("labels alone" in line.value for line in app.caption)
    choose(app, "predicted", "other")
    assert preview(app) == [["a.jpg", "cat", "dog"], ["b.jpg", "dog", "dog"], ["c.jpg", "dog", "cat"]]
    app.switch_page(PAGES["scores"]).run()
    app.switch_page(PAGES["own"]).run()
    assert boxes(app)["predicted"] == "other"
    open_analysis(app)
    follow(app, "Open the error analysis")
    assert app.session_state["run"] == "run-0" and "33.3" in app.title[0].value
    run = made(app)
    assert run.confusion_matrix().tolist() == [[0, 1], [1, 1]] and run.manifest.probabilities == "none"
    for page, file in PAGES.items():
        app.switch_page(file).run()
        assert not app.exception and not [error for error in app.error if "damaged" not in error.value], page
    app.switch_page(PAGES["own"]).run()
    assert boxes(app)["predicted"] == "other" and links(app, "**Open the error analysis**")[0]["run"] == "run-0"
    app.button(key="remove-run-0").click().run()
    assert app.session_state["run"] == "best" and app.button(key="table-open")
    app.button(key="table-remove").click().run()
    assert len(app.file_uploader) == 1 and not app.selectbox[1:]
    del app
    models.keep_out_of_collections()
    assert list(tmp_path.glob("har-lens-*")) == []


def test_rows_that_say_nothing_are_left_out_and_told() -> None:
    """With names as people write them, but for what could mislead."""
    named = "Screenshot 9.41\u202fAM.png"
    rows = [f"{named},cat,", "b\u202eb.png,dog,None", "c.jpg,dog,dog", "d.jpg,cat,cat", "e\u202f.jpg,,cat"]
    app = bring(
        "filename,true,pred\n" + "\n".join([*rows, f"x{named},dog,cat", "y\u202ey.jpg,dog,cat"]), "mine\u202f.csv"
    )
    assert not app.exception and not app.error and app.subheader[0].value == "7 rows in mine\u202f.csv"
    said = [line.value for line in app.caption if "left out" in line.value]
    assert len(said) == 2 and f"2 ({named}, b\\\\u202eb.png)" in said[0] and "1 (e\u202f.jpg)" in said[1]
    assert [row[0] for row in preview(app)] == ["c.jpg", "d.jpg", f"x{named}", "y\\u202ey.jpg"]
    open_analysis(app)
    run = made(app)
    assert len(run.predictions()) == 4 and len(run.manifest.data.skipped) == 3
    assert "x" + named in run.predictions().samples
    app.switch_page(PAGES["own"]).run()
    assert any(named in line.value for line in app.caption)


def test_most_rows_without_a_prediction_are_refused() -> None:
    app = bring("filename,true,pred\na.jpg,cat,\nb.jpg,dog,\nc.jpg,dog,dog\n")
    assert "2 of 3" in app.error[0].value and "--" not in app.error[0].value
    assert app.button(key="table-open").disabled


def test_logits_need_the_names_of_the_classes() -> None:
    app = bring(LOGITS)
    assert "a file of class names" in app.error[0].value
    assert app.button(key="table-open").disabled and len(app.file_uploader) == 1
    app.file_uploader[0].set_value(("names.txt", b"cat\nbird\nfish\n", "text/plain")).run()
    assert "3" in app.error[0].value and app.button(key="table-open").disabled
    app.button(key="table-classes-remove").click().run()
    app.file_uploader[0].set_value(("names.txt", b"cat\ndog\n", "text/plain")).run()
    assert not app.error and boxes(app)["scores"] == "logits"
    assert [row[3] for row in preview(app)] == ["97 %", "62 %", "98 %"]
    open_analysis(app)
    run = made(app)
    np.testing.assert_allclose(run.predictions().probabilities[1], [0.6225, 0.3775], atol=1e-4)
    assert run.classes == ("cat", "dog") and run.manifest.probabilities == "all"


def test_scores_can_be_left_out_and_are_shown_with_labels_that_are_no_class() -> None:
    app = bring(
        SCORES.replace("true,", "true,pred,")
        .replace("cat,0", "cat,cat,0")
        .replace("dog,0.75", "dog,cat,0.75")
        .replace("fox,", "fox,dog,")
    )
    assert boxes(app) == {
        "file": "filename",
        "true": "true",
        "predicted": "pred",
        "scores": "probabilities",
        "unknown": "skip",
    }
    assert len(preview(app)) == 2
    choose(app, "unknown", "error")
    assert preview(app)[2][:3] == ["c.jpg", "fox", "dog"]
    choose(app, "scores", "\0none")
    assert boxes(app) == {
        "file": "filename",
        "true": "true",
        "predicted": "pred",
        "confidence": "\0none",
        "scores": "\0none",
    }
    assert len(preview(app)[0]) == 3
    choose(app, "scores", "probabilities")
    choose(app, "predicted", "\0none")
    choose(app, "unknown", "skip")
    open_analysis(app)
    assert made(app).manifest.data is not None and made(app).manifest.data.skipped
    app.switch_page(PAGES["own"]).run()
    assert any("fox" in line.value for line in app.caption)


def test_photos_come_from_the_servers_folder_or_a_zip(kaggle_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = "filename,true,pred\n" + "".join(f"Image_{n}.jpg,{'ab'[n % 2]},a\n" for n in range(4))
    app = bring(table)
    assert any("None of the photos" in line.value for line in app.caption)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(3):
            photo = io.BytesIO()
            picture((9, 90, 200), seed=number).save(photo, "PNG")
            archive.writestr(f"some/photos/Image_{number}.jpg", photo.getvalue())
        archive.writestr("some/labels.csv", "filename,label\nphotos/Image_0.jpg,a\n")
    app.file_uploader[0].set_value(("photos.zip", buffer.getvalue(), "application/zip")).run()
    assert any("3 of 4 photos were found" in line.value for line in app.caption)
    assert preview(app)[0][0].startswith("data:image/jpeg") and not isinstance(preview(app)[3][0], str)
    open_analysis(app)
    own = app.session_state["own-runs"]["run-0"]
    assert (own.photos / "Image_2.jpg").is_file()
    app.switch_page(PAGES["own"]).run()
    app.button(key="table-photos-remove").click().run()
    models.keep_out_of_collections()
    assert (own.photos / "Image_2.jpg").is_file()
    monkeypatch.setenv("HAR_DATA", str(kaggle_folder))
    app.run()
    assert any("All photos were found" in line.value for line in app.caption)


TRIED = ("empty file", "only a header", "one column", "no file column", "no true label", "NaN", "duplicate files",
         "numbered columns", "truncated Parquet", "pickled NPZ", "truncated JSON lines", "one endless line", "a Parquet bomb")  # fmt: skip


@pytest.mark.parametrize("case", TRIED)
def test_a_broken_table_is_answered_in_one_sentence_without_the_servers_paths(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "made").mkdir()
    path = BROKEN[case][0](tmp_path / "made")
    app = bring(path.read_bytes(), path.name)
    assert not app.exception and len(app.error) == 1
    said = app.error[0].value
    assert said.startswith("expected") and "found" in said and str(tmp_path) not in said and "--" not in said, said
    assert not [one for one in app.button if one.key == "table-open" and not one.disabled]
    app.switch_page(PAGES["scores"]).run()
    app.switch_page(PAGES["own"]).run()
    if len(app.file_uploader) and not [one for one in app.button if one.key == "table-remove"]:
        bring(LABELS, app=app)
        assert not app.error and len(preview(app)) == 3


OTHERS: dict[str, tuple[str | bytes, str, str]] = {
    "a photo": (b"\xff\xd8\xff\xe0" + bytes(100), "mine.csv", "a photo"),
    "a PDF": (b"%PDF-1.7\n" + bytes(100), "report.pdf", "a PDF"),
    "a workbook": ("xl/workbook.xml", "book.xlsx", "an Excel workbook"),
    "a document": ("word/document.xml", "text.docx", "a Word document"),
    "a zip": ("calling/1.jpg", "photos.zip", "a zip"),
    "a video": (b"\0\0\0\x18ftypmp42" + bytes(100), "clip.mp4", "video"),
    "a pickle": (b"\x80\x04\x95" + bytes(100), "table.pkl", "another kind"),
    "notes": (b"these are notes\nand no table\n", "notes.txt", "one column"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_file_of_another_kind_is_answered_in_one_sentence(case: str) -> None:
    made_of, name, fragment = OTHERS[case]
    content = made_of if isinstance(made_of, bytes) else b""
    if isinstance(made_of, str):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(made_of, "x")
        content = buffer.getvalue()
    app = bring(content, name)
    assert not app.exception and len(app.error) == 1 and len(app.file_uploader) == 1
    said = app.error[0].value
    assert said.startswith("expected") and fragment in said and len(said) < 300, said
    app.run()
    assert app.error[0].value == said
    bring(LABELS, app=app)
    assert not app.error and len(preview(app)) == 3


def test_what_the_server_holds_of_an_upload_in_memory_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = MemoryUploadedFileManager("/upload")
    record = UploadedFileRec("1", "mine.csv", "text/csv", LABELS.encode())
    manager.add_file("visitor", record)
    context = SimpleNamespace(uploaded_file_mgr=manager, session_id="visitor")
    monkeypatch.setattr(table_upload, "get_script_run_ctx", lambda: context)
    monkeypatch.setattr(table_upload, "st", SimpleNamespace(session_state={}))
    table_upload.take(UploadedFile(record, FileURLs(file_id="1")))
    held = table_upload.held()
    assert held is not None and held.path.read_text() == LABELS and not manager.get_files("visitor", ["1"])
    assert [one.name for one in held.path.parent.iterdir()] == ["mine.csv"]


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


@pytest.mark.parametrize("change", ["cancel", "a column", "no table"])
def test_an_import_ends_with_its_table_and_what_was_said_of_it(change: str, gate: threading.Event) -> None:
    app = bring(LABELS)
    app.button(key="table-open").click().run()
    job = app.session_state["own-import"]
    if change == "cancel":
        importing_button = app.button(key="table-cancel")
        assert importing_button.label == "Cancel"
        job.stop()
    elif change == "a column":
        choose(app, "predicted", "other")
    else:
        app.button(key="table-remove").click().run()
    gate.set()
    wait_for(lambda: not job.running)
    app.run()
    assert job.stopping and job.result is None and not app.session_state["own-runs"]
    assert [one.value for one in app.info] == ([jobs.STOPPED] if change == "cancel" else [])
    assert len([one for one in app.button if one.key == "table-open"]) == (change != "no table")


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
