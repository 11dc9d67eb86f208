"""edge/predict.py: what an answer is called, and what is said of files that are no photos."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from har_core.analysis.timeline import FrameRule
from har_core.cli.predict import _line, _row
from har_core.inference.answer_rules import frame_rule
from har_core.inference.predictor import Predictor
from har_core.media.signatures import refusal
from har_core.models.external.load import load_model
from har_core.runs.run import Run, assets_folder
from tests.conftest import COLORS, picture
from tests.edge.test_edge_predict import file, run
from tests.media.test_images import encoded

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

RULES: tuple[tuple[dict[str, Any], FrameRule], ...] = (
    ({}, FrameRule()),
    ({"least_known": 3.0}, FrameRule(least_known=3.0)),
    ({"answer_rule": {"lowest": None, "threshold": 0.8}}, FrameRule(threshold=0.8)),
    ({"answer_rule": {"lowest": 0.2, "threshold": 0.7}}, FrameRule(0.2, 0.7)),
    ({"answer_rule": {"lowest": 0.3, "threshold": 0.4}, "least_known": 1.0}, FrameRule(0.3, 0.4, 1.0)),
)
"""What a file says, the first as earlier exports, and the rule that it means."""


@pytest.mark.parametrize(("told", "rule"), RULES)
def test_answers_are_called_as_the_library_calls_them(
    edge: ModuleType, tmp_path: Path, told: dict[str, Any], rule: FrameRule
) -> None:
    path = file(tmp_path, **told)
    library, model = Predictor(*load_model(str(path))), edge.Model(path)
    found = library.predict(picture(COLORS["red"], (90, 70)), "a")
    called, source = set(), np.random.default_rng(0)
    for _ in range(300):
        probabilities = source.dirichlet([0.5] * 3).astype(np.float32)
        known = float(source.normal(3, 2))
        prediction = replace(found, probabilities=probabilities, known=known)
        answer = edge.Answer(probabilities, None, edge.Box(0, 0, 1, 1), known)
        expected = _row("a", prediction, rule)
        row = json.loads(edge._line("a", model, answer, as_json=True))
        assert [row[key] for key in ("answer", "predicted")] == [expected[key] for key in ("answer", "predicted")]
        assert edge._line("a", model, answer, as_json=False) == _line(expected)
        called.add(row["answer"])
    assert "unsure" in called and ("none" in called) is (rule.least_known is not None)
    assert any(" or " in one for one in called) is bool(np.isfinite(rule.lowest))


def test_the_shipped_file_answers_as_its_run_does(edge: ModuleType) -> None:
    shipped = Run.open(assets_folder() / "runs" / "edge-int8")
    rule = frame_rule(shipped, Predictor.from_run(shipped))
    model = edge.Model(shipped.file("model.onnx"))
    assert (model.lowest, model.threshold, model.least_known) == (rule.lowest, rule.threshold, rule.least_known)


OTHERS = {
    "a.pdf": b"%PDF-1.7\n", "a.gif": b"GIF89a", "a.bmp": b"BM" + bytes(60), "a.tif": b"II*\0" + bytes(60), "a.psd": b"8BPS",
    "a.jp2": b"\0\0\0\x0cjP  \r\n", "a.jxl": b"\xff\x0a\0", "a.7z": b"7z\xbc\xaf", "a.rar": b"Rar!\x1a", "a.gz": b"\x1f\x8b\x08",
    "a.tar": bytes(257) + b"ustar\0", "a.webm": b"\x1aE\xdf\xa3", "a.avi": b"RIFF\0\0\0\0AVI ", "a.mp4": b"\0\0\0\x18ftypisom",
    "a.mov": b"\0\0\0\x14ftypqt  ", "a.flv": b"FLV\1", "a.mpg": b"\0\0\1\xba", "a.mp3": b"ID3\4", "a.svg": b"<?xml?><svg/>",
    "b.svg": b"\xef\xbb\xbf<!-- x --><SVG>", "a.html": b"<!doctype html><svg>",
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_called_what_they_are(edge: ModuleType, tmp_path: Path, name: str) -> None:
    (tmp_path / "a.jpg").write_bytes(OTHERS[name])
    expected = refusal(OTHERS[name])
    assert expected is not None
    with pytest.raises(edge.PredictError) as caught:
        edge.open_photo(tmp_path / "a.jpg")
    assert str(caught.value).startswith(f"a.jpg is {expected.kind}") and "\n" not in str(caught.value)


def test_what_cannot_be_read_is_told_in_a_sentence(
    edge: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command; no words of a decoder or of Python."""
    photo = encoded(picture((90, 120, 60), (90, 70)), "JPEG")
    made = {
        "empty.jpg": (b"", "empty"),
        "text.jpg": (("wörter " * 999).encode(), "a text"),
        "json.jpg": (b'{"a": 1}', "a text"),
        "zip.jpg": (b"PK\3\4" + bytes(99), "a zip archive"),
        "heic.jpg": (b"\0\0\0\x18ftypheic" + bytes(99), "a HEIC photo"),
        "noise.jpg": (bytes(range(200, 256)), "no photo"),
        "large.jpg": (photo + bytes(25_000_000), "25 MB"),
        "cut.jpg": (photo[: len(photo) // 2], "cut off"),
        "start.jpg": (photo[:5], "cut off"),
        "bad.png": (b"\x89PNG\r\n\x1a\n" + bytes(99), "damaged"),
    }
    for name, (data, _) in made.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder").mkdir()
    expected = {name: words for name, (_, words) in made.items()}
    expected |= {"folder": "a folder", "none.jpg": "no such file", "a\0b.jpg": "null", "n" * 300: "too long"}
    status, out, error = run(edge, capsys, file(tmp_path), *(tmp_path / name for name in expected))
    lines = error.splitlines()
    assert status == 1 and not out and len(lines) == len(expected)
    for line, (name, words) in zip(lines, expected.items(), strict=True):
        said = line.removeprefix(f"error: {name} ")
        assert said != line and words in said and not any(raw in said for raw in ("BytesIO", "Errno", "identify"))
    for arguments in ([file(tmp_path), "a.jpg", "--heatmap", "h" * 300 + ".png"], ["m" * 300, "a.jpg"]):
        status, out, error = run(edge, capsys, *arguments)
        assert status == 2 and not out and len(error.splitlines()) == 1 and "too long" in error
