"""The first page: what the run is, and where it fails."""

from __future__ import annotations

import pytest

from har_core.analysis.confusion import confused_pairs
from har_core.runs.run import SHIPPED, shipped_run
from tests.pages.conftest import address, links, opened, text


def test_the_headline_is_the_accuracy_with_its_interval() -> None:
    app = opened("overview")
    scores = shipped_run().manifest.scores
    assert scores is not None and address(app) == {}
    assert app.title[0].value.startswith(f"{scores.accuracy * 100:.1f}\u00a0% correct on {scores.n:,} unseen photos")
    assert app.expander[0].label == "How was this measured?"


def test_the_most_frequent_confusions_are_named() -> None:
    app, run = opened("overview"), shipped_run()
    for pair in confused_pairs(run.confusion_matrix())[:3]:
        assert run.classes[pair.predicted].replace("_", " ") in text(app)
    assert sum(" predicted as " in element.value for element in app.markdown) == 3


@pytest.mark.parametrize(("run", "errors"), [(SHIPPED, True), ("perfect", False)])
def test_links_promise_errors_only_where_there_are_some(run: str, errors: bool) -> None:
    app = opened("overview", run)
    assert bool(links(app, "Every misclassified photo")) is bool(links(app, "Where errors gather")) is errors
    assert [link.get("show") for link in links(app, "Every photo")] == ([] if errors else ["all"])


@pytest.mark.parametrize(("run", "too_good"), [(SHIPPED, False), ("baseline", True)])
def test_an_epoch_that_was_picked_on_the_test_photos_is_admitted(run: str, too_good: bool) -> None:
    assert any("picked" in caption.value for caption in opened("overview", run).caption) is too_good


def test_the_published_report_is_told_apart_by_epoch() -> None:
    """Its 0.8196 is its best epoch; its matrix, and so every score, its last one's 0.8180."""
    app = opened("overview", "published-report")
    assert "81.8\u00a0%" in app.title[0].value
    assert "0.8196" in text(app) and "1,549" in text(app) and "1,546" in text(app)
