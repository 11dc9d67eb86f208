"""A visitor's own labeled photos."""

from __future__ import annotations

import gc
import io
import tempfile
import zipfile
from pathlib import Path

import pytest

from tests.conftest import picture
from tests.pages.conftest import PAGES, opened, wait_for_job


def packed(classes: tuple[str, ...], each: int) -> bytes:
    """A zip with one folder per class."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for label in classes:
            for number in range(each):
                photo = io.BytesIO()
                picture((9, 90, 200), seed=number).save(photo, "PNG")
                archive.writestr(f"mine/{label}/{number}.png", photo.getvalue())
    return buffer.getvalue()


def test_a_visitors_own_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are evaluated, looked at on every page, and gone when the session forgets them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app = opened("own")
    content = packed(("sitting", "running", "juggling"), 2)
    app.file_uploader[0].set_value(("mine.zip", content, "application/zip")).run()
    assert app.subheader[0].value == "6 photos of 3 actions" and "juggling" in app.warning[0].value
    assert app.radio(key="own-unknown").options == ["Skip", "Score as wrong"]
    app.radio(key="own-unknown").set_value("error").run()
    app.button(key="own-start").click().run()
    wait_for_job(app, "own-job")
    app.run()
    assert not app.exception and len(app.success) == 1
    app.button(key="own-open").click().run()
    assert app.session_state["run"] == "run-0" and "on 6 photos" in app.title[0].value
    for file in PAGES.values():
        app.switch_page(file).run()
        assert not app.exception and not [error for error in app.error if "damaged" not in error.value]
    app.switch_page(PAGES["errors"]).run()
    assert "of 6 photos" in app.title[0].value and not any("on this machine" in line.value for line in app.caption)
    assert len(list(tmp_path.glob("har-lens-*"))) == 1
    del app
    gc.collect()
    assert list(tmp_path.glob("har-lens-*")) == []


def test_a_zip_that_is_none_is_refused_in_plain_words() -> None:
    app = opened("own")
    app.file_uploader[0].set_value(("mine.zip", b"these are notes", "application/zip")).run()
    assert not app.exception and "expected a zip of photos" in app.error[0].value
