"""A Ray cluster of several node processes on this machine."""

from __future__ import annotations

import os
from typing import Any

_NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}


class Nodes:
    """A head without cores of its own, and nodes of one core each.

    Ray gives a node 30 seconds to start: on a busy machine it is tried again.
    """

    def __init__(self, count: int) -> None:
        from ray.cluster_utils import Cluster

        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        self.cluster = _tried(lambda: Cluster(initialize_head=True, head_node_args={**_NODE, "num_cpus": 0}))
        self.nodes: list[Any] = []
        for _ in range(count):
            self.add()

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def add(self) -> None:
        self.nodes.append(_tried(lambda: self.cluster.add_node(**_NODE)))

    def lose_oldest(self) -> None:
        """Without a word to anyone, as when a machine fails."""
        self.cluster.remove_node(self.nodes.pop(0), allow_graceful=False)

    def close(self) -> None:
        self.cluster.shutdown()


def _tried(start: Any) -> Any:
    for _ in range(3):
        try:
            return start()
        except Exception as error:
            if "timed out during startup" not in str(error):
                raise
    return start()
