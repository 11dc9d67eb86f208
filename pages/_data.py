"""Cached access to runs, predictions, photos and verdicts.  What is shared among sessions is never changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import streamlit as st

from har_core import analysis, runs
from har_core.data import KAGGLE_PAGE, download
from har_core.errors import HarError, RunError
from har_core.photo_table import photo_table
from har_core.photos import Photos, PictureCache
from har_core.predictions import Predictions
from har_core.recogniser import SHIPPED, shipped_run
from har_core.runs import CARD, Run, find_runs
from har_core.verdicts import Verdicts
from pages._settings import ROOT, settings
from pages._url import RUN, seed

_INSIDE = "inside-app"


def all_runs() -> tuple[dict[str, Run], list[tuple[Path, HarError]]]:
    """The runs by a name that tells them apart, and the folders that cannot be opened with the reason."""
    found, broken = find_runs(list(settings().runs))
    named: dict[str, Run] = {name: Run.open(own.folder) for name, own in own_runs().items()}
    for run in found:
        taken = run.name in named
        named[f"{run.folder.parent.name}/{run.name}" if taken else run.name] = run
    return named, broken


def pick_run() -> None:
    """The run picker; what is chosen stands in the session and, on every page, in the address."""
    named, broken = all_runs()
    if not named:
        raise RunError(
            f"expected runs in {', '.join(map(str, settings().runs))}, found none that can be opened"
            + "".join(f"; {error}" for _, error in broken)
        )
    default = SHIPPED if SHIPPED in named else next(iter(named))
    seed(RUN, RUN, default, lambda text: text if text in named else default)
    if st.session_state[RUN] not in named:
        st.session_state[RUN] = default
    called = labels(named)
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", key="run-bar"):
        for folder, error in broken:
            st.badge(f"{folder.name} cannot be opened", icon=":material/error:", color="red", help=str(error))
        st.selectbox(
            "Run",
            list(named),
            key=RUN,
            format_func=lambda name: f"Run: {called[name]}",
            width=280,
            label_visibility="collapsed",
        )


def labels(named: dict[str, Run]) -> dict[str, str]:
    """What the runs are called in a list: their titles, with the name where two share one (a list needs different labels)."""
    titles = [run.title for run in named.values()]
    return {
        name: run.title
        + (f" ({name})" if titles.count(run.title) > 1 else "")
        + (" · training" if _trains(run) else "")
        for name, run in named.items()
    }


def _trains(run: Run) -> bool:
    return run.card.get("status") == runs.TRAINING


@contextmanager
def inside_app() -> Iterator[None]:
    """Marks the time in which app.py runs a page."""
    st.session_state[_INSIDE] = True
    try:
        yield
    finally:
        st.session_state.pop(_INSIDE, None)


def current_run() -> Run:
    """The chosen run."""
    if _INSIDE not in st.session_state:
        # Until app.py has called st.navigation once in a server's life, Streamlit takes pages/ for pages of its own
        # and answers a deep link with the page alone: run the whole app in its place.
        app = ROOT / "app.py"
        exec(compile(app.read_text(encoding="utf-8"), app, "exec"), {"__name__": "__main__"})
        st.stop()
    return all_runs()[0][st.session_state[RUN]]


def version(run: Run) -> int:
    """Changes whenever the run's card is written."""
    return (run.folder / CARD).stat().st_mtime_ns


def counts(run: Run) -> np.ndarray:
    """(K, K) confusion matrix."""
    return _counts(run.folder, version(run))


def predictions(run: Run) -> Predictions:
    return _predictions(run.folder, version(run))


def table(run: Run) -> pd.DataFrame:
    """`photo_table` of the run; shared, so not to be changed."""
    return _table(run.folder, version(run))


def heatmaps(run: Run) -> np.ndarray | None:
    """(N, K, h, w) raw class maps, memory-mapped; None if the run has none."""
    return _array(run.folder, version(run), runs.HEATMAPS, len(predictions(run))) if run.has(runs.HEATMAPS) else None


def embeddings(run: Run) -> np.ndarray | None:
    """(N, D) pooled features, memory-mapped; None if the run has none."""
    return (
        _array(run.folder, version(run), runs.EMBEDDINGS, len(predictions(run))) if run.has(runs.EMBEDDINGS) else None
    )


@dataclass(frozen=True)
class OwnRun:
    """A run that a visitor made of photos of their own; it lasts as long as the session, unless it is kept."""

    folder: Path
    photos: Path
    keeper: TemporaryDirectory[str]  # removes both when the session forgets it


def own_runs() -> dict[str, OwnRun]:
    """The session's own runs by name."""
    found: dict[str, OwnRun] = st.session_state.setdefault("own-runs", {})
    return found


def _own(run: Run) -> OwnRun | None:
    return next((own for own in own_runs().values() if own.folder == run.folder), None)


def photos(run: Run) -> Photos:
    """Where the photos behind a run's file names are looked for."""
    own = _own(run)
    return Photos(own.photos if own else settings().data)


def may_judge(run: Run) -> bool:
    """Whether this visitor's verdicts on the run are kept: on their own run always, on others if they are trusted."""
    return settings().trusted or _own(run) is not None


def offer_download(run: Run) -> None:
    """A button that fetches the data set, for whoever started the app."""
    if run.classes != shipped_run(ROOT).classes:
        st.caption("Start the app with `-- --data DIR` to see them.")
        return
    with st.popover("Get the photos", icon=":material/download:"):
        st.markdown(
            f"The photos are those of [Human Action Recognition]({KAGGLE_PAGE}) on Kaggle (ODbL-1.0, no account needed). "
            "To use a copy you have, start the app with `streamlit run app.py -- --data DIR`."
        )
        if not settings().trusted:
            st.caption("Only the person who starts the app can fetch them.")
        elif st.button(f"Download them into {settings().data}", type="primary"):
            with st.spinner("Downloading the photos …"):
                download(settings().data)
            st.rerun()


def verdicts(run: Run) -> Verdicts:
    """Kept with the run; those on shipped and read-only runs in a folder of the user's."""
    shipped = run.folder.resolve().is_relative_to((ROOT / "assets").resolve())
    if shipped or not os.access(run.folder, os.W_OK):
        return Verdicts(settings().home / "verdicts" / f"{run.name}.sqlite")
    return Verdicts(run.folder / "verdicts.sqlite")


def pictures(run: Run) -> PictureCache:
    """Where small pictures are kept; those of a visitor's own photos go with the photos."""
    own = _own(run)
    return _pictures(own.photos.parent / "pictures" if own else settings().home / "pictures")


@st.cache_resource(max_entries=20)
def _pictures(folder: Path) -> PictureCache:
    return PictureCache(folder)


@st.cache_resource(max_entries=4, show_spinner=False)
def _counts(folder: Path, version: int) -> np.ndarray:
    run = Run.open(folder)
    return analysis.confusion(_predictions(folder, version)) if run.has(runs.PREDICTIONS) else run.counts()


@st.cache_resource(max_entries=3, show_spinner="Reading the predictions …")
def _predictions(folder: Path, version: int) -> Predictions:
    return Run.open(folder).predictions()


@st.cache_resource(max_entries=3, show_spinner=False)
def _table(folder: Path, version: int) -> pd.DataFrame:
    return photo_table(_predictions(folder, version))


@st.cache_resource(max_entries=8, show_spinner=False)
def _array(folder: Path, version: int, name: str, rows: int) -> np.ndarray:
    run = Run.open(folder)
    array = run.heatmaps() if name == runs.HEATMAPS else run.embeddings()
    if len(array) != rows or (name == runs.HEATMAPS and array.shape[1] != len(run.classes)):
        raise RunError(f"{folder / name}: expected one entry for each of {rows} predictions, found {array.shape}")
    return array
