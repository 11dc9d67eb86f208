"""Shards, each scored once: by one process and by several, after kills, and what a restart does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from har_core.errors import ConfigError, DataError
from har_core.scoring.local import LocalEngine
from har_core.scoring.output import Scored, finished
from har_core.scoring.shards import Asked, make_plan, read_plan
from har_core.scoring.sources import Source
from har_core.scoring.work import locked
from tests.conftest import ROOT, picture
from tests.scoring.conftest import files, names, rows, score, write_tables, write_tar
from tests.scoring.stub import CLASSES, Stub

HERE = LocalEngine(0)
DRIVER = """
import sys
from har_core.scoring.local import LocalEngine
from tests.scoring.conftest import score
from tests.scoring.stub import Stub
score(sys.argv[1], sys.argv[2], LocalEngine(2), stub=Stub(seconds=0.1, marks=sys.argv[3]))
"""


def test_every_photo_has_one_row(photos: Path, tmp_path: Path) -> None:
    scored = score(photos, tmp_path / "out", HERE)
    found = rows(tmp_path / "out", scored)
    assert sorted(str(row["sample"]) for row in found) == names(photos)
    assert (scored.photos, scored.unreadable, len(scored.shards)) == (23, 1, 5)
    for row in found:
        values = [row[f"p:{name}"] for name in CLASSES]
        if row["sample"] == "red/bad.png":
            assert row["error"] and row["predicted"] is None and values == [None] * 3 and row["known"] is None
        else:
            assert row["predicted"] == str(row["sample"]).split("/")[0] and row["error"] is None
            assert np.isclose(sum(values), 1) and row["none"] is (row["known"] < 0)  # type: ignore[arg-type, operator]
    stored = json.loads((tmp_path / "out" / "scored.json").read_text())
    for shard in stored["shards"]:
        assert (tmp_path / "out" / shard["file"]).stat().st_size == shard["bytes"]
    assert not list((tmp_path / "out").rglob("*.partial"))


def test_every_source_gives_the_same_answers(photos: Path, tmp_path: Path) -> None:
    tables = write_tables(tmp_path, photos)
    answers = []
    for number, source in enumerate(
        (photos, write_tar(tmp_path / "a.tar", photos), tables["bytes"], tables["records"])
    ):
        found = rows(tmp_path / str(number), score(source, tmp_path / str(number), HERE))
        answers.append(sorted([{**row, "true": None} for row in found], key=lambda row: row["sample"]))
    assert all(answer == answers[0] for answer in answers)
    assert (
        len(pq.read_table(tmp_path / "2" / "predictions" / "shard-0000000.parquet")) == 7
    )  # a row group is not divided


def test_several_processes_write_the_same_bytes(photos: Path, tmp_path: Path) -> None:
    score(photos, tmp_path / "one", HERE)
    score(photos, tmp_path / "two", LocalEngine(2))
    decoding = Stub(wants_decoded=True)
    score(photos, tmp_path / "decoders", LocalEngine(1, decoders=1), stub=decoding)
    assert files(tmp_path / "one") == files(tmp_path / "two") == files(tmp_path / "decoders")


def test_a_photo_that_kills_the_decoder_becomes_a_row(photos: Path, tmp_path: Path) -> None:
    """Its shard is decoded once more, in processes of their own; the stub then answers."""
    source = tmp_path / "photos"
    source.mkdir()
    for number in range(4):
        picture((200, 0, 0), (20, 20), seed=number).save(source / f"{number}.png")
    picture((200, 0, 0), (20, 20)).save(source / "deadly.png")
    scored = score(source, tmp_path / "out", LocalEngine(1), size=2)
    assert scored.photos == 5 and scored.unreadable == 0


def test_a_worker_that_cannot_live_ends_the_scoring(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("har_core.scoring.local.ATTEMPTS", 1)
    with pytest.raises(DataError, match="fewer workers"):
        score(photos, tmp_path / "out", LocalEngine(1), stub=Stub(dead=True))


def test_what_a_worker_meets_is_told(photos: Path, tmp_path: Path) -> None:
    tar = write_tar(tmp_path / "a.tar", photos)
    asked = Asked(source=str(tar), column=None, labels=None, shard_size=5, model="stub")
    make_plan(asked, Source(str(tar)), str(tmp_path / "out"))
    tar.write_bytes(tar.read_bytes()[:2000])
    with pytest.raises(ConfigError, match="changed"):
        score(tar, tmp_path / "out", HERE)


@pytest.mark.slow
def test_killed_drivers_and_workers_lose_nothing(photos: Path, tmp_path: Path) -> None:
    """The driver is killed when it has scored something, then a worker.  The bytes are those of an undisturbed scoring.

    A shard takes half a second, so neither kill can come when all is done; `benchmarks/scoring_kills.py` kills at random moments.
    """
    score(photos, tmp_path / "undisturbed", HERE)
    out, seen = tmp_path / "out", {}
    for turn, victim in enumerate(("driver", "worker")):
        marks = tmp_path / f"marks{turn}"
        marks.mkdir()
        command = [sys.executable, "-c", DRIVER, str(photos), str(out), str(marks)]
        driver = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
        awaited, pattern = (out / "predictions", "shard-*") if victim == "driver" else (marks, "*")
        deadline = time.monotonic() + 60
        while not list(awaited.glob(pattern)) and driver.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert driver.poll() is None
        os.kill(driver.pid if victim == "driver" else int(next(marks.iterdir()).name), signal.SIGKILL)
        _, complaint = driver.communicate(timeout=120)
        assert driver.returncode == (-signal.SIGKILL if victim == "driver" else 0), complaint
        whole = {path.name: path.stat().st_mtime_ns for path in out.glob("predictions/shard-*")}
        assert seen.items() <= whole.items()  # what was scored is not scored again
        assert seen or 1 <= len(whole) < 5
        seen = whole
        for mark in marks.iterdir():  # workers end with their driver
            assert _has_ended(int(mark.name))
    assert files(out) == files(tmp_path / "undisturbed")
    assert Counter(str(row["sample"]) for row in rows(out, _manifest(out))) == Counter(names(photos))
    assert not list(out.rglob("*.partial"))


def _has_ended(process: int) -> bool:
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        if "State:\tZ" in Path(f"/proc/{process}/status").read_text():
            return True
        time.sleep(0.05)
    return False


def _manifest(out: Path) -> Scored:
    return Scored.model_validate_json((out / "scored.json").read_text())


def test_a_restart_scores_only_what_is_missing(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    score(photos, out, HERE)
    before = files(out)
    (out / "predictions" / "shard-0000002.parquet").unlink()
    marks = tmp_path / "marks"
    marks.mkdir()
    times = {path.name: path.stat().st_mtime_ns for path in (out / "predictions").iterdir()}
    (out / "predictions" / ".shard-0000002.parquet.1.partial").write_bytes(b"half")
    score(photos, out, HERE, stub=Stub(marks=str(marks)))
    again = {path.name: path.stat().st_mtime_ns for path in (out / "predictions").iterdir()}
    assert files(out) == before and times.items() <= again.items() and list(marks.iterdir())


def test_another_question_needs_another_folder(photos: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    asked = Asked(source=str(photos), column=None, labels=None, shard_size=5, model="stub")
    plan = make_plan(asked, Source(str(photos)), out)
    assert read_plan(out, asked) == plan and plan.photos == 23 and plan.shards == 5
    assert [len(plan.shard(out, number)) for number in range(5)] == [5, 5, 5, 5, 3]
    for change in ({"model": "other"}, {"shard_size": 6}, {"source": "other"}, {"labels": "folders"}):
        with pytest.raises(ConfigError, match="choose a new --out"):
            read_plan(out, asked.model_copy(update=change))
    part = tmp_path / "out" / "plan" / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(ConfigError, match="part 0"):
        read_plan(out, asked)
    (tmp_path / "out" / "plan.json").write_text("{}")
    with pytest.raises(ConfigError, match="new --out"):
        read_plan(out, asked)


def test_results_of_something_else_are_not_taken_for_these(photos: Path, tmp_path: Path) -> None:
    for name, size in (("a", 5), ("b", 4)):
        score(photos, tmp_path / name, HERE, size=size)
    (tmp_path / "b" / "predictions" / "shard-0000000.parquet").replace(
        tmp_path / "a" / "predictions" / "shard-0000000.parquet"
    )
    with pytest.raises(ConfigError, match="this plan"):
        score(photos, tmp_path / "a", HERE)
    (tmp_path / "a" / "predictions" / "shard-0000000.parquet").write_bytes(b"notes")
    with pytest.raises(ConfigError, match="start again"):
        score(photos, tmp_path / "a", HERE)


def test_plans_of_many_parts(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(f"{number}.png" for number in range(250)))
    asked = Asked(source=str(listed), column=None, labels=None, shard_size=1, model="stub")
    plan = make_plan(asked, Source(str(listed)), str(tmp_path / "out"), here=False)
    assert len(plan.parts) == 3 and plan.shards == 250
    assert [plan.shard(str(tmp_path / "out"), number)[0].name for number in (0, 99, 100, 249)] == [
        "0.png",
        "99.png",
        "100.png",
        "249.png",
    ]


def test_no_photo_twice_and_not_none(tmp_path: Path) -> None:
    asked = Asked(source="list", column=None, labels=None, shard_size=2, model="stub")
    for name, text, fragment in (("twice", "a.png\nb.png\nc.png\nb.png\n", "b.png twice"), ("none", "\n", "none")):
        listed = tmp_path / f"{name}.txt"
        listed.write_text(text)
        with pytest.raises(DataError, match=fragment):
            make_plan(asked, Source(str(listed)), str(tmp_path / name), here=False)
        assert read_plan(str(tmp_path / name)) is None


def test_nobody_else_scores_into_the_folder(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    with locked(out), pytest.raises(ConfigError, match="wait"), locked(out):
        pass
    with locked(out):
        pass
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="choose another"), locked(str(tmp_path / "notes")):
        pass
    assert finished(out) == set()
