"""`train.py` for the tiny network, for tests that need a process of their own: python -m tests.training.train_tiny …"""

from __future__ import annotations

import sys

from har_core.cli import main
from tests.training.tiny_network import register

if __name__ == "__main__":
    register()
    sys.exit(main(["train", *sys.argv[1:]]))
