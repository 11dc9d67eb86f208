"""Verdicts in a real PostgreSQL server, which several copies of the app write to at once."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from har_core.errors import ConfigError, RunError
from har_core.runs.shared_verdicts import SharedVerdicts
from har_core.runs.verdicts import MAX_NOTE, NO_CLASS, Verdict
from tests.conftest import ROOT

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The database of a server of its own."""
    if not PROGRAMS and not shutil.which("initdb"):
        pytest.skip("PostgreSQL is not installed")
    programs = PROGRAMS[-1] if PROGRAMS else Path(str(shutil.which("initdb"))).parent
    # Not in pytest's folder, which another user may not enter; a short name, since a socket's path may not be long.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    as_user: list[str] = []
    if os.getuid() == 0:  # the server refuses to be root
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    subprocess.run([*as_user, programs / "initdb", "-D", folder / "data", "-U", "har", "-A", "trust", "-N"], **run)
    server = [*as_user, programs / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log"]
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
    subprocess.run([*server, "-o", options, "start"], **run)
    try:
        yield f"postgresql://har@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*server, "-m", "immediate", "stop"], **run)
        shutil.rmtree(folder, ignore_errors=True)


def test_verdicts_and_tags_come_back(url: str) -> None:
    kept = SharedVerdicts(url, "best 2026")
    assert kept.all() == {} and kept.tags() == {}
    kept.set("b/Bild_ü %s ?.jpg", "label is wrong", "er läuft; '); DROP TABLE verdicts", NO_CLASS)
    kept.set("a\0.jpg", "unclear", "x" * 5000)
    kept.set("a\0.jpg", "both fit")
    other = SharedVerdicts(url, "best 2026")
    assert other.all() == {
        "a.jpg": Verdict("both fit", ""),
        "b/Bild_ü %s ?.jpg": Verdict("label is wrong", "er läuft; '); DROP TABLE verdicts", NO_CLASS),
    }
    other.set("a.jpg", "unclear", "x" * 5000)
    assert len(kept.all()["a.jpg"].note) == MAX_NOTE
    other.remove("a.jpg")
    other.remove("never judged")
    assert list(kept.all()) == ["b/Bild_ü %s ?.jpg"]
    kept.set_tags({"a.jpg": [" dark ", "dark", ""], "b.jpg": ["far"]})
    kept.set_tags({"b.jpg": []})
    assert other.tags() == {"a.jpg": ("dark",)}


def test_every_run_has_its_own(url: str) -> None:
    first, second, third = (SharedVerdicts(url, name) for name in ("a run", "a-run", "A RUN"))
    first.set("x.jpg", "unclear")
    assert list(first.all()) == ["x.jpg"] and second.all() == {} and third.all() == {}


def test_all_or_none(url: str) -> None:
    kept = SharedVerdicts(url, "all or none")
    kept.set("a.jpg", "unclear")
    with pytest.raises((RunError, AttributeError)):
        kept.set_all({"b.jpg": Verdict("unclear", ""), "c.jpg": "no verdict"})  # type: ignore[dict-item]
    assert list(kept.all()) == ["a.jpg"]


def test_copies_of_the_app_at_once_lose_nothing(url: str) -> None:
    """Five processes and four threads make the tables and judge at the same moment; all are there afterwards."""
    code = (
        "import sys; from har_core.runs.shared_verdicts import SharedVerdicts\n"
        "kept = SharedVerdicts(sys.argv[1], 'many')\n"
        "for n in range(20): kept.set(f'{sys.argv[2]}-{n}', 'unclear'); kept.set('same', 'both fit', sys.argv[2])"
    )
    others = [subprocess.Popen([sys.executable, "-c", code, url, str(number)], cwd=ROOT) for number in range(5)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: SharedVerdicts(url, "many").set(f"thread-{n}", "unclear"), range(20)))
    assert [process.wait(60) for process in others] == [0] * 5
    assert len(SharedVerdicts(url, "many").all()) == 5 * 20 + 20 + 1


def test_two_that_judge_the_same_photos_in_opposite_order_both_end(url: str) -> None:
    names = [f"{number}.jpg" for number in range(200)]
    kept = SharedVerdicts(url, "opposite")
    kept.all()

    def judge(order: list[str]) -> None:
        for _ in range(5):
            SharedVerdicts(url, "opposite").set_all(dict.fromkeys(order, Verdict("unclear", "")))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(judge, (names, names[::-1])))
    assert len(kept.all()) == 200


def test_a_server_that_is_gone_is_told_without_the_password() -> None:
    kept = SharedVerdicts("postgresql://har:secret@127.0.0.1:1/postgres", "gone")
    for ask in (kept.all, kept.tags, lambda: kept.set("a", "unclear")):
        with pytest.raises(RunError, match="PostgreSQL") as caught:
            ask()
        assert "secret" not in str(caught.value) and "127.0.0.1" not in str(caught.value)


def test_another_url_is_refused() -> None:
    with pytest.raises(ConfigError, match="HAR_VERDICTS") as caught:
        SharedVerdicts("mysql://har:secret@server/x", "run")
    assert "secret" not in str(caught.value)
