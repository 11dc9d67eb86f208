"""A process of its own for bytes of strangers: nothing of this one's environment, secrets or working directory is in it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

_ROOT = Path(__file__).parents[2]  # where the worker finds har_core
_PIPE = 1 << 20  # bytes in flight: with the usual 64 kB the two processes would wait for each other


def start_worker(module: str, arguments: str, *, stdin: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start `har_core.media.MODULE.main(ARGUMENTS)`, which answers on its output.

    Args:
        arguments: Python source of what `main` is called with.
        stdin: a file, or `subprocess.PIPE`.
    """
    path = [str(_ROOT), *filter(None, sys.path)]
    start = f"import sys; sys.path[:] = {path!r}; from har_core.media.{module} import main; main({arguments})"
    worker = subprocess.Popen(
        [sys.executable, "-I", "-c", start],
        cwd=Path(_ROOT.anchor),
        env={name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ},  # without it Windows fails
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0 if stdin == subprocess.PIPE else -1,
    )
    for pipe in filter(None, (worker.stdin, worker.stdout)):
        with suppress(ImportError, AttributeError, OSError):  # other systems; the share of a user is used up
            import fcntl

            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)
    return worker
