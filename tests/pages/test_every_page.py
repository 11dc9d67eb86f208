"""Every page for runs of every kind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from har_core.runs.file_names import MANIFEST, PREDICTIONS
from har_core.runs.run import SHIPPED
from tests.conftest import ROOT
from tests.pages.conftest import MADE, PAGES, address, opened, text, widget


def test_no_folder_is_called_as_streamlit_calls_its_own() -> None:
    """Else the first deep link to a fresh server is answered with "Page not found"."""
    assert not (ROOT / "pages").exists() and all((ROOT / file).is_file() for file in PAGES.values())


@pytest.mark.parametrize("run", [SHIPPED, "baseline", "published-report", "edge", "edge-int8", *MADE[:-1]])
def test_every_page_opens_for_every_run(run: str) -> None:
    """A visitor walks from page to page."""
    app = opened("overview", run)
    for page, file in PAGES.items():
        if page != "overview":
            app.switch_page(file)
            app.query_params["run"] = run
            app.run()
        assert not app.exception and len(app.title) == 1, page
        errors = [error.value for error in app.error]
        assert errors == [] or (page == "overview" and len(errors) == 1 and "damaged" in errors[0]), page
        assert address(app)["run"] == run, page


def test_every_page_opens_with_photos(real_photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAR_DATA", str(real_photos))
    app = opened("overview", SHIPPED)
    for page, file in PAGES.items():
        app.switch_page(file).run()
        assert not app.exception and len(app.title) == 1, page


def test_a_damaged_run_is_named_and_the_others_work() -> None:
    app = opened("overview")
    assert any("damaged" in error.value and MANIFEST in error.value for error in app.error)
    assert "damaged" not in widget(app, "selectbox", "run").options
    widget(app, "selectbox", "run").set_value("perfect").run()
    assert not app.exception and "100.0\u00a0%" in app.title[0].value


def test_a_file_that_is_damaged_later(made_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said in plain words; other runs can still be chosen."""
    shutil.copytree(made_runs / "folders", tmp_path / "runs" / "broken-table")
    (tmp_path / "runs" / "broken-table" / PREDICTIONS).write_bytes(b"PAR1")
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("confusions", "broken-table")
    assert not app.exception and len(app.error) == 1 and PREDICTIONS in app.error[0].value
    assert "Confusions" in app.title[0].value
    widget(app, "selectbox", "run").set_value("published-report").run()
    assert not app.error and len(app.title) == 1


@pytest.mark.parametrize("page", sorted(PAGES.keys() - {"scored"}))
def test_a_page_that_cannot_be_shown_has_a_title(
    made_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    """Also where there is no run at all, or none that can be opened."""
    monkeypatch.setattr("app_pages.state.runs.find_runs", lambda _: ([], []))
    app = opened(page)
    assert not app.exception and len(app.title) == len(app.error) == 1


def test_markup_in_names_is_shown_as_text() -> None:
    app = opened("overview", "hostile")
    assert r"\[click\](javascript\:alert(2))" in text(app) and r"\<script\>alert(1)\</script\>" in text(app)
    app = opened("errors", "hostile", show="all", photo="/etc/passwd")
    assert not app.exception and "root:" not in text(app)
    app = opened("errors", "hostile", show="all", sort="file name")
    assert not app.exception and r"\*\*a\*\* \[b\](javascript\:c)" in text(app)
