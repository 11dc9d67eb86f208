"""A run folder → manifest, history, predictions and arrays (`writing` is the way back).

    run.json             the manifest: status, then what was trained how; lists the other files with size and SHA-256
    model.safetensors    weights, with all that rebuilds the model; or, of a model that comes from elsewhere,
    model.json           what is to be known besides one of these two:
    model.onnx           an ONNX file as it was given
    model/               a model of Hugging Face: config.json, preprocessor_config.json, model.safetensors
    history.csv          one row per epoch
    predictions.parquet  one row per photo that was evaluated
    matrix.csv           the confusion matrix alone, of a run whose predictions were not published
    heatmaps.npy         (N, K, h, w) float16, raw signed class maps, in the order of the predictions
    embeddings.npy       (N, D) float16, pooled features, in the same order
    robustness.csv       accuracy on shifted photos (`runs.robustness`)
    training_photos.csv  what it learned from and was calibrated on, with the labels of then
    training_embeddings.npz  of what it learned from (`runs.training_embeddings`)
    analysis/            tables that `inference.analyze` computed once (`runs.tables`)
    clip_model.safetensors   of a model of clips (`models.temporal`)

Files of which a run takes no notice: frames/ (a frame for each clip), lists of skipped, dropped and corrected photos
(docs/architecture.md).

Every file but the manifest is optional.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from har_core.errors import HarError, RunError
from har_core.files import reason_of
from har_core.runs import legacy_card
from har_core.runs.file_names import (
    CLASS_MAPS,
    EMBEDDINGS,
    HISTORY,
    LEGACY_MANIFEST,
    MANIFEST,
    MATRIX,
    PREDICTIONS,
    WEIGHTS,
)
from har_core.runs.manifest import TRAINING, Manifest, read_manifest
from har_core.runs.predictions import Predictions

SHIPPED = "best"
"""The folder of the run that is used until somebody chooses another."""

HISTORY_COLUMNS = ("epoch", "train_loss", "train_accuracy", "eval_loss", "eval_accuracy", "learning_rate", "seconds")


@dataclass(frozen=True)
class Run:
    """An opened run folder.  Its files are read, and checked against the manifest, when they are asked for."""

    folder: Path
    manifest: Manifest

    @classmethod
    def open(cls, folder: Path) -> Run:
        """Read and check the manifest.

        Raises:
            RunError: if the folder has no manifest, or one that is damaged or of another version.
        """
        return cls(folder, read_manifest(folder))

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def title(self) -> str:
        """What people call the run: what its manifest says, or its folder's name as words."""
        plain = self.name.replace("-", " ").replace("_", " ").capitalize() if self.name[:1].isalpha() else self.name
        return self.manifest.title or plain

    @property
    def classes(self) -> tuple[str, ...]:
        return self.manifest.classes

    @property
    def is_scored(self) -> bool:
        """Whether there is a confusion matrix."""
        return self.has(PREDICTIONS) or self.has(MATRIX)

    def has(self, file: str) -> bool:
        """Whether the manifest lists a file, which then must be there."""
        return file in self.manifest.files

    @property
    def has_model(self) -> bool:
        """Whether photos can be predicted from the run alone."""
        return any(map(self.has, WEIGHTS))

    @property
    def weights(self) -> str:
        """The name of the file with the model's weights.

        Raises:
            RunError: if the run has no model.
        """
        found = next(filter(self.has, WEIGHTS), None)
        if found is None:
            raise RunError(f"run {self.name} has no {WEIGHTS[0]}: it was made without; {_remedy(WEIGHTS[0])}")
        return found

    def file(self, name: str) -> Path:
        """The path of a listed file, after its size and checksum have been verified.

        Raises:
            RunError: if it is not listed, missing, or not the one that was written.
        """
        path, place, listed = self.folder / name, self._place(name), self.manifest.files.get(name)
        if listed is None:
            raise RunError(f"run {self.name} has no {name}: it was made without; {_remedy(name)}")
        if not path.is_file():
            raise RunError(f"expected {place}, which the manifest lists, found no file; copy the run again")
        if path.stat().st_size != listed.bytes:
            raise RunError(f"{place}: expected {listed.bytes} bytes, found {path.stat().st_size}; copy the run again")
        if checksum(path) != listed.sha256:
            raise RunError(f"{place}: expected the content that was written, found another SHA-256; copy the run again")
        return path

    def predictions(self) -> Predictions:
        """The predictions of N photos.

        Raises:
            RunError: if the run has none, or damaged ones.
        """
        return Predictions.read(self.file(PREDICTIONS), self.classes)

    def confusion_matrix(self) -> np.ndarray:
        """(K, K) int64 counts, rows true: from the predictions, or from `matrix.csv` where there are none.

        Raises:
            RunError: if the run has neither, or a damaged one.
        """
        if self.has(PREDICTIONS) or not self.has(MATRIX):
            return self.predictions().confusion_matrix()
        path, place = self.file(MATRIX), self._place(MATRIX)
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.reader(file))
        except (OSError, ValueError, csv.Error) as error:
            raise RunError(f"{place} is damaged ({reason_of(error)}); copy the run again") from error
        header, *counts = rows or [[]]
        if (
            [tuple(header[1:]), tuple(row[0] for row in counts if row)] != [self.classes] * 2
            or any(len(row) != len(header) for row in counts)
            or not all(re.fullmatch("[0-9]{1,12}", cell) for row in counts for cell in row[1:])
        ):
            raise RunError(
                f"{place}: expected counts below 10^12 with rows and columns {', '.join(self.classes)}; copy it again"
            )
        return np.array([row[1:] for row in counts]).astype(np.int64)

    def history(self) -> pd.DataFrame:
        """One row per epoch, columns `HISTORY_COLUMNS`.  While the run trains, the rows of the epochs that are done.

        Raises:
            RunError: if the run has none, or a damaged one.
        """
        path = self.folder / HISTORY if self.manifest.status == TRAINING else self.file(HISTORY)
        place = self._place(HISTORY)
        try:
            table = pd.read_csv(path).rename(columns=legacy_card.HISTORY_COLUMNS)
        except (OSError, ValueError) as error:
            raise RunError(f"{place} is missing or damaged ({reason_of(error)})") from error
        if tuple(table.columns) != HISTORY_COLUMNS:
            raise RunError(
                f"{place}: expected columns {', '.join(HISTORY_COLUMNS)}; found {', '.join(map(str, table.columns))}"
            )
        table = pd.DataFrame({name: pd.to_numeric(table[name], errors="coerce") for name in HISTORY_COLUMNS})
        if not np.isfinite(table.to_numpy(dtype=np.float64)).all():
            raise RunError(f"{place}: expected numbers, found others; copy the run again")
        return table

    def class_maps(self) -> np.ndarray:
        """(N, K, h, w) float16, raw and signed; memory-mapped.

        Raises:
            RunError: if the run has none, or damaged ones.
        """
        return self._array(CLASS_MAPS, 4)

    def embeddings(self) -> np.ndarray:
        """(N, D) float16, pooled features; memory-mapped.

        Raises:
            RunError: if the run has none, or damaged ones.
        """
        return self._array(EMBEDDINGS, 2)

    def _array(self, name: str, dimensions: int) -> np.ndarray:
        path, place = self.file(name), self._place(name)
        try:
            array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
            count = pq.read_metadata(self.folder / PREDICTIONS).num_rows if self.has(PREDICTIONS) else None
        except Exception as error:  # of the file system, of NumPy, and of the parser under it that reads the header
            raise RunError(f"{place} is damaged ({reason_of(error)}); copy the run again") from error
        if array.ndim != dimensions or array.dtype != np.float16:
            raise RunError(f"{place}: expected float16 of {dimensions} dimensions, found {array.dtype} of {array.ndim}")
        if count not in (None, len(array)) or (name == CLASS_MAPS and array.shape[1] != len(self.classes)):
            raise RunError(
                f"{place}: expected values for {count} photos of {len(self.classes)} classes, found the shape {array.shape}; "
                "copy the run again"
            )
        return array

    def _place(self, name: str) -> str:
        """What errors call a file: visitors see them, who are not told the server's folders."""
        return f"{self.name}/{name}"


def find_runs(folders: Sequence[Path]) -> tuple[list[Run], list[tuple[Path, HarError]]]:
    """All runs directly below the given folders, and those that cannot be opened with the reason.

    Folders that do not exist hold no runs.  Runs come in the order of `folders`, then by name.
    """
    runs: list[Run] = []
    broken: list[tuple[Path, HarError]] = []
    for folder in folders:
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if not any((path / name).exists() for name in (MANIFEST, LEGACY_MANIFEST)):
                continue
            try:
                runs.append(Run.open(path))
            except HarError as error:
                broken.append((path, error))
    return runs, broken


def assets_folder() -> Path:
    """What is published with the package: beside it in a checkout, inside it where it is installed."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "assets"
    return inside if inside.is_dir() else package.parent / "assets"


def shipped_run() -> Run:
    """The run that is published with the package.

    Raises:
        RunError: if it is missing or damaged.
    """
    return Run.open(assets_folder() / "runs" / SHIPPED)


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remedy(name: str) -> str:
    return "choose a run with a model" if name in WEIGHTS else "train or evaluate with this version to get it"
