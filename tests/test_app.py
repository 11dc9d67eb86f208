"""Every page through app.py, without a browser, for runs of every kind."""

from __future__ import annotations

import gc
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from har_core import recogniser, runs
from har_core.errors import DownloadError
from har_core.evaluation import Evaluation
from har_core.experiment import write_evaluation
from har_core.images import open_photo
from har_core.predictions import Predictions
from har_core.verdicts import Verdicts
from tests.conftest import ROOT, picture
from tests.test_archive import packed
from tests.test_images import encoded
from tests.test_runs import table

PAGES = sorted(path.name for path in (ROOT / "pages").glob("[!_]*.py"))
MADE = ("two-classes", "perfect", "one-photo", "without-maps", "training", "folders", "hostile", "damaged")

HOSTILE = ("<script>alert(1)</script>", "[click](javascript:alert(2))", "**$x$** :red[y] `z`")


@pytest.fixture(scope="module")
def made_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of every awkward kind."""
    folder = tmp_path_factory.mktemp("made")

    def write(name: str, predictions: Predictions, *, maps: bool = True) -> None:
        card = {"classes": list(predictions.classes), "model": {"crop_size": 64, "resize": 72}}
        count, size = predictions.probabilities.shape
        random = np.random.default_rng(0)
        arrays = random.normal(size=(count, size, 3, 3)), random.normal(size=(count, 8))
        result = Evaluation(predictions, *(array.astype(np.float16) for array in arrays))
        write_evaluation(folder / name, result, card)
        if not maps:
            for file in (runs.HEATMAPS, runs.EMBEDDINGS):
                (folder / name / file).unlink()
            runs.write_card(folder / name, {"status": runs.COMPLETE, **card})

    write("two-classes", table(30, ("no", "yes")))
    truth = np.arange(20) % 3
    sure = np.full((20, 3), 0.05, np.float32)
    sure[np.arange(20), truth] = 0.9
    names = np.array([f"folder/{number}.png" for number in range(20)], dtype=object)
    write("perfect", Predictions(("a", "b", "c"), names, truth, sure))
    write("one-photo", table(1, ("a", "b", "c")))
    write("without-maps", table(60, ("a", "b", "c", "d")), maps=False)
    write("folders", table(40, ("blue", "green", "red")))
    strange = table(40, HOSTILE)
    strange.samples[:4] = ["../../etc/passwd", "/etc/passwd", "<img src=x onerror=alert(1)>", "**a** [b](javascript:c)"]
    write("hostile", strange)
    training = folder / "training"
    training.mkdir()
    runs.write_card(training, {"status": runs.TRAINING, "classes": ["a", "b"], "config": {"epochs": 5}})
    runs.write_history(training, [dict.fromkeys(runs.HISTORY_COLUMNS, 1.0)])
    shutil.copytree(folder / "folders", folder / "damaged")
    (folder / "damaged" / runs.CARD).write_text("{")
    return folder


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made_runs: Path) -> None:
    """No photos, a home of its own, and the made runs beside the shipped ones."""
    monkeypatch.setenv("HAR_LENS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HAR_DATA", str(tmp_path / "no-photos"))
    monkeypatch.setenv("HAR_RUNS", str(made_runs))


def opened(page: str | None = None, run: str | None = None, /, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    if run is not None:
        app.query_params["run"] = run
    app.run()
    if page is not None:
        app.switch_page(f"pages/{page}")
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
    return app


def address(app: AppTest) -> dict[str, str]:
    return {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}


def text(app: AppTest) -> str:
    return " ".join(element.value for kind in (app.title, app.markdown, app.caption, app.subheader) for element in kind)


@pytest.mark.parametrize("run", ["report-recipe", "published-report", *MADE[:-1]])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_for_every_run(page: str, run: str) -> None:
    app = opened(page, run)
    assert not app.exception and len(app.title) == 1
    errors = [error.value for error in app.error]
    assert errors == [] or (page == "overview.py" and len(errors) == 1 and "damaged" in errors[0])
    assert address(app)["run"] == run


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_with_photos(page: str, real_photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAR_DATA", str(real_photos))
    app = opened(page, "report-recipe")
    assert not app.exception and len(app.title) == 1


def test_a_damaged_run_is_named_and_the_others_work() -> None:
    app = opened("overview.py")
    assert any("damaged" in error.value and "card.json" in error.value for error in app.error)
    assert "damaged" not in app.selectbox(key="run").options
    app.selectbox(key="run").set_value("perfect").run()
    assert not app.exception and "100.0 %" in app.title[0].value


def test_a_file_damaged_later_is_told_in_plain_words(
    made_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made_runs / "folders", tmp_path / "runs" / "broken-table")
    (tmp_path / "runs" / "broken-table" / runs.PREDICTIONS).write_bytes(b"PAR1")
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("confusions.py", "broken-table")
    assert not app.exception and len(app.error) == 1 and runs.PREDICTIONS in app.error[0].value
    app.selectbox(key="run").set_value("published-report").run()
    assert not app.error and len(app.title) == 1


def test_the_start_says_what_the_run_is_and_where_it_fails() -> None:
    app = opened()
    run = recogniser.shipped_run(ROOT)
    assert f"{run.card['scores']['accuracy'] * 100:.1f} %" in app.title[0].value
    cards = [line for line in (element.value for element in app.markdown) if "taken for" in line]
    assert len(cards) == 3 and "picked because it did best" in text(app)


def test_a_newcomer_is_told_what_to_do() -> None:
    app = opened("predict.py")
    assert "Drop a photo" in text(app) and "listening to music" in text(app)
    assert sum(button.label == "Try this sample" for button in app.button) == 3


def test_a_sample_is_recognised_and_its_source_named() -> None:
    app = opened("predict.py")
    app.button(key="sample-astronaut.jpg").click().run()
    assert not app.exception and not app.error
    assert any("NASA, public domain" in caption.value for caption in app.caption)
    assert any(header.value.startswith("Why ") for header in app.subheader)


def test_a_run_without_weights_says_who_answers() -> None:
    app = opened("predict.py", "published-report")
    assert "comes without weights" in app.info[0].value
    app.button(key="sample-astronaut.jpg").click().run()
    assert not app.exception and any(header.value.startswith("Why ") for header in app.subheader)


def test_below_the_threshold_no_action_is_claimed() -> None:
    app = opened("predict.py")
    app.button(key="sample-camera.jpg").click().run()
    shipped = recogniser.Recogniser.of(recogniser.shipped_run(ROOT))
    seen = shipped.recognise(open_photo(ROOT / "assets" / "samples" / "camera.jpg"), "camera.jpg")
    for threshold, unsure in ((0.0, False), (1.0, True)):
        app.slider(key="threshold").set_value(threshold).run()
        answer = next(block.value for block in app.get("html") if 'id="answer"' in block.value)
        assert ("unsure" in answer) is unsure
        assert seen.predicted.replace("_", " ") in answer


@pytest.mark.parametrize("method", ["Grad-CAM++", "LayerCAM", "EigenCAM"])
def test_other_methods(method: str) -> None:
    app = opened("predict.py")
    app.button(key="sample-astronaut.jpg").click().run()
    app.selectbox(key="method").set_value(method).run()
    deadline = time.monotonic() + 60
    while app.session_state["job"].running and time.monotonic() < deadline:
        time.sleep(0.2)
    app.run()
    assert not app.exception and app.session_state["job"].error is None
    assert any(caption.value.startswith(method) for caption in app.caption)
    assert any("whatever the class" in caption.value for caption in app.caption) is (method == "EigenCAM")


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
    before = {path.name for path in (ROOT / "assets" / "runs" / "report-recipe").iterdir()}
    app = opened("errors.py", "report-recipe", photo=sample)
    app.segmented_control[0].set_value("both fit").run()
    assert Verdicts(tmp_path / "home" / "verdicts" / "report-recipe.sqlite").all()[sample].verdict == "both fit"
    assert {path.name for path in (ROOT / "assets" / "runs" / "report-recipe").iterdir()} == before


def test_two_runs_are_compared_photo_by_photo(made_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run repairs three photos of the first and breaks one."""
    first = table(40, ("blue", "green", "red"))
    changed = first.probabilities.copy()
    right, wrong = np.flatnonzero(first.true == first.predicted), np.flatnonzero(first.true != first.predicted)
    for row in wrong[:3]:
        changed[row] = np.eye(3, dtype=np.float32)[first.true[row]]
    changed[right[0]] = np.eye(3, dtype=np.float32)[(first.true[right[0]] + 1) % 3]
    for name, chances in (("first", first.probabilities), ("second", changed)):
        predictions = Predictions(first.classes, first.samples, first.true, chances)
        folder = tmp_path / "runs" / name
        predictions.write(folder / runs.PREDICTIONS)
        runs.write_card(folder, {"status": runs.COMPLETE, "classes": list(first.classes)})
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "runs"))
    app = opened("compare.py", "second")
    assert app.title[0].value == "Second and First differ by 5.0 points, which may be chance"
    assert "Second fixes 3 photos of First and breaks 1" in text(app) and "p = 0.625" in text(app)
    assert "**Fixed: 3 photos**" in text(app) and "**Broken: 1 photo**" in text(app)


def test_the_report_is_told_apart_by_epoch() -> None:
    """Its 0.8196 is its best epoch; its matrix, and so every score, its last one's 0.8180."""
    app = opened("overview.py", "published-report")
    assert "81.8 %" in app.title[0].value
    assert "0.8196" in text(app) and "1,549" in text(app) and "1,546" in text(app)
    app.switch_page("pages/compare.py").run()
    frames = [frame.value for frame in app.dataframe]
    published = next(frame for frame in frames if "protocol" in frame.columns)
    assert isinstance(published, pd.DataFrame) and len(published) == 9 and published["protocol"].notna().all()


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
    app = opened("errors.py", "report-recipe")
    next(button for button in app.button if button.label.startswith("Download them into")).click().run()
    assert not app.exception and [error.value for error in app.error] == [
        "could not download the photos; check the network"
    ]


def test_visitors_from_elsewhere_judge_nothing_and_fetch_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that listens to the world trusts nobody unless it was started so."""
    monkeypatch.setattr("pages._settings.st.get_option", {"server.address": "0.0.0.0"}.get)
    one = table(40, ("blue", "green", "red"))
    sample = one.samples[np.flatnonzero(one.true != one.predicted)[0]]
    app = opened("errors.py", "folders", photo=sample)
    assert app.segmented_control[0].disabled and app.text_input[0].disabled
    assert not any(button.label.startswith("Download them into") for button in app.button)


def test_markup_in_names_is_shown_as_text() -> None:
    app = opened("overview.py", "hostile")
    told = text(app)
    assert r"\[click\](javascript\:alert(2))" in told and r"\<script\>alert(1)\</script\>" in told
    app = opened("errors.py", "hostile", show="all", photo="/etc/passwd")
    assert not app.exception and "root:" not in text(app)
    app = opened("errors.py", "hostile", show="all", sort="file name")
    assert not app.exception and r"\*\*a\*\* \[b\](javascript\:c)" in text(app)


def test_a_visitors_own_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zip is scored, looked at on every page, and gone when the session forgets it."""
    entries = {f"mine/{label}/{number}.png": encoded(picture((9, 90, 200), seed=number), "PNG")
               for label in ("sitting", "running", "juggling") for number in range(2)}  # fmt: skip
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app = opened("own.py")
    app.file_uploader[0].set_value(("mine.zip", packed(entries), "application/zip")).run()
    assert app.subheader[0].value == "6 photos of 3 actions" and "juggling" in app.warning[0].value
    app.radio(key="own-unknown").set_value("counted as errors").run()
    next(button for button in app.button if button.label == "Score them").click().run()
    deadline = time.monotonic() + 60
    while app.session_state["own-job"].running and time.monotonic() < deadline:
        time.sleep(0.2)
    app.run()
    assert not app.exception and "Done." in app.success[0].value
    next(button for button in app.button if button.label == "See where it fails").click().run()
    assert app.session_state["run"] == "run-0" and "of 6 photos" not in app.title[0].value
    for page in PAGES:
        app.switch_page(f"pages/{page}").run()
        assert not app.exception and not [error for error in app.error if "damaged" not in error.value]
    app.switch_page("pages/errors.py").run()
    assert "of 6 photos" in app.title[0].value and not any("on this machine" in line.value for line in app.caption)
    assert not (tmp_path / "home" / "pictures").exists()
    assert len(list(tmp_path.glob("har-lens-*"))) == 1
    del app
    gc.collect()
    assert list(tmp_path.glob("har-lens-*")) == []


def test_a_zip_that_is_none_is_told_in_plain_words() -> None:
    app = opened("own.py")
    app.file_uploader[0].set_value(("mine.zip", b"these are notes", "application/zip")).run()
    assert not app.exception and "expected a zip of photos" in app.error[0].value


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


def test_runs_of_one_name_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's training into a folder that is called as the shipped one."""
    mine = tmp_path / "mine" / "report-recipe"
    table(30, ("no", "yes")).write(mine / runs.PREDICTIONS)
    runs.write_card(mine, {"status": runs.COMPLETE, "classes": ["no", "yes"]})
    monkeypatch.setenv("HAR_RUNS", str(tmp_path / "mine"))
    for name, number in (("report-recipe", "1,890"), ("mine/report-recipe", "30")):
        app = opened("scores.py", name)
        assert address(app)["run"] == name and f"of {number} photos" in app.title[0].value
