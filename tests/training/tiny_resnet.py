"""A ResNet with residual blocks and few channels, for tests of what is made of a ResNet's stages; and a run of one."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from har_core.models.checkpoint import save_checkpoint
from har_core.models.registry import BUILDERS, create_model, forward_features
from har_core.models.spec import ModelSpec
from har_core.runs.manifest import COMPLETE, Manifest, ModelInfo
from har_core.runs.run import Run
from har_core.runs.writing import write_manifest

NAME = "tiny-resnet"


class TinyResNet(nn.Module):
    """(B, 3, 32, 32) → features (B, 32, 4, 4) → logits (B, K)."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.bn1, self.relu, self.maxpool = nn.BatchNorm2d(8), nn.ReLU(), nn.Identity()
        self.layer1, self.layer2 = nn.Sequential(BasicBlock(8, 8)), nn.Sequential(_halving(8, 16))
        self.layer3, self.layer4 = (
            nn.Sequential(BasicBlock(16, 16)),
            nn.Sequential(_halving(16, 32), BasicBlock(32, 32)),
        )
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(32, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.avgpool(forward_features(self, images).maps).flatten(1))
        return logits


def _halving(channels: int, out: int) -> BasicBlock:
    shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride=2, bias=False), nn.BatchNorm2d(out))
    return BasicBlock(channels, out, stride=2, downsample=shortcut)


SPEC = ModelSpec(("one", "two", "three"), NAME, "3x3", 32, 36)


def photo_model() -> nn.Module:
    """With random weights, whose batch norms have seen a few inputs; registered under its name."""
    BUILDERS[NAME] = TinyResNet
    torch.manual_seed(2)
    model = create_model(SPEC).train()
    with torch.no_grad():
        for _ in range(20):
            model(torch.randn(16, 3, 32, 32))
    return model.eval().requires_grad_(False)


def photo_run(folder: Path) -> Run:
    """A run that has the model and nothing else."""
    folder.mkdir(parents=True)
    save_checkpoint(photo_model(), SPEC, folder / "model.safetensors")
    return write_manifest(folder, Manifest(status=COMPLETE, classes=SPEC.classes, model=ModelInfo(architecture=NAME)))
