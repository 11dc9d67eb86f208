"""Runs that `har-lens score` made of models from elsewhere, on the pages."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from har_core.cli import main
from har_core.models.spec import ModelSpec
from tests.conftest import COLORS, picture
from tests.models.external.making import hugging_face, onnx_file, timm_folder
from tests.pages.conftest import opened, text, wait_for_job

KINDS = {"vit": "Attention", "convnext": "Grad-CAM", "timm": "Grad-CAM", "onnx": "Occlusion"}
"""Each run → what its own heatmaps are called."""


@pytest.fixture(scope="module")
def scored(kaggle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    for package in ("transformers", "onnx", "onnxruntime"):
        pytest.importorskip(package)
    models, runs = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("scored")
    for name, model in {
        "vit": hugging_face(models / "ViT", "ViT"),
        "convnext": hugging_face(models / "ConvNeXt", "ConvNeXt"),
        "timm": timm_folder(models / "timm"),
        "onnx": onnx_file(models / "m.onnx"),
    }.items():
        assert main(["score", str(kaggle_folder), "--model", str(model), "--out", str(runs / name)]) == 0
    return runs


@pytest.fixture(autouse=True)
def _their_runs(scored: Path, kaggle_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAR_RUNS", str(scored))
    monkeypatch.setenv("HAR_DATA", str(kaggle_folder))


def drop(app: AppTest, *colors: str) -> AppTest:
    files = []
    for number, color in enumerate(colors):
        buffer = io.BytesIO()
        picture(COLORS[color], (150, 110), seed=number).save(buffer, "PNG")
        files.append((f"{color}.png", buffer.getvalue(), "image/png"))
    return app.file_uploader(key="uploads").set_value(files).run()


@pytest.mark.parametrize("run", KINDS)
@pytest.mark.parametrize("page", ["overview", "confusions", "errors", "scores"])
def test_pages_open(run: str, page: str) -> None:
    app = opened(page, run)
    assert not app.exception and not app.error


@pytest.mark.parametrize("run", KINDS)
def test_predict_answers_with_a_heatmap(run: str) -> None:
    app = drop(opened("predict", run), "green")
    assert not app.exception and not app.error
    assert any('id="answer"' in block.value for block in app.get("html"))
    method = app.selectbox(key="method")
    assert method.options[0] == KINDS[run] and len(set(method.options)) == len(method.options)
    assert ("Score-CAM" in method.options) is (run == "timm")
    assert any(caption.value.startswith(f"{KINDS[run]} for") for caption in app.caption)
    assert any(expander.label.startswith("What put") for expander in app.expander) is (run == "timm")
    assert ("cannot be told in numbers" in text(app)) is (run != "timm")
    if run == "onnx":
        assert "occluded" in app.session_state and app.session_state["occluded"][2].class_maps.any()
    if run == "vit":
        assert "squeezed into a square" in text(app)


def test_a_method_of_another_network_is_left() -> None:
    app = drop(opened("predict", "timm"), "red")
    app.selectbox(key="method").set_value("EigenCAM").run()
    wait_for_job(app, "cam-job")
    app.query_params["run"] = "vit"
    app.run()
    assert not app.exception and app.selectbox(key="method").options[0] == "Attention"


def test_several_photos_are_occluded_one_at_a_time() -> None:
    app = drop(opened("predict", "onnx"), "red", "blue", "green")
    assert not app.exception and app.title[0].value.startswith("3 photos")
    assert not any(one.class_maps.any() for one in app.session_state["predictions"][1].values())
    assert app.session_state["occluded"][2].name == "red.png"
    assert not any("Heatmaps" in button.proto.label for button in app.get("download_button"))


def test_a_newer_timm_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def newer(spec: ModelSpec) -> str:
        return "the model was made with timm 99.0"

    monkeypatch.setattr("har_core.models.registry.newer_library", newer)
    app = drop(opened("predict", "timm"), "red")
    assert any("timm 99" in warning.value for warning in app.warning)
