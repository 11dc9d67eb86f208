"""`import har_core` is the library: its names are complete, typed, and loaded when they are used."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import har_core
from tests.conftest import ROOT


def test_every_name_is_what_its_module_defines() -> None:
    assert sorted(har_core.__all__) == list(har_core.__all__)
    assert set(har_core.__all__) == {*har_core._HOMES, "load_run"}
    for name, home in har_core._HOMES.items():
        assert getattr(har_core, name) is getattr(importlib.import_module(home), name)
    assert set(har_core.__all__) < set(dir(har_core))


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(har_core.__file__).read_text())
    imported = {
        alias.name: node.module
        for branch in tree.body
        if isinstance(branch, ast.If)
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == har_core._HOMES


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(AttributeError, match=r"recognize.*load_run"):
        har_core.recognize  # type: ignore[attr-defined]


def example(document: str) -> str:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    return str(code)


def run_example(code: str, folder: Path) -> None:
    """In a process and a folder of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_example_with_photos_runs(tmp_path: Path) -> None:
    """With a photo and a data folder of the names that it uses."""
    photos = sorted((ROOT / "assets" / "samples").glob("*.jpg"))
    shutil.copy(photos[0], tmp_path / "photo.jpg")
    for label in ("running", "sitting"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for path in photos[:2]:
            shutil.copy(path, tmp_path / "data" / label / path.name)
    run_example(example("docs/library.md"), tmp_path)
    assert len(har_core.load_run(tmp_path / "runs" / "mine").predictions()) == 4


def test_the_example_with_arrays_runs(tmp_path: Path) -> None:
    """Arrays in, matrix and gallery out."""
    (tmp_path / "DIR" / "cat").mkdir(parents=True)
    shutil.copy(sorted((ROOT / "assets" / "samples").glob("*.jpg"))[0], tmp_path / "DIR" / "cat" / "0.jpg")
    given = (
        "import numpy as np\n"
        "classes, y_true = ['cat', 'dog $5$'], np.array([0, 1, 0])\n"
        "y_prob = np.array([[0.1, 0.9], [0.2, 0.8], [0.4, 0.6]])\n"
        "file_names = ['cat/0.jpg', 'dog/1.jpg', 'cat/2.jpg']\n"
    )
    lines = (
        example("README.md")
        .replace("har_core.gallery(", "picture = har_core.gallery(")
        .replace("har_core.matrix_picture(run)", "assert min(har_core.matrix_picture(run).size) > 300")
    )
    check = "\nassert picture.width > 800\npicture.convert('RGB').save('gallery.png')\n"
    run_example(given + lines + check, tmp_path)
    assert har_core.load_run(tmp_path / "runs" / "mine").confusion_matrix().tolist() == [[0, 2], [0, 1]]
    with Image.open(tmp_path / "gallery.png") as picture:
        assert len(set(picture.crop((0, 60, 220, 260)).get_flattened_data())) > 1000  # the photo that is there


def test_reading_a_run_needs_no_torch() -> None:
    code = (
        "import json, sys, har_core\n"
        "run = har_core.shipped_run()\n"
        "summary = har_core.summarize(run.confusion_matrix())\n"
        "har_core.confused_pairs(run.confusion_matrix()); har_core.example_table(run.predictions())\n"
        "har_core.to_heatmap(run.class_maps()[0, 0], 224)\n"
        "print(json.dumps([summary.n, 'torch' in sys.modules, 'streamlit' in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(done.stdout) == [1890, False, False]
