"""Does the map of a vision transformer show what it reads?  Against Grad-CAM at the same tokens, and against taking tokens away.

    python -m benchmarks.transformer_maps [--seeds 4] [--unfreeze last2]

A small ViT of timm learns to tell noise with a red patch from noise with a blue one and from noise alone.  Of photos that it
answers correctly: the share whose map is highest within one cell of the patch.  With `last2` the last block alone learns, so that the
patch can be read nowhere else; with `last8` all blocks do.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from har_core.cam.class_maps import class_activation_maps
from har_core.cam.pooling_gradients import gradient_maps
from har_core.models.anatomy import Features, resolve_stages
from har_core.models.registry import anatomy_of, create_model, forward_features, forward_pool, head, split_frozen
from har_core.models.spec import ModelSpec

SIZE, PATCH, STEPS, BATCH, TRIED = 128, 32, 110, 16, 64


def photos(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Images (B, 3, SIZE, SIZE), classes (2: no patch), and the upper left corners of the patches."""
    images = 0.3 * torch.randn(count, 3, SIZE, SIZE, generator=generator)
    classes = torch.randint(0, 3, (count,), generator=generator)
    corners = torch.randint(0, SIZE // PATCH, (count, 2), generator=generator) * PATCH
    for image, own, (row, column) in zip(images, classes.tolist(), corners.tolist(), strict=True):
        if own < 2:
            image[2 * own, row : row + PATCH, column : column + PATCH] += 3
    return images, classes, corners


def learned(seed: int, unfreeze: str | None, architecture: str = "timm/test_vit") -> tuple[nn.Module, torch.Generator]:
    """A network that tells the patches apart, and the generator that its photos came from; `unfreeze`: all stages if None."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(1)
    model = create_model(ModelSpec(("red", "blue", "none"), architecture, crop_size=SIZE, resize=SIZE)).train()
    stages = anatomy_of(model).stages
    split_frozen(model, stages if unfreeze is None else resolve_stages(stages, (unfreeze,)))
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3 if unfreeze in (None, f"last{len(stages)}") else 3e-3)
    for _ in range(STEPS):
        images, classes, _ = photos(BATCH, generator)
        loss = functional.cross_entropy(model(images), classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval().requires_grad_(False), generator


def share_near(maps: Tensor, corners: Tensor) -> float:
    """Of maps (B, h, w), those that are highest within one cell of the patch."""
    cells, near = maps.shape[-1], 0
    for one, corner in zip(maps, corners.numpy(), strict=True):
        peak = np.array(np.unravel_index(int(one.argmax()), (cells, cells)))
        low = corner * cells / SIZE  # the patch covers [low, high) of the cells
        near += bool(((peak >= low - 1) & (peak <= low + PATCH * cells / SIZE)).all())
    return near / len(maps)


@torch.no_grad()
def drops(model: nn.Module, features: Features, target: Tensor) -> Tensor:
    """(B, h, w): how much the logit of the target falls when a patch's token becomes the mean token."""

    def logits(maps: Tensor) -> Tensor:
        answer = head(model)(forward_pool(model, Features(maps, features.tokens)))
        return answer[torch.arange(len(target)), target]

    whole, blank = logits(features.maps), features.maps.mean(dim=(2, 3))
    found = torch.zeros(len(target), *features.maps.shape[2:])
    for row, column in np.ndindex(*found.shape[1:]):
        without = features.maps.clone()
        without[:, :, row, column] = blank
        found[:, row, column] = whole - logits(without)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--unfreeze", default="last2")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("seed  photos  map   Grad-CAM  tokens taken away  random")
    for seed in range(given.seeds):
        model, generator = learned(seed, given.unfreeze)
        images, classes, corners = photos(TRIED, generator)
        answer = class_activation_maps(model, images)
        chosen = (answer.logits.argmax(dim=1) == classes) & (classes < 2)
        own, where = classes[chosen], corners[chosen]
        features = forward_features(model, images[chosen])

        def pool(maps: Tensor, model: nn.Module = model, tokens: Tensor | None = features.tokens) -> Tensor:
            return forward_pool(model, Features(maps, tokens))

        grad_cam = gradient_maps(pool, features.maps, head(model).weight)[torch.arange(len(own)), own]
        found = (
            answer.class_maps[chosen, own],
            grad_cam,
            drops(model, features, own),
            torch.rand(grad_cam.shape, generator=generator),
        )
        shares = [share_near(maps, where) for maps in found]
        print(f"{seed:4d}  {len(own):6d}  " + "  ".join(f"{share:.2f}" for share in shares), flush=True)


if __name__ == "__main__":
    main()
