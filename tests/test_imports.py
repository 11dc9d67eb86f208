"""What each package loads: the packages that only read need no torch, and nothing loads what is rarely needed."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import har_core
from tests.conftest import ROOT

MODULES = sorted(
    found.name for found in pkgutil.walk_packages(har_core.__path__, "har_core.") if not found.name.endswith("__main__")
)
HEAVY = {"torch", "torchvision", "streamlit", "kagglehub", "pytorch_grad_cam"}


def heavy_after_importing(modules: list[str]) -> set[str]:
    code = (
        "import importlib, json, sys\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *modules], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    return set(json.loads(done.stdout)) & HEAVY


def test_the_packages_are_found() -> None:
    assert {"har_core.runs.run", "har_core.analysis.scores", "har_core.training.trainer", "har_core.viz.text"} <= {
        *MODULES
    }


def test_no_module_loads_what_is_rarely_needed() -> None:
    assert heavy_after_importing(MODULES) == {"torch", "torchvision"}


def test_what_only_reads_needs_no_torch() -> None:
    light = (
        "har_core.analysis",
        "har_core.cam.scales",
        "har_core.files",
        "har_core.media",
        "har_core.runs",
        "har_core.viz",
    )
    assert heavy_after_importing([name for name in MODULES if name.startswith(light)]) == set()


def test_the_worker_that_decodes_photos_loads_pillow_only() -> None:
    code = "import sys, har_core.media.isolated_worker; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stdout.split())
    assert "PIL" in loaded and not loaded & {"numpy", "pandas", "plotly", "pydantic", "scipy", "sklearn", *HEAVY}
