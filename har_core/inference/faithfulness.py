"""Model + photos → whether its class maps show what it uses, beside maps that know nothing of the photo.

Everything here is about one look, the evaluation crop: the class predicted there, the class map of that look, and the
probability of the class when parts of that same input are hidden.  Of a model with several views the map that is put
together from them is not measured: there is no single input from which its parts could be hidden.

What the measures are and how they are summed up stands in `analysis.faithfulness`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import torch
from PIL import Image
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.v2 import functional as transforms

from har_core.analysis.faithfulness import (
    CENTER,
    CORRELATION,
    DELETION,
    INSERTION,
    OWN,
    RANDOM,
    ROAD,
    SCHEMA,
    SHUFFLED,
)
from har_core.cam.class_maps import direction_maps
from har_core.inference.predictor import Predictor
from har_core.models.numerics import exact_fp32
from har_core.models.registry import forward_features, head

_BATCH = 36
_BLUR = 10 / 224  # standard deviation as a share of the input's side: Fong and Vedaldi 2017
_NOISE = 0.01  # standard deviation, of normalized values, added to what is imputed: as in the grad-cam package
_DECIMALS = 5
_NEIGHBORS = {
    (down, across): 1 / 12 if down and across else 1 / 6
    for down in (-1, 0, 1)
    for across in (-1, 0, 1)
    if down or across
}
"""Offset of a pixel's neighbor (rows, columns) → its weight: Rong et al. 2022."""


def measure_faithfulness(
    predictor: Predictor,
    photos: Sequence[Image.Image],
    *,
    steps: int = 10,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Hide and show parts of each photo in the order of its class map, of a random map and of others.

    The maps: the raw, signed class map of the class that is predicted from the evaluation crop; a random map on the same
    grid; a centered Gaussian; and the map of the same class after all weights of the last layer were shuffled, anew for
    each photo.  All are resized to the input (bilinear).  Pixels of the same value are ordered at random, by the same
    numbers in every map of a photo, and what is imputed has the same noise: equal maps get equal values.

    Args:
        photos: upright, RGB.
        steps: into so many equal shares the photo is cut, at least 2.  A photo takes about 16 · steps images through the
            network.
        progress: called with (photos done, of so many).

    Returns:
        Of `analysis.faithfulness.SCHEMA`, photos numbered from 0 in their order.

    Raises:
        ValueError: if there are fewer than two steps.
    """
    if steps < 2:
        raise ValueError(f"expected at least 2 steps, found {steps}")
    rows: list[tuple[int, str, str, float, float]] = []
    for number, photo in enumerate(photos):
        random = np.random.default_rng([seed, number])
        rows += ((number, *row) for row in _photo_rows(predictor, photo, steps, random))
        if progress is not None:
            progress(number + 1, len(photos))
    table = pd.DataFrame(rows, columns=list(SCHEMA))
    return table.assign(share=table["share"].round(_DECIMALS), value=table["value"].round(_DECIMALS))


def _photo_rows(
    predictor: Predictor, photo: Image.Image, steps: int, random: np.random.Generator
) -> Iterator[tuple[str, str, float, float]]:
    """Map, measure, share and value, of one photo."""
    image = predictor.preprocess(photo)
    answer = predictor.forward(image[None])
    target = int(answer.logits[0].argmax())
    own, size = answer.class_maps[0, target].cpu().numpy(), (image.shape[1], image.shape[2])
    maps = {
        OWN: own,
        RANDOM: random.random(own.shape),
        CENTER: centered_gaussian(*size),
        SHUFFLED: _shuffled_head_map(predictor, image, random),
    }
    ties, noise = random.random(size), torch.from_numpy(random.normal(0, _NOISE, image.shape)).float()
    ranks = {name: importance_ranks(values, ties) for name, values in maps.items()}
    plain, blank = torch.zeros_like(image), blurred(image)  # normalized: 0 is the mean color
    whole, last, first = probabilities(predictor, torch.stack([image, plain, blank]), target)
    shares = np.linspace(0, 1, steps + 1)
    pixels = size[0] * size[1]
    counts = np.rint(shares[1:-1] * pixels).astype(np.int64)[:, None, None]
    for name, rank in ranks.items():
        most, least = torch.from_numpy(rank < counts), torch.from_numpy(rank >= pixels - counts)
        inputs = torch.cat(
            [
                torch.where(most[:, None], plain, image),
                torch.where(most[:, None], image, blank),
                impute(image, torch.cat([most, least])) + noise * torch.cat([most, least])[:, None],
            ]
        )
        deletion, insertion, after_most, after_least = probabilities(predictor, inputs, target).reshape(4, -1)
        curves: dict[str, tuple[Iterable[float], Iterable[float]]] = {
            DELETION: (shares, [whole, *deletion, last]),
            INSERTION: (shares, [first, *insertion, whole]),
            ROAD: (shares[1:-1], (after_least - after_most) / 2),
            CORRELATION: ([1.0], [np.corrcoef(rank.ravel(), ranks[OWN].ravel())[0, 1]]),
        }
        for measure, (at, values) in curves.items():
            yield from ((name, measure, float(x), float(y)) for x, y in zip(at, values, strict=True))


def probabilities(predictor: Predictor, images: Tensor, target: int) -> np.ndarray:
    """(B,) float64: how probable a class is in each of the normalized images (B, 3, H, W)."""
    batches = (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))
    logits = torch.cat([predictor.forward(batch).logits.double().cpu() for batch in batches])
    return np.asarray((logits / predictor.spec.temperature).softmax(dim=1)[:, target])


def importance_ranks(importance: np.ndarray, ties: np.ndarray) -> np.ndarray:
    """The place of each pixel in the order of a map, 0 for the most important.

    Args:
        importance: (h, w), higher is more important; resized (bilinear) to the size of `ties`.
        ties: (H, W), decides, lowest first, between pixels of the same importance.

    Returns:
        (H, W) int64, a permutation of 0 … H·W - 1.
    """
    values = torch.from_numpy(np.asarray(importance, dtype=np.float64))[None, None]
    resized = functional.interpolate(values, size=ties.shape, mode="bilinear", align_corners=False).numpy().ravel()
    ranks = np.empty(ties.size, dtype=np.int64)
    ranks[np.lexsort((ties.ravel(), -resized))] = np.arange(ties.size)
    return ranks.reshape(ties.shape)


def centered_gaussian(height: int, width: int) -> np.ndarray:
    """(height, width) float64 in (0, 1], highest in the middle, with a standard deviation of a quarter of each side."""
    rows, columns = ((np.arange(side) + 0.5) / side - 0.5 for side in (height, width))
    return np.asarray(np.exp(-((rows[:, None] / 0.25) ** 2 + (columns[None] / 0.25) ** 2) / 2))


@torch.no_grad()
def _shuffled_head_map(predictor: Predictor, image: Tensor, random: np.random.Generator) -> np.ndarray:
    """(h, w): a class's map after the weights of the last layer were shuffled (Adebayo et al. 2018)."""
    weights = head(predictor.model).weight.float()  # (K, D)
    row = random.permutation(weights.numel())[: weights.shape[1]]
    with exact_fp32():
        features = forward_features(predictor.model, image[None].to(predictor.device))
        shuffled = weights.flatten()[torch.from_numpy(row).to(weights.device)]
        return np.asarray(direction_maps(predictor.model, features, shuffled[None])[0, 0].cpu())


def blurred(image: Tensor) -> Tensor:
    """(3, H, W): what insertion starts from, with a Gaussian of 10 pixels for an input of 224."""
    sigma = _BLUR * image.shape[-1]
    softened: Tensor = transforms.gaussian_blur(image, [2 * math.ceil(2.5 * sigma) + 1] * 2, [sigma, sigma])
    return softened


def impute(image: Tensor, removed: Tensor) -> Tensor:
    """Fill in removed pixels as ROAD does (Rong et al. 2022): each is the weighted mean of its eight neighbors.

    Without the noise.  The equations and the outcome are those of `pytorch_grad_cam.metrics.road`, whose solver takes up to
    20 seconds for a photo; a factorization that knows that the equations are symmetric takes a fraction of one.

    Args:
        image: (C, H, W) float32.
        removed: (B, H, W) bool; no image may be removed as a whole.

    Returns:
        (B, C, H, W) float32.
    """
    values = image.double().numpy()
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="impute") as pool:
        return torch.from_numpy(np.stack(list(pool.map(lambda mask: _imputed(values, mask), removed.numpy())))).float()


def _imputed(image: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """(C, H, W): solves (Σ weights) · x - Σ weight · neighbor = 0 for all removed pixels x at once."""
    filled, (height, width) = image.copy(), removed.shape
    rows, columns = np.nonzero(removed)
    number = np.full(removed.shape, -1)
    number[removed] = own = np.arange(len(rows))
    diagonal, right = np.zeros(len(rows)), np.zeros((len(rows), len(image)))
    entries = []
    for (down, across), weight in _NEIGHBORS.items():
        y, x = rows + down, columns + across
        inside = np.flatnonzero((y >= 0) & (y < height) & (x >= 0) & (x < width))
        diagonal[inside] += weight  # below 1 at the border, where neighbors are missing
        y, x = y[inside], x[inside]
        unknown = removed[y, x]
        right[inside[~unknown]] += weight * image[:, y[~unknown], x[~unknown]].T
        entries.append((np.full(unknown.sum(), -weight), inside[unknown], number[y, x][unknown]))
    entries.append((diagonal, own, own))
    data, i, j = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    system = csc_array((data, (i, j)), shape=(len(rows), len(rows)))
    filled[:, removed] = splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(right).T
    return filled
