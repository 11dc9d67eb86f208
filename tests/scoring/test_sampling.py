"""The photos drawn at random, and the run that is made of them."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from har_core.errors import RunError
from har_core.runs.file_names import CLASS_MAPS, EMBEDDINGS
from har_core.runs.manifest import COMPLETE, ModelInfo
from har_core.runs.run import Run
from har_core.scoring import sampling
from har_core.scoring.browse import ScoredPhotos
from har_core.scoring.index import DRAWN, make_index
from har_core.scoring.output import Row
from har_core.scoring.sampling import write_sample_run
from tests.scoring.made import indexed, random_rows, write_scored

CLASSES = ("a", "b", "c")


def usable(rows: list[Row]) -> dict[str, Any]:
    return {row.name: row for row in rows if row.probabilities is not None and row.true in CLASSES}


def drawn(folder: Path) -> list[str]:
    return [str(name) for name in pq.read_table(io.BytesIO((folder / DRAWN).read_bytes()))["sample"].to_pylist()]


def test_all_where_there_are_few(tmp_path: Path) -> None:
    rows = random_rows(200)
    indexed(tmp_path, rows)
    assert drawn(tmp_path) == list(usable(rows))


def test_a_share_of_many_each_with_the_same_probability(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "SIZE", 300)
    rows = [replace(row, true=None) if number % 2 else row for number, row in enumerate(random_rows(4000))]
    scored = indexed(tmp_path, rows, size=500)
    names, allowed = drawn(tmp_path), usable(rows)
    share = 300 / scored.labeled
    expected, spread = share * len(allowed), np.sqrt(share * (1 - share) * len(allowed))
    assert set(names) <= set(allowed) and len(set(names)) == len(names) and abs(len(names) - expected) < 4 * spread
    shards = {row.name: number // 500 for number, row in enumerate(rows)}
    table = pd.DataFrame(
        [(row.true, row.probabilities.argmax(), shards[name], name in names) for name, row in allowed.items()],
        columns=["true", "predicted", "shard", "drawn"],
    )
    places = {
        name: number % 500 for number, name in enumerate(row.name for row in rows) if name in names
    }  # not the same ones of each shard
    assert len(set(places.values())) > 0.6 * len(places)
    for column in ("true", "predicted", "shard"):
        for group, taken in table.groupby(column)["drawn"]:
            assert abs(taken.sum() - share * len(taken)) < 4 * np.sqrt(share * (1 - share) * len(taken)), group


def test_the_same_scoring_gives_the_same_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "SIZE", 50)
    for name in ("one", "two"):
        indexed(tmp_path / name, random_rows(300), size=40)
    assert (tmp_path / "one" / DRAWN).read_bytes() == (tmp_path / "two" / DRAWN).read_bytes()
    assert 20 < len(drawn(tmp_path / "one")) < 100


@pytest.mark.parametrize("kept", [True, False])
def test_the_run_holds_what_the_shards_hold(tmp_path: Path, kept: bool) -> None:
    rows = random_rows(90, kept=kept)
    indexed(tmp_path / "scored", rows, kept=kept)
    photos = ScoredPhotos(tmp_path / "scored")
    photos.write_sample(tmp_path / "run")
    run, allowed = Run.open(tmp_path / "run"), usable(rows)
    found = run.predictions()
    assert list(found.samples) == list(allowed) and run.classes == CLASSES and run.manifest.status == COMPLETE
    assert [CLASSES[index] for index in found.true] == [row.true for row in allowed.values()]
    assert np.array_equal(found.probabilities, [row.probabilities for row in allowed.values()])
    assert run.manifest.scores is not None and run.manifest.scores.accuracy == pytest.approx(found.correct.mean())
    assert run.title == f"Sample: {len(allowed)} of 90 photos" and f"{len(allowed)} of 90" in (
        run.manifest.source or ""
    )
    assert run.has(EMBEDDINGS) == run.has(CLASS_MAPS) == kept
    if kept:
        assert np.array_equal(run.embeddings(), [row.embedding for row in allowed.values()])
        assert np.array_equal(run.class_maps(), [row.maps for row in allowed.values()])
    assert np.trace(photos.matrix()) == found.correct.sum()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    with pytest.raises(RunError, match="another folder"):
        photos.write_sample(tmp_path / "run")


def test_maps_of_several_shapes_are_left_out(tmp_path: Path) -> None:
    """As networks that see a photo in its own shape give them; the embeddings remain."""
    rows = [
        Row(
            f"{number}.png",
            "a",
            np.array([0.5, 0.3, 0.2], np.float32),
            1.0,
            np.full(4, number, np.float16),
            np.full((3, *shape), number, np.float16),
        )
        for number, shape in enumerate([(2, 3), (3, 2), (2, 3), (2, 2)])
    ]
    indexed(tmp_path / "scored", rows, kept=True, size=2)
    run = ScoredPhotos(tmp_path / "scored").write_sample(tmp_path / "run")
    assert run.has(EMBEDDINGS) and not run.has(CLASS_MAPS) and run.embeddings()[:, 0].tolist() == [0, 1, 2, 3]


def test_the_network_is_that_of_the_scoring(tmp_path: Path) -> None:
    scored = write_scored(tmp_path / "scored", random_rows())
    network = ModelInfo(crop_size=32, resize=36, views=("center",))
    told = scored.model_copy(update={"network": network})
    (tmp_path / "scored" / "scored.json").write_text(told.model_dump_json())
    make_index(str(tmp_path / "scored"), told)
    assert ScoredPhotos(tmp_path / "scored").write_sample(tmp_path / "run").manifest.model == network


@pytest.mark.parametrize(
    "rows",
    [
        [Row("1.png", None, np.array([0.5, 0.3, 0.2], np.float32), 1.0)],
        [Row("1.png", "other", np.array([0.5, 0.3, 0.2], np.float32), 1.0)],
        [Row("1.png", "a", error="cut off")],
    ],
    ids=["no label", "no class", "unreadable"],
)
def test_nothing_to_draw(tmp_path: Path, rows: list[Row]) -> None:
    indexed(tmp_path / "scored", rows)
    with pytest.raises(RunError, match="--labels"):
        ScoredPhotos(tmp_path / "scored").write_sample(tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("data", [b"", b"PAR1", None])
def test_a_damaged_sample(tmp_path: Path, data: bytes | None) -> None:
    scored = indexed(tmp_path / "scored", random_rows())
    if data is None:  # a table of something else
        buffer = io.BytesIO()
        pq.write_table(pq.read_table(tmp_path / "scored" / DRAWN).select(["sample", "true"]), buffer)
        data = buffer.getvalue()
    with pytest.raises(RunError, match="score again"):
        write_sample_run(tmp_path / "run", data, scored)
    assert not (tmp_path / "run").exists()
