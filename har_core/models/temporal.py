"""A model of clips: what looks at each frame alone, then what decides by all of them.  Name → network; file ↔ network.

frames        a linear layer on each frame, mean of the logits       frames_peak   the highest logit of each class instead
convlstm      a ConvLSTM over the last maps                          transformer   a small one over the pooled features
inflated      the photo model's last stage with kernels over time    r3d_18 …      networks of torchvision, whole
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from har_core.data.transforms import Preprocessing
from har_core.errors import CheckpointError
from har_core.models.anatomy import Answer
from har_core.models.checkpoint import (
    first_line,
    halved,
    read_metadata,
    require_finite,
    require_model_file,
    write_weights,
)
from har_core.models.inflated import inflate
from har_core.models.registry import anatomy_of, create_model, forward_features, split_frozen
from har_core.models.spec import ModelSpec
from har_core.models.temporal_heads import ClipHead, ConvLSTM, FramesHead, FrameTransformer
from har_core.models.video_networks import NETWORKS, WholeClipNetwork, check_frames

FORMAT = "har-lens-temporal/1"
"""The file of a run that holds it.  It has a name of its own because the pages that predict photos cannot use it."""

ON_PHOTOS = ("frames", "frames_peak", "convlstm", "transformer", "inflated")
"""Kinds that take a photo model to look at the frames."""

MOST_FRAMES = 64


@dataclass(frozen=True)
class TemporalSpec:
    """What is needed, besides the weights, to rebuild a model of clips and to feed it; the metadata of its file.

    `kind`: a name of `list_temporal`.  `frames`: T, evenly spaced over a clip (see `data.clip_frames`).  `photo`: of the photo
    model that looks at each of them; None of the networks of torchvision.  `dropout`: before the last layer, while learning.

    Raises:
        CheckpointError: if a value is out of its range.
    """

    classes: tuple[str, ...]
    kind: str
    frames: int = 16
    photo: ModelSpec | None = None
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_temporal(self.kind)
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes) or not all(self.classes):
            raise CheckpointError(f"expected two or more distinct class names, found {list(self.classes)!r}")
        if not 1 <= self.frames <= MOST_FRAMES:
            raise CheckpointError(f"expected 1 to {MOST_FRAMES} frames, found {self.frames}; change --frames")
        if (self.photo is None) == (self.kind in ON_PHOTOS):
            raise CheckpointError(f"expected a photo model for {', '.join(ON_PHOTOS)} and no other, found {self.kind}")
        if self.kind in NETWORKS:
            check_frames(self.kind, self.frames)

    @property
    def side(self) -> int:
        """Pixels of the square that each frame becomes."""
        return self.photo.crop_size if self.photo is not None else NETWORKS[self.kind].side

    @property
    def preprocessing(self) -> Preprocessing:
        return self.photo.preprocessing if self.photo is not None else NETWORKS[self.kind].preprocessing

    @property
    def architecture(self) -> str:
        """In words: 'convlstm on resnet50'."""
        return f"{self.kind} on {self.photo.architecture}" if self.photo is not None else self.kind

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TemporalSpec:
        """The inverse of `dataclasses.asdict`, after a way through JSON."""
        photo = values.get("photo")
        return cls(**{**values, "classes": tuple(values["classes"]), "photo": photo and ModelSpec.from_dict(photo)})


def list_temporal() -> tuple[str, ...]:
    """The names that `create_temporal` knows."""
    return (*ON_PHOTOS, *NETWORKS)


def check_temporal(name: str) -> None:
    """Raises:
    CheckpointError: naming what is known.
    """
    if name not in list_temporal():
        raise CheckpointError(
            f"expected a temporal model of {', '.join(list_temporal())}, found {name!r}; choose one of these"
        )


class ClipNetwork(nn.Module):
    """`frozen` looks at each frame alone and learns nothing; `learning` decides by all frames of a clip."""

    def __init__(self, spec: TemporalSpec, frozen: nn.Module, learning: ClipHead) -> None:
        super().__init__()
        self.spec, self.frozen, self.learning = spec, frozen.requires_grad_(False).eval(), learning

    @torch.no_grad()
    def encode(self, frames: Tensor) -> Tensor:
        """Normalized frames (N, 3, side, side) → (N, C, h, w) float16, which are what is stored and decided by, always."""
        seen: Tensor = self.frozen(frames.contiguous(memory_format=torch.channels_last))
        return seen.half().contiguous()

    def answer(self, features: Tensor, *, maps: bool) -> Answer:
        """Encoded frames of B clips (B, T, C, h, w) → logits, class maps if asked for and there are any, embeddings."""
        return self.learning.answer(features.float(), maps=maps)

    def forward(self, clips: Tensor) -> Tensor:
        """Normalized frames of B clips, (B, T, 3, side, side) → logits (B, K)."""
        encoded = self.encode(clips.flatten(0, 1))
        return self.answer(encoded.reshape(*clips.shape[:2], *encoded.shape[1:]), maps=False).logits

    def digest(self) -> str:
        """SHA-256 of all that decides what `encode` makes of a clip: weights of `frozen`, number and size of the frames."""
        found = hashlib.sha256(
            json.dumps([FORMAT, self.spec.frames, self.spec.side, asdict(self.spec.preprocessing)]).encode()
        )
        for name, tensor in self.frozen.state_dict().items():
            found.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
        return found.hexdigest()


class _LastMaps(nn.Module):
    """A photo model as images → last maps."""

    def __init__(self, photo: nn.Module) -> None:
        super().__init__()
        self.photo = photo

    def forward(self, images: Tensor) -> Tensor:
        return forward_features(self.photo, images).maps


def create_temporal(spec: TemporalSpec, photo: nn.Module | None = None) -> ClipNetwork:
    """A network for clips in evaluation mode, whose last layer has random weights.

    Args:
        photo: the photo model of `spec.photo`, whose weights it shares; else they are random.

    Raises:
        CheckpointError: if the photo model does not end in mean pooling and one linear layer, or cannot be inflated.
    """
    if spec.photo is None:
        whole = WholeClipNetwork(spec.kind, len(spec.classes), dropout=spec.dropout)
        return ClipNetwork(spec, nn.Identity(), whole).eval()
    photo = create_model(spec.photo) if photo is None else photo
    anatomy = anatomy_of(photo)
    if anatomy.explanation != "closed form":
        raise CheckpointError(
            f"expected a photo model that ends in mean pooling and one linear layer, found {spec.photo.architecture}; choose "
            "another run, such as one of resnet50"
        )
    channels, classes, dropout = anatomy.channels, len(spec.classes), spec.dropout
    if spec.kind == "inflated":
        head: ClipHead = inflate(photo, frames=spec.frames, dropout=dropout)
        head.classifier = nn.Linear(channels, classes)
        frozen: nn.Module = split_frozen(photo, ("layer4", anatomy.head_name))[0]
        return ClipNetwork(spec, frozen, head).eval()
    if spec.kind == "convlstm":
        head = ConvLSTM(channels, classes, dropout=dropout)
    elif spec.kind == "transformer":
        head = FrameTransformer(channels, classes, frames=spec.frames, dropout=dropout)
    else:
        head = FramesHead(channels, classes, peak=spec.kind == "frames_peak", dropout=dropout)
    return ClipNetwork(spec, _LastMaps(photo), head).eval()


def save_temporal(network: ClipNetwork, path: Path) -> None:
    """Write all weights, in half precision but for what is one-dimensional, and the spec, replacing `path` in one step.

    Raises:
        OSError: if the file cannot be written.
    """
    metadata = {"format": FORMAT, "spec": json.dumps(asdict(network.spec))}
    write_weights(halved(network.state_dict()), metadata, path)


def load_temporal(path: Path) -> ClipNetwork:
    """Rebuild a model of clips from its own file alone: 32-bit weights, evaluation mode, no gradients.

    Raises:
        CheckpointError: if the file is missing, damaged, of another format, or holds values that are not numbers.
    """
    require_model_file(path)
    try:
        metadata = read_metadata(path)
        if metadata.get("format") != FORMAT:
            raise CheckpointError(
                f"{path}: expected a model of clips ({FORMAT}), found {metadata.get('format')!r}; choose a run that was "
                "trained with --temporal"
            )
        network = create_temporal(TemporalSpec.from_dict(json.loads(metadata["spec"])))
        state = load_file(path)
        network.load_state_dict(state)
    except CheckpointError:
        raise
    except Exception as error:  # safetensors, json and torch each have their own words for "damaged"
        raise CheckpointError(
            f"{path} is damaged or incomplete ({first_line(error)}); copy it again or train again"
        ) from error
    require_finite(state, path)
    return network.eval().requires_grad_(False)
