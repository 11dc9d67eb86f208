"""Which arithmetic a network runs in: 32-bit floats or bfloat16."""

from __future__ import annotations

import math
import time

import torch
from torch import nn

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def pick_precision(model: nn.Module, device: torch.device, crop_size: int) -> torch.dtype:
    """float32 or bfloat16, whichever a short forward pass finds faster on this device.

    Half of today's CPUs emulate bfloat16, at a fraction of float32's speed, and none of them says so reliably.
    """
    if device.type == "mps":
        return torch.float32
    images = torch.zeros(8, 3, crop_size, crop_size, device=device).contiguous(memory_format=torch.channels_last)

    def seconds(precision: torch.dtype) -> float:
        best = math.inf
        for _ in range(3):  # the first warms up; the fastest is the one least disturbed
            started = time.perf_counter()
            with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=precision == torch.bfloat16):
                model(images).sum().item()
            best = min(best, time.perf_counter() - started)
        return best

    was_training = model.training
    model.eval()
    try:
        return min((torch.float32, torch.bfloat16), key=seconds)
    finally:
        model.train(was_training)
