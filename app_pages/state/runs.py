"""The runs there are, the chosen one, and its results.  What sessions share is never changed.

Results of a visitor's own run are cached for their session alone; those of other runs for all.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, cast

import numpy as np
import pandas as pd
import streamlit as st

from app_pages.state import url
from app_pages.state.own_runs import own_runs
from app_pages.state.settings import settings
from app_pages.state.sharing import shared_unless_own
from har_core.analysis import calibration as calibrated
from har_core.analysis.answers import AnswerRule, answer_rule
from har_core.analysis.calibration import Calibration
from har_core.analysis.conformal import Reached, reached_all
from har_core.analysis.examples import example_table
from har_core.analysis.known import Known, what_is_known
from har_core.errors import HarError, RunError
from har_core.runs.file_names import CLASS_MAPS, EMBEDDINGS, LEGACY_MANIFEST, MANIFEST, PREDICTIONS, TRAINING_EMBEDDINGS
from har_core.runs.manifest import TRAINING
from har_core.runs.predictions import Predictions
from har_core.runs.run import SHIPPED, Run, find_runs, shipped_run
from har_core.runs.training_embeddings import TrainingEmbeddings, read_training_embeddings

Kind = Literal[
    "matrix",
    "predictions",
    "known",
    "examples",
    "class maps",
    "embeddings",
    "calibration",
    "sets",
    "answers",
    "training",
]


def all_runs() -> tuple[dict[str, Run], list[tuple[Path, HarError]]]:
    """The runs by a name that tells them apart, and the folders that cannot be opened with the reason."""
    found, broken = find_runs(list(settings().runs))
    named: dict[str, Run] = {name: Run.open(own.folder) for name, own in own_runs().items()}
    for run in found:
        taken = run.name in named
        named[f"{run.folder.parent.name}/{run.name}" if taken else run.name] = run
    return named, broken


def seed_run(names: list[str]) -> str:
    """The key of the run picker, once it holds a name of the list; None if the address names another run.

    Raises:
        RunError: if there are no runs.
    """
    if not names:
        raise RunError("expected a run that can be opened, found none; train or evaluate a model first")
    return url.seed_run(names, SHIPPED if SHIPPED in names else names[0])


def current_run() -> Run:
    """The chosen run."""
    return all_runs()[0][st.session_state[url.RUN]]


def what_classes_are(classes: tuple[str, ...]) -> str:
    """In a word: the shipped model tells actions; what another one tells, nobody knows."""
    return "actions" if set(classes) <= set(_shipped_classes()) else "classes"


@cache
def _shipped_classes() -> tuple[str, ...]:
    return shipped_run().classes


def labels(named: dict[str, Run]) -> dict[str, str]:
    """What the runs are called in a list: their titles, with the name where two share one (a list needs different labels)."""
    titles = [run.title for run in named.values()]
    return {
        name: run.title
        + (f" ({name})" if titles.count(run.title) > 1 else "")
        + (" · training" if is_training(run) else "")
        for name, run in named.items()
    }


def is_training(run: Run) -> bool:
    return run.manifest.status == TRAINING


def version(run: Run) -> int:
    """Changes whenever the run's manifest is written."""
    path = run.folder / MANIFEST
    return (path if path.is_file() else run.folder / LEGACY_MANIFEST).stat().st_mtime_ns


def confusion_matrix(run: Run) -> np.ndarray:
    """(K, K) counts, rows true."""
    return cast("np.ndarray", _cached(run, "matrix"))


def predictions(run: Run) -> Predictions:
    return cast("Predictions", _cached(run, "predictions"))


def examples(run: Run) -> pd.DataFrame:
    """`analysis.examples.example_table` of the run."""
    return cast("pd.DataFrame", _cached(run, "examples"))


def calibration(run: Run) -> tuple[Calibration, pd.DataFrame, pd.DataFrame, float]:
    """Of `analysis.calibration`: the figures, the reliability diagram, the coverage curve, and the area under it."""
    return cast("tuple[Calibration, pd.DataFrame, pd.DataFrame, float]", _cached(run, "calibration"))


def sets(run: Run) -> list[Reached]:
    """Of `analysis.conformal`: what prediction sets of each method and stated coverage contain."""
    return cast("list[Reached]", _cached(run, "sets"))


def answers(run: Run) -> AnswerRule:
    """Of `analysis.answers`: when the run's model names one action, when two, and when none."""
    return cast("AnswerRule", _cached(run, "answers"))


def known(run: Run) -> Known:
    """Of a run with predictions: which of their probabilities are known, and so what may be said of them."""
    return cast("Known", _cached(run, "known"))


def class_maps(run: Run) -> np.ndarray | None:
    """(N, K, h, w) raw class maps, memory-mapped; None if the run has none."""
    return cast("np.ndarray", _cached(run, "class maps")) if run.has(CLASS_MAPS) else None


def embeddings(run: Run) -> np.ndarray | None:
    """(N, D) pooled features, memory-mapped; None if the run has none."""
    return cast("np.ndarray", _cached(run, "embeddings")) if run.has(EMBEDDINGS) else None


def training(run: Run) -> TrainingEmbeddings | None:
    """The embeddings of the photos that the model learned from; None if the run has none."""
    if not run.has(TRAINING_EMBEDDINGS):
        return None
    return cast("TrainingEmbeddings", _cached(run, "training"))


def _read(run: Run, kind: Kind) -> object:
    if kind == "training":
        return read_training_embeddings(run)
    if kind == "matrix":
        return predictions(run).confusion_matrix() if run.has(PREDICTIONS) else run.confusion_matrix()
    if kind == "predictions":
        return run.predictions()
    if kind == "known":
        return what_is_known(run.manifest.probabilities, predictions(run))
    if kind == "examples":
        return example_table(predictions(run), known(run))
    if kind == "calibration":
        table = predictions(run)
        return (
            calibrated.calibration(table, known(run)),
            calibrated.reliability(table),
            calibrated.coverage_curve(table),
            (calibrated.area_under_coverage(table)),
        )
    if kind == "sets":
        return reached_all(predictions(run))
    if kind == "answers":
        return answer_rule(predictions(run))
    array = run.class_maps() if kind == "class maps" else run.embeddings()
    rows = len(predictions(run))
    if len(array) != rows or (kind == "class maps" and array.shape[1] != len(run.classes)):
        raise RunError(
            f"run {run.name}, {kind}: expected one entry for each of {rows} predictions, found {array.shape}"
        )
    return array


def _cached(run: Run, kind: Kind) -> object:
    return _result.of(run)(run.folder, version(run), kind)


@shared_unless_own(st.cache_resource, max_entries=(20, 14), show_spinner="Reading the run …")
def _result(folder: Path, version: int, kind: Kind) -> object:
    return _read(Run.open(folder), kind)
