"""When the answer is one action, two, or "unsure"."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from har_core.analysis.answers import answer_rule, named
from har_core.analysis.calibration import answered
from har_core.runs.predictions import Predictions
from har_core.runs.run import assets_folder, shipped_run
from har_core.viz.text import answer_rule_caption, answer_words
from tests.helpers import random_predictions
from tests.pages.conftest import TIMEOUT, widget, write_run

NAMES = ("sitting", "texting", "eating", "listening_to_music", "running")


def script(folder: str) -> None:
    from pathlib import Path

    import streamlit as st

    from app_pages.predict.sets import rule_of, threshold_slider
    from har_core.runs.run import Run

    rule = rule_of(Run.open(Path(st.session_state.get("folder", folder))))
    threshold_slider(rule)
    st.text(f"{rule.threshold} {rule.lowest}")


def ruled(folder: Path) -> AppTest:
    return AppTest.from_function(script, default_timeout=TIMEOUT, kwargs={"folder": str(folder)}).run()


def holds(app: AppTest) -> float:
    """The threshold that holds, which is also what the slider shows."""
    assert not app.exception
    threshold = float(app.text[0].value.split()[0])
    assert widget(app, "slider", "threshold").value == threshold
    return threshold


def said(probabilities: list[float], *, lowest: float, threshold: float) -> tuple[str, str]:
    values = np.array(probabilities)
    chosen = np.flatnonzero(named(values[None], lowest, threshold)[0]).tolist()
    possible = np.flatnonzero(values >= lowest).tolist()
    return answer_words(NAMES, values, chosen, possible if len(possible) > 2 else [0, 1], 0.9)


def test_a_long_name_is_short_in_the_headline_and_whole_below() -> None:
    names = tuple(f"a person who is {what} something in front of a large window" for what in ("holding", "eating"))
    headline, detail = answer_words(names, np.array([0.9, 0.1]), [0], [0, 1], 0.9)
    assert len(headline) <= 40 and "holding" in headline and detail == f"{names[0]}: 90\u00a0% probable"
    headline, detail = answer_words(names, np.array([0.5, 0.5]), [0, 1], [0, 1], 0.9)
    assert len(headline) <= 84 and names[0] in detail and names[1] in detail


def test_the_answer_follows_the_set() -> None:
    rule = {"lowest": 0.18, "threshold": 0.55}
    assert said([0.8, 0.1, 0.05, 0.03, 0.02], **rule) == ("sitting", "80\u00a0% probable")
    headline, detail = said([0.48, 0.41, 0.05, 0.04, 0.02], **rule)
    assert headline == "sitting or texting"
    assert (
        detail
        == "one of the two: over all photos, 90\u00a0% of such answers of one or two classes hold the right one; sitting 48\u00a0%, texting 41\u00a0%"
    )
    headline, detail = said([0.36, 0.3, 0.24, 0.06, 0.04], **rule)
    assert headline == "unsure" and "sitting, texting or eating" in detail and "24\u00a0%" in detail
    headline, detail = said([0.5, 0.16, 0.14, 0.1, 0.1], **rule)
    assert headline == "unsure" and "sitting or texting" in detail
    headline, detail = said([0.2] * 5, lowest=0.1, threshold=0.0)
    assert headline == "unsure" and "2 others" in detail


def test_without_sets_the_likeliest_alone_is_named() -> None:
    assert said([0.48, 0.41, 0.05, 0.04, 0.02], lowest=np.inf, threshold=0.45)[0] == "sitting"
    assert said([0.48, 0.41, 0.05, 0.04, 0.02], lowest=np.inf, threshold=0.5)[0] == "unsure"


def test_the_threshold_comes_from_the_run_until_it_is_set(tmp_path: Path) -> None:
    shipped, random = shipped_run(), write_run(tmp_path / "random", random_predictions(200, NAMES), maps=False)
    own = answer_rule(shipped.predictions())
    app = ruled(shipped.folder)
    assert holds(app) == own.threshold != 0.5 and float(app.text[0].value.split()[1]) == own.lowest
    app.session_state["folder"] = str(random)
    assert holds(app.run()) == 0.5  # no threshold is good enough
    app.session_state["folder"] = str(shipped.folder)
    assert holds(app.run()) == own.threshold
    widget(app, "slider", "threshold").set_value(0.75).run()
    assert holds(app) == 0.75
    app.session_state["folder"] = str(random)
    assert holds(app.run()) == 0.75


def test_runs_that_can_tell_nothing(tmp_path: Path, made_runs: Path) -> None:
    """A matrix alone, one photo, a table that was damaged later."""
    damaged = write_run(tmp_path / "damaged", random_predictions(60, NAMES), maps=False)
    (damaged / "predictions.parquet").write_bytes(b"PAR1")
    for folder in (assets_folder() / "runs" / "published-report", made_runs / "one-photo", damaged):
        app = ruled(folder)
        assert holds(app) == 0.5 and app.text[0].value.endswith(" inf")
        assert len(app.caption) == (folder.name == "one-photo")


@pytest.mark.parametrize("threshold", [0.0, 0.6, 1.0])
def test_the_caption_says_what_the_threshold_buys(threshold: float) -> None:
    predictions = shipped_run().predictions()
    rule = answer_rule(predictions)
    row = rule.outcomes[rule.outcomes["threshold"] == threshold].iloc[0]
    caption = answer_rule_caption(rule, threshold)
    for name in ("one", "one_right", "two", "two_right"):
        assert (f"{row[name] * 100:.1f}\u00a0%" in caption) is (threshold < 1)
    assert ("none" in caption) is (threshold == 1)


def test_of_few_photos_the_caption_says_how_many_are_answered() -> None:
    few = random_predictions(8, NAMES)
    count, correct = answered(few, 0.4)
    caption = answer_rule_caption(answer_rule(few), 0.4)
    assert f"{count / 8:.1%}"[:-1] in caption and f"{correct / count:.1%}"[:-1] in caption


def test_both_of_two_classes_are_no_answer() -> None:
    probabilities = np.array([[0.55, 0.45], [0.95, 0.05]] * 20, dtype=np.float32)
    names = np.array([f"{number}.jpg" for number in range(40)], dtype=object)
    rule = answer_rule(Predictions(("no", "yes"), names, np.array([0, 1] * 2 + [0] * 36), probabilities))
    assert rule.outcomes["two"].max() == 0
    assert not named(probabilities, 0.3, 0.0)[0].any() and named(probabilities, 0.3, 0.0)[1].tolist() == [True, False]
