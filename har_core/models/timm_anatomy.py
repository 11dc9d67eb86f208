"""A network of timm, once it is built → its anatomy, by timm's own seams (`forward_features`, `forward_head`, `get_classifier`, `group_matcher`).

What a network is like is tried out on random features instead of looked up: timm has more than a thousand names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from har_core.errors import CheckpointError
from har_core.models.anatomy import Anatomy, Features
from har_core.runs.manifest import Explanation

Layout = Literal["NCHW", "NHWC", "NLC"]


@dataclass(frozen=True, kw_only=True)
class TimmAnatomy(Anatomy):
    """`groups`: names of the parameters of each stage.  `prefix`: class and register tokens before those of the patches.

    `through_last_block`: the maps are what enters the last block of a vision transformer: behind it only the class token is
    looked at, and the patches' own tokens mean nothing.
    """

    layout: Layout
    groups: tuple[tuple[str, ...], ...]
    head_name: str
    stages: tuple[str, ...]
    channels: int
    prefix: int = 0
    through_last_block: bool = False
    explanation: Explanation = "gradient"

    def body(self, model: Any, images: Tensor) -> Features:
        if self.through_last_block:
            ((patches, tokens),) = model.forward_intermediates(
                images,
                indices=[len(model.blocks) - 2],
                return_prefix_tokens=True,
                stop_early=True,
                output_fmt="NCHW",
                intermediates_only=True,
            )
            return Features(patches, tokens)
        features: Tensor = model.forward_features(images)
        if self.layout == "NCHW":
            return Features(features)
        if self.layout == "NHWC":
            return Features(features.permute(0, 3, 1, 2))
        rows, columns = grid(features.shape[1] - self.prefix, images)
        patches = features[:, self.prefix :].transpose(1, 2).reshape(len(features), -1, rows, columns)
        return Features(patches, features[:, : self.prefix] if self.prefix else None)

    def pool(self, model: Any, features: Features) -> Tensor:
        maps = features.maps
        if self.layout == "NLC":
            maps = self._tokens(features)
        elif self.layout == "NHWC":
            maps = maps.permute(0, 2, 3, 1)
        if self.through_last_block:
            maps = model.norm(model.blocks[-1](maps))
        pooled: Tensor = model.forward_head(maps, pre_logits=True)
        return pooled

    def attention(self, model: Any, features: Features) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        block, own, tokens = model.blocks[-1], model.blocks[-1].attn, self._tokens(features)
        parts = own.qkv(block.norm1(tokens)).unflatten(2, (3, own.num_heads, -1)).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        scores = (own.q_norm(query)[:, :, :1] * own.scale) @ own.k_norm(key).transpose(2, 3)

        def rest(scores: Tensor) -> Tensor:
            seen = (scores.softmax(dim=3) @ value).transpose(1, 2).flatten(2)
            token = tokens[:, :1] + block.ls1(own.proj(own.norm(seen)))
            token = token + block.ls2(block.mlp(block.norm2(token)))
            pooled: Tensor = model.forward_head(model.norm(token), pre_logits=True)
            return pooled

        return scores, rest

    def _tokens(self, features: Features) -> Tensor:
        maps = features.maps.flatten(2).transpose(1, 2)
        return maps if features.tokens is None else torch.cat([features.tokens, maps], dim=1)

    def parameters_of(self, model: nn.Module, stage: str) -> list[nn.Parameter]:
        return [model.get_parameter(name) for name in self.groups[self.stages.index(stage)]]

    def split_frozen(self, model: nn.Module, first: str) -> tuple[nn.Sequential, nn.Module]:
        return nn.Sequential(), model


@torch.no_grad()
def anatomy_of_timm(model: Any, architecture: str, crop_size: int) -> TimmAnatomy:
    """What a network's seams are like, as a random image and random features show.

    Args:
        architecture: what errors call it.
        crop_size: of the square input, in pixels.

    Raises:
        CheckpointError: if it does not end in one linear layer behind one tensor of features.
        RuntimeError, AssertionError, ValueError: of timm, if it does not take the input.
    """
    stages = timm_stages(model)
    images = torch.randn(1, 3, crop_size, crop_size, generator=torch.Generator().manual_seed(0))
    features = model.forward_features(images)
    if not isinstance(features, Tensor):
        raise CheckpointError(
            f"expected {architecture} to end in one tensor of features, found several; choose another"
        )
    layout: Layout = "NLC" if features.ndim == 3 else getattr(model, "output_fmt", "NCHW")
    prefix = int(getattr(model, "num_prefix_tokens", 0) or 0) if layout == "NLC" else 0
    class_token = layout == "NLC" and getattr(model, "global_pool", "") == "token"
    known = class_token and type(model).__name__ == "VisionTransformer" and len(model.blocks) > 1
    anatomy = TimmAnatomy(
        layout=layout,
        prefix=prefix,
        through_last_block=known,
        groups=tuple(names for _, names in stages),
        stages=tuple(name for name, _ in stages),
        head_name=_head_name(model),
        channels=int(features.shape[{"NCHW": 1, "NHWC": 3, "NLC": 2}[layout]]),
    )
    if class_token and not known:
        return replace(anatomy, explanation="occlusion")
    maps = anatomy.body(model, images)
    pooled = anatomy.pool(model, maps)
    logits, own = model(images), anatomy.head(model)(pooled)
    if not torch.allclose(logits, own, rtol=1e-3, atol=1e-4):
        raise CheckpointError(
            f"expected {architecture} to end in its linear layer, found more behind it; choose another"
        )
    if known:
        return replace(anatomy, explanation="attention" if _attends_as_known(anatomy, model, maps) else "occlusion")
    trial = Features(torch.randn(maps.maps.shape), maps.tokens)
    mean, pooled = trial.maps.mean(dim=(2, 3)), anatomy.pool(model, trial)
    closed = mean.shape == pooled.shape and torch.allclose(mean, pooled, rtol=1e-3, atol=1e-5)
    return replace(anatomy, explanation="closed form") if closed else anatomy


def _attends_as_known(anatomy: TimmAnatomy, model: Any, features: Features) -> bool:
    """Whether the last block is the usual one: vision transformers come with other norms, gates and embeddings in it."""
    try:
        scores, rest = anatomy.attention(model, features)
        return torch.allclose(rest(scores), anatomy.pool(model, features), rtol=1e-3, atol=1e-4)
    except (AttributeError, RuntimeError, TypeError):
        return False


def timm_stages(model: Any) -> list[tuple[str, tuple[str, ...]]]:
    """(name, its parameters) of each stage, by timm's own coarse groups; the classifier is one of its own.

    Raises:
        CheckpointError: if the network does not end in one linear layer.
    """
    from timm.models import group_parameters

    head = _head_name(model)
    groups = group_parameters(model, model.group_matcher(coarse=True))
    parts = [[name for name in groups[key] if not name.startswith(f"{head}.")] for key in sorted(groups)]
    parts = [names for names in parts if names]
    stages: list[tuple[str, tuple[str, ...]]] = []
    for number, names in enumerate(parts):
        others = [name for other in parts if other is not names for name in other]
        name = _shared_module(names, others) or ("stem" if number == 0 else "neck")
        taken = name in {"head", *(known for known, _ in stages)}
        stages.append((f"{name}-{number}" if taken else name, tuple(names)))
    last = tuple(f"{head}.{name}" for name, _ in model.get_submodule(head).named_parameters())
    return [*stages, ("head", last)]


def _shared_module(names: list[str], others: list[str]) -> str:
    """The outermost module that holds these parameters and none of the others; empty if there is none."""
    for depth in range(1, max(name.count(".") for name in names) + 1):
        modules = {".".join(name.split(".")[:depth]) for name in names if name.count(".") >= depth}
        if len(modules) > 1 or any(name.count(".") < depth for name in names):
            return ""
        (module,) = modules
        if not any(name.startswith(f"{module}.") for name in others):
            return module
    return ""


def _head_name(model: Any) -> str:
    """Of the one linear layer at the end.

    Raises:
        CheckpointError: if there is another kind of end.
    """
    last = model.get_classifier()
    if not isinstance(last, nn.Linear):
        raise CheckpointError(
            f"expected a network that ends in one linear layer, found {type(model).__name__} with another end; choose another"
        )
    return next(str(name) for name, module in model.named_modules() if module is last)


def grid(count: int, images: Tensor) -> tuple[int, int]:
    """Rows and columns of so many tokens, in the shape of the input.

    Raises:
        ValueError: if they do not fill a grid of that shape.
    """
    rows = max(1, round(math.sqrt(count * images.shape[2] / images.shape[3])))
    if count % rows:
        raise ValueError(f"{count} tokens are no grid")
    return rows, count // rows
