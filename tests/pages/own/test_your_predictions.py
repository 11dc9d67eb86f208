"""A visitor's own predictions: a table, what the page understands of it, and the run that it becomes."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from app_pages.own import table_upload
from app_pages.state import models
from tests.conftest import picture
from tests.imports.broken_cases import BROKEN
from tests.pages.conftest import PAGES, follow, links
from tests.pages.own.bringing import LABELS, LOGITS, SCORES, boxes, bring, choose, made, open_analysis, preview


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
    assert boxes(app)["predicted"] == "other"
    app.button(key="table-open").click().run()
    assert links(app, "Open the error analysis")[0]["run"] == "run-0" and "run-1" not in app.session_state["own-runs"]
    app.switch_page(PAGES["own"]).run()
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


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("scores", {}),
        ("errors", {"show": "all"}),
        ("errors", {"show": "all", "view": "grid"}),
        ("errors", {"show": "all", "photo": "0.jpg"}),
        ("confusions", {"true": "cat", "predicted": "dog"}),
    ],
)
def test_votes_are_called_so_beside_what_they_are_shown_as(page: str, query: dict[str, str]) -> None:
    votes = [f"{number}.jpg,{('cat', 'dog')[number % 2]},{number % 10},{9 - number % 10}" for number in range(20)]
    app = open_analysis(bring("\n".join(["filename,true,cat,dog", *votes])))
    app.switch_page(PAGES[page])
    for name, value in ({"run": "run-0"} | query).items():
        app.query_params[name] = value
    app.run()
    assert not app.exception and sum("as votes do" in line.value for line in app.caption) == 1


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
    assert [row[3] for row in preview(app)] == ["97\u00a0%", "62\u00a0%", "98\u00a0%"]
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
        archive.writestr("some/photos/Image_3.cr2", "raw")
        archive.writestr("some/photos/.Image_4.jpg", photo.getvalue())
    app.file_uploader[0].set_value(("photos.zip", buffer.getvalue(), "application/zip")).run()
    assert any("3 of 4 photos were found" in line.value for line in app.caption)
    assert preview(app)[0][0].startswith("data:image/jpeg") and not isinstance(preview(app)[3][0], str)
    said = [line.value for line in app.caption if "Not read: " in line.value]
    assert len(said) == 2 and "Image\\_3.cr2" in "".join(said) and ".Image\\_4.jpg" in "".join(said)
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
    "a zip of photos": ("calling/1.jpg", "photos.zip", "a zip of photos"),
    "a zip": ("setup.exe", "setup.zip", "a zip"),
    "a damaged gzip": (b"\x1f\x8b\x08" + bytes(60), "table.csv.gz", "damaged"),
    "an Arrow file": (b"ARROW1\0\0" + bytes(100), "table.feather", "as Parquet"),
    "a video": (b"\0\0\0\x18ftypmp42" + bytes(100), "clip.mp4", "video"),
    "a pickle": (b"\x80\x04\x95" + bytes(100), "table.pkl", "a pickle"),
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
