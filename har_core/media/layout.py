"""How a folder of photos is laid out: Kaggle's labels file beside `train/`, any other beside the photos, or one folder per class."""

from __future__ import annotations

from pathlib import Path

LABELS_FILE = "Training_set.csv"
PHOTOS_FOLDER = "train"
UNLABELED_FOLDER = "test"
TABLE_SUFFIXES = frozenset({".csv", ".tsv"})
PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif"})

_SYSTEM = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "icon\r"}
_LEAVINGS = {".ds_store", ".git", ".ipynb_checkpoints", ".trashes", ".thumbnails", ".spotlight-v100", ".fseventsd"}


def is_system_file(name: str) -> bool:
    """Whether an operating system or a tool made this file or folder (its name alone): everybody ignores it."""
    return name.startswith(".") or name.lower() in _SYSTEM


def is_hidden(name: str) -> bool:
    """Whether a file or folder that `is_system_file` may be its owner's: named with a dot, and no known leaving of a tool."""
    return name.startswith(".") and not name.startswith("._") and name.lower() not in _LEAVINGS


def photo_folder(root: Path) -> Path:
    """The folder that sample names are relative to: `train/` in Kaggle's layout, otherwise `root` itself."""
    photos = root / PHOTOS_FOLDER
    return photos if (root / LABELS_FILE).is_file() and photos.is_dir() else root
