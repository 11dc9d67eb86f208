"""A network of three convolutions with the parts of a ResNet, which trains in seconds."""

from __future__ import annotations

from torch import Tensor, nn

from har_core.models.registry import BUILDERS, forward_features

NAME = "tiny"


class TinyNetwork(nn.Module):
    """(B, 3, 32, 32) → features (B, 32, 2, 2) → logits (B, K).  The stages `layer1` and `layer2` are empty."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.conv1, self.bn1, self.relu = nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU()
        self.maxpool = nn.MaxPool2d(2)
        self.layer1, self.layer2 = nn.Sequential(), nn.Sequential()
        self.layer3, self.layer4 = _block(8, 16), _block(16, 32)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(32, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.avgpool(forward_features(self, images)).flatten(1))
        return logits


def _block(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, 3, stride=2, padding=1), nn.BatchNorm2d(out), nn.ReLU())


def register() -> None:
    """Let every training of this process know the network by its name."""
    BUILDERS[NAME] = TinyNetwork
