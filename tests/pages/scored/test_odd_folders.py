"""The page of scored photos for folders that are damaged, tiny, large or oddly named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from har_core.scoring.index import COUNTS, INDEX, PHOTOS
from har_core.scoring.output import MANIFEST, Row
from tests.pages.conftest import HOSTILE, follow, opened, text, widget
from tests.pages.scored.conftest import ROWS, require_whole
from tests.scoring.conftest import photos as photos
from tests.scoring.made import indexed, random_rows


@pytest.mark.parametrize("damage", ["no index", "no counts", "noise", "manifest", "older plan"])
def test_a_folder_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    """Said in plain words; the other folders and the other pages are as ever."""
    indexed(tmp_path / "broken", ROWS[:30])
    indexed(tmp_path / "fine", ROWS[:30])
    if damage == "no index":
        (tmp_path / "broken" / INDEX).unlink()
    elif damage == "no counts":
        (tmp_path / "broken" / COUNTS).unlink()
    elif damage == "noise":
        path = tmp_path / "broken" / PHOTOS
        path.write_bytes(b"x" * path.stat().st_size)
    elif damage == "manifest":
        (tmp_path / "broken" / MANIFEST).write_text("{")
    else:
        manifest = tmp_path / "broken" / MANIFEST
        manifest.write_text(manifest.read_text().replace('"plan":"plan"', '"plan":"newer"'))
    monkeypatch.setenv("HAR_RUNS", str(tmp_path))
    app = opened("scored", scored="broken")
    assert not app.exception and len(app.error) == 1
    told = app.error[0].value
    assert "broken" in told and "expected" in told and str(tmp_path) not in told
    follow(app, "Scores")
    require_whole(app)
    require_whole(opened("scored", scored="fine"))


def test_another_folder_can_be_chosen_where_one_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed(tmp_path / "broken", ROWS[:30])
    indexed(tmp_path / "fine", ROWS[:30])
    (tmp_path / "broken" / INDEX).unlink()
    monkeypatch.setenv("HAR_RUNS", str(tmp_path))
    app = opened("scored")
    assert len(app.error) == 1
    widget(app, "selectbox", "scored-folder").set_value("fine").run()
    require_whole(app)
    assert "**fine**" in text(app)


def test_class_names_mean_nothing_to_markdown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiles: list[list[Any]]
) -> None:
    rows = random_rows(60, HOSTILE)
    rows[0] = Row("<img src=x onerror=alert(1)> **b** [c](javascript:d)", HOSTILE[0], rows[0].probabilities, 1.0)
    indexed(tmp_path / "[x](javascript:y) :red[z]", rows, HOSTILE)
    monkeypatch.setenv("HAR_RUNS", str(tmp_path))
    for query in ({}, {"true": HOSTILE[1], "predicted": HOSTILE[2]}, {"show": "all", "at": rows[0].name}):
        app = opened("scored", **query)
        require_whole(app)
        shown = text(app)
        assert not re.search(r"(?<!\\)(<script|<img|\[click|:red\[|\[x\]|\[c\])", shown), query
        assert not re.search(r"(?<!\\)\*\*\$x", shown)


def test_one_photo_and_two_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiles: list[list[Any]]) -> None:
    indexed(tmp_path / "one", [Row("1.png", "a", np.array([0.75, 0.25], np.float32), 1.0)], ("a", "b"))
    monkeypatch.setenv("HAR_RUNS", str(tmp_path))
    require_whole(opened("scored"))
    app = opened("scored", show="all")
    require_whole(app)
    assert [tile.sample for tile in tiles[-1]] == ["1.png"]


@pytest.mark.parametrize(
    "rows",
    [
        [Row("1.png", "a", error="cut off")],
        [Row("1.png", None, error="cut off")],
        [Row("1.png", "other", np.array([0.75, 0.25], np.float32), 1.0)],
    ],
    ids=["labeled", "unlabeled", "another label"],
)
def test_nothing_that_a_matrix_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[Row]) -> None:
    indexed(tmp_path / "none", rows, ("a", "b"))
    monkeypatch.setenv("HAR_RUNS", str(tmp_path))
    app = opened("scored")
    require_whole(app)
    require_whole(opened("scored", show="unreadable"))


def test_a_hundred_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classes = tuple(f"class_{number}" for number in range(100))
    indexed(tmp_path / "many", random_rows(300, classes), classes)
    monkeypatch.setenv("HAR_RUNS", str(tmp_path))
    require_whole(opened("scored"))
