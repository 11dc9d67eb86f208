"""Which arithmetic a network trains in: 32-bit floats or bfloat16."""

from __future__ import annotations

import torch

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}

_CPU_BF16 = ("amx_bf16", "avx512_bf16")


def choose_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the processor has instructions for it, otherwise float32.

    A CPU has them with AMX-BF16 or AVX512-BF16, an NVIDIA GPU from compute capability 8.0.  Others emulate bfloat16, at a
    fraction of float32's speed.
    """
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return torch.bfloat16 if any(capabilities.get(name, False) for name in _CPU_BF16) else torch.float32
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float32
