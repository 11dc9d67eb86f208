"""Millions of scored photos on a page, shown by a few."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from har_core.analysis.confusion import TOTAL
from har_core.scoring.browse import PER_PAGE, Only, ScoredPhotos
from har_core.viz.text import confusions_headline
from tests.pages.conftest import address, click, follow, links, opened, text, widget
from tests.pages.scored.conftest import CLASSES, names, require_whole, values
from tests.scoring.conftest import photos as photos
from tests.scoring.made import score_photos


def test_without_folders_there_is_no_link_and_the_page_says_how() -> None:
    assert "Scored" not in names(opened("scores"))
    app = opened("scored")
    require_whole(app)
    assert "Scored" not in names(app) and "har-lens score" in values(app, "code") and address(app) == {}
    follow(app, "Scores")
    require_whole(app)


def test_a_folder_with_labels(scored: ScoredPhotos, tiles: list[list[Any]]) -> None:
    app = opened("scored")
    require_whole(app)
    assert "Scored" in names(app) and address(app) == {}
    matrix = scored.matrix()
    assert f"{np.trace(matrix) / matrix.sum():.1%}".replace("%", "\u00a0%") in text(app)
    assert f"{matrix.sum()} labeled" in text(app) and f"{scored.scored.unreadable} could not be read" in text(app)
    assert [tile.sample for tile in tiles[-1]] == [one.sample for one in scored.page(Only("errors"))]
    assert len(app.get("plotly_chart")) == 3
    follow(app, "Scores")
    require_whole(app)
    follow(app, "Scored")
    assert address(app) == {}


def test_classes_without_photos_have_no_bar(
    scored: ScoredPhotos, tiles: list[list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = scored.matrix()
    matrix[0] = 0  # predicted, perhaps, and of no photo the label
    monkeypatch.setattr(ScoredPhotos, "matrix", lambda *_: matrix)
    app = opened("scored")
    require_whole(app)
    drawn = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][0]["y"]
    assert len(drawn) == len(CLASSES) - 1 and CLASSES[0] not in drawn
    assert f"1 of {len(CLASSES)} classes has no photos" in text(app)


def test_no_path_of_the_server_is_told(scored: ScoredPhotos, tiles: list[list[Any]]) -> None:
    """None of the photos is here; the manifest holds where they were."""
    app = opened("scored")
    assert all(tile.picture is None for tile in tiles[-1]) and "--data" in text(app)
    assert "/srv" not in text(app) and str(scored.folder) not in text(app)


def test_a_folder_without_labels(scored: ScoredPhotos, tiles: list[list[Any]]) -> None:
    app = opened("scored", scored="unlabeled")
    require_whole(app)
    unlabeled = ScoredPhotos(scored.folder.parent / "unlabeled")
    counts = unlabeled.predicted()
    top = CLASSES[int(counts.argmax())]
    assert app.title[0].value.startswith(f"{counts.sum()} photos, most often predicted as {top}")
    assert "--labels" in text(app) and not app.get("plotly_chart")
    assert [tile.sample for tile in tiles[-1]] == [one.sample for one in unlabeled.page(Only("all"))]
    box = widget(app, "selectbox", f"scored-show-{unlabeled.folder}")
    assert box.options == ["All that were read", "Could not be read"] and box.value == "all"
    assert values(app, "dataframe")["photos"].tolist() == sorted(counts.tolist(), reverse=True)
    app = opened("scored", scored="unlabeled", true="*", predicted="b")
    assert [tile.sample for tile in tiles[-1]] == [one.sample for one in unlabeled.page(Only("all", predicted="b"))]
    click(app, "All photos")
    assert "predicted" not in address(app)


def test_between_folders(scored: ScoredPhotos) -> None:
    app = opened("scored")
    box = widget(app, "selectbox", "scored-folder")
    assert box.options == ["first", "other", "unlabeled"]
    box.set_value("other").run()
    require_whole(app)
    assert address(app) == {"scored": "other"} and "**other**" in text(app)
    follow(app, "Scores")
    follow(app, "Scored")
    assert address(app) == {"scored": "other"} and "**other**" in text(app)
    app = opened("scored", scored="nowhere")
    assert not app.exception and "**first**" in text(app) and "nowhere" in app.warning[0].value


def test_a_cell_in_the_address(scored: ScoredPhotos, tiles: list[list[Any]]) -> None:
    for both in (False, True):
        only = Only("all", "a", "b", both=both)
        number = scored.count(only)
        app = opened("scored", true="a", predicted="b", **({"both": "True"} if both else {}))
        require_whole(app)
        assert app.title[0].value.startswith(f"{number} ") and address(app)["true"] == "a"
        assert [tile.sample for tile in tiles[-1]] == [one.sample for one in scored.page(only)][:PER_PAGE]
        assert widget(app, "selectbox", f"cell-true-{scored.folder}").value == 0
    click(app, "All photos")
    assert address(app) == {} and [tile.sample for tile in tiles[-1]] == [
        one.sample for one in scored.page(Only("errors"))
    ]
    widget(app, "selectbox", f"cell-predicted-{scored.folder}").set_value(2).run()
    assert address(app) == {"predicted": "c"}
    widget(app, "selectbox", f"cell-true-{scored.folder}").set_value(TOTAL).run()
    only = Only(predicted="c", labeled=True)
    assert address(app) == {"true": "*", "predicted": "c"}
    assert re.search(rf"\b{scored.count(only)}\b", app.title[0].value)
    assert [tile.sample for tile in tiles[-1]] == [one.sample for one in scored.page(only)]


def test_filters_change_matrix_and_list(scored: ScoredPhotos, tiles: list[list[Any]]) -> None:
    app, keys = opened("scored"), f"-{scored.folder}"
    widget(app, "slider", f"scored-confidence{keys}").set_value((0.5, 0.9)).run()
    widget(app, "text_input", f"scored-name{keys}").set_value(" DIR_1 ").run()
    widget(app, "selectbox", f"scored-none{keys}").set_value(False).run()
    only = Only("all", low=0.5, high=0.9, none=False, name="dir_1")
    assert address(app) == {"confidence": "0.5-0.9", "name": "DIR_1", "none": "False"}
    assert f"{scored.matrix(only).sum()} labeled" in text(app)
    app = opened("scored", **address(app), show="all", sort="loss")
    assert f"{scored.matrix(only).sum()} labeled" in text(app)
    expected = [one.sample for one in scored.page(only, sort="loss")]
    assert [tile.sample for tile in tiles[-1]] == expected
    assert widget(app, "slider", f"scored-confidence{keys}").value == (0.5, 0.9)
    widget(app, "text_input", f"scored-name{keys}").set_value("nowhere").run()
    require_whole(app)
    assert app.title[0].value == "No photo matches these filters" and len(app.info) == 1
    widget(app, "text_input", f"scored-name{keys}").set_value("").run()
    assert "name" not in address(app) and not app.info


def test_unreadable_photos_are_listed(scored: ScoredPhotos, tiles: list[list[Any]]) -> None:
    opened("scored", show="unreadable")
    assert [tile.sample for tile in tiles[-1]] == [one.sample for one in scored.page(Only("unreadable"))]
    assert {tile.title for tile in tiles[-1]} == {"could not be read"}
    app = opened("scored", show="unreadable", at=tiles[-1][0].sample)
    require_whole(app)
    assert "cut off" in text(app)


def test_page_after_page(scored: ScoredPhotos, tiles: list[list[Any]]) -> None:
    """An address that names no page there is shows the nearest, or the first."""
    last = -(-scored.count(Only()) // PER_PAGE)
    for asked, number in (("2", 2), (str(last), last), ("999", last), ("0", 1), ("²", 1)):
        app = opened("scored", show="all", page=asked)
        require_whole(app)
        assert [tile.sample for tile in tiles[-1]] == [one.sample for one in scored.page(Only(), number=number)]
        assert f"{(number - 1) * PER_PAGE + 1} to " in text(app)


def test_a_photo_in_the_address_is_shown(scored: ScoredPhotos, tiles: list[list[Any]]) -> None:
    one = next(one for one in scored.page(Only("errors")) if one.true in CLASSES)
    app = opened("scored", at=one.sample)
    require_whole(app)
    assert f"**{str(one.true).capitalize()}**, predicted as {one.predicted}" in text(app)
    charts = app.get("plotly_chart")
    assert len(charts) == 4 and address(app) == {"at": one.sample}
    click(app, "Close")
    assert address(app) == {} and len(app.get("plotly_chart")) == 3
    app = opened("scored", at="no such photo")
    require_whole(app)


def test_values_that_cannot_be_used_are_named(scored: ScoredPhotos) -> None:
    for name, value in (("show", "everything"), ("confidence", "0.9-0.1"), ("none", "perhaps"), ("sort", "1; DROP")):
        app = opened("scored", **{name: value})
        assert not app.exception and value in app.warning[0].value.replace("\\", ""), name


def test_no_filter_is_on_that_cannot_be_seen(scored: ScoredPhotos, tiles: list[list[Any]]) -> None:
    """Without a threshold nothing says which photos show none of the classes."""
    app = opened("scored", scored="other", none="True")
    assert not app.exception and tiles[-1] and "True" in app.warning[0].value
    app = opened("scored", scored="unlabeled", show="errors")
    assert not app.exception and tiles[-1] and "errors" in app.warning[0].value


def test_the_sample_opens_as_a_run(scored: ScoredPhotos, tiles: list[list[Any]]) -> None:
    app = opened("scored")
    click(app, "Open the sample")
    assert not app.exception and not app.error
    app.switch_page("app_pages/analysis/confusions.py")
    app.query_params.clear()
    app.query_params["run"] = "run-0"
    app.run()
    require_whole(app)
    assert app.title[0].value == confusions_headline(scored.matrix(), CLASSES)  # there are few, so that all are drawn
    assert widget(app, "selectbox", "run").options[0] == "Run: Sample: 296 of 400 photos"


def test_photos_are_fetched_from_where_the_owner_says(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiles: list[list[Any]]
) -> None:
    score_photos(photos, tmp_path / "runs" / "real")
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("HAR_DATA", str(photos))
    app = opened("scored", show="all")
    require_whole(app)
    assert len(tiles[-1]) == 22 and all(tile.picture.startswith(b"\xff\xd8") for tile in tiles[-1])
    app = opened("scored", show="unreadable")
    require_whole(app)
    assert [tile.picture for tile in tiles[-1]] == [None] and "--data" not in text(app)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("HAR_DATA", str(tmp_path / "elsewhere"))
    app = opened("scored", show="all")
    assert all(tile.picture is None for tile in tiles[-1]) and "--data" in text(app) and str(photos) not in text(app)


def test_a_folder_that_is_named_twice_is_listed_once(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(folders)
    monkeypatch.setattr("app_pages.state.settings.WORKPLACE", tmp_path)
    (tmp_path / "runs").symlink_to(folders)
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "link"))
    app = opened("scored")
    assert widget(app, "selectbox", "scored-folder").options == ["first", "other", "unlabeled"]
    assert len(links(app, "**Scored**")) == 1
