"""A photo is uploaded, and the action is read from the answer itself."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from har_core.media.images import add_decoders, open_photo
from har_core.runs.run import assets_folder, shipped_run
from tests.browser.conftest import choose, heading, require_fit, settle


@pytest.fixture
def predict(page: Page, address: str) -> Page:
    page.goto(f"{address}/predict")
    expect(page.get_by_text("Try this sample").first).to_be_visible()
    return page


def surest_photo(folder: Path) -> tuple[Path, str]:
    """The correct prediction of highest confidence among the photos at hand, with its action."""
    run = shipped_run()
    predictions = run.predictions()
    best = max(
        (row for row, name in enumerate(predictions.samples) if (folder / "train" / name).is_file()),
        key=lambda row: predictions.confidence[row] * predictions.correct[row],
    )
    return folder / "train" / predictions.samples[best], run.classes[predictions.true[best]].replace("_", " ")


@pytest.mark.parametrize("kind", [None, "HEIF", "AVIF"])
def test_a_real_photo_is_answered_with_the_right_action(
    predict: Page, real_photos: Path, tmp_path: Path, kind: str | None
) -> None:
    photo, action = surest_photo(real_photos)
    if kind is not None:
        add_decoders()  # and with them the encoder of HEIC
        saved = tmp_path / f"IMG_0001.{kind.replace('HEIF', 'HEIC')}"
        open_photo(photo).save(saved, format=kind)
        photo = saved
    predict.set_input_files("input[type=file]", photo)
    expect(predict.locator("#answer-action")).to_have_text(action)
    expect(predict.locator("#answer")).to_contain_text("probable")
    assert heading(predict) == action


def test_many_photos_and_one_that_is_none(predict: Page, tmp_path: Path) -> None:
    samples = sorted((assets_folder() / "samples").glob("*.jpg"))
    bad = tmp_path / "notes.jpg"
    bad.write_bytes(b"these are notes")
    predict.set_input_files("input[type=file]", [*samples, bad])
    expect(predict.get_by_role("heading", name="3 photos predicted, 1 refused")).to_be_visible()
    expect(predict.locator("h2#answer-action")).not_to_be_empty()
    assert heading(predict) == "3 photos predicted, 1 refused"
    expect(predict.get_by_text("notes.jpg is not a photo")).to_be_visible()

    table = predict.get_by_test_id("stDataFrame").locator("canvas").first
    for row, column in (
        (2, 40),
        (1, 160),
    ):  # the thumbnail of one, the name of another; above the rows is a line of 36 px
        table.click(position={"x": column, "y": 36 + 64 * row + 32}, force=True)
        expect(predict.get_by_role("heading", name=samples[row].name)).to_be_visible()

    with predict.expect_download() as download:
        predict.get_by_role("button", name="Table as CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) == 4 and lines[0].startswith("file,predicted,confidence,calling,")
    with predict.expect_download() as download:
        predict.get_by_role("button", name="Heatmaps as PNG").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        pictures = [Image.open(io.BytesIO(archive.read(name))) for name in archive.namelist()]
    assert len(pictures) == 3 and all(one.format == "PNG" and not one.getexif() for one in pictures)


def test_the_photo_that_was_brought_last_is_shown(predict: Page, tmp_path: Path) -> None:
    """Also where another was chosen before; what was refused is told of once."""
    samples = sorted((assets_folder() / "samples").glob("*.jpg"))
    bad = tmp_path / "notes.jpg"
    bad.write_bytes(b"these are notes")
    predict.set_input_files("input[type=file]", samples[0])
    expect(predict.locator("#answer-action")).not_to_be_empty()
    for photo in (samples[1], bad, samples[2]):
        predict.set_input_files("input[type=file]", photo)
        if photo is bad:
            expect(predict.get_by_text("notes.jpg is not a photo")).to_be_visible()
        else:
            expect(predict.get_by_role("heading", name=photo.name)).to_be_visible()
        settle(predict)
    expect(predict.get_by_text("notes.jpg is not a photo")).to_have_count(0)
    expect(predict.get_by_role("heading", name="3 photos predicted")).to_be_visible()


@pytest.mark.parametrize(("size", "said"), [((3, 2), "3 × 2 pixels"), ((400, 300), "all of one color")])
def test_a_picture_of_nothing_is_told(predict: Page, tmp_path: Path, size: tuple[int, int], said: str) -> None:
    Image.new("RGB", size).save(tmp_path / "nothing.png")
    predict.set_input_files("input[type=file]", tmp_path / "nothing.png")
    expect(predict.get_by_text(said)).to_be_visible()


def test_a_slow_method_shows_progress_and_can_be_cancelled(predict: Page) -> None:
    predict.get_by_text("Try this sample").first.click()
    expect(predict.locator("#answer-action")).not_to_be_empty()
    choose(predict, "Method", "Score-CAM")
    expect(predict.get_by_text("passes through the network")).to_be_visible()
    predict.get_by_role("button", name="Cancel").click()
    expect(predict.get_by_role("button", name="Compute it again")).to_be_visible()


def test_the_answer_is_on_the_first_screen_of_a_phone(predict: Page) -> None:
    """Whoever taps a sample stands far below it."""
    predict.set_viewport_size({"width": 400, "height": 900})
    predict.get_by_text("Try this sample").last.click()
    answer = predict.locator("#answer-action")
    expect(answer).not_to_be_empty()
    expect(answer).to_be_in_viewport()
    expect(predict.get_by_test_id("stImage").first).to_be_in_viewport()


@pytest.mark.parametrize("width", [1400, 400])
def test_the_answer_to_a_sample_is_on_the_screen(predict: Page, width: int) -> None:
    """Its button is far down; the answer comes in above it, and pushes what is there away."""
    predict.set_viewport_size({"width": width, "height": 900})
    sample = predict.get_by_role("button", name="Try this sample").last
    sample.evaluate("element => element.scrollIntoView()")
    sample.click()
    expect(predict.locator("#answer-action")).to_be_in_viewport(ratio=1)
    settle(predict)
    predict.wait_for_timeout(1000)
    expect(predict.locator("#answer-action")).to_be_in_viewport(ratio=1)


def test_nothing_runs_off_the_page(predict: Page) -> None:
    predict.get_by_text("Try this sample").first.click()
    expect(predict.locator("#answer-action")).not_to_be_empty()
    expect(predict.get_by_role("heading", name="Why ")).to_be_visible()
    for width in (1400, 400):
        predict.set_viewport_size({"width": width, "height": 900})
        require_fit(predict, width)
