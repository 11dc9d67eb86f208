"""Filters, one photo in full, and a verdict on it."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from har_core.errors import DownloadError
from har_core.runs.run import SHIPPED, assets_folder, shipped_run
from har_core.runs.training_embeddings import read_training_embeddings
from har_core.runs.verdicts import NO_CLASS, VERDICTS, Verdicts
from tests.helpers import random_predictions
from tests.pages.conftest import PAGES, address, click, follow, links, opened, text, widget, write_run

FOLDERS = random_predictions(40, ("blue", "green", "red"))  # those of the run "folders"
WRONG, CORRECT = (np.flatnonzero((FOLDERS.true == FOLDERS.predicted) == correct) for correct in (False, True))


@pytest.fixture
def verdicts(made_runs: Path) -> Iterator[Verdicts]:
    """Those on the run "folders", which are forgotten afterwards."""
    path = made_runs / "folders" / "verdicts.sqlite"
    yield Verdicts(path)
    path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def shipped_error() -> str:
    """A misclassified photo of the shipped run."""
    predictions = shipped_run().predictions()
    return str(predictions.samples[np.flatnonzero(predictions.true != predictions.predicted)[0]])


def test_filters_stand_in_the_address_and_can_be_removed() -> None:
    app = opened("errors", "folders", true="blue", sort="confidence")
    wrong = (FOLDERS.true == 0) & (FOLDERS.predicted != 0)
    assert app.title[0].value.startswith(f"{wrong.sum()} of 40 photos")
    assert address(app) == {"run": "folders", "true": "blue", "sort": "confidence"}
    others = len(WRONG) - int(wrong.sum())
    assert f"hides {others} photos" in app.button(key="remove-true").label
    app.button(key="remove-true").click().run()
    assert "true" not in address(app) and not app.exception
    assert app.title[0].value.startswith(f"{len(WRONG)} of 40 photos are misclassified")


@pytest.mark.parametrize("show", ["correct", "right"])
def test_links_with_the_former_word_for_correct_still_open(show: str) -> None:
    app = opened("errors", "folders", show=show)
    assert app.title[0].value.startswith(f"{len(CORRECT)} of 40 photos")


def test_a_photo_in_full_and_a_verdict_on_it(verdicts: Verdicts) -> None:
    sample = FOLDERS.samples[WRONG[0]]
    app = opened("errors", "folders", photo=sample)
    assert not app.exception and " predicted as " in app.title[0].value
    assert address(app)["photo"] == sample
    click(app, "label is wrong")
    predicted = FOLDERS.classes[FOLDERS.predicted[WRONG[0]]]
    assert verdicts.all()[sample] == ("label is wrong", "", predicted)
    app.text_input[0].set_value("plainly blue").run()
    assert verdicts.all()[sample] == ("label is wrong", "plainly blue", predicted)
    again = opened("errors", "folders", photo=sample)
    assert again.text_input[0].value == "plainly blue"
    listed = opened("errors", "folders", verdict="label is wrong")
    assert listed.title[0].value.startswith("1 of 40 photos")


def test_the_right_label_is_asked_for_and_changes_the_accuracy(verdicts: Verdicts) -> None:
    sample = FOLDERS.samples[WRONG[0]]
    app = opened("errors", "folders", photo=sample)
    click(app, "label is wrong")
    (asked,) = (box for box in app.selectbox if box.label == "The right label")
    assert asked.value == FOLDERS.classes[FOLDERS.predicted[WRONG[0]]]
    for page in ("overview", "scores"):
        assert f"{(len(CORRECT) + 1) / 40:.1%}".replace("%", "\u00a0%") in text(opened(page, "folders"))
    assert any(
        button.label == "Corrected labels as CSV" for button in opened("errors", "folders").get("download_button")
    )
    asked.set_value(NO_CLASS).run()
    assert not app.exception and verdicts.all()[sample].label == NO_CLASS
    assert "1 left out" in text(opened("overview", "folders"))
    click(app, "unclear")
    assert not [box for box in app.selectbox if box.label == "The right label"]
    assert verdicts.all()[sample] == ("unclear", "", "")


def test_photos_drawn_at_random_give_a_fair_figure(verdicts: Verdicts) -> None:
    """Of 40 photos all are drawn; a correct prediction is judged by its label."""
    assert (
        opened("errors", SHIPPED, show="drawn").title[0].value == "50 of 1,890 photos were drawn at random (2.6\u00a0%)"
    )
    for number, sample in enumerate(FOLDERS.samples[[*CORRECT[:2], WRONG[0]]]):
        app = opened("errors", "folders", show="drawn", photo=sample)
        labels = {button.label for button in app.button}
        assert ("label is right" in labels) == (number < 2) and ("model is wrong" in labels) == (number == 2)
        click(app, "label is right" if number < 2 else "model is wrong")
    assert "Of 3 judged so far among 40 drawn at random, 66.7\u00a0% are correct" in text(opened("scores", "folders"))


def test_judging_photo_after_photo(verdicts: Verdicts) -> None:
    """A photo that has just been judged leaves the list of the unjudged, but not the way to its neighbors."""
    samples = sorted(FOLDERS.samples[WRONG])
    app = opened("errors", "folders", verdict="none yet", sort="file name", photo=samples[0])
    click(app, "unclear")
    assert " predicted as " in app.title[0].value and not app.warning
    click(app, "Next")
    assert address(app)["photo"] == samples[1]


def test_verdicts_on_a_shipped_run_go_to_the_users_folder(tmp_path: Path, shipped_error: str) -> None:
    folder = assets_folder() / "runs" / SHIPPED
    before = {path.name for path in folder.iterdir()}
    app = opened("errors", SHIPPED, photo=shipped_error)
    click(app, "both fit")
    kept = Verdicts(tmp_path / "home" / "verdicts" / f"{SHIPPED}.sqlite").all()
    assert kept[shipped_error].verdict == "both fit"
    assert {path.name for path in folder.iterdir()} == before


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that nobody can write to")
def test_a_verdict_that_cannot_be_kept_is_not_shown_as_kept(
    monkeypatch: pytest.MonkeyPatch, shipped_error: str
) -> None:
    monkeypatch.setenv("HAR_LENS_HOME", "/sys/har-lens")
    app = opened("errors", SHIPPED, photo=shipped_error)
    click(app, "both fit")
    assert not app.exception and len(app.error) == 1 and "/sys/har-lens" in app.error[0].value
    assert not any(button.label in VERDICTS and button.icon for button in app.button)


@pytest.mark.parametrize(
    ("address", "hosts"),
    [("0.0.0.0", ["localhost"]), (None, ["localhost"]), ("localhost", ["har.example.org"]), ("localhost", [])],
)
def test_visitors_from_elsewhere_judge_nothing_and_fetch_nothing(
    address: str | None, hosts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that listens to the world, or stands behind a proxy, trusts nobody unless it was started so."""
    options = {"server.address": address, "server.allowedHosts": hosts}
    monkeypatch.setattr("app_pages.state.settings.st.get_option", options.get)
    app = opened("errors", "folders", photo=FOLDERS.samples[WRONG[0]])
    assert all(button.disabled for button in app.button if button.label in VERDICTS) and app.text_input[0].disabled
    assert not any(button.key == "download-photos" for button in app.button)


def test_the_address_counts_for_whoever_comes_from_another_page() -> None:
    """What was left on a page, filters of a photo in full included, does not bend a link to it."""
    app = opened("errors", "folders", photo=FOLDERS.samples[WRONG[0]])
    app.switch_page("app_pages/analysis/compare.py").run()
    app.switch_page("app_pages/analysis/errors.py")
    app.query_params["show"], app.query_params["photo"] = "all", FOLDERS.samples[CORRECT[0]]
    app.run()
    assert not app.warning and "predicted correctly" in app.title[0].value


def test_photos_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(target: Path, progress: object) -> Path:
        raise DownloadError("could not download the photos; check the network")

    monkeypatch.setattr("app_pages.components.download_photos.download", offline)
    app = opened("errors", SHIPPED)
    jobs: dict[str, object] = {}  # of this test alone
    monkeypatch.setattr("app_pages.components.download_photos._jobs", lambda: jobs)
    app.button(key="download-photos").click().run()
    deadline = time.monotonic() + 20
    while not app.error and time.monotonic() < deadline:
        time.sleep(0.1)
        app.run()
    assert not app.exception and len(app.error) == 1 and "check the network" in app.error[0].value


def test_photos_that_vanish_while_the_app_runs(
    real_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heatmaps alone take their place."""
    data = Path(shutil.copytree(real_photos, tmp_path / "data"))
    monkeypatch.setenv("HAR_DATA", str(data))
    predictions = shipped_run().predictions()
    present = {path.name for path in (data / "train").iterdir()}
    wrong = [name for name in predictions.samples[predictions.true != predictions.predicted] if name in present]
    app = opened("errors", SHIPPED, photo=wrong[0])
    assert not app.exception and not app.error and "not on this machine" not in text(app)
    shutil.rmtree(data)
    for photo in wrong[:2]:
        app.query_params["photo"] = photo
        app.run()
        assert not app.exception and " predicted as " in app.title[0].value
        assert "heatmap stands alone" in text(app) and "looks only" not in text(app)


def test_pages_of_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address opens a page, another list starts anew, and whoever looked at a photo comes back to its page."""
    write_run(tmp_path / "runs" / "many", random_predictions(400, ("blue", "green", "red")), maps=False)
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("errors", "many", sort="file name", page="3")
    assert address(app)["page"] == "3" and not app.exception
    follow(app, "Open")
    sample = address(app)["photo"]
    click(app, "Back to the list")
    assert address(app)["page"] == "3" and any(sample == line.value.replace("\\", "") for line in app.caption)
    widget(app, "selectbox", f"errors-true-{tmp_path / 'runs' / 'many'}").set_value(1).run()
    assert "page" not in address(app)


def test_a_photo_in_full_shows_what_put_one_action_first_and_the_training_photos_most_like_it(
    shipped_error: str,
) -> None:
    app = opened("errors", SHIPPED, photo=shipped_error)
    assert not app.exception
    assert any("in numbers" in expander.label for expander in app.expander)
    learned = read_training_embeddings(shipped_run()).samples
    leading = [link["photo"] for link in links(app, "Open") if link["page"] == PAGES["data"]]
    assert len(leading) == 5 and set(leading) <= set(learned)
    opened_there = opened("data", SHIPPED, photo=leading[0])
    assert not opened_there.exception and "a training photo" in text(opened_there)
