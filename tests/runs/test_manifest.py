"""A manifest is read as it was written; one that lies is refused in one sentence that names the place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from har_core.errors import RunError
from har_core.runs.file_names import MANIFEST, MODEL
from har_core.runs.manifest import (
    COMPLETE,
    FORMAT,
    DataInfo,
    Manifest,
    ModelInfo,
    Scores,
    TrainingInfo,
    dump_manifest,
    read_manifest,
)

GOOD: dict[str, Any] = {"format": FORMAT, "status": COMPLETE, "classes": ["a", "b"]}


def write(folder: Path, values: object) -> None:
    (folder / MANIFEST).write_text(values if isinstance(values, str) else json.dumps(values), encoding="utf-8")


def refusal(folder: Path) -> str:
    with pytest.raises(RunError) as caught:
        read_manifest(folder)
    message = str(caught.value)
    assert f"{folder.name}/{MANIFEST}" in message and "\n" not in message and len(message) < 400
    return message


def test_what_is_written_is_read(tmp_path: Path) -> None:
    manifest = Manifest(
        status=COMPLETE,
        title="Größe",
        classes=("a", "b_c"),
        model=ModelInfo(architecture="resnet50", crop_size=64),
        data=DataInfo(train=3, test=2, eval_split="dev", skipped=("a.jpg: broken",), test_names_sha256="0" * 64),
        training=TrainingInfo(epoch=2, epochs=4, seconds=0, soup_size=2, checkpoint="last"),
        config={"epochs": 2, "unfreeze": ["fc"], "lr": 1.5e-4, "nothing": None},
        scores=Scores(accuracy=0.5, accuracy_interval=(0.1, 0.9), macro_f1=1, n=2),
    )
    text = dump_manifest(manifest)
    assert list(json.loads(text))[:2] == ["format", "status"] and "Größe" in text
    write(tmp_path, text)
    found = read_manifest(tmp_path)
    assert found.model_dump(exclude={"config"}) == manifest.model_dump(exclude={"config"})
    assert found.config["lr"] == 1.5e-4 and found.config["unfreeze"] == ["fc"]


def test_what_is_not_known_is_kept(tmp_path: Path) -> None:
    write(tmp_path, GOOD | {"engine": {"name": "x"}, "model": {"patches": 3}})
    kept = json.loads(dump_manifest(read_manifest(tmp_path)))
    assert kept["engine"] == {"name": "x"} and kept["model"]["patches"] == 3


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": "har-lens-run/9"}', "[" * 100_000, "[" * 900 + "]" * 900, '"' + "x" * 5_000_000 + '"'],
    ids=["empty", "list", "table", "version", "deep", "nested", "large"],
)
def test_another_kind_of_file_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    assert "expected" in refusal(tmp_path)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    assert str(tmp_path.parent) not in refusal(tmp_path)


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("format", None),
        ("format", "har-lens-run/1"),
        ("status", "done"),
        ("classes", [1]),
        ("classes", []),
        ("classes", "ab"),
        ("classes", ["a", "a"]),
        ("classes", ["a_b", "a b"]),
        ("classes", ["a\u202eb"]),
        ("classes", ["x" * 101]),
        ("classes", [str(number) for number in range(1001)]),
        ("files", []),
        ("files", {MODEL: 3}),
        ("files", {MODEL: {"bytes": 1, "sha256": "../../etc/passwd"}}),
        ("files", {MODEL: {"bytes": "1", "sha256": "0" * 64}}),
        ("model", "resnet50"),
        ("model", None),
        ("model", {"crop_size": "224"}),
        ("model", {"resize": True}),
        ("model", {"architecture": 5}),
        ("model", {"x": nested(200)}),
        ("data", {"test": 0}),
        ("data", {"test": 2.0}),
        ("data", {"eval_split": "validation"}),
        ("data", {"skipped": ["a", 1]}),
        ("data", {"test_names_sha256": "A" * 64}),
        ("training", {"epoch": -1}),
        ("training", {"checkpoint": "first"}),
        ("config", {"epochs": 10**30}),
        ("config", {"soup_size": True}),
        ("config", [1]),
        ("config", nested(200)),
        ("scores", {"accuracy": 1}),
        ("scores", {"accuracy": float("nan"), "accuracy_interval": [0, 1], "macro_f1": 0, "n": 1}),
        ("scores", {"accuracy": 0.5, "accuracy_interval": [0, 2], "macro_f1": 0, "n": 1}),
        ("machine", "cpu"),
        ("title", ["a"]),
        ("title", ""),
        ("note", "x" * 3000),
        ("source", "a\x00b"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_lie_is_refused_by_its_place(tmp_path: Path, place: str, value: object) -> None:
    """In a file and in a program alike."""
    write(tmp_path, GOOD | {place: value})
    assert f"{MANIFEST}: expected {place}" in refusal(tmp_path)
    with pytest.raises(RunError, match=f"^expected {place}"):
        Manifest(**{"status": COMPLETE, "classes": ("a", "b"), place: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["status", "classes"])
def test_what_must_be_there_is_missed(tmp_path: Path, name: str) -> None:
    write(tmp_path, {key: value for key, value in GOOD.items() if key != name})
    assert f"expected {name}, found nothing" in refusal(tmp_path)


def test_what_was_found_is_shortened(tmp_path: Path) -> None:
    write(tmp_path, GOOD | {"title": {"a": ["x" * 10_000] * 100}})
    assert len(refusal(tmp_path)) < 300


def test_a_part_names_its_place_on_its_own() -> None:
    with pytest.raises(RunError, match=r"^expected model\.crop_size to be greater than or equal to 1, found 0$"):
        ModelInfo(crop_size=0)


def test_a_manifest_that_could_not_be_read_is_not_written() -> None:
    good = Manifest(status=COMPLETE, classes=("a", "b"))
    with pytest.raises(RunError, match="title"):
        dump_manifest(good.model_copy(update={"title": "x" * 256}))
    with pytest.raises(RunError, match="bytes"):
        dump_manifest(good.model_copy(update={"data": DataInfo(skipped=("x" * 1000,) * 5000)}))
