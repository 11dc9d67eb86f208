"""Similar hashes and embeddings → groups; their order, their table, and what they do to folds and scores."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score
from sklearn.metrics.pairwise import cosine_similarity

from har_core.analysis import duplicate_groups as dg
from har_core.errors import RunError
from har_core.runs.file_names import DUPLICATES
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.run import Run
from har_core.runs.tables import read_table, write_table
from har_core.runs.writing import write_manifest
from tests.helpers import random_predictions


def pairs(*rows: tuple[int, int, int, bool]) -> dg.HashPairs:
    """Of (first, second, distance, identical)."""
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return dg.HashPairs(columns[0], columns[1], columns[2], columns[3].astype(bool))


def linked(*edges: tuple[int, int]) -> dg.HashPairs:
    return pairs(*((*edge, 2, False) for edge in sorted(edges)))


def groups_of(edges: dg.HashPairs, size: int, *, labels: str = "", splits: str = "") -> list[dg.Group]:
    """Photos 0, 1, …, whose labels are the letters of `labels`; of the splits t(est), l(eft out), else training."""
    names = {"t": dg.TEST, "l": dg.LEFT_OUT}
    return dg.find_groups(
        [str(row) for row in range(size)],
        list(labels or "a" * size),
        [names.get(letter, dg.TRAINING) for letter in splits.ljust(size)],
        np.zeros(size, dtype=np.uint64),
        edges,
    )


def names(groups: list[dg.Group]) -> list[list[int]]:
    return [[int(member.sample) for member in group.members] for group in groups]


@pytest.mark.parametrize(
    ("distance", "identical", "cosine", "same"),
    [
        (dg.DISTANCE, False, np.nan, True),
        (dg.DISTANCE, False, dg.OTHER_COSINE, True),
        (dg.CERTAIN_DISTANCE + 1, False, dg.OTHER_COSINE - 0.01, False),
        (dg.CERTAIN_DISTANCE, False, 0.0, True),
        (0, True, -1.0, True),
        (dg.DISTANCE + 2, False, np.nan, False),
        (dg.WIDE_DISTANCE, False, dg.SAME_COSINE, True),
        (dg.WIDE_DISTANCE, False, dg.SAME_COSINE - 0.01, False),
        (dg.WIDE_DISTANCE + 1, False, 1.0, False),
    ],
)
def test_hash_and_embedding_vouch_for_each_other(distance: int, identical: bool, cosine: float, same: bool) -> None:
    assert dg.same_photo(pairs((0, 1, distance, identical)), np.array([cosine])).tolist() == [same]


def test_cosines_are_those_of_scikit_learn_and_unknown_ones_are_nan() -> None:
    embeddings = np.random.default_rng(0).normal(size=(40, 7)).astype(np.float32)
    embeddings[3], embeddings[5] = np.nan, 0
    first, second = (grid.ravel() for grid in np.meshgrid(np.arange(40), np.arange(40)))
    found = dg.cosines(embeddings, first, second)
    unknown = np.isin(first, (3, 5)) | np.isin(second, (3, 5))
    assert np.isnan(found).tolist() == unknown.tolist()
    expected = cosine_similarity(np.nan_to_num(embeddings))[first, second]
    np.testing.assert_allclose(found[~unknown], expected[~unknown], atol=1e-6)
    assert np.abs(found[~unknown]).max() <= 1
    assert np.isnan(dg.cosines(None, first, second)).all()
    half = dg.cosines(np.full((2, 2048), 60.0, dtype=np.float16), np.array([0]), np.array([1]))
    np.testing.assert_allclose(half, 1)  # though half precision cannot hold the product


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_the_connected_components(seed: int) -> None:
    random = np.random.default_rng(seed)
    edges = sorted({tuple(sorted(random.choice(60, 2, replace=False).tolist())) for _ in range(18)})
    found = groups_of(linked(*edges), 60)
    expected = {frozenset(part) for part in nx.connected_components(nx.Graph(edges))}
    assert max(map(len, expected)) <= dg.LARGEST_CHAIN
    assert {frozenset(rows) for rows in names(found)} == expected
    degree = nx.Graph(edges).degree
    assert all(degree[rows[0]] == max(degree[row] for row in rows) for rows in names(found))


def test_order_is_by_labels_then_split_then_size() -> None:
    edges = linked((0, 1), (2, 3), (2, 4), (5, 6), (7, 8), (9, 10), (9, 11))
    found = groups_of(edges, 12, labels="aaaaaaaabaaa", splits="....." + "t." + ".." + "tl.")
    assert names(found) == [[7, 8], [9, 10, 11], [5, 6], [2, 3, 4], [0, 1]]
    assert [group.labels_differ for group in found] == [True, False, False, False, False]
    assert [group.across_split for group in found] == [False, True, True, False, False]


def test_what_was_left_out_of_training_is_not_across_the_split() -> None:
    assert not groups_of(linked((0, 1)), 2, splits="tl")[0].across_split
    assert groups_of(linked((0, 1)), 2, splits="t.")[0].across_split


def test_a_chain_is_taken_apart_but_not_a_crowd_around_one_photo() -> None:
    size = 40
    chain = groups_of(linked(*((row, row + 1) for row in range(size - 1))), size)
    assert max(len(group.members) for group in chain) <= max(3, dg.LARGEST_CHAIN)
    rows = [row for group in names(chain) for row in group]
    assert len(rows) == len(set(rows)) > size / 2
    crowd = groups_of(linked(*((0, row) for row in range(1, size))), size)
    assert names(crowd) == [list(range(size))]
    short = dg.LARGEST_CHAIN
    assert len(groups_of(linked(*((row, row + 1) for row in range(short - 1))), short)) == 1


def test_distances_are_to_the_first_photo() -> None:
    hashes = np.array([0b1, 0b111, 0b0, 0b11111], dtype=np.uint64)
    embeddings = np.array([[1, 0], [1, 0.1], [np.nan, 0], [1, 0.1]])
    edges = pairs((0, 1, 2, False), (0, 2, 1, False), (1, 3, 2, False), (0, 3, 4, False))
    (group,) = dg.find_groups("abcd", "xxxx", [dg.TEST] * 4, hashes, edges, embeddings=embeddings)
    assert [(member.sample, member.distance) for member in group.members] == [("a", 0), ("b", 2), ("c", 1), ("d", 4)]
    assert [round(member.cosine, 3) for member in group.members] == pytest.approx(
        [1, 0.995, np.nan, 0.995], nan_ok=True
    )


def test_the_table_is_read_back_as_it_was(tmp_path: Path) -> None:
    write_manifest(tmp_path, Manifest(status=COMPLETE, classes=("a", "NA")))
    found = [
        dg.Group((dg.Member("x,1", dg.TEST, "a", 0, 1.0), dg.Member("y", dg.TRAINING, "NA", 8, np.nan))),
        dg.Group((dg.Member("z", dg.LEFT_OUT, "a", 0, 1.0), dg.Member("NaN", dg.TRAINING, "a", 0, 0.93))),
    ]
    run = write_table(Run.open(tmp_path), DUPLICATES, dg.to_table(found), dg.SCHEMA)
    back = dg.from_table(read_table(run, DUPLICATES, dg.SCHEMA))
    assert repr(back) == repr(found)  # NaN differs from itself
    run = write_table(run, DUPLICATES, dg.to_table([]), dg.SCHEMA)
    assert dg.from_table(read_table(run, DUPLICATES, dg.SCHEMA)) == []


@pytest.mark.parametrize("rows", [[(1, "a")], [(1, "a"), (1, "a")], [(1, "a"), (1, "b"), (2, "a"), (2, "c")]])
def test_a_table_of_lone_or_repeated_photos_is_refused(rows: list[tuple[int, str]]) -> None:
    table = pd.DataFrame([(number, name, dg.TEST, "x", 0, np.nan) for number, name in rows], columns=list(dg.SCHEMA))
    with pytest.raises(RunError, match="'a'"):
        dg.from_table(table)


def test_photos_of_a_group_have_one_number_and_others_their_own() -> None:
    groups = groups_of(linked((1, 3), (2, 5), (2, 6)), 8)
    numbers = dg.group_numbers([str(row) for row in (7, 6, 5, 4, 3, 2, 1, 0)], groups)
    assert numbers.dtype == np.int64
    assert numbers[1] == numbers[2] == numbers[5] and numbers[4] == numbers[6]
    assert len(set(numbers.tolist())) == 5
    assert dg.group_numbers(["1"], groups).shape == (1,) and dg.group_numbers([], []).shape == (0,)


def test_scores_without_the_photos_that_were_seen_in_training() -> None:
    predictions = random_predictions(30)
    member = {name: dg.Member(str(name), dg.TEST, "x", 0, 1.0) for name in predictions.samples}
    copy = dg.Member("copy", dg.TRAINING, "x", 0, 1.0)
    groups = [
        dg.Group((member["Image_3.jpg"], copy, member["Image_8.jpg"])),
        dg.Group((member["Image_1.jpg"], member["Image_2.jpg"])),
    ]
    kept = ~np.isin(np.arange(30), (3, 8))
    summary, left_out = dg.without_leaks(predictions, groups)
    assert summary is not None and (summary.n, left_out) == (28, 2)
    assert summary.accuracy == accuracy_score(predictions.true[kept], predictions.predicted[kept])
    everything = [dg.Group((*member.values(), copy))]
    assert dg.without_leaks(predictions, everything) == (None, 30)
    assert dg.without_leaks(random_predictions(1), [])[1] == 0


def test_without_pairs_there_are_no_groups() -> None:
    assert groups_of(pairs(), 3) == [] == groups_of(pairs(), 0)
