"""From a cell of the matrix, or a filter, to a photo and a verdict on it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from har_core import recogniser, runs
from har_core.errors import DownloadError
from har_core.verdicts import Verdicts
from tests.conftest import ROOT
from tests.pages.conftest import address, opened, text
from tests.test_runs import table


def test_a_cell_in_the_address_opens_its_photos() -> None:
    app = opened("confusions.py", "two-classes", true="no", predicted="yes")
    one = table(30, ("no", "yes"))
    number = int(((one.true == 0) & (one.predicted == 1)).sum())
    assert f"{number} no photos taken for yes" in app.subheader[0].value
    assert sum(button.label == "Open" for button in app.button) == number
    next(button for button in app.button if button.label == "Clear").click().run()
    assert not any("taken for yes" in header.value for header in app.subheader)
    assert "true" not in address(app)


def test_filters_stand_in_the_address_and_can_be_removed(made_runs: Path) -> None:
    app = opened("errors.py", "folders", true="blue", sort="confidence")
    one = table(40, ("blue", "green", "red"))
    wrong = (one.true == 0) & (one.predicted != 0)
    assert app.title[0].value.startswith(f"{wrong.sum()} of 40 photos")
    assert address(app) == {"run": "folders", "true": "blue", "sort": "confidence"}
    others = int((one.true != one.predicted).sum() - wrong.sum())
    remove = app.button(key="remove-true")
    assert remove.label == f"True: blue: hides {others} photos"
    remove.click().run()
    assert "true" not in address(app) and not app.exception
    assert app.title[0].value.startswith(f"{wrong.sum() + others} of 40 photos are misclassified")


def test_a_photo_in_full_and_a_verdict_on_it(made_runs: Path) -> None:
    one = table(40, ("blue", "green", "red"))
    sample = one.samples[np.flatnonzero(one.true != one.predicted)[0]]
    app = opened("errors.py", "folders", photo=sample)
    assert not app.exception and "taken for" in app.title[0].value
    assert address(app)["photo"] == sample
    verdicts = Verdicts(made_runs / "folders" / "verdicts.sqlite")
    app.segmented_control[0].set_value("label is wrong").run()
    assert verdicts.all()[sample].verdict == "label is wrong"
    app.text_input[0].set_value("plainly blue").run()
    assert verdicts.all()[sample] == ("label is wrong", "plainly blue")
    again = opened("errors.py", "folders", photo=sample)
    assert again.text_input[0].value == "plainly blue"
    listed = opened("errors.py", "folders", verdict="label is wrong")
    assert listed.title[0].value.startswith("1 of 40 photos")
    verdicts.remove(sample)


def test_verdicts_on_a_shipped_run_go_to_the_users_folder(tmp_path: Path) -> None:
    shipped = recogniser.shipped_run(ROOT).predictions()
    sample = shipped.samples[np.flatnonzero(shipped.true != shipped.predicted)[0]]
    folder = ROOT / "assets" / "runs" / recogniser.SHIPPED
    before = {path.name for path in folder.iterdir()}
    app = opened("errors.py", recogniser.SHIPPED, photo=sample)
    app.segmented_control[0].set_value("both fit").run()
    assert Verdicts(tmp_path / "home" / "verdicts" / f"{recogniser.SHIPPED}.sqlite").all()[sample].verdict == "both fit"
    assert {path.name for path in folder.iterdir()} == before


def test_an_address_counts_for_whoever_comes_from_another_page(made_runs: Path) -> None:
    """What was left on a page, filters of a photo in full included, does not bend a link to it."""
    one = table(40, ("blue", "green", "red"))
    wrong, right = np.flatnonzero(one.true != one.predicted), np.flatnonzero(one.true == one.predicted)
    app = opened("errors.py", "folders", photo=one.samples[wrong[0]])
    app.switch_page("pages/compare.py").run()
    app.switch_page("pages/errors.py")
    app.query_params["show"], app.query_params["photo"] = "all", one.samples[right[0]]
    app.run()
    assert not app.warning and "recognised" in app.title[0].value


def test_judging_photo_after_photo(made_runs: Path) -> None:
    """A photo that has just been judged leaves the list of the unjudged, but not the way to its neighbours."""
    one = table(40, ("blue", "green", "red"))
    samples = one.samples[one.true != one.predicted]
    app = opened("errors.py", "folders", verdict="none yet", sort="file name", photo=sorted(samples)[0])
    app.segmented_control[0].set_value("unclear").run()
    assert "taken for" in app.title[0].value and not app.warning
    next(button for button in app.button if button.label == "Next").click().run()
    assert address(app)["photo"] == sorted(samples)[1]
    Verdicts(made_runs / "folders" / "verdicts.sqlite").remove(sorted(samples)[0])


def test_both_directions_of_a_confusion(made_runs: Path) -> None:
    one = table(40, ("blue", "green", "red"))
    number = int((((one.true == 0) & (one.predicted == 1)) | ((one.true == 1) & (one.predicted == 0))).sum())
    app = opened("confusions.py", "folders", true="blue", predicted="green", both="True")
    assert app.subheader[0].value.startswith(f"{number} photos confused between blue and green")
    assert sum(button.label == "Open" for button in app.button) == number <= 24
    app.selectbox(key=f"cell-true-{made_runs / 'folders'}").set_value(2).run()
    assert "both" not in address(app) and "red photo" in app.subheader[0].value


def test_photos_that_cannot_be_fetched_are_told_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(target: Path) -> Path:
        raise DownloadError("could not download the photos; check the network")

    monkeypatch.setattr("pages._data.download", offline)
    app = opened("errors.py", recogniser.SHIPPED)
    next(button for button in app.button if button.label.startswith("Download them into")).click().run()
    assert not app.exception and [error.value for error in app.error] == [
        "could not download the photos; check the network"
    ]


def test_photos_that_vanish_while_the_app_runs(
    real_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heatmap grids take their place; when they are back, they are shown again."""
    data = Path(shutil.copytree(real_photos, tmp_path / "data"))
    monkeypatch.setenv("HAR_DATA", str(data))
    table = recogniser.shipped_run(ROOT).predictions()
    present = {path.name for path in (data / "train").iterdir()}
    wrong = [name for name in table.samples[table.true != table.predicted] if name in present]
    app = opened("errors.py", recogniser.SHIPPED, photo=wrong[0])
    assert not app.exception and not app.error and "saw the bright square only" in text(app)
    shutil.rmtree(data)
    for photo in (wrong[0], wrong[1]):
        app.query_params["photo"] = photo
        app.run()
        assert not app.exception and "taken for" in app.title[0].value
        assert "It is the square that the network saw" in text(app) and "bright square" not in text(app)
    app = opened("errors.py", recogniser.SHIPPED)
    assert not app.exception and "on this machine: heatmap grids stand in their place" in text(app)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that nobody can write to")
def test_a_verdict_that_cannot_be_kept_is_not_shown_as_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAR_LENS_HOME", "/sys/har-lens")
    table = recogniser.shipped_run(ROOT).predictions()
    sample = table.samples[np.flatnonzero(table.true != table.predicted)[0]]
    app = opened("errors.py", recogniser.SHIPPED, photo=sample)
    app.segmented_control[0].set_value("both fit").run()
    assert not app.exception and len(app.error) == 1 and "/sys/har-lens" in app.error[0].value
    assert app.segmented_control[0].value is None


@pytest.mark.parametrize(
    ("address", "hosts"),
    [("0.0.0.0", ["localhost"]), (None, ["localhost"]), ("localhost", ["har.example.org"]), ("localhost", [])],
)
def test_visitors_from_elsewhere_judge_nothing_and_fetch_nothing(
    address: str | None, hosts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that listens to the world, or stands behind a proxy, trusts nobody unless it was started so."""
    options = {"server.address": address, "server.allowedHosts": hosts}
    monkeypatch.setattr("pages._settings.st.get_option", options.get)
    one = table(40, ("blue", "green", "red"))
    sample = one.samples[np.flatnonzero(one.true != one.predicted)[0]]
    app = opened("errors.py", "folders", photo=sample)
    assert app.segmented_control[0].disabled and app.text_input[0].disabled
    assert not any(button.label.startswith("Download them into") for button in app.button)


def test_pages_of_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address opens a page, another list starts anew, and whoever looked at a photo comes back to its page."""
    many = table(400, ("blue", "green", "red"))
    many.write(tmp_path / "runs" / "many" / runs.PREDICTIONS)
    runs.write_card(tmp_path / "runs" / "many", {"status": runs.COMPLETE, "classes": list(many.classes)})
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("errors.py", "many", sort="file name", page="3")
    assert address(app)["page"] == "3" and not app.exception
    next(button for button in app.button if button.label == "Open").click().run()
    sample = address(app)["photo"]
    next(button for button in app.button if button.label == "Back to the list").click().run()
    assert address(app)["page"] == "3" and any(sample == line.value.replace("\\", "") for line in app.caption)
    app.selectbox(key=f"errors-true-{tmp_path / 'runs' / 'many'}").set_value(1).run()
    assert "page" not in address(app)
