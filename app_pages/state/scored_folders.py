"""Which folders were scored.  Every page asks, so this loads nothing that reads them."""

from __future__ import annotations

from pathlib import Path

from app_pages.state.settings import settings
from har_core.runs.file_names import SCORED_MANIFEST


def folders() -> dict[str, Path]:
    """By a name that tells them apart: those that lie where runs are looked for."""
    found: dict[str, Path] = {}
    for parent in dict.fromkeys(path.resolve() for path in settings().runs):
        for path in sorted(parent.iterdir()) if parent.is_dir() else []:
            if (path / SCORED_MANIFEST).is_file():
                found[f"{parent.name}/{path.name}" if path.name in found else path.name] = path
    return found
