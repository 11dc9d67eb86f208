"""Quick trainings of every kind of clip model, on clips that only their order tells apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from har_core.data.clip_split import ClipSplit, split_clips
from har_core.runs.run import Run
from har_core.training.temporal_config import TemporalConfig
from har_core.training.temporal_pipeline import train_clips
from tests.training.moving_squares import PlainReader, make_clips

CPU = torch.device("cpu")
QUICK: dict[str, dict[str, Any]] = {
    "frames": {"epochs": 10},
    "frames_peak": {"epochs": 10},
    "convlstm": {"epochs": 8, "lr": 3e-3, "dropout": 0.0},
    "transformer": {"epochs": 30, "lr": 1e-3, "dropout": 0.0},
    "inflated": {"epochs": 12, "lr": 3e-3, "head_lr_factor": 1.0, "dropout": 0.0},
}


def moving_split(folder: Path) -> ClipSplit:
    """Of 32 clips, made in `folder`; a clip and the same one backwards are of one source."""
    clips = make_clips(folder, 32)
    groups = {sample.name: sample.path.stem for sample in clips}
    return split_clips(clips, groups, dev_fraction=0.2, test_fraction=0.25, seed=0)


def config(kind: str, **changes: Any) -> TemporalConfig:
    return TemporalConfig.of_kind(kind, **{"frames": 8, "batch_size": 8, "weight_decay": 0.0, **QUICK[kind], **changes})


def trained(split: ClipSplit, kind: str, folder: Path, base: Run, cache: Path, **options: Any) -> Run:
    changes = options.pop("changes", {})
    return train_clips(
        split,
        config(kind, **changes),
        folder,
        photo_run=base,
        cache=cache,
        device=CPU,
        reader=PlainReader(),
        **options,
    )
