"""Verdicts as a visitor gives them, and presses that are acted on once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app_pages.components import press_log
from app_pages.state import judging as module
from har_core.runs.run import Run
from har_core.runs.verdicts import Verdict, Verdicts
from tests.helpers import random_predictions

PREDICTIONS = random_predictions(40, ("blue", "green", "red"))
WRONG, CORRECT = (np.flatnonzero((PREDICTIONS.true == PREDICTIONS.predicted) == correct) for correct in (False, True))


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Verdicts:
    """A visitor who may judge, without a session of Streamlit's."""
    verdicts = Verdicts(tmp_path / "verdicts.sqlite")
    monkeypatch.setattr(module, "st", SimpleNamespace(session_state={}))
    monkeypatch.setattr("app_pages.state.own_runs.may_judge", lambda run: True)
    monkeypatch.setattr("app_pages.state.own_runs.verdicts", lambda run: verdicts)
    return verdicts


def actions(run: Run) -> tuple[Callable[..., None], Callable[[], None]]:
    save, undo = module.judging(run), module.undoing(run)
    assert save is not None and undo is not None
    return save, undo


def test_one_and_many_are_judged_taken_back_and_undone(kept: Verdicts, made_runs: Path) -> None:
    run = Run.open(made_runs / "folders")
    save, undo = actions(run)
    undo()  # nothing to undo yet
    assert not module.is_undoable(run)
    one, two, three = (str(PREDICTIONS.samples[row]) for row in (WRONG[0], WRONG[1], CORRECT[0]))
    kept.set(one, "unclear", "dark")
    save([one, two, three], 1)
    predicted = [PREDICTIONS.classes[PREDICTIONS.predicted[row]] for row in WRONG[:2]]
    assert kept.all() == {
        one: Verdict("label is wrong", "dark", predicted[0]),
        two: Verdict("label is wrong", "", predicted[1]),
        three: Verdict("label is wrong", "", ""),
    }
    save([one, two, three], 1)
    assert kept.all() == {}, "what all have already is taken back"
    undo()
    assert len(kept.all()) == 3 and module.is_undoable(run)
    undo()
    assert kept.all() == {one: Verdict("unclear", "dark")} and not module.is_undoable(run)
    save([three], 0)
    assert kept.all()[three].verdict == "label is right"


def read(session: dict[str, Any], count: int, presses: list[str]) -> None:
    session["keys"] = SimpleNamespace(log=(7, count, presses))


def test_presses_are_acted_on_once_and_never_those_of_an_earlier_session(monkeypatch: pytest.MonkeyPatch) -> None:
    session: dict[str, Any] = {}
    monkeypatch.setattr(press_log, "st", SimpleNamespace(session_state=session))
    acted: list[str] = []

    def act(presses: list[str]) -> Callable[[], object]:
        acted.extend(presses)
        return lambda: None

    first = press_log.log_reader("keys", act)
    read(session, 2, ["1", "2"])  # a browser that is older than the server
    assert not first(told=False) and acted == []
    pressed = press_log.log_reader("keys", act)
    read(session, 4, ["1", "2", "3", "4"])
    assert pressed(told=True) and not pressed(told=False) and acted == ["3", "4"]
    assert press_log.acted_on("keys") == (7, 4)
    session.clear()
    fresh = press_log.log_reader(
        "keys", act
    )  # its run was broken off before it could look: the press is told of all the same
    read(session, 1, ["5"])
    assert fresh(told=True) and acted == ["3", "4", "5"]
