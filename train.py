#!/usr/bin/env python3
"""Train a model on a folder of labeled photos; the same as `har-lens train`.

python train.py data/                       the most accurate recipe, into runs/<date>/
python train.py data/ --recipe baseline     the published report's
python train.py data/ --epochs 3 --lr 3e-4  the same as the first with two values changed
python train.py data/ --resume              go on with the last training that was interrupted
torchrun --nproc-per-node 8 train.py data/  in 8 processes, which share every batch
"""

from __future__ import annotations

import sys

from har_core.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
