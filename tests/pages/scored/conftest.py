"""Folders that were scored, and what the page draws of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from har_core.scoring.browse import ScoredPhotos
from har_core.scoring.output import Row
from tests.scoring.conftest import photos as photos
from tests.scoring.made import indexed, random_rows

CLASSES = ("a", "b", "c")
ROWS = random_rows(400)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two that were scored, one without labels, one without threshold.  Tests share them."""
    folder = tmp_path_factory.mktemp("scored-runs")
    indexed(folder / "first", ROWS)
    indexed(folder / "other", random_rows(30, ("x", "y"), seed=3), ("x", "y"), threshold=None)
    bare = [Row(row.name, None, row.probabilities, row.known, error=row.error) for row in random_rows(120)]
    indexed(folder / "unlabeled", bare)
    return folder


@pytest.fixture
def scored(folders: Path, monkeypatch: pytest.MonkeyPatch) -> ScoredPhotos:
    monkeypatch.setenv("HAR_RUNS", str(folders))
    return ScoredPhotos(folders / "first")


@pytest.fixture
def tiles(monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """What the grid was given, drawing by drawing."""
    given: list[list[Any]] = []
    monkeypatch.setattr("app_pages.scored.photo_list.photo_grid", lambda tiles, **_: given.append(list(tiles)))
    return given


def names(app: AppTest) -> list[str]:
    """The pages that there is a link to."""
    return [element.proto.label.strip("*") for element in app.get("page_link")]


def values(app: AppTest, kind: str) -> Any:
    """Of the first element of a kind."""
    element: Any = app.get(kind)[0]
    return element.value


def require_whole(app: AppTest) -> None:
    assert not app.exception and not app.error and len(app.title) == 1
