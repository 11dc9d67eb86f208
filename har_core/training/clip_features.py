"""What a network's frozen part sees in the frames of each clip, computed once and stored in half precision."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from har_core.data.clip_folder import unread_clip
from har_core.data.clip_frames import read_frames, to_input
from har_core.data.samples import Problem, Sample
from har_core.data.scan import Progress
from har_core.errors import ClipError
from har_core.files import atomic_path, write_text
from har_core.media.clips import ClipReader
from har_core.models.numerics import exact_fp32
from har_core.models.temporal import ClipNetwork
from har_core.runs.run import checksum


class ClipFeatures:
    """Encoded frames by clip, in a folder of files `<first part of a digest>/<SHA-256 of the clip>.npy`.

    The digest is `ClipNetwork.digest`: other weights, another number of frames or another size have a folder of their own.  A
    file is written as a whole or not at all, so that what was interrupted goes on.

    Args:
        folder: may hold features of any clips and networks; nothing in it is ever replaced.
    """

    def __init__(self, folder: Path, network: ClipNetwork, reader: ClipReader, device: torch.device) -> None:
        self.network, self.reader, self.device = network, reader, device
        self.folder = folder / network.digest()[:16]
        self._paths: dict[Path, Path] = {}

    def compute(self, samples: Sequence[Sample], progress: Progress | None = None) -> list[Problem]:
        """Store the features of clips that have none yet; those that cannot be read, or not to their end, are returned."""
        problems: list[Problem] = []
        self.folder.mkdir(parents=True, exist_ok=True)
        about = {"architecture": self.network.spec.architecture, "frames": self.network.spec.frames}
        write_text(self.folder / "about.json", json.dumps(about) + "\n")
        for done, sample in enumerate(samples, start=1):
            path = self._path(sample)
            if not path.is_file():
                try:
                    self._store(sample, path)
                except ClipError as error:
                    problems.append(unread_clip(sample.name, str(error)))
            if progress is not None:
                progress(done, len(samples))
        return problems

    def __getitem__(self, sample: Sample) -> Tensor:
        """(T, C, h, w) float16, of a clip that `compute` has stored."""
        return torch.from_numpy(np.load(self._path(sample)))

    def pooled(self, sample: Sample) -> Tensor:
        """(T, C, 1, 1) float32: the mean over positions."""
        return self[sample].float().mean(dim=(2, 3), keepdim=True)

    def _path(self, sample: Sample) -> Path:
        if sample.path not in self._paths:
            self._paths[sample.path] = self.folder / f"{checksum(sample.path)}.npy"
        return self._paths[sample.path]

    def _store(self, sample: Sample, path: Path) -> None:
        spec = self.network.spec
        found = read_frames(self.reader, sample.path, sample.name, count=spec.frames, side=spec.side)
        if found.broken is not None:  # nothing is stored: it would be learned from without a word
            raise ClipError(found.broken)
        with exact_fp32():
            encoded = self.network.encode(to_input(found.frames, spec.side, spec.preprocessing).to(self.device))
        with atomic_path(path) as partial, partial.open("wb") as file:
            np.save(file, encoded.cpu().numpy(), allow_pickle=False)
