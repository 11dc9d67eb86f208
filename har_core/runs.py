"""A run folder ↔ card, history, predictions, arrays, model.

    card.json            written first, with a status; lists the finished files with size and SHA-256
    model.safetensors    half-precision weights, with all that rebuilds the model
    history.csv          one row an epoch
    predictions.parquet  one row a validation photo
    matrix.csv           the confusion matrix alone, of a run whose predictions were not published
    heatmaps.npy         (N, K, h, w) float16, raw signed class maps, in the order of the predictions
    embeddings.npy       (N, D) float16, pooled features, in the same order

Every file but the card is optional.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from har_core.analysis import confusion
from har_core.card import FORMAT, read_card
from har_core.errors import CheckpointError, HarError, RunError
from har_core.files import atomic_path, write_text
from har_core.model import ModelSpec, load_model
from har_core.predictions import Predictions

CARD, MODEL, HISTORY = "card.json", "model.safetensors", "history.csv"
PREDICTIONS, HEATMAPS, EMBEDDINGS = "predictions.parquet", "heatmaps.npy", "embeddings.npy"
MATRIX = "matrix.csv"
TRAINING, COMPLETE = "training", "complete"
HISTORY_COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "learning_rate",
    "seconds",
)


@dataclass(frozen=True)
class Run:
    """An opened run folder.  Its files are read, and checked against the card, when they are asked for."""

    folder: Path
    card: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> Run:
        """Read and check the card.

        Raises:
            RunError: if the folder has no card, or one that is damaged or of another version.
        """
        return cls(folder, read_card(folder / CARD))

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def scored(self) -> bool:
        """Whether there is a confusion matrix to look at."""
        return self.has(PREDICTIONS) or self.has(MATRIX)

    @property
    def title(self) -> str:
        """What people call the run: what its card says, or its folder's name as words."""
        plain = self.name.replace("-", " ").replace("_", " ").capitalize() if self.name[:1].isalpha() else self.name
        return str(self.card.get("title", plain))

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.card["classes"])

    def has(self, file: str) -> bool:
        """Whether the card lists a file, which then must be there."""
        return file in self.card["files"]

    def file(self, name: str) -> Path:
        """The path of a listed file, once its size and checksum have been found right.

        Raises:
            RunError: if it is not listed, missing, or not the one that was written.
        """
        path, listed = self.folder / name, self.card["files"].get(name)
        if listed is None:
            raise RunError(f"run {self.name} has no {name}: it was made without; {_remedy(name)}")
        if not path.is_file():
            raise RunError(f"expected {path}, which the card lists, found no file; copy the run again")
        if path.stat().st_size != listed["bytes"]:
            raise RunError(f"{path}: expected {listed['bytes']} bytes, found {path.stat().st_size}; copy the run again")
        if checksum(path) != listed["sha256"]:
            raise RunError(f"{path}: the content is not what was written (its SHA-256 differs); copy the run again")
        return path

    def predictions(self) -> Predictions:
        return Predictions.read(self.file(PREDICTIONS), self.classes)

    def counts(self) -> np.ndarray:
        """(K, K) int64 confusion matrix, rows true: from the predictions, or from `matrix.csv` where there are none.

        Raises:
            RunError: if the run has neither, or a damaged one.
        """
        if self.has(PREDICTIONS) or not self.has(MATRIX):
            return confusion(self.predictions())
        path = self.file(MATRIX)
        try:
            table = pd.read_csv(path, index_col=0)
            counts = table.to_numpy(dtype=np.int64)
        except (OSError, ValueError) as error:
            raise RunError(f"{path} is damaged ({error}); copy the run again") from error
        if tuple(table.columns) != self.classes or tuple(table.index) != self.classes or (counts < 0).any():
            raise RunError(f"{path}: expected counts with rows and columns {', '.join(self.classes)}; copy it again")
        return counts

    def history(self) -> pd.DataFrame:
        """One row an epoch, columns `HISTORY_COLUMNS`.  While the run trains, whatever rows there are."""
        path = self.folder / HISTORY if self.card.get("status") == TRAINING else self.file(HISTORY)
        try:
            table = pd.read_csv(path)
        except (OSError, ValueError) as error:
            raise RunError(f"{path} is missing or damaged ({error})") from error
        if tuple(table.columns) != HISTORY_COLUMNS:
            raise RunError(
                f"{path}: expected columns {', '.join(HISTORY_COLUMNS)}; found {', '.join(map(str, table.columns))}"
            )
        table = pd.DataFrame({name: pd.to_numeric(table[name], errors="coerce") for name in HISTORY_COLUMNS})
        if not np.isfinite(table.to_numpy(dtype=np.float64)).all():
            raise RunError(f"{path}: expected numbers, found others; copy the run again")
        return table

    def heatmaps(self) -> np.ndarray:
        """(N, K, h, w) float16, memory-mapped."""
        return self._array(HEATMAPS, 4)

    def embeddings(self) -> np.ndarray:
        """(N, D) float16, memory-mapped."""
        return self._array(EMBEDDINGS, 2)

    def model(self) -> tuple[nn.Module, ModelSpec]:
        """The model, rebuilt from its own file, and what feeds it.

        Raises:
            RunError, CheckpointError: if the file is missing, damaged, or of other classes than the card.
        """
        model, spec = load_model(self.file(MODEL))
        if spec.classes != self.classes:
            raise CheckpointError(f"{self.folder / MODEL}: its classes are not those of the card; copy the run again")
        return model, spec

    def _array(self, name: str, dimensions: int) -> np.ndarray:
        path = self.file(name)
        try:
            array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        except Exception as error:  # of the file system, of NumPy, and of the parser under it that reads the header
            raise RunError(f"{path} is damaged ({error}); copy the run again") from error
        if array.ndim != dimensions or array.dtype != np.float16:
            raise RunError(f"{path}: expected float16 of {dimensions} dimensions, found {array.dtype} of {array.ndim}")
        return array


def write_card(folder: Path, card: dict[str, Any]) -> Run:
    """Replace the card, with the format and the list of the files that are there, and open the run."""
    files = {
        name: {"bytes": (folder / name).stat().st_size, "sha256": checksum(folder / name)}
        for name in (MODEL, HISTORY, PREDICTIONS, HEATMAPS, EMBEDDINGS, MATRIX)
        if (folder / name).is_file() and not (name == HISTORY and card.get("status") == TRAINING)
    }
    write_text(
        folder / CARD, json.dumps({"format": FORMAT, **card, "files": files}, indent=2, ensure_ascii=False) + "\n"
    )
    return Run.open(folder)


def write_history(folder: Path, rows: list[dict[str, float]]) -> None:
    with atomic_path(folder / HISTORY) as partial:
        pd.DataFrame(rows, columns=list(HISTORY_COLUMNS)).to_csv(partial, index=False)


def write_array(path: Path, array: np.ndarray) -> None:
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def find_runs(folders: list[Path]) -> tuple[list[Run], list[tuple[Path, HarError]]]:
    """All runs directly below the given folders, and those that cannot be opened with the reason.

    Folders that do not exist hold no runs.  Runs come in the order of `folders`, then by name.
    """
    runs: list[Run] = []
    broken: list[tuple[Path, HarError]] = []
    for folder in folders:
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if not (path / CARD).exists():
                continue
            try:
                runs.append(Run.open(path))
            except HarError as error:
                broken.append((path, error))
    return runs, broken


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remedy(name: str) -> str:
    return "choose a run with a model" if name == MODEL else "train or evaluate with this version to get it"
