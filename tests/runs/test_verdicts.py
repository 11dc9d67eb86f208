"""Verdicts are on disk when they are given, and nobody's are lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from har_core.errors import RunError
from har_core.runs.verdicts import MAX_NOTE, MAX_TAG, Verdict, Verdicts
from tests.conftest import ROOT


def test_what_is_set_is_read_by_another(tmp_path: Path) -> None:
    path = tmp_path / "new" / "verdicts.sqlite"
    assert Verdicts(path).all() == {} and not path.exists()
    Verdicts(path).set("Image_1.jpg", "label is wrong", "he sits")
    Verdicts(path).set("b/Bild_ü.jpg", "unclear")
    assert Verdicts(path).all() == {
        "Image_1.jpg": Verdict("label is wrong", "he sits"),
        "b/Bild_ü.jpg": Verdict("unclear", ""),
    }
    Verdicts(path).set("Image_1.jpg", "both fit", "x" * 5000)
    assert Verdicts(path).all()["Image_1.jpg"] == Verdict("both fit", "x" * MAX_NOTE)
    Verdicts(path).remove("Image_1.jpg")
    assert list(Verdicts(path).all()) == ["b/Bild_ü.jpg"]
    with pytest.raises(ValueError, match="expected one of"):
        Verdicts(path).set("c", "great")  # type: ignore[arg-type]


def test_sessions_at_once_lose_nothing(tmp_path: Path) -> None:
    """Four threads and two processes, 25 photos each, all into one file."""
    path = tmp_path / "verdicts.sqlite"
    code = (
        "import sys; from pathlib import Path; from har_core.runs.verdicts import Verdicts\n"
        "for n in range(25): Verdicts(Path(sys.argv[1])).set(f'{sys.argv[2]}-{n}', 'unclear', sys.argv[2])"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(path), name], cwd=ROOT) for name in "pq"]

    def judge(name: int) -> None:
        for number in range(25):
            Verdicts(path).set(f"{name}-{number}", "both fit")

    threads = [threading.Thread(target=judge, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert len(Verdicts(path).all()) == 150


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.sqlite"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(RunError, match=r"verdicts\.sqlite"):
        Verdicts(path).all()
    with pytest.raises(RunError, match=r"verdicts\.sqlite"):
        Verdicts(path).set("a", "unclear")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="HAR_LENS_HOME"):
        Verdicts(tmp_path / "file" / "verdicts.sqlite").set("a", "unclear")


def test_the_right_label_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.sqlite"
    Verdicts(path).set("a.jpg", "label is wrong", "he runs", "running")
    assert Verdicts(path).all() == {"a.jpg": Verdict("label is wrong", "he runs", "running")}


def test_a_file_of_an_earlier_version_is_read_and_written(tmp_path: Path) -> None:
    """By many at once."""
    path = tmp_path / "verdicts.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE verdicts (sample TEXT PRIMARY KEY, verdict TEXT NOT NULL, note TEXT NOT NULL, at TEXT NOT NULL)"
        )
        connection.execute("INSERT INTO verdicts VALUES ('old.jpg', 'unclear', 'dark', '2026')")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: Verdicts(path).set(f"{number}.jpg", "label is wrong", "", "running"), range(8)))
    found = Verdicts(path).all()
    assert found["old.jpg"] == Verdict("unclear", "dark") and len(found) == 9 and found["3.jpg"].label == "running"


def test_many_are_judged_and_taken_back_at_once(tmp_path: Path) -> None:
    kept = Verdicts(tmp_path / "verdicts.sqlite")
    kept.set("a.jpg", "unclear", "dark")
    kept.set_all({"a.jpg": None, "b.jpg": Verdict("both fit", ""), "c.jpg": Verdict("label is wrong", "", "running")})
    assert kept.all() == {"b.jpg": Verdict("both fit", ""), "c.jpg": Verdict("label is wrong", "", "running")}
    kept.set_all({"b.jpg": None, "never judged.jpg": None})
    assert list(kept.all()) == ["c.jpg"]


def test_tags_are_kept_without_a_verdict(tmp_path: Path) -> None:
    kept = Verdicts(tmp_path / "verdicts.sqlite")
    assert kept.tags() == {} and not kept.path.exists()
    kept.set_tags({"a.jpg": [" night ", "dark", "", "night"], "b.jpg": ["x" * 80]})
    assert kept.tags() == {"a.jpg": ("dark", "night"), "b.jpg": ("x" * MAX_TAG,)} and kept.all() == {}
    kept.set_tags({"a.jpg": ["dark"], "b.jpg": []})
    kept.set("a.jpg", "unclear")
    kept.remove("a.jpg")
    assert kept.tags() == {"a.jpg": ("dark",)}
