"""Networks that return what they saw on the way (`attentions`, `hidden_states`) → class maps of gradients with respect to it.

What a network is like is tried out on a random image: transformers has hundreds of kinds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from har_core.models.anatomy import Answer, WholeNetwork
from har_core.models.timm_anatomy import grid
from har_core.runs.manifest import Explanation

_MAX_VALUES = 2**26
"""Gradients that are held at once: 256 MB."""

_MAX_PREFIX = 6  # class and register tokens

Pooling = Literal["pooler output", "class token", "mean of patches", "class token and mean of patches"]

_POOLINGS: dict[Pooling, Callable[[Any], Tensor]] = {
    "pooler output": lambda seen: seen.pooler_output.flatten(1),
    "class token": lambda seen: seen.last_hidden_state[:, 0],
    "mean of patches": lambda seen: seen.last_hidden_state[:, 1:].mean(dim=1),
    "class token and mean of patches": lambda seen: torch.cat(
        [seen.last_hidden_state[:, 0], seen.last_hidden_state[:, 1:].mean(dim=1)], dim=1
    ),
}

Anchor = Literal["attention", "tokens", "maps"]


@dataclass(frozen=True, kw_only=True)
class OutputsAnatomy(WholeNetwork):
    """`pooling`: what of the body's outputs the last layer takes; None: it cannot be reached.  `anchor`: what class maps are
    made of; None: nothing.  `prefix`: tokens before those of the patches.  `sigmoids`: whether each output is made a probability of
    its own by a sigmoid; answers are then logarithms of these, and class maps, as ever, those of the outputs before it.
    """

    pooling: Pooling | None = None
    head_name: str = ""
    anchor: Anchor | None = None
    prefix: int = 0
    sigmoids: bool = False
    explanation: Explanation = "occlusion"

    def of_sigmoids(self) -> OutputsAnatomy:
        """The same with `sigmoids`; its class maps add up to no logits, so they are those of gradients."""
        closed = self.explanation == "closed form"
        return replace(self, sigmoids=True, explanation="gradient" if closed else self.explanation)

    def answer(self, model: nn.Module, images: Tensor, *, maps: bool) -> Answer:
        wanted = maps and self.anchor is not None
        with torch.inference_mode(False), torch.enable_grad():
            logits, embeddings, seen = self.run(model, images.clone().requires_grad_(wanted), returning=wanted)
            found = self._maps(model, images, logits, seen) if wanted else None
        logits = logits.detach().float()
        return Answer(functional.logsigmoid(logits) if self.sigmoids else logits, found, embeddings.detach().float())

    def run(self, model: Any, images: Tensor, *, returning: bool) -> tuple[Tensor, Tensor, Any]:
        """Logits, embeddings (B, D), and what the network returns besides."""
        asked = {"output_hidden_states": returning, "output_attentions": returning and self.anchor == "attention"}
        if self.pooling is None:
            seen = model.model(pixel_values=images, return_dict=True, **asked)
            return seen.logits, seen.logits.new_zeros(len(images), 0), seen
        seen = model.model.base_model(pixel_values=images, return_dict=True, **asked)
        embeddings = _POOLINGS[self.pooling](seen)
        last = self.head(model)
        return functional.linear(embeddings, last.weight, last.bias), embeddings, seen

    def anchored(self, seen: Any) -> Tensor:
        states: Tensor = (seen.attentions if self.anchor == "attention" else seen.hidden_states)[-1]
        return states

    def _maps(self, model: nn.Module, images: Tensor, logits: Tensor, seen: Any) -> Tensor:
        start = self.anchored(seen)
        values = start.detach()
        if self.explanation == "closed form":
            return functional.conv2d(values, self.head(model).weight[:, :, None, None])
        parts = []
        for block in torch.split(
            torch.eye(logits.shape[1], device=logits.device), max(1, _MAX_VALUES // start.numel())
        ):
            spread = block[:, None].expand(-1, len(logits), -1)
            (gradient,) = torch.autograd.grad(logits, start, spread, retain_graph=True, is_grads_batched=True)
            parts.append(self._reduced(gradient, values))
        found = torch.cat(parts).transpose(0, 1)  # (B, K, h, w) or (B, K, tokens)
        if found.ndim == 3:
            found = found.reshape(*found.shape[:2], *grid(found.shape[2], images))
        return found.contiguous()

    def _reduced(self, gradient: Tensor, values: Tensor) -> Tensor:
        """Gradients (M, …) of the anchor → (M, B, h, w), or (M, B, tokens)."""
        if self.anchor == "attention":  # as `cam.attention`: before the softmax, of the class token
            row, own = gradient[:, :, :, 0], values[:, :, 0]
            scores = own * (row - (own * row).sum(dim=-1, keepdim=True))
            return scores.clamp(min=0).sum(dim=2)[..., self.prefix :]
        if self.anchor == "tokens":
            patches, kept = gradient[:, :, self.prefix :], values[:, self.prefix :]
            return torch.einsum("mbc,blc->mbl", patches.sum(dim=2), kept)
        return torch.einsum("mbc,bchw->mbhw", gradient.sum(dim=(3, 4)), values)


_OTHERWISE = (AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError)
"""What networks raise that return something else under a name, or nothing."""


def outputs_anatomy(model: Any, size: int, patch: Any) -> tuple[OutputsAnatomy, Tensor]:
    """What a network is like, and its logits (1, K) for a random image.

    Args:
        model: with the network of transformers as `model`.
        size: side of its input in pixels.
        patch: side of its patches in pixels, if it has any.
    """
    images = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = model(images)
    anatomy = _with_pooling(OutputsAnatomy(), model, images, expected)
    try:
        found = _with_anchor(anatomy, model, images, patch)
        maps = found.answer(model, images, maps=True).class_maps
        fits = maps is None or (maps.ndim == 4 and maps.shape[:2] == expected.shape)
        return (found if fits else anatomy), expected
    except _OTHERWISE:
        return anatomy, expected


@torch.no_grad()
def _with_pooling(anatomy: OutputsAnatomy, model: Any, images: Tensor, expected: Tensor) -> OutputsAnatomy:
    last = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    heads = [name for name in last if not name.startswith(f"model.{model.model.base_model_prefix}.")]
    if len(heads) != 1 or model.model.base_model is model.model:
        return anatomy
    for pooling in _POOLINGS:
        candidate = replace(anatomy, pooling=pooling, head_name=heads[0])
        try:
            logits, _, _ = candidate.run(model, images, returning=False)
        except _OTHERWISE:
            continue
        if logits.shape == expected.shape and torch.allclose(logits, expected, rtol=1e-4, atol=1e-5):
            return candidate
    return anatomy


@torch.enable_grad()
def _with_anchor(anatomy: OutputsAnatomy, model: Any, images: Tensor, patch: Any) -> OutputsAnatomy:
    logits, embeddings, seen = replace(anatomy, anchor="attention").run(
        model, images.clone().requires_grad_(), returning=True
    )

    def reaches(start: Tensor, *part: slice | int) -> bool:
        (gradient,) = torch.autograd.grad(logits[:, 0].sum(), start, retain_graph=True, allow_unused=True)
        return gradient is not None and bool(gradient[part].abs().sum() > 0)

    last, everything = seen.hidden_states[-1], slice(None)
    if last.ndim == 4:
        if last.shape[2] != last.shape[3] or not reaches(last):
            return anatomy
        mean = last.mean(dim=(2, 3))
        closed = mean.shape == embeddings.shape and torch.allclose(mean, embeddings, rtol=1e-3, atol=1e-5)
        return replace(anatomy, anchor="maps", explanation="closed form" if closed else "gradient")
    prefix = _prefix(seen, last.shape[1], images.shape[-1], patch)
    if not 0 <= prefix <= _MAX_PREFIX:
        return anatomy
    attention = (getattr(seen, "attentions", None) or [None])[-1]
    square = attention is not None and attention.shape[0] == 1 and attention.shape[2:] == (last.shape[1],) * 2
    if prefix and square and reaches(attention, everything, everything, 0):
        return replace(anatomy, anchor="attention", prefix=prefix, explanation="attention")
    if reaches(last, everything, slice(prefix, None)):
        return replace(anatomy, anchor="tokens", prefix=prefix, explanation="gradient")
    return anatomy


def _prefix(seen: Any, count: int, size: int, patch: Any) -> int:
    """How many of so many tokens are none of a patch."""
    if (shaped := getattr(seen, "reshaped_hidden_states", None)) is not None:
        return int(count - shaped[-1].shape[2] * shaped[-1].shape[3])
    if isinstance(patch, int) and 0 < patch <= size:
        return int(count - (size // patch) ** 2)
    return count - math.isqrt(count) ** 2
