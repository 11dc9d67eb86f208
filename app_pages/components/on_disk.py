"""What only a command computes: whoever can give it is told the command, a visitor with a run of their own why not here."""

from __future__ import annotations

from app_pages.state import own_runs
from app_pages.state.settings import settings
from har_core.runs.run import Run


def by_command(run: Run, command: str) -> str:
    """How to get what is missing.

    Args:
        command: the sentence that names it, for runs that lie on the server's disk.
    """
    if not own_runs.is_own(run):
        return command
    if settings().trusted:
        return (
            "That is only done for runs on disk: keep this one on *Your photos*, and the page of the kept run says how."
        )
    return "That takes longer than a visit, and is only done for runs that are kept on the server."
