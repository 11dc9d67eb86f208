"""A visitor's own labelled photos."""

from __future__ import annotations

import gc
import tempfile
import time
from pathlib import Path

import pytest

from tests.conftest import picture
from tests.pages.conftest import PAGES, opened
from tests.test_archive import packed
from tests.test_images import encoded


def test_a_visitors_own_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zip is scored, looked at on every page, and gone when the session forgets it."""
    entries = {f"mine/{label}/{number}.png": encoded(picture((9, 90, 200), seed=number), "PNG")
               for label in ("sitting", "running", "juggling") for number in range(2)}  # fmt: skip
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app = opened("own.py")
    app.file_uploader[0].set_value(("mine.zip", packed(entries), "application/zip")).run()
    assert app.subheader[0].value == "6 photos of 3 actions" and "juggling" in app.warning[0].value
    app.radio(key="own-unknown").set_value("counted as errors").run()
    next(button for button in app.button if button.label == "Score them").click().run()
    deadline = time.monotonic() + 60
    while app.session_state["own-job"].running and time.monotonic() < deadline:
        time.sleep(0.2)
    app.run()
    assert not app.exception and "Done." in app.success[0].value
    next(button for button in app.button if button.label == "See where it fails").click().run()
    assert app.session_state["run"] == "run-0" and "of 6 photos" not in app.title[0].value
    for page in PAGES:
        app.switch_page(f"pages/{page}").run()
        assert not app.exception and not [error for error in app.error if "damaged" not in error.value]
    app.switch_page("pages/errors.py").run()
    assert "of 6 photos" in app.title[0].value and not any("on this machine" in line.value for line in app.caption)
    assert not (tmp_path / "home" / "pictures").exists()
    assert len(list(tmp_path.glob("har-lens-*"))) == 1
    del app
    gc.collect()
    assert list(tmp_path.glob("har-lens-*")) == []


def test_a_zip_that_is_none_is_told_in_plain_words() -> None:
    app = opened("own.py")
    app.file_uploader[0].set_value(("mine.zip", b"these are notes", "application/zip")).run()
    assert not app.exception and "expected a zip of photos" in app.error[0].value
