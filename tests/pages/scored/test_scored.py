"""Millions of scored photos on a page, shown by a few."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from har_core.analysis.confusion import TOTAL
from har_core.scoring.browse import PER_PAGE, Only, ScoredPhotos
from har_core.scoring.index import COUNTS, INDEX, PHOTOS
from har_core.scoring.output import MANIFEST, Row
from har_core.viz.text import confusions_headline
from tests.pages.conftest import HOSTILE, address, click, follow, links, opened, text, widget
from tests.scoring.conftest import photos as photos
from tests.scoring.made import indexed, random_rows, score_photos

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
    assert f"{np.trace(matrix) / matrix.sum():.1%}".replace("%", " %") in text(app)
    assert f"{matrix.sum()} labeled" in text(app) and f"{scored.scored.unreadable} could not be read" in text(app)
    assert [tile.sample for tile in tiles[-1]] == [one.sample for one in scored.page(Only("errors"))]
    assert len(app.get("plotly_chart")) == 3
    follow(app, "Scores")
    require_whole(app)
    follow(app, "Scored")
    assert address(app) == {}


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
