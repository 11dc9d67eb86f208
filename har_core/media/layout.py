"""How a folder of photos is laid out: Kaggle's labels file beside `train/`, any other beside the photos, or one folder per class."""

from __future__ import annotations

from pathlib import Path

LABELS_FILE = "Training_set.csv"
PHOTOS_FOLDER = "train"
UNLABELED_FOLDER = "test"
TABLE_SUFFIXES = frozenset({".csv", ".tsv"})
PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif"})

_SYSTEM = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "icon\r"}


def is_system_file(name: str) -> bool:
    """Whether an operating system or a tool made this file or folder (its name alone): everybody ignores it."""
    return name.startswith(".") or name.lower() in _SYSTEM


def photo_folder(root: Path) -> Path:
    """The folder that sample names are relative to: `train/` in Kaggle's layout, otherwise `root` itself."""
    photos = root / PHOTOS_FOLDER
    return photos if (root / LABELS_FILE).is_file() and photos.is_dir() else root
