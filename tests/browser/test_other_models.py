"""A model from elsewhere, which a run carries, answers a photo that is dropped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from har_core.cli import main
from tests.browser.conftest import choose, require_fit, settle
from tests.conftest import COLORS, picture
from tests.models.external.making import onnx_file


@pytest.fixture
def onnx_run(runs_folder: Path, kaggle_folder: Path, tmp_path: Path) -> Iterator[str]:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    out = runs_folder / "from-onnx"
    assert main(["score", str(kaggle_folder), "--model", str(onnx_file(tmp_path / "m.onnx")), "--out", str(out)]) == 0
    yield out.name
    shutil.rmtree(out)


def test_an_onnx_file_answers_with_an_occlusion_heatmap(
    page: Page, address: str, onnx_run: str, tmp_path: Path
) -> None:
    photo = tmp_path / "grass.png"
    picture(COLORS["green"], (320, 240)).save(photo)
    page.goto(f"{address}/predict?run={onnx_run}")
    expect(page.get_by_text("Try this sample").first).to_be_visible()
    page.set_input_files("input[type=file]", photo)
    expect(page.locator("#answer-action")).to_have_text("green")
    expect(page.get_by_text("Occlusion for green")).to_be_visible()
    expect(page.get_by_alt_text("grass.png with a heatmap: Occlusion for green")).to_be_visible()
    expect(page.get_by_text("cannot be told in numbers")).to_be_visible()
    settle(page)
    choose(page, "Evidence for", "red")
    expect(page.get_by_text("Occlusion for red")).to_be_visible()
    require_fit(page, 1400)
