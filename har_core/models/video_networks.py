"""torchvision's networks for clips, whole: from Kinetics weights, from an inflated ResNet-18, from a file, or at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn
from torchvision.models import video

from har_core.data.transforms import IMAGENET, Preprocessing
from har_core.errors import CheckpointError, WeightsError
from har_core.models.anatomy import Answer
from har_core.models.checkpoint import first_line
from har_core.models.pretrained import from_torchvision
from har_core.models.temporal_heads import ClipHead
from har_core.models.weight_files import names_file, read_weights, without_prefix

_KINETICS = Preprocessing(mean=(0.43216, 0.394666, 0.37645), std=(0.22803, 0.22145, 0.216989))
_MIDDLE = Preprocessing(mean=(0.45, 0.45, 0.45), std=(0.225, 0.225, 0.225))


@dataclass(frozen=True)
class VideoNetwork:
    """One of torchvision's.  `last`: its last layer.  `channels`: D of the embedding.  `side`: pixels of the square it takes.

    `frames`: that it must have, or at least; `exact`: whether it takes no other number.  `convolutions`: whether those of a
    ResNet-18 can be inflated into it.
    """

    build: Callable[..., nn.Module]
    last: str
    channels: int
    side: int = 112
    frames: int = 8
    exact: bool = False
    preprocessing: Preprocessing = _KINETICS
    convolutions: bool = False


NETWORKS: dict[str, VideoNetwork] = {
    "r3d_18": VideoNetwork(video.r3d_18, "fc", 512, convolutions=True),
    "mc3_18": VideoNetwork(video.mc3_18, "fc", 512, convolutions=True),
    "r2plus1d_18": VideoNetwork(video.r2plus1d_18, "fc", 512),
    "s3d": VideoNetwork(video.s3d, "classifier", 1024, 224, 16),
    "mvit_v2_s": VideoNetwork(video.mvit_v2_s, "head", 768, 224, 16, True, _MIDDLE),
    "swin3d_t": VideoNetwork(video.swin3d_t, "head", 768, 224, 2, preprocessing=IMAGENET),
}
"""By torchvision's names."""


class WholeClipNetwork(ClipHead):
    """A network of torchvision and a linear layer of our own in place of its last one.  There are no class maps.

    Its frames are pixels: (B, T, 3, side, side), normalized.
    """

    explanation = "occlusion"

    def __init__(self, name: str, classes: int, *, dropout: float) -> None:
        super().__init__()
        known = NETWORKS[name]
        self.body = known.build(weights=None)
        self.body.set_submodule(known.last, nn.Identity())
        self.dropout, self.classifier = nn.Dropout(dropout), nn.Linear(known.channels, classes)

    def answer(self, features: Tensor, *, maps: bool) -> Answer:
        embedding: Tensor = self.body(features.transpose(1, 2).contiguous())
        return Answer(self.classifier(self.dropout(embedding)), None, embedding)


def check_frames(name: str, frames: int) -> None:
    """Raises:
    CheckpointError: if a network cannot take so many frames.
    """
    known = NETWORKS[name]
    if frames < known.frames or (known.exact and frames != known.frames):
        at_least = "" if known.exact else "at least "
        raise CheckpointError(
            f"expected {at_least}{known.frames} frames for {name}, found {frames}; pass --frames {known.frames}"
        )


def load_video_weights(network: WholeClipNetwork, name: str, weights: str) -> str:
    """Give a network its starting weights, but for the last layer.

    Args:
        weights: 'kinetics' (torchvision's default), another name of torchvision's, 'random', or a file (.safetensors, .pt, .pth)
            of the network's own weights or, for r3d_18 and mc3_18, of a ResNet-18's, which is inflated.

    Returns:
        One line that says where they come from.

    Raises:
        WeightsError: if they cannot be downloaded or read, or do not fit.
    """
    path = Path(weights)
    if weights == "random":
        network.freeze_bn = False  # statistics of nothing are not worth keeping
        return "random weights"
    if names_file(weights):
        state, origin = without_prefix(read_weights(path)[0], network.body.state_dict().keys())[0], path.name
    else:
        state, origin = from_torchvision(
            name,
            weights,
            words=("kinetics", "random"),
            usual="DEFAULT",
            instead="--weights FILE.safetensors or --weights random",
        )
    if NETWORKS[name].convolutions and (stem := state.get("conv1.weight")) is not None and stem.ndim == 4:
        state, origin = inflated_resnet18(state, network.body), f"{origin}, inflated"
    last = f"{NETWORKS[name].last}."
    state = {key: value for key, value in state.items() if not key.startswith(last)}
    try:
        network.body.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(
            f"{origin}: expected the weights of {name}, found others ({first_line(error)}); check --weights"
        ) from error
    return origin


def inflated_resnet18(photo: dict[str, Tensor], body: nn.Module) -> dict[str, Tensor]:
    """The weights of a ResNet-18 for photos, repeated over time (Carreira and Zisserman 2017), under the names of r3d_18.

    Frames are padded with zeros at the ends of a clip, as torchvision builds it: there a still clip does not give exactly what
    the photo gave.

    Args:
        body: of r3d_18 or mc3_18; it says over how many frames each convolution goes.

    Raises:
        WeightsError: if they are not those of a ResNet-18.
    """
    inflated: dict[str, Tensor] = {}
    for name, own in body.state_dict().items():
        known = _name_in_resnet18(name)
        if known not in photo:
            raise WeightsError(f"expected the weights of a ResNet-18, found no {known}; check --weights")
        value = photo[known]
        if own.ndim == 5:
            frames = own.shape[2]
            value = (value / frames)[:, :, None].repeat(1, 1, frames, 1, 1)
        inflated[name] = value
    return inflated


def _name_in_resnet18(name: str) -> str:
    """'layer1.0.conv2.1.bias' → 'layer1.0.bn2.bias'; 'stem.0.weight' → 'conv1.weight'."""
    parts = name.split(".")
    if parts[0] == "stem":
        return ".".join(["conv1" if parts[1] == "0" else "bn1", *parts[2:]])
    if len(parts) > 3 and parts[2].startswith("conv"):
        return ".".join([*parts[:2], parts[2] if parts[3] == "0" else f"bn{parts[2][4:]}", *parts[4:]])
    return name
