"""What belongs to one visitor, or to one of several runs of a name, stays apart."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from streamlit.runtime.caching import cache_resource_api

from app_pages.state import own_runs, runs, sharing
from har_core.runs.run import Run
from tests.helpers import random_predictions
from tests.pages.conftest import write_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.open(write_run(tmp_path / "one" / "mine", random_predictions(20, ("a", "b")), maps=False))


def test_read_only_runs_of_one_name_have_verdicts_of_their_own(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Run.open(write_run(tmp_path / "two" / "mine", random_predictions(20, ("a", "b")), maps=False))
    monkeypatch.setenv("HAR_LENS_HOME", str(tmp_path / "home"))
    assert own_runs.verdicts(run).path.parent == run.folder
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    paths = [own_runs.verdicts(of).path for of in (run, other)]
    assert len(set(paths)) == 2 and {path.parent.parent for path in paths} == {tmp_path / "home"}
    assert paths[0] == own_runs.verdicts(Run.open(run.folder)).path


@pytest.mark.parametrize("own", [False, True])
def test_results_of_a_visitor_are_kept_for_their_session_alone(
    own: bool, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "is_own", lambda _: own)
    matrices = []
    for session in ("one", "one", "two"):
        monkeypatch.setattr(cache_resource_api, "get_session_id_or_throw", lambda session=session: session)
        matrices.append(runs.confusion_matrix(run))
    assert matrices[0].sum() == 20 and matrices[1] is matrices[0]
    assert (matrices[2] is matrices[0]) == (not own)
