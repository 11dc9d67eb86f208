"""`har-lens score` in shards: the answers are those of the predictor, with a network that is one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from har_core.cli import main
from har_core.inference.predictor import Predictor
from har_core.media.images import open_photo
from har_core.runs.run import checksum
from har_core.scoring.batch import ModelRequest, packed
from har_core.scoring.browse import Only, ScoredPhotos
from har_core.scoring.index import INDEX
from har_core.scoring.photos import Photo


def test_answers_are_those_of_the_predictor(
    kaggle_folder: Path, tiny_run: Path, tiny: Predictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["score", str(kaggle_folder / "train"), "--model", str(tiny_run), "--out", str(out), "--workers", "1"]
    command += ["--shard-size", "20", "--embeddings", "--maps", "--labels", str(kaggle_folder / "Training_set.csv")]
    assert main(command) == 0
    assert "36 photos, 36 with a label" in capsys.readouterr().out
    tables = [pq.read_table(path) for path in sorted((out / "predictions").iterdir())]
    assert [len(table) for table in tables] == [20, 16]
    labels = dict(line.split(",") for line in (kaggle_folder / "Training_set.csv").read_text().split()[1:])
    for row in [row for table in tables for row in table.to_pylist()][::7]:
        name = row["sample"]
        expected = tiny.predict(open_photo(kaggle_folder / "train" / name), name)
        values = np.array([row[f"p:{each}"] for each in tiny.spec.classes])
        # the run holds half-precision weights
        assert np.allclose(values, expected.probabilities, atol=0.02)
        assert row["predicted"] == tiny.spec.classes[int(values.argmax())]
        assert row["true"] == labels[name] and row["none"] is None and row["error"] is None
        assert row["known"] == pytest.approx(expected.known, abs=0.1)
        maps = np.array(row["maps"], dtype=np.float32).reshape(row["maps_shape"])
        assert np.allclose(maps, expected.class_maps, atol=0.1)
        assert np.allclose(np.array(row["embedding"], dtype=np.float32), expected.embedding, atol=0.1)
    before = (out / "scored.json").read_bytes()
    assert main(command) == 0 and (out / "scored.json").read_bytes() == before  # nothing is left to do
    assert main([*command, "--views", "whole"]) == 1
    assert "choose a new --out" in capsys.readouterr().err


def test_what_was_scored_can_be_looked_at(
    kaggle_folder: Path, tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command makes the index; a second time it makes nothing, and for a folder without one only that."""
    out = tmp_path / "out"
    command = ["score", str(kaggle_folder / "train"), "--model", str(tiny_run), "--out", str(out), "--workers", "1"]
    command += ["--shard-size", "20", "--labels", str(kaggle_folder / "Training_set.csv")]
    assert main(command) == 0
    photos = ScoredPhotos(out)
    table = pq.read_table(out / "predictions").to_pandas()
    matrix = pd.crosstab(table["true"], table["predicted"]).reindex(
        index=photos.classes, columns=photos.classes, fill_value=0
    )
    assert photos.matrix().tolist() == matrix.to_numpy().tolist() and photos.count(Only()) == 36
    assert photos.scored.network is not None and photos.scored.network.crop_size == 64
    before = stamps(out)
    assert main(command) == 0 and stamps(out) == before
    for path in (out / INDEX, *(out / "index").iterdir()):  # as an older version left it
        path.unlink()
    assert main(command) == 0
    after = stamps(out)
    assert after.keys() == before.keys() and ScoredPhotos(out).matrix().tolist() == photos.matrix().tolist()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {INDEX, "index/photos.parquet", "index/counts.parquet", "index/sample.parquet"}
    (out / "index" / "counts.parquet").write_bytes(b"PAR1")
    assert main(command) == 0 and ScoredPhotos(out).count(Only()) == 36
    (out / INDEX).write_text("{")
    capsys.readouterr()
    assert main(command) == 1
    error = capsys.readouterr().err
    assert INDEX in error and "remove" in error and "Traceback" not in error


def test_a_manifest_of_an_older_version_is_indexed(kaggle_folder: Path, tiny_run: Path, tmp_path: Path) -> None:
    """It says nothing of the network."""
    out = tmp_path / "out"
    command = ["score", str(kaggle_folder / "train"), "--model", str(tiny_run), "--out", str(out), "--workers", "1"]
    assert main(command) == 0
    older = json.loads((out / "scored.json").read_text())
    del older["network"]
    (out / "scored.json").write_text(json.dumps(older))
    (out / INDEX).unlink()
    assert main(command) == 0
    assert ScoredPhotos(out).count(Only()) == 36 and "network" not in json.loads((out / "scored.json").read_text())


def stamps(folder: Path) -> dict[str, tuple[int, str]]:
    """When every file was written, and what is in it."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, checksum(path))
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_folder_of_folders_with_labels(kaggle_folder: Path, tiny_run: Path, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    rows = [f"{kaggle_folder}/train/Image_0.jpg,BLUE", f"{kaggle_folder}/train/Image_1.jpg,violet"]
    listed.write_text("filename,label\n" + "\n".join(rows) + "\nmissing.jpg,\n")
    out = tmp_path / "out"
    assert main(["score", str(listed), "--model", str(tiny_run), "--out", str(out), "--workers", "1"]) == 0
    table = pq.read_table(out / "predictions").to_pydict()
    assert table["true"] == ["blue", "violet", None] and [bool(one) for one in table["error"]] == [False, False, True]
    manifest = json.loads((out / "scored.json").read_text())
    assert manifest["classes"] == ["blue", "green", "red"] and manifest["unreadable"] == 1


def test_a_model_travels_with_its_request(tiny_run: Path, kaggle_folder: Path, tmp_path: Path) -> None:
    """As it does to machines that do not have it."""
    photos = [Photo(path.name, path.read_bytes()) for path in sorted((kaggle_folder / "train").iterdir())[:5]]
    for model in (tiny_run, tiny_run / "model.safetensors"):
        request = ModelRequest(str(model))
        here, there = request()(iter(photos), open_photo), packed(request)()(iter(photos), open_photo)
        assert here.equals(there) and here.num_rows == 5


def test_what_does_not_fit(
    kaggle_folder: Path, tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, model, out = str(kaggle_folder / "train"), ["--model", str(tiny_run)], ["--out", str(tmp_path / "out")]
    for arguments, fragment in (
        ([source, source, "--engine", "local", *model, *out], "one DATA"),
        ([source, "--engine", "local", *model, *out, "--title", "Mine"], "--title"),
        ([source, "--engine", "local", *model, "--out", "table.csv"], "name a folder"),
        ([source, *out], "pass --model"),
        (["nothing.tar", *model, *out], "nothing there"),
        ([source, "--engine", "local", *model, *out, "--labels", "folders"], "none that fits"),
    ):
        assert main(["score", *arguments]) == 1
        error = capsys.readouterr().err
        assert fragment in error and error.count("\n") == 1, error


def test_without_ray(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "photos").mkdir()
    assert main(["score", str(tmp_path / "photos"), "--engine", "ray", "--out", str(tmp_path / "out")]) == 1
    assert "pip install" in capsys.readouterr().err
