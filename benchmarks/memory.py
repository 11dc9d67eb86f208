"""What processes hold in memory.  Linux only."""

from __future__ import annotations

from pathlib import Path


def peak(process: int | None = None) -> int:
    """The most that a process has held so far, in bytes; this one by default.  `getrusage` would count what its parent held."""
    return _told("VmHWM", process)


def held(process: int | None = None) -> int:
    """What a process holds now, in bytes; this one by default."""
    return _told("VmRSS", process)


def _told(what: str, process: int | None) -> int:
    status = Path(f"/proc/{'self' if process is None else process}/status").read_text(encoding="utf-8")
    return int(status.split(f"{what}:")[1].split()[0]) * 1024
