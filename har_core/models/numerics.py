"""Arithmetic that gives anyone the same numbers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

_lock = threading.Lock()
_inside = 0
_before: list[str] = []


@contextmanager
def exact_fp32() -> Iterator[None]:
    """Compute in full 32-bit floats for the time of a `with` block, and be as before after it.

    An NVIDIA GPU otherwise rounds the inputs of convolutions to TF32 (10 bits of mantissa).  The setting holds for the
    whole process: it ends when the last of several threads leaves its block.
    """
    global _inside
    backends: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)  # type: ignore[attr-defined]
    with _lock:
        if _inside == 0:
            _before[:] = [backend.fp32_precision for backend in backends]
            for backend in backends:
                backend.fp32_precision = "ieee"
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                for backend, precision in zip(backends, _before, strict=True):
                    backend.fp32_precision = precision
