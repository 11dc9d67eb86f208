"""What a page asks of an index, against a table in memory."""

from __future__ import annotations

import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import duckdb
import numpy as np
import pytest

from har_core.analysis.calibration import expected_calibration_error
from har_core.scoring.browse import PER_PAGE, Found, Only, ScoredPhotos, Show, Sort
from har_core.scoring.index import BINS, INDEX
from har_core.scoring.output import Row
from tests.conftest import ROOT
from tests.scoring.made import FOREIGN, indexed, oracle, random_rows

CLASSES = ("a", "b", "c")
ROWS = random_rows(400)
SHOWS, SORTS = get_args(Show), get_args(Sort)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> ScoredPhotos:
    folder = tmp_path_factory.mktemp("scored")
    indexed(folder, ROWS, CLASSES, size=60)
    return ScoredPhotos(folder)


@pytest.fixture(scope="module")
def table() -> Any:
    return oracle(ROWS, CLASSES)


def chosen(table: Any, only: Only) -> Any:
    """The photos that are meant, one condition after the other."""
    kept = []
    for row in table.to_dict("records"):
        right = (row["predicted"] is None) == (only.show == "unreadable")
        if only.show == "errors" or (only.labeled and only.show != "unreadable"):
            right &= row["true"] in CLASSES
        if only.show in ("errors", "correct"):
            right &= row["true"] is not None and (row["true"] == row["predicted"]) == (only.show == "correct")
        pairs = [(only.true, only.predicted)]
        if only.both and None not in pairs[0]:
            pairs.append((only.predicted, only.true))
        right &= any(true in (None, row["true"]) and predicted in (None, row["predicted"]) for true, predicted in pairs)
        confidence = row["confidence"]
        if (only.low, only.high) != (0.0, 1.0):
            right &= confidence is not None and np.float32(only.low) <= confidence <= np.float32(only.high)
        right &= only.none is None or (row["none"] is True) == only.none
        right &= only.name.lower() in row["sample"].lower()
        kept.append(bool(right))
    return table[kept]


def in_order(table: Any, sort: Sort) -> list[str]:
    def key(row: Any) -> Any:
        value = {"surest": row["confidence"], "least sure": row["confidence"], "loss": row["true_probability"]}.get(
            sort
        )
        number = 0.0 if value is None else float(value)
        missing = value is None and sort != "name"
        return missing, -number if sort == "surest" else number, row["sample"]

    return [str(row["sample"]) for row in sorted(table.to_dict("records"), key=key)]


def listed(photos: ScoredPhotos, only: Only, sort: Sort) -> list[Found]:
    """All pages, one after the other."""
    found: list[Found] = []
    for number in itertools.count(1):
        page = photos.page(only, sort=sort, number=number)
        assert len(page) <= PER_PAGE
        found += page
        if len(page) < PER_PAGE:
            return found
    raise AssertionError


def questions() -> list[Only]:
    random = np.random.default_rng(0)
    found = [Only(show) for show in SHOWS]
    for _ in range(60):
        low, high = sorted(random.integers(0, 101, 2) / 100)
        found.append(
            Only(
                SHOWS[random.integers(4)],
                true=[None, None, "a", "b", FOREIGN][random.integers(5)],
                predicted=[None, "a", "c"][random.integers(3)],
                both=bool(random.integers(2)),
                low=float(low) if random.integers(2) else 0.0,
                high=float(high) if random.integers(2) else 1.0,
                none=[None, None, True, False][random.integers(4)],
                name=["", "", "dir_1", "0%-00", "_", "JPG", "7.j"][random.integers(7)],
                labeled=bool(random.integers(2)),
            )
        )
    return found


@pytest.mark.parametrize("only", questions(), ids=str)
def test_a_question_is_answered_as_by_the_table(photos: ScoredPhotos, table: Any, only: Only) -> None:
    expected = chosen(table, only)
    assert photos.count(only) == len(expected)
    matrix = [[int(((expected["true"] == t) & (expected["predicted"] == p)).sum()) for p in CLASSES] for t in CLASSES]
    assert photos.matrix(only).tolist() == matrix and photos.matrix(only).dtype == np.int64
    assert photos.predicted(only).tolist() == [int((expected["predicted"] == name).sum()) for name in CLASSES]
    for sort in SORTS:
        found = listed(photos, only, sort)
        assert [one.sample for one in found] == in_order(expected, sort), sort
    rows = expected.set_index("sample")
    for one in found:
        row = rows.loc[one.sample]
        assert (one.true, one.predicted, one.none, one.error) == tuple(row[["true", "predicted", "none", "error"]])
        assert one.confidence == row["confidence"] and one.shard == [r.name for r in ROWS].index(one.sample) // 60


@pytest.mark.parametrize("show", SHOWS)
@pytest.mark.parametrize("none", [None, True, False])
@pytest.mark.parametrize("ends", [(None, None), ("a", "b"), ("a", "a"), (None, "c"), ("b", None), (FOREIGN, "a")])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("labeled", [False, True])
def test_counts_and_photos_say_the_same(
    photos: ScoredPhotos, show: Show, none: bool | None, ends: tuple[str | None, str | None], both: bool, labeled: bool
) -> None:
    """A part that is in every name changes nothing, but has to be looked for in the photos."""
    counted = Only(show, *ends, both=both, none=none, labeled=labeled)
    looked = replace(counted, name="dir_")
    assert counted.is_counted and not looked.is_counted
    assert photos.matrix(counted).tolist() == photos.matrix(looked).tolist()
    assert photos.predicted(counted).tolist() == photos.predicted(looked).tolist()
    assert photos.count(counted) == photos.count(looked)


@pytest.mark.parametrize("bound", [0.7, 0.1 + 0.2, 1 / 3, 0.99, 0.5])
def test_a_bound_meets_those_exactly_there(tmp_path: Path, bound: float) -> None:
    near = [np.nextafter(np.float32(bound), np.float32(to)) for to in (0, 1)]
    values = [near[0], np.float32(bound), near[1]]
    rows = [Row(f"{n}.png", "a", np.array([one, 1 - one], np.float32), 0.0) for n, one in enumerate(values)]
    indexed(tmp_path, rows, ("a", "b"))
    photos = ScoredPhotos(tmp_path)
    sure = [max(one, np.float32(1) - one) for one in values]
    at = np.float32(bound)
    if bound >= 0.5:
        assert photos.count(Only(low=bound)) == sum(one >= at for one in sure) == len(photos.page(Only(low=bound)))
        assert photos.count(Only(high=bound)) == sum(one <= at for one in sure)
        assert photos.count(Only(low=bound, high=bound)) == sum(one == at for one in sure) >= 1
    else:
        assert photos.count(Only(low=bound)) == 3 and photos.count(Only(high=bound)) == 0


def test_parts_of_names_mean_nothing_but_themselves(tmp_path: Path) -> None:
    names = [
        "100%.jpg",
        "100x.jpg",
        "a_b.jpg",
        "aXb.jpg",
        "it's.jpg",
        "ÄRGER.JPG",
        "ΟΔΟΣ.png",
        "İstanbul.png",
        "a\\b.png",
    ]
    indexed(tmp_path, [Row(name, "a", np.array([0.9, 0.1], np.float32), 0.0) for name in names], ("a", "b"))
    photos = ScoredPhotos(tmp_path)
    for part, expected in {
        "%": ["100%.jpg"],
        "_": ["a_b.jpg"],
        "'": ["it's.jpg"],
        "A_B": ["a_b.jpg"],
        "ärger": ["ÄRGER.JPG"],
        "ΟΔΟΣ": ["ΟΔΟΣ.png"],
        "οδοσ": ["ΟΔΟΣ.png"],
        "İstanbul": ["İstanbul.png"],
        "\\": ["a\\b.png"],
        "*": [],
        "' OR 1=1 --": [],
        "'); DROP VIEW photos; --": [],
        "?": [],
    }.items():
        assert [one.sample for one in photos.page(Only(name=part))] == expected, part
        assert photos.count(Only(name=part)) == len(expected)
    assert photos.count(Only(true="' OR 1=1 --")) == photos.count(Only(predicted="a' OR 'a'='a")) == 0
    assert photos.count(Only()) == len(names)


def test_lists_agree_with_the_matrix(photos: ScoredPhotos) -> None:
    """Photos without a label, or with one that is no class of the model's, are in no cell and no total."""
    matrix = photos.matrix()
    assert photos.count(Only("errors")) == matrix.sum() - np.trace(matrix)
    assert photos.count(Only("correct")) == np.trace(matrix)
    for place, name in enumerate(CLASSES):
        assert photos.count(Only(true=name, labeled=True)) == matrix[place].sum()
        assert photos.count(Only(predicted=name, labeled=True)) == matrix[:, place].sum()
        assert len(listed(photos, Only(predicted=name, labeled=True), "name")) == matrix[:, place].sum()
    assert photos.count(Only(labeled=True)) == matrix.sum() < photos.count(Only())


def test_photos_are_counted_once_for_the_filters_of_matrix_and_lists(tmp_path: Path) -> None:
    indexed(tmp_path, ROWS, CLASSES, size=60)
    photos, counted = ScoredPhotos(tmp_path), []
    ask = photos._ask
    photos._ask = lambda query, values: counted.append(query) or ask(query, values)  # type: ignore[method-assign,func-returns-value]
    for only in (Only(name="1"), Only("errors", name="1"), Only(true="a", predicted="b", both=True, name="1")):
        photos.matrix(only), photos.count(only), photos.predicted(only)
    assert len(counted) == 1
    photos.count(Only(name="2"))
    assert len(counted) == 2


def test_labels_that_no_matrix_counts(photos: ScoredPhotos, table: Any) -> None:
    read = [row for row in table.to_dict("records") if row["predicted"] is not None]
    expected = sum(row["true"] is not None and row["true"] not in CLASSES for row in read)
    assert photos.unknown_labels() == expected > 0


def test_ties_neither_repeat_nor_are_left_out(tmp_path: Path) -> None:
    rows = [Row(f"{n:03d}.png", "a", np.array([0.75, 0.25], np.float32), 0.0) for n in range(3 * PER_PAGE)]
    indexed(tmp_path, rows, ("a", "b"), size=11)
    photos = ScoredPhotos(tmp_path)
    for sort in SORTS:
        assert [one.sample for one in listed(photos, Only(), sort)] == [row.name for row in rows]
        assert photos.page(Only(), sort=sort, number=4) == []


def test_probabilities_of_a_photo(photos: ScoredPhotos) -> None:
    rows = {row.name: row for row in ROWS}
    for one in [*photos.page(Only("errors")), *photos.page(Only("all"), number=3), *photos.page(Only("unreadable"))]:
        found, expected = photos.probabilities(one), rows[one.sample].probabilities
        assert (found is None) == (expected is None)
        if found is not None:
            assert found.dtype == np.float32 and np.array_equal(found, expected)  # type: ignore[arg-type]
    assert photos.probabilities(Found("nowhere.png", 0, "a", "b", 0.5, None, None)) is None


def test_confidences_give_the_calibration_error(photos: ScoredPhotos, table: Any) -> None:
    known = table[table["predicted"].notna() & table["true"].isin(CLASSES)]
    confidence = known["confidence"].to_numpy(float)
    correct = (known["true"] == known["predicted"]).to_numpy()
    bins = photos.confidences()
    assert bins["bin"].is_monotonic_increasing and bins["bin"].is_unique and bins["bin"].between(0, BINS - 1).all()
    assert (bins["photos"].sum(), bins["correct"].sum()) == (len(known), correct.sum())
    assert bins["confidence"].sum() == pytest.approx(confidence.sum())
    assert bins["variance"].sum() == pytest.approx((confidence * (1 - confidence)).sum())
    gaps = (bins["confidence"] - bins["correct"]).groupby(bins["bin"] * 15 // BINS).sum().abs().sum()
    assert gaps / len(known) == pytest.approx(expected_calibration_error(confidence, correct), abs=1e-12)


def test_eight_at_a_time(photos: ScoredPhotos) -> None:
    asked = questions()

    def answer(only: Only) -> tuple[int, list[list[int]], list[Found]]:
        return photos.count(only), photos.matrix(only).tolist(), photos.page(only, sort="loss")

    alone = [answer(only) for only in asked]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(answer, asked)) == alone


def test_no_other_file_can_be_read(photos: ScoredPhotos, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    duckdb.connect().execute(f"COPY (SELECT 1 AS a) TO '{tmp_path}/secret.parquet' (FORMAT parquet)")
    for query in (
        f"SELECT * FROM read_parquet('{tmp_path}/secret.parquet')",
        f"SELECT * FROM read_csv('{secret}')",
        f"SELECT * FROM read_text('{photos.folder / INDEX}')",
        f"SELECT * FROM '{secret}'",
        "SELECT * FROM read_text('/etc/passwd')",
        f"SELECT * FROM glob('{tmp_path}/*')",
        f"COPY (SELECT 1) TO '{tmp_path}/written.csv'",
        f"ATTACH '{tmp_path}/other.db' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access=true",
        f"SET allowed_directories=['{tmp_path}']",
        "RESET allowed_paths",
        "SET lock_configuration=false",
    ):
        with pytest.raises(duckdb.Error):
            photos._database.cursor().execute(query).fetchall()
    assert not (tmp_path / "written.csv").exists() and not (tmp_path / "other.db").exists()
    assert photos.count(Only())  # and what it may read, it still reads


@pytest.mark.parametrize("threshold", [None, 0.0])
def test_without_a_threshold_no_photo_shows_none(tmp_path: Path, threshold: float | None) -> None:
    rows = random_rows(80)
    indexed(tmp_path, rows, threshold=threshold)
    photos, table = ScoredPhotos(tmp_path), oracle(rows, CLASSES, threshold=threshold)
    for none in (True, False):
        assert photos.count(Only(none=none)) == len(chosen(table, Only(none=none)))
    assert (photos.count(Only(none=True)) == 0) == (threshold is None)


def test_looking_needs_no_torch() -> None:
    """The page opens before it is imported."""
    script = "import sys, har_core.scoring.browse, har_core.scoring.stored_photos; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0
