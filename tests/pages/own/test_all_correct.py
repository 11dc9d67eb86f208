"""A visitor's photos of which none is misclassified."""

from __future__ import annotations

from har_core.runs.run import Run
from tests.pages.conftest import links, opened
from tests.pages.own.zips import bring, evaluate_all, packed


def test_nobody_is_sent_to_see_where_it_fails() -> None:
    app, label = opened("own", "edge"), "sitting"
    for number in (0, 1):
        bring(app, f"{number}.zip", packed((label,), 1))
        evaluate_all(app)
        run = Run.open(app.session_state["own-runs"][f"run-{number}"].folder)
        said, label = label, run.classes[run.predictions().predicted[0]]
        assert len(links(app, "**See where it fails**")) == (said != label)
        assert len(links(app, "**See the results**")) == (said == label)
    assert said == label
