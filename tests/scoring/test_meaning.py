"""Labels that are numbers: places in the model's classes, as an import with its class names takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from har_core.errors import DataError
from har_core.scoring.meaning import Meaning
from har_core.scoring.shards import Asked, make_plan
from har_core.scoring.sources import Source
from tests.conftest import picture
from tests.imports.making import frame, read

CLASSES = ("blue", "green", "red")


def planned(
    folder: Path,
    labels: pa.Array | list[Any],
    classes: tuple[str, ...] = CLASSES,
    *,
    column: str = "label",
    **more: Any,
) -> list[str | None]:
    """The labels of a plan of a table with these."""
    names = [f"{number}.png" for number in range(len(labels))]
    for name in names:
        picture((9, 9, 9)).save(folder / name)
    pq.write_table(pa.table({"filename": names, column: labels, **more}), folder / "t.parquet")
    asked = Asked(source=str(folder / "t.parquet"), column=None, labels=None, shard_size=9, model="stub")
    plan = make_plan(asked, Source(str(folder / "t.parquet")), str(folder / "out"), meaning=Meaning(classes))
    return [entry.true for entry in plan.shard(str(folder / "out"), 0)]


@pytest.mark.parametrize(
    "labels",
    [
        pa.array([2, 0, None, -1], pa.int64()),
        pa.array([2, 0, None, -1], pa.int8()),
        pa.array([2.0, 0.0, float("nan"), -1.0]),
        ["2", "0", None, "-1"],
        ["2.0", "0.0", None, "-1.0"],
        ["RED", "Blue", None, None],
    ],
)
def test_numbers_are_places(labels: Any, tmp_path: Path) -> None:
    assert planned(tmp_path, labels) == ["red", "blue", None, None]


def test_as_an_import_takes_them(tmp_path: Path) -> None:
    numbers = [2, 0, 1]
    columns = {"filename": ["0", "1", "2"], "label": numbers, "pred": ["red"] * 3}
    imported = read(frame(columns, "i.parquet")(tmp_path), classes=CLASSES).predictions
    assert planned(tmp_path, numbers) == [imported.classes[place] for place in imported.true]


@pytest.mark.parametrize(
    ("labels", "fragment"),
    [
        ([0, 3], "0 to 2.*found 3"),
        ([0, -2], "found -2"),
        (["blue", "1"], "both"),
        (["7", "0"], "found 7"),
        ([0.5, 1.0], "0.5"),
    ],
)
def test_what_cannot_be_a_place_is_refused(labels: list[Any], fragment: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=fragment) as caught:
        planned(tmp_path, labels)
    assert "\n" not in str(caught.value) and ";" in str(caught.value)


def test_numbers_are_names_where_a_class_is_called_so(tmp_path: Path) -> None:
    assert planned(tmp_path, [10, 1, 7], ("1", "2", "10")) == ["10", "1", "7"]
    assert [Meaning(CLASSES, places=False)(text) for text in ("1", "RED")] == ["1", "red"]


def test_names_of_labels_win_over_numbers(tmp_path: Path) -> None:
    assert planned(tmp_path, [1, 1], target=["red", "blue"]) == ["red", "blue"]


def test_csv_lists(tmp_path: Path) -> None:
    picture((9, 9, 9)).save(tmp_path / "a.png")
    (tmp_path / "l.csv").write_text("filename,label\na.png,1\n")
    asked = Asked(source=str(tmp_path / "l.csv"), column=None, labels=None, shard_size=9, model="stub")
    plan = make_plan(asked, Source(str(tmp_path / "l.csv")), str(tmp_path / "out"), meaning=Meaning(CLASSES))
    assert plan.shard(str(tmp_path / "out"), 0)[0].true == "green"
