"""TF32 is off exactly while somebody computes in full 32-bit floats."""

from __future__ import annotations

import torch

from har_core.models.numerics import exact_fp32


def settings() -> tuple[str, str]:
    return torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision  # type: ignore[attr-defined]


def test_blocks_may_overlap() -> None:
    before = settings()
    first, second = exact_fp32(), exact_fp32()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert settings() == ("ieee", "ieee")
    second.__exit__(None, None, None)
    assert settings() == before != ("ieee", "ieee")
