"""card.json of format har-lens-run/1 → the keys of run.json.  Read for one version; `legacy.convert` rewrites it.

The card may come from anywhere: what is not as expected is passed on as it is, for the manifest's own check to refuse.
"""

from __future__ import annotations

from typing import Any

FORMAT = "har-lens-run/1"

HISTORY_COLUMNS = {"validation_loss": "eval_loss", "validation_accuracy": "eval_accuracy"}
"""Columns of history.csv that have another name now."""

_NAMES = {
    "model": {"classes": ""},
    "data": {
        "training": "train",
        "validation": "test",
        "left_out_of_training": "near_duplicates_dropped",
        "left_out": "skipped",
        "validation_names_sha256": "test_names_sha256",
        "soft_labels": "",
    },
    "training": {"best_epoch": "epoch", "members": "soup_size", "chosen_on": ""},
    "config": {
        "trainable": "unfreeze",
        "members": "soup_size",
        "average": "ema_decay",
        "frozen_norms": "freeze_bn",
        "selection": "checkpoint",
        "min_area": "min_crop_scale",
        "warmup": "warmup_epochs",
        "train_size": "train_crop_size",
        "full_size_epochs": "full_crop_epochs",
        "leave_out_twins": "drop_near_duplicates",
        "scored": "eval_split",
        "validation_fraction": "test_fraction",
        "soft_labels": "",
        "views": "",
    },
}
"""Table → key of the card → key of the manifest; empty: dropped."""

_VALUES = {"recipe": {"report": "baseline"}, "eval_split": {"validation": "test", "tuning": "dev"}}


def upgrade(card: Any, *, to: str) -> Any:
    """A card with the keys and the format of a manifest.

    Args:
        to: the manifest's format.  A card of another format than `FORMAT` keeps its own, which is then refused.
    """
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        return card
    values: dict[str, Any] = {"status": "complete", **card, "format": to}
    for table, names in _NAMES.items():
        if isinstance(values.get(table), dict):
            renamed = {names.get(name, name): value for name, value in values[table].items()}
            values[table] = {name: value for name, value in renamed.items() if name}
    tables: list[Any] = [values.get(table, {}) for table in ("config", "data", "training")]
    if not all(isinstance(table, dict) for table in tables):
        return values
    config, data, training = tables
    for name, words in _VALUES.items():
        if isinstance(config.get(name), str):
            config[name] = words.get(config[name], config[name])
    if "eval_split" in config:
        values["data"] = {"eval_split": config["eval_split"]} | data
    if "epoch" in training:  # of which the first cards did not say how it had been picked
        values["training"] = training | {"checkpoint": config.get("checkpoint", "best")}
        if values["training"]["checkpoint"] == "best":
            values["training"]["selected_on"] = config.get("eval_split", "test")
    return values
