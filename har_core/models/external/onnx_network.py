"""A network that answers on onnxruntime, and what is known of its inside."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from har_core.files import printable
from har_core.models.anatomy import Answer, WholeNetwork
from har_core.models.external.onnx_graph import read_graph
from har_core.models.external.onnx_input import Input
from har_core.models.external.onnx_outputs import Form
from har_core.runs.manifest import Explanation

LOGITS, MAPS, EMBEDDINGS = "logits", "class_maps", "embeddings"


class OnnxNetwork(nn.Module):
    """Images (B, 3, H, W) → logits (B, K).

    `notes`: what a person should know of how its outputs are read, a sentence each.

    Args:
        alone: whether each image is answered by itself, because the answer depends on what shares the batch.
    """

    def __init__(self, path: Path, session: Any, taken: Input, *, alone: bool = False) -> None:
        super().__init__()
        self.path, self.session, self.taken, self.alone = path, session, taken, alone
        self.input: str = session.get_inputs()[0].name
        self.outputs: list[str] = [one.name for one in session.get_outputs()]
        self.answering = self.outputs[0]
        self.form = Form()
        self.notes: tuple[str, ...] = ()
        self.gathered = False
        self.anatomy = OnnxAnatomy()

    @property
    def batch(self) -> int | None:
        """The number of images that the network takes, if it takes no other."""
        return self.taken.batch

    def forward(self, images: Tensor) -> Tensor:
        return self.run(images, [self.answering])[0]

    def run(self, images: Tensor, outputs: list[str]) -> list[Tensor]:
        """Some of the outputs, float32; the first is logits."""
        first, *others = (
            torch.from_numpy(one.astype(np.float32)).to(images.device) for one in self.raw(images, outputs)
        )
        return [self.form.logits(first.flatten(1) if first.ndim > 1 else first[:, None]), *others]

    def raw(self, images: Tensor, outputs: list[str]) -> list[np.ndarray]:
        """Some of the outputs as they are."""
        values = np.ascontiguousarray(images.detach().cpu().numpy(), dtype=self.taken.dtype)
        if self.taken.last:
            values = np.ascontiguousarray(values.transpose(0, 2, 3, 1))
        size = self.batch or (1 if self.alone else len(values))
        step = 1 if self.alone else size
        rows: list[list[np.ndarray]] = []
        for start in range(0, len(values), step):
            part = values[start : start + step]
            whole = part[np.arange(size) % len(part)]  # a fixed batch is filled up with the same
            given = map(np.asarray, self.session.run(outputs, {self.input: whole}))
            rows.append([one[: len(part)] if one.ndim else one[None] for one in given])
        return [np.concatenate(column) for column in zip(*rows, strict=True)]

    def shapes(self, image: Tensor, outputs: list[str]) -> dict[str, tuple[int, ...]]:
        """The shapes of some of the outputs, for one image.

        Args:
            image: (1, 3, H, W); a fixed batch is filled up with it.
        """
        images = image.expand(self.batch or 1, -1, -1, -1).cpu().numpy().astype(self.taken.dtype)
        values = np.ascontiguousarray(images.transpose(0, 2, 3, 1) if self.taken.last else images)
        found = self.session.run(outputs, {self.input: values})
        return {name: np.shape(one) for name, one in zip(outputs, found, strict=True)}

    def told(self, key: str) -> Any:
        """One of the metadata, None if it is not there or no JSON."""
        try:
            return json.loads(self.session.get_modelmeta().custom_metadata_map[key])
        except (KeyError, ValueError, RecursionError):
            return None

    def save(self, path: Path) -> None:
        """Write the model as one file."""
        if self.gathered:
            path.write_bytes(read_graph(self.path, printable(self.path.name), beside=True).content)
        else:
            shutil.copyfile(self.path, path)


class OnnxAnatomy(WholeNetwork):
    def __init__(self, explanation: Explanation = "occlusion") -> None:
        self.explanation = explanation

    def answer(self, model: Any, images: Tensor, *, maps: bool) -> Answer:
        has_maps, has_embeddings = maps and self.explanation != "occlusion", EMBEDDINGS in model.outputs
        names = [model.answering, *([MAPS] if has_maps else []), *([EMBEDDINGS] if has_embeddings else [])]
        found = dict(zip(names, model.run(images, names), strict=True))
        logits = found[names[0]]
        return Answer(logits, found.get(MAPS), found.get(EMBEDDINGS, logits.new_zeros(len(logits), 0)))
