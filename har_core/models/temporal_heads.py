"""What frames showed one by one → what the clip shows: averaged or peaking frames, a ConvLSTM, a small transformer.

Each takes the last maps of T frames, (B, T, C, h, w).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from har_core.models.anatomy import Answer
from har_core.runs.manifest import Explanation


class ClipHead(nn.Module, ABC):
    """Features of T frames → an answer for the clip.

    `explanation`: "closed form" where class maps add up to the logits, "occlusion" where there are none.  `pools`: whether
    the head takes nothing of the maps but their mean over positions, so that this is enough to learn from.  `freeze_bn`:
    whether batch norms keep the statistics that they started with.
    """

    explanation: Explanation = "closed form"
    pools = False
    freeze_bn = True
    classifier: nn.Linear

    @abstractmethod
    def answer(self, features: Tensor, *, maps: bool) -> Answer:
        """(B, T, C, h, w) float32 → logits (B, K), class maps (B, K, h, w) if asked for and there are any, embeddings (B, D)."""

    def forward(self, features: Tensor) -> Tensor:
        return self.answer(features, maps=False).logits

    def set_training_mode(self) -> None:
        """Dropout on; batch norms learn their statistics unless they are to keep them."""
        self.train()
        if self.freeze_bn:
            for module in self.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def _maps(self, features: Tensor, maps: bool) -> Tensor | None:
        """(B, C, h, w) → (B, K, h, w), whose mean over positions plus the bias is the logit of the pooled features."""
        return functional.conv2d(features, self.classifier.weight[:, :, None, None]) if maps else None


class FramesHead(ClipHead):
    """One linear layer for each frame alone; its logits are averaged over the frames, or the highest of each class counts.

    It knows no order: frames in any other order give the same answer.  The class maps are the mean of the frames' maps, or of
    each class those of the frame where it peaks.
    """

    pools = True

    def __init__(self, channels: int, classes: int, *, peak: bool, dropout: float) -> None:
        super().__init__()
        self.peak, self.dropout = peak, nn.Dropout(dropout)
        self.classifier = nn.Linear(channels, classes)

    def answer(self, features: Tensor, *, maps: bool) -> Answer:
        pooled = features.mean(dim=(3, 4))
        logits: Tensor = self.classifier(self.dropout(pooled))
        if not self.peak:
            return Answer(logits.mean(dim=1), self._maps(features.mean(dim=1), maps), pooled.mean(dim=1))
        best, where = logits.max(dim=1)
        found = None
        if maps:
            each = torch.einsum("btchw,kc->btkhw", features, self.classifier.weight)
            index = where[:, None, :, None, None].expand(-1, 1, -1, *each.shape[3:])
            found = each.gather(1, index).squeeze(1)
        return Answer(best, found, pooled.mean(dim=1))


class ConvLSTM(ClipHead):
    """The last hidden state of a convolutional LSTM (Shi et al. 2015, without peepholes) over the frames' maps.

    A 1 × 1 convolution first reduces the maps to `reduced` channels.  The embedding is the hidden state's mean over positions.
    """

    def __init__(
        self, channels: int, classes: int, *, dropout: float, reduced: int = 128, hidden: int = 64, kernel: int = 3
    ) -> None:
        super().__init__()
        self.hidden = hidden
        self.reduce = nn.Sequential(nn.Conv2d(channels, reduced, 1), nn.GroupNorm(1, reduced), nn.ReLU())
        self.gates = nn.Conv2d(reduced + hidden, 4 * hidden, kernel, padding=kernel // 2)
        self.dropout, self.classifier = nn.Dropout(dropout), nn.Linear(hidden, classes)
        assert self.gates.bias is not None
        nn.init.zeros_(self.gates.bias)
        nn.init.ones_(self.gates.bias[hidden : 2 * hidden])  # of the forget gates: at first it remembers

    def answer(self, features: Tensor, *, maps: bool) -> Answer:
        batch, frames = features.shape[:2]
        steps = self.reduce(features.flatten(0, 1)).unflatten(0, (batch, frames))
        state = cell = steps.new_zeros(batch, self.hidden, *steps.shape[3:])
        for step in steps.unbind(1):
            enter, forget, out, new = self.gates(torch.cat([step, state], dim=1)).chunk(4, dim=1)
            cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
            state = out.sigmoid() * cell.tanh()
        embedding = state.mean(dim=(2, 3))
        return Answer(self.classifier(self.dropout(embedding)), self._maps(state, maps), embedding)


class FrameTransformer(ClipHead):
    """The class token of a small transformer (Vaswani et al. 2017) over the frames' pooled features, with learned positions."""

    explanation = "occlusion"
    pools = True

    def __init__(
        self,
        channels: int,
        classes: int,
        *,
        frames: int,
        dropout: float,
        width: int = 256,
        layers: int = 2,
        heads: int = 4,
    ) -> None:
        super().__init__()
        self.reduce = nn.Sequential(nn.LayerNorm(channels), nn.Dropout(dropout), nn.Linear(channels, width))
        self.token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, frames + 1, width))
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=dropout / 3, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.classifier = nn.Linear(width, classes)

    def answer(self, features: Tensor, *, maps: bool) -> Answer:
        steps = self.reduce(features.mean(dim=(3, 4)))
        tokens = torch.cat([self.token.expand(len(steps), -1, -1), steps], dim=1) + self.positions
        embedding: Tensor = self.layers(tokens)[:, 0]
        return Answer(self.classifier(embedding), None, embedding)
