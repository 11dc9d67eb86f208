"""How a folder of photos is laid out: Kaggle's labels file beside `train/`, or one folder per class."""

from __future__ import annotations

from pathlib import Path

LABELS_FILE = "Training_set.csv"
PHOTOS_FOLDER = "train"
UNLABELED_FOLDER = "test"
PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})

_SYSTEM = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "icon\r"}


def is_system_file(name: str) -> bool:
    """Whether an operating system or a tool made this file or folder (its name alone): everybody ignores it."""
    return name.startswith(".") or name.lower() in _SYSTEM


def photo_folder(root: Path) -> Path:
    """The folder that sample names are relative to: `train/` in Kaggle's layout, otherwise `root` itself."""
    return root / PHOTOS_FOLDER if (root / LABELS_FILE).is_file() else root
