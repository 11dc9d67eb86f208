"""Threads may be started, processes may not, whoever runs them."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from har_core.media.no_processes import forbid_processes
from tests.conftest import ROOT

_TRIED = """
import os, subprocess, threading
from har_core.media.no_processes import forbid_processes
held = forbid_processes()
said = []
thread = threading.Thread(target=said.append, args=["thread"])
thread.start(); thread.join()
for start in (
    os.fork, lambda: subprocess.run(["true"]), lambda: os.execv("/bin/true", ["true"]), lambda: os.system("true") and 1 / 0,
    lambda: os.posix_spawn("/bin/true", ["true"], {}), lambda: threading.Thread(target=os.fork).run(),
):
    try:
        start(); said.append("started")
    except (OSError, ZeroDivisionError):
        said.append("refused")
print(held, *said)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="needs Linux on these machines"
)
def test_threads_start_and_processes_do_not() -> None:
    found = subprocess.run(
        [sys.executable, "-c", _TRIED], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.split() == ["True", "thread", *["refused"] * 6]


@pytest.mark.parametrize("machine", ["riscv64", "AMD64", ""])
def test_other_machines_say_that_it_does_not_hold(monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert not forbid_processes()
