"""The app from elsewhere, and without what a page does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

SCRIPT = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from streamlit.testing.v1 import AppTest
from app_pages.state import models
models.preload = lambda: None  # which imports it beside the pages
app = AppTest.from_file({str(ROOT / "app.py")!r}, default_timeout=60).run()
for page in ("confusions", "errors", "scores", "training", "compare"):
    app.switch_page(f"app_pages/analysis/{{page}}.py").run()
    assert not app.exception and len(app.title) == 1, page
assert "torch" not in sys.modules
"""


def test_pages_that_only_read_runs_import_no_torch_and_start_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
