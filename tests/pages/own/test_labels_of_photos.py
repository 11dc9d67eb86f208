"""What the labels of a zip count as: by their meaning, or as the visitor says."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from app_pages.own.scoring import ERROR, SKIP
from har_core.runs.run import Run
from tests.pages.conftest import PAGES, opened
from tests.pages.own.zips import asked, bring, evaluate_all, packed


@pytest.mark.parametrize(
    ("counts_as", "photos", "classes"),
    [(SKIP, 1, 15), (ERROR, 3, 16), ("using_laptop", 3, 15)],
    ids=["skip", "error", "class"],
)
def test_labels_are_matched_by_meaning_or_by_the_visitor(counts_as: str, photos: int, classes: int) -> None:
    app = opened("own")
    content = io.BytesIO(packed(("typing",), 2))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("mine/Using Laptop/0.png", archive.read("mine/typing/0.png"))
    bring(app, "mine.zip", content.getvalue())
    assert app.dataframe[0].value["counts as"].tolist() == ["using laptop"]
    asked(app, "typing").set_value(counts_as).run()
    evaluate_all(app)
    assert not app.exception and len(app.success) == 1
    run = Run.open(app.session_state["own-runs"]["run-0"].folder)
    assert len(run.predictions().samples) == photos and len(run.classes) == classes
    assert [run.classes[index] for index in np.unique(run.predictions().true)] == (
        ["using_laptop", "typing"] if counts_as == ERROR else ["using_laptop"]
    )
    assert any("2 photos left out" in line.value for line in app.caption) is (counts_as == SKIP)


def test_what_a_label_counts_as_is_that_of_a_moment_ago() -> None:
    """The choice and the button reach the server at once."""
    app = opened("own")
    bring(app, "mine.zip", packed(("sitting", "juggling"), 1))
    asked(app, "juggling").set_value("running")
    evaluate_all(app)
    run = Run.open(app.session_state["own-runs"]["run-0"].folder)
    assert {run.classes[index] for index in run.predictions().true} == {"sitting", "running"}


def test_a_button_does_not_start_what_was_ruled_out_a_moment_before() -> None:
    app = opened("own")
    bring(app, "mine.zip", packed(("juggling",), 1))
    asked(app, "juggling").set_value("running").run()
    asked(app, "juggling").set_value(SKIP)
    app.button(key="own-start").click().run()
    assert not app.exception and app.button(key="own-start").disabled and "own-job" not in app.session_state


def test_nothing_to_score_cannot_be_started() -> None:
    app = opened("own")
    bring(app, "mine.zip", packed(("juggling",), 1))
    assert app.button(key="own-start").disabled


def test_labels_of_which_none_counts_are_said_to_be_the_reason() -> None:
    app = opened("own")
    bring(app, "a.zip", packed(("juggling", "rowing"), 1))
    assert app.button(key="own-start").disabled and any("skipped" in line.value for line in app.caption)
    asked(app, "rowing").set_value(ERROR).run()
    assert not app.button(key="own-start").disabled and not any("skipped" in line.value for line in app.caption)


def test_another_zip_is_asked_anew() -> None:
    app = opened("own")
    bring(app, "a.zip", packed(("photos",), 1))
    asked(app, "photos").set_value("hugging").run()
    assert not app.button(key="own-start").disabled
    app.switch_page(PAGES["scores"]).run()
    app.switch_page(PAGES["own"]).run()
    assert asked(app, "photos").value == "hugging"
    next(button for button in app.button if button.label == "Remove a.zip").click().run()
    bring(app, "b.zip", packed(("photos",), 1))
    assert asked(app, "photos").value == SKIP and app.button(key="own-start").disabled


def test_labels_that_differ_in_case_are_one() -> None:
    app = opened("own")
    bring(app, "mine.zip", packed(("Jumping", "jum ping", "sitting", "Sitting"), 1))
    assert app.subheader[0].value == "4 photos of 2 actions"
    assert any("1 of 2 labels is an action" in one.label for one in app.expander)
    asked(app, "Jumping, jum ping (2 photos)").set_value(ERROR).run()
    evaluate_all(app)
    run = Run.open(app.session_state["own-runs"]["run-0"].folder)
    assert len(run.classes) == 16 and len(run.predictions()) == 4


def test_a_label_that_no_class_can_have_is_refused_before_scoring() -> None:
    app = opened("own")
    bring(app, "mine.zip", packed(("j" * 120, "sitting"), 1))
    assert not app.button(key="own-start").disabled
    asked(app, "jjj").set_value(ERROR).run()
    assert app.button(key="own-start").disabled and "100" in app.error[0].value
