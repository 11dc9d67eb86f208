"""A visitor brings a zip of photos, and scores it."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from streamlit.testing.v1 import AppTest

from tests.conftest import picture
from tests.pages.conftest import wait_for_job


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


def bring(app: AppTest, name: str, content: bytes) -> AppTest:
    return app.file_uploader[0].set_value((name, content, "application/zip")).run()


def asked(app: AppTest, label: str) -> Any:
    """What a label counts as."""
    return next(
        one for one in app.selectbox if (one.key or "").startswith("own-label-") and one.label.startswith(label)
    )


def zipped(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def photo(seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    picture((9, 90, 200), seed=seed).save(buffer, "PNG")
    return buffer.getvalue()


def evaluate_all(app: AppTest) -> AppTest:
    app.button(key="own-start").click().run()
    wait_for_job(app, "own-job")
    return app.run()
