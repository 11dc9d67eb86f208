"""Areas, intervals and comparisons, held against scikit-learn and scipy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import auc

from har_core.analysis.faithfulness import (
    CORRELATION,
    DELETION,
    INSERTION,
    MAPS,
    MEASURES,
    OWN,
    RANDOM,
    ROAD,
    SCHEMA,
    SHUFFLED,
    areas,
    compare,
    mean_areas,
    mean_curves,
    mean_interval,
)
from har_core.errors import RunError
from har_core.runs.file_names import FAITHFULNESS
from har_core.runs.run import Run
from har_core.runs.tables import read_table, write_table
from tests.helpers import random_predictions
from tests.pages.conftest import write_run

SHARES = np.array([0, 0.1, 0.4, 1.0])


def drawn(photos: int = 12, seed: int = 0, maps: tuple[str, ...] = MAPS) -> pd.DataFrame:
    """Curves drawn at random, rows in no order."""
    random, rows = np.random.default_rng(seed), []
    for photo in range(photos):
        for name in maps:
            for measure in (DELETION, INSERTION, ROAD):
                low = -0.5 if measure == ROAD else 0.0
                rows += [(photo, name, measure, share, low + random.random()) for share in SHARES]
            rows.append((photo, name, CORRELATION, 1.0, random.uniform(-1, 1)))
    return pd.DataFrame(rows, columns=list(SCHEMA)).sample(frac=1, random_state=seed, ignore_index=True)


def with_areas(own: list[float], other: list[float], measure: str) -> pd.DataFrame:
    """Flat curves, whose areas are their heights."""
    rows = [
        (photo, name, measure, share, value)
        for name, values in ((OWN, own), (RANDOM, other))
        for photo, value in enumerate(values)
        for share in SHARES
    ]
    return pd.DataFrame(rows, columns=list(SCHEMA))


def test_areas_are_those_of_scikit_learn() -> None:
    table = drawn()
    found = areas(table)
    assert len(found) == 12 * 4 * 4
    for row in found.itertuples():
        curve = table[(table["photo"] == row.photo) & (table["map"] == row.map) & (table["measure"] == row.measure)]
        curve = curve.sort_values("share")
        expected = (
            auc(curve["share"], curve["value"]) if row.measure in (DELETION, INSERTION) else curve["value"].mean()
        )
        assert row.area == pytest.approx(expected)


def test_means_have_the_interval_of_scipy() -> None:
    table = drawn()
    found, single = mean_areas(table), areas(table)
    assert list(found["map"]) == list(MAPS) * 4 and (found["photos"] == 12).all()
    for row in found.itertuples():
        values = single[(single["map"] == row.map) & (single["measure"] == row.measure)]["area"]
        expected = stats.ttest_1samp(values, 0).confidence_interval()
        assert (row.mean, row.low, row.high) == pytest.approx((values.mean(), expected.low, expected.high))


def test_comparisons_are_paired_and_above_0_where_the_class_map_is_better() -> None:
    table = drawn()
    single = areas(table).set_index(["measure", "map", "photo"])["area"].sort_index()
    found = compare(table)
    assert [(one.measure, one.other) for one in found] == [(m, other) for m in MEASURES for other in MAPS[1:]]
    for one in found:
        own, other = single[one.measure, OWN], single[one.measure, one.other]
        first, second = (other, own) if one.measure == DELETION else (own, other)
        interval = stats.ttest_rel(first, second).confidence_interval()
        assert (one.gain, one.low, one.high) == pytest.approx(((first - second).mean(), *interval))


@pytest.mark.parametrize(("measure", "outcome"), [(DELETION, "worse"), (INSERTION, "better"), (ROAD, "better")])
def test_higher_is_better_but_for_deletion(measure: str, outcome: str) -> None:
    (found,) = compare(with_areas([0.4, 0.5, 0.41], [0.1, 0.19, 0.1], measure))
    assert found.outcome == outcome and found.photos == 3 and abs(found.gain) == pytest.approx(0.306667, abs=1e-5)


@pytest.mark.parametrize("photos", [1, 2, 30])
def test_a_map_is_never_better_than_itself(photos: int) -> None:
    values = list(np.random.default_rng(0).random(photos) / 2)
    (found,) = compare(with_areas(values, values, ROAD))
    assert found.outcome == "unclear" and found.gain == 0


def test_one_photo_proves_nothing() -> None:
    (found,) = compare(with_areas([0.5], [0.0], ROAD))
    assert found.outcome == "unclear" and (found.low, found.high) == (-1, 1)
    means = mean_areas(drawn(1))
    assert (means[means["measure"] == INSERTION][["low", "high"]].to_numpy() == [0, 1]).all()


def test_intervals_stay_within_what_is_possible() -> None:
    assert mean_interval(np.array([0.0, 1.0]), 0, 1) == (0.5, 0.0, 1.0)


def test_photos_that_lack_a_map_are_left_out_of_its_comparison() -> None:
    table = drawn(6)
    table = table[~((table["map"] == RANDOM) & (table["photo"] < 2)) & (table["map"] != SHUFFLED)]
    assert {(one.other, one.photos) for one in compare(table)} == {(RANDOM, 4), ("center", 6)}
    assert SHUFFLED not in set(mean_areas(table)["map"])


def test_no_photos() -> None:
    table = drawn(1).iloc[:0]
    assert areas(table).empty and mean_areas(table).empty and mean_curves(table).empty and compare(table) == []


def test_mean_curves() -> None:
    table = drawn()
    found = mean_curves(table)
    assert set(found["measure"]) == set(MEASURES) and len(found) == 3 * 4 * 4
    row = found.iloc[5]
    same = table[(table["measure"] == row["measure"]) & (table["map"] == row["map"]) & (table["share"] == row["share"])]
    assert row["value"] == pytest.approx(same["value"].mean()) and len(same) == 12


def test_there_and_back(tmp_path: Path) -> None:
    run = Run.open(write_run(tmp_path / "run", random_predictions(10, ("a", "b")), maps=False))
    table = drawn(3).astype({"map": object, "measure": object})
    pd.testing.assert_frame_equal(
        read_table(write_table(run, FAITHFULNESS, table, SCHEMA), FAITHFULNESS, SCHEMA), table
    )
    for change in ({"map": "other"}, {"value": 1.5}, {"share": -0.1}, {"photo": 0.5}, {"value": np.nan}):
        with pytest.raises(RunError):
            write_table(run, FAITHFULNESS, table.assign(**change), SCHEMA)
