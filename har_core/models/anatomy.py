"""What this project has to know of a network besides its forward pass: stages, last maps, head, and how it is explained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from har_core.runs.manifest import Explanation


class Features(NamedTuple):
    """The last maps of a network, (B, C, h, w), and what its pooling needs besides them: class and register tokens (B, P, C)."""

    maps: Tensor
    tokens: Tensor | None = None


class Answer(NamedTuple):
    """What a network says of B images by itself: logits (B, K), class maps (B, K, h, w), embeddings (B, D).

    `class_maps` is None where they were not asked for or there are none; D is 0 where embeddings cannot be reached.
    """

    logits: Tensor
    class_maps: Tensor | None
    embeddings: Tensor


class Anatomy(ABC):
    """The seams of one kind of network.  It holds no tensors and no state: copies of a network share it.

    A network is `body` (images → last maps), `pool` (maps → embedding) and `head` (embedding → logits), one after the other.
    """

    explanation: Explanation
    """How class maps are made of the last maps."""

    head_name: str
    """Of the last linear layer, as `get_submodule` takes it."""

    stages: tuple[str, ...]
    """The parts that hold parameters, from the input to the output; the last is the head."""

    channels: int
    """C of the last maps."""

    @abstractmethod
    def body(self, model: nn.Module, images: Tensor) -> Features:
        """Normalized images (B, 3, H, W) → the last maps."""

    @abstractmethod
    def pool(self, model: nn.Module, features: Features) -> Tensor:
        """The last maps → embeddings (B, D), of which the head makes the logits."""

    def attention(self, model: nn.Module, features: Features) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """How much the class token attends to each patch, before the softmax, and what follows from it.

        Returns:
            (scores (B, heads, 1, P + h·w), a function of such scores → embeddings (B, D)).
        """
        raise NotImplementedError(f"a network that is explained by {self.explanation} has no class token")

    @abstractmethod
    def parameters_of(self, model: nn.Module, stage: str) -> list[nn.Parameter]:
        """The parameters of one of `stages`."""

    @abstractmethod
    def split_frozen(self, model: nn.Module, first: str) -> tuple[nn.Sequential, nn.Module]:
        """The network, without copying: what comes before a stage, as far as it can be cut off, and the rest."""

    def head(self, model: nn.Module) -> nn.Linear:
        layer = model.get_submodule(self.head_name)
        assert isinstance(layer, nn.Linear)
        return layer

    def is_head(self, name: str) -> bool:
        """Whether an entry of a state dict belongs to the head."""
        return name.startswith(f"{self.head_name}.")

    def set_training_mode(self, model: nn.Module, unfreeze: Iterable[str], *, freeze_bn: bool) -> None:
        """Let the batch norms of the learning stages update their statistics, unless `freeze_bn`; all else keeps still.

        Dropout and stochastic depth stay off: the learning stages may be evaluated a batch later.
        """
        model.eval()
        if freeze_bn:
            return
        learning = {id(parameter) for stage in unfreeze for parameter in self.parameters_of(model, stage)}
        for module in model.modules():
            if isinstance(module, _BatchNorm) and any(id(own) in learning for own in module.parameters()):
                module.train()


class WholeNetwork(Anatomy):
    """A network that is not cut into body, pool and head: it answers by itself, and is not trained here."""

    explanation: Explanation = "occlusion"
    head_name = ""
    stages = ()
    channels = 0

    def answer(self, model: nn.Module, images: Tensor, *, maps: bool) -> Answer:
        """Normalized images (B, 3, H, W) → what the network says of them, float32.

        Args:
            maps: whether class maps are asked for.
        """
        logits: Tensor = model(images).float()
        return Answer(logits, None, logits.new_zeros(len(logits), 0))

    def body(self, model: nn.Module, images: Tensor) -> Features:
        raise NotImplementedError("the last maps of this network cannot be reached")

    def pool(self, model: nn.Module, features: Features) -> Tensor:
        raise NotImplementedError("the last maps of this network cannot be reached")

    def head(self, model: nn.Module) -> nn.Linear:
        if not self.head_name:
            raise ValueError("the last layer of this network cannot be reached")
        return super().head(model)

    def parameters_of(self, model: nn.Module, stage: str) -> list[nn.Parameter]:
        raise NotImplementedError("this network has no stages")

    def split_frozen(self, model: nn.Module, first: str) -> tuple[nn.Sequential, nn.Module]:
        raise NotImplementedError("this network has no stages")


def resolve_stages(stages: tuple[str, ...], unfreeze: Iterable[str]) -> tuple[str, ...]:
    """The stages that are meant, in order: each is named, or 'lastN' stands for the last N.

    Raises:
        ValueError: if one is unknown, or the head, whose weights start at random, is not among them.
    """
    chosen: set[str] = set()
    for name in unfreeze:
        count = name.removeprefix("last")
        if name not in stages and name.startswith("last") and count.isdecimal() and 1 <= int(count) <= len(stages):
            chosen.update(stages[-int(count) :])
        else:
            chosen.add(name)
    if not chosen <= set(stages) or stages[-1] not in chosen:
        raise ValueError(
            f"some of {','.join(stages)}, with {stages[-1]}, whose weights start at random, or last1 to last{len(stages)}"
        )
    return tuple(stage for stage in stages if stage in chosen)
