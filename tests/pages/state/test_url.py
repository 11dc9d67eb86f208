"""Links, and the way back to where one came from."""

from __future__ import annotations

import pytest

from app_pages.state import url
from tests.pages.conftest import address, click, follow, links, opened, widget


def test_a_link_to_a_run_that_is_not_there_offers_those_that_are() -> None:
    app = opened("scores", "gone")
    assert app.title[0].value == "There is no run called gone" and not app.error
    widget(app, "selectbox", "run").set_value("perfect").run()
    assert "100.0\u00a0%" in app.title[0].value and address(app) == {"run": "perfect"}


@pytest.mark.parametrize("late", [False, True])
def test_an_address_from_outside_counts_unless_it_is_only_late(late: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The widgets still hold what was chosen last.  The address of a moment ago is one that the browser has not exchanged."""
    monkeypatch.setattr(url, "_ON_ITS_WAY", 60.0 if late else 0.0)
    app = opened("confusions", "folders", true="blue", predicted="green")
    before = app.title[0].value
    click(app, "All confusions")
    assert address(app) == {"run": "folders"}
    overall = app.title[0].value
    app.query_params["true"], app.query_params["predicted"] = "blue", "green"
    app.run()
    assert app.title[0].value == (overall if late else before)
    assert address(app) == {"run": "folders", "true": "blue", "predicted": "green"}


def test_a_pair_is_a_filter_like_any_other() -> None:
    app = opened("confusions", "folders", true="blue", predicted="green", both="True", unit="recall")
    number = len(links(app, "Open"))
    assert app.title[0].value.startswith(f"{number} photos")
    follow(app, "Open")
    assert any(f"1 of {number}" in caption.value for caption in app.caption)
    click(app, "Next")
    assert any(f"2 of {number}" in caption.value for caption in app.caption) and address(app)["both"] == "True"
    follow(app, "Back to the list")
    assert address(app) == {"run": "folders", "true": "blue", "predicted": "green", "both": "True", "unit": "recall"}


def test_filters_survive_a_visit_to_another_page() -> None:
    app = opened("errors", "folders", true="blue", sort="margin")
    title = app.title[0].value
    follow(app, "Scores")
    follow(app, "Errors")
    assert app.title[0].value == title and address(app)["sort"] == "margin"
    follow(app, "**Errors**")
    assert address(app) == {"run": "folders"}


def test_the_way_back_from_a_comparison_leads_to_it() -> None:
    app = opened("errors", "folders", show="all", photo="Image_0.jpg", **{"from": "compare"})
    assert links(app, "Back to the list")[0]["page"].endswith("compare.py")
