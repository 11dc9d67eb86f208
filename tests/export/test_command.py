"""`har-lens export RUN --to onnx`, and what becomes of the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from har_core.analysis.compare import mcnemar, paired_examples
from har_core.analysis.examples import example_table
from har_core.analysis.heatmap_drift import heatmap_drift, summarize_drift
from har_core.cli import main
from har_core.runs.run import Run
from tests.export.conftest import CLASSES

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

TESTED = {f"{label}/{number:03}.png": label for number, label in enumerate(CLASSES * 68)}


@pytest.mark.usefixtures("quick_graph")
@pytest.mark.slow
def test_both_files_become_runs_that_can_be_compared(
    make_run: Callable[..., Run], data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(views=("center", "whole", "evidence"), tested=TESTED)
    files = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    assert main(["export", str(run.folder), "--to", "onnx", "--photos", str(data), "--out", str(files[0])]) == 0
    assert "differ by at most" in capsys.readouterr().out
    command = ["export", str(run.folder), "--to", "onnx", "--int8", "--photos", str(data), "--out", str(files[1])]
    assert main(command) == 0
    assert "points" in (told := capsys.readouterr().out) and "times as fast" in told
    for path in files:
        assert main(["score", str(data), "--model", str(path), "--out", str(tmp_path / path.stem)]) == 0
    first, second = (Run.open(tmp_path / path.stem) for path in files)
    assert first.manifest.model is not None and first.manifest.model.views == ("center", "whole", "evidence")
    tables = [example_table(each.predictions()) for each in (first, second)]
    both = paired_examples(*tables)
    assert len(both) == 240
    found = mcnemar(
        *(both["true"].to_numpy() == both[f"predicted_{which}"].to_numpy() for which in ("before", "after"))
    )
    assert 0 <= found.p <= 1
    drift = summarize_drift(heatmap_drift(first.class_maps(), second.class_maps(), first.predictions().predicted))
    assert drift.count > 200 and drift.cosine > 0.9
    assert np.isfinite([drift.distance, drift.moved, drift.rank_correlation]).all()


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["--to", "labels", "--out", "x.csv", "--int8"], "--int8"),
        (["--to", "onnx", "--out", "x.bin"], ".onnx"),
        (["--to", "onnx", "--out", "x.onnx", "--verdicts", "v.sqlite"], "--verdicts"),
        (["--to", "onnx", "--out", "x.onnx", "--int8"], "--photos"),
    ],
)
def test_arguments_that_contradict_each_other(
    make_run: Callable[..., Run],
    arguments: list[str],
    fragment: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(make_run(tested=TESTED).folder), *arguments]) == 1
    assert fragment in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_run_without_a_model(
    tmp_path: Path, make_run: Callable[..., Run], capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run()
    (tmp_path / "run.json").write_text((run.folder / "run.json").read_text().replace("model.safetensors", "other"))
    assert main(["export", str(tmp_path), "--to", "onnx", "--out", str(tmp_path / "x.onnx")]) == 1
    assert capsys.readouterr().err.startswith("error: ") and not (tmp_path / "x.onnx").exists()
