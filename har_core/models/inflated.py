"""A photo model's ResNet → a network for clips whose last stage sees neighboring frames too.

Carreira and Zisserman 2017: a kernel for photos becomes one for clips when it is repeated over time and divided by the number
of repetitions; a still clip then gives exactly what the photo gave.  That holds at the ends of a clip as well, since the
frames are repeated there instead of padded with zeros.  Feichtenhofer et al. 2019 (the slow pathway): convolving over time
pays in the last stages, so those before stay as they are, and what they see of a frame can be stored.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from har_core.errors import CheckpointError
from har_core.models.anatomy import Answer
from har_core.models.registry import head
from har_core.models.temporal_heads import ClipHead

STAGE = "layer4"
KERNEL = 3
"""Frames that a convolution of the inflated stage sees: the frame, and one on either side."""


class TemporalConv(nn.Module):
    """A convolution over `kernel` neighboring frames, inflated from one over a single frame.

    Args:
        conv: (O, I, kh, kw), without bias.
        frames: T of a clip.
        kernel: odd.
    """

    def __init__(self, conv: nn.Conv2d, *, frames: int, kernel: int = KERNEL) -> None:
        super().__init__()
        assert kernel % 2 == 1
        self.frames, self.stride, self.padding = frames, conv.stride, conv.padding
        inflated = (conv.weight.detach() / kernel).repeat(kernel, 1, 1, 1, 1)
        self.weight = nn.Parameter(inflated.movedim(0, 2).clone())  # (O, I, kernel, kh, kw), as Conv3d has it

    def forward(self, maps: Tensor) -> Tensor:
        """(B·T, I, h, w) → (B·T, O, h', w'), the frames of a clip one after the other."""
        kernel = self.weight.shape[2]
        clips = maps.reshape(-1, self.frames, *maps.shape[1:])
        ends = kernel // 2
        padded = torch.cat(
            [clips[:, :1].expand(-1, ends, -1, -1, -1), clips, clips[:, -1:].expand(-1, ends, -1, -1, -1)], 1
        )
        taps = [
            functional.conv2d(
                padded[:, tap : tap + self.frames].flatten(0, 1),
                self.weight[:, :, tap],
                stride=self.stride,
                padding=self.padding,
            )
            for tap in range(kernel)
        ]
        return torch.stack(taps).sum(dim=0)


class InflatedHead(ClipHead):
    """The last stage of a ResNet with convolutions over time, mean over frames and positions, one linear layer.

    Takes what the stage before sees of each frame.  The class maps are the mean over the frames.
    """

    def __init__(self, stage: nn.Module, classifier: nn.Linear, *, dropout: float) -> None:
        super().__init__()
        self.stage, self.dropout, self.classifier = stage, nn.Dropout(dropout), classifier

    def answer(self, features: Tensor, *, maps: bool) -> Answer:
        batch, frames = features.shape[:2]
        seen = self.stage(features.flatten(0, 1)).unflatten(0, (batch, frames)).mean(dim=1)
        embedding = seen.mean(dim=(2, 3))
        return Answer(self.classifier(self.dropout(embedding)), self._maps(seen, maps), embedding)


def inflate(photo: nn.Module, *, frames: int, dropout: float = 0.0) -> InflatedHead:
    """The last stage of a photo model, inflated, with the photo model's own last layer.

    The first convolution of each block sees `KERNEL` frames; the others see one, as they did.

    Raises:
        CheckpointError: if the network is no ResNet.
    """
    try:
        stage = copy.deepcopy(photo.get_submodule(STAGE))
    except AttributeError as error:
        raise _no_resnet(photo) from error
    for block in stage.children():
        conv = getattr(block, "conv1", None)
        if not isinstance(conv, nn.Conv2d) or conv.bias is not None or conv.groups != 1 or conv.dilation != (1, 1):
            raise _no_resnet(photo)
        block.conv1 = TemporalConv(conv, frames=frames)
    return InflatedHead(stage.requires_grad_(True), copy.deepcopy(head(photo)).requires_grad_(True), dropout=dropout)


def _no_resnet(photo: nn.Module) -> CheckpointError:
    return CheckpointError(
        f"expected a ResNet to inflate, found {type(photo).__name__}; choose a run of resnet18 to resnet101, or a head on "
        "frames, such as --temporal convlstm"
    )
