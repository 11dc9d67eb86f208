"""Runs whose files lie, opened page by page: a sentence, never a traceback, and markup is text."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from har_core.runs.file_names import CLASS_MAPS, MANIFEST, MATRIX, PREDICTIONS
from har_core.runs.run import checksum
from tests.pages.conftest import PAGES, opened

MARKUP = "![x](https://evil.example/x.png) <img src=https://evil.example/y.png> **b** :red[c] $d$ [e](javascript:f)"
TABLES = ("model", "data", "training", "config", "scores", "machine", "versions")
SAMPLES = ("**a** [b](javascript:c)", "/etc/passwd")
"""Of the run: the detail view is opened for these."""
DAMAGE = st.one_of(
    st.tuples(st.just("drop"), st.sampled_from((*TABLES, "title", "note", "source", "created", "files"))),
    st.tuples(st.just("empty"), st.sampled_from(TABLES[:-3])),
    st.tuples(st.just("rows"), st.integers(0, 10**6)),
    st.tuples(st.just("matrix"), st.sampled_from(["1" + "0" * 30, "-3", "x", "1.5"])),
    st.tuples(st.just("arrays"), st.integers(0, 3)),
    st.tuples(st.just("cut"), st.integers(1, 400)),
)


def damaged(folder: Path, kind: str, value: Any) -> None:
    values = json.loads((folder / MANIFEST).read_text())
    values |= {"note": MARKUP, "source": MARKUP, "created": MARKUP[:90]}
    values["model"] = values.get("model", {}) | {"starting_weights": MARKUP, "architecture": MARKUP[:90]}
    values["data"] = values.get("data", {}) | {"split": MARKUP, "skipped": [MARKUP]}
    values["training"] = values.get("training", {}) | {"selected_on": MARKUP, "epoch": 1}
    name = PREDICTIONS
    if kind == "drop":
        values.pop(value, None)
    elif kind == "empty":
        values[value] = {}
    elif kind == "rows":
        table = pq.read_table(folder / PREDICTIONS)
        pq.write_table(table.slice(0, value % (len(table) + 1)), folder / PREDICTIONS)
    elif kind == "arrays":
        name = CLASS_MAPS
        np.save(folder / name, np.load(folder / name)[:value])
    elif kind == "cut":
        content = (folder / PREDICTIONS).read_bytes()
        (folder / PREDICTIONS).write_bytes(content[:-value])
    else:
        name, classes = MATRIX, values["classes"]
        (folder / PREDICTIONS).unlink()
        rows = ['"' + one.replace('"', '""') + '"' for one in classes]
        body = [f"{row},{','.join([value] * len(classes))}" for row in rows]
        (folder / MATRIX).write_text("\n".join([",".join(["true", *rows]), *body]))
        values["files"].pop(PREDICTIONS)
    if "files" in values:
        values["files"][name] = {"bytes": (folder / name).stat().st_size, "sha256": checksum(folder / name)}
    (folder / MANIFEST).write_text(json.dumps(values))


@pytest.mark.parametrize("made", ["hostile"])
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=DAMAGE)
@example(damage=("arrays", 1))
@example(damage=("matrix", "1" + "0" * 30))
def test_pages_say_what_is_wrong(made_runs: Path, made: str, damage: tuple[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as temporary, pytest.MonkeyPatch.context() as monkeypatch:
        folder = Path(shutil.copytree(made_runs / made, Path(temporary) / "liar"))
        damaged(folder, *damage)
        monkeypatch.setenv("HAR_RUNS", temporary)
        app = opened("overview", "liar")
        for page, query in [
            *((page, {}) for page in PAGES),
            *(("errors", {"show": "all", "photo": name}) for name in SAMPLES),
        ]:
            app.switch_page(PAGES[page])
            for name, value in ({"run": "liar"} | query).items():
                app.query_params[name] = value
            app.run()
            assert not app.exception, (page, app.exception[0].stack_trace)
            shown = [
                each.value
                for kind in ("markdown", "caption", "title", "subheader", "error", "info", "warning")
                for each in app.get(kind)
            ]
            for text in shown:
                assert "![x](" not in text and ":red[c]" not in text.replace("\\:", ""), (page, text)
                assert "<img src=https" not in text.replace("\\<", ""), (page, text)
