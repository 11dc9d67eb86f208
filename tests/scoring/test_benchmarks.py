"""The benchmarks of docs/scale.md run, in their quick form."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["bench_browse", "--quick"], "peak memory"),
        (["bench_browse", "--quick", "--classes", "40"], "peak memory"),
        (["scoring_s3", "--photos", "100"], "rows: 100, the same"),
        (["scoring_kills", "--kills", "2", "--engines", "local"], "one row each"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_a_benchmark_runs(command: list[str], says: str) -> None:
    if command[0] == "scoring_s3":
        pytest.importorskip("moto")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks." + command[0], *command[1:]], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert says in done.stdout
