"""The arithmetic follows from what the processor has, not from who else uses it."""

from __future__ import annotations

import pytest
import torch

from har_core.training.precision import choose_precision


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"amx_bf16": True, "avx512_bf16": False}, torch.bfloat16),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"avx512_f": True, "avx2": True}, torch.float32),
        ({"avx2": True, "amx_bf16": False}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_a_cpu(monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: torch.dtype) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert choose_precision(torch.device("cpu")) is expected


@pytest.mark.parametrize(("native", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_gpu(monkeypatch: pytest.MonkeyPatch, native: bool, expected: torch.dtype) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native or including_emulation)
    assert choose_precision(torch.device("cuda")) is expected


def test_apples_gpus_compute_in_32_bit() -> None:
    assert choose_precision(torch.device("mps")) is torch.float32
