"""Several columns of other numbers beside the scores, and sorted scores beside the class of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from har_core.errors import DataError
from tests.imports.making import frame, read, text

RNG = np.random.default_rng(3)
COUNT, NAMES = 40, ("cat", "dog", "cow")
CHANCES = RNG.dirichlet(np.ones(3), COUNT)
LOGITS = np.log(CHANCES) + 2
TRUE = [NAMES[number % 3] for number in range(COUNT)]
OTHERS: dict[str, Any] = {
    "umap_x": RNG.normal(0, 4, COUNT), "umap_y": RNG.normal(0, 4, COUNT), "confidence": CHANCES.max(axis=1),
    "loss": RNG.exponential(1, COUNT), "entropy": RNG.uniform(0, 1.1, COUNT), "margin": RNG.uniform(-1, 1, COUNT),
    "max_logit": LOGITS.max(axis=1), "emb_0": RNG.normal(0, 0.1, COUNT), "emb_1": RNG.normal(0, 0.1, COUNT),
}  # fmt: skip


def table(values: np.ndarray, names: list[str], *, first: bool = False) -> dict[str, Any]:
    base = {"file": [f"{number}.jpg" for number in range(COUNT)], "label": TRUE}
    scores = {name: values[:, number] for number, name in enumerate(NAMES)}
    more = {name: OTHERS[name] for name in names}
    return {**base, **(more if first else {}), **scores, **({} if first else {"pred_note": ["-"] * COUNT, **more})}


@pytest.mark.parametrize(
    "names",
    [["umap_x", "umap_y"], ["confidence", "loss", "entropy"], ["entropy", "loss", "margin"], ["emb_0", "emb_1"], list(OTHERS)],
)  # fmt: skip
@pytest.mark.parametrize("first", [False, True])
def test_other_numbers_become_no_classes(names: list[str], first: bool, tmp_path: Path) -> None:
    for values in (CHANCES, CHANCES * 100, LOGITS):
        found = read(frame(table(values, names, first=first))(tmp_path)).predictions
        assert found.classes == NAMES
        np.testing.assert_allclose(found.probabilities, CHANCES, atol=1e-6)


def test_other_numbers_whose_names_say_nothing(tmp_path: Path) -> None:
    for values, sure in ((CHANCES, True), (LOGITS, False)):
        columns = {**table(values, []), "q1": OTHERS["loss"], "q2": OTHERS["umap_x"], "q3": OTHERS["entropy"]}
        path = frame(columns)(tmp_path)
        if sure:
            assert read(path).predictions.classes == NAMES
        else:
            with pytest.raises(DataError, match=r"q1, q2, q3.*--classes FILE"):
                read(path)


def test_classes_without_photos_belong(tmp_path: Path) -> None:
    chances = RNG.dirichlet(np.ones(6), COUNT)
    columns = {**table(chances, ["loss", "entropy", "umap_x"]), **{f"more{n}": chances[:, n] for n in (3, 4, 5)}}
    found = read(frame(columns)(tmp_path)).predictions
    assert sorted(found.classes) == sorted((*NAMES, "more3", "more4", "more5"))


def test_logits_of_classes_whose_photos_come_further_down(tmp_path: Path) -> None:
    lines = [
        f"{n}.jpg,{'ab'[n % 2] if n < 1200 else 'c'},{n % 2 - 0.5},{0.25 - n % 3},{n % 5 - 2.5},{n % 7 + 0.1}"
        for n in range(1400)
    ]
    found = read(text("file,label,a,b,c,loss\n" + "\n".join(lines) + "\n")(tmp_path)).predictions
    assert found.classes == ("a", "b", "c")


@pytest.mark.parametrize("kind", ["prob_", "logit_"])
def test_other_numbers_behind_the_prefix_of_the_scores(kind: str, tmp_path: Path) -> None:
    values = CHANCES if kind == "prob_" else LOGITS
    base = {"file": [f"{number}.jpg" for number in range(COUNT)], "label": TRUE}
    columns = {**base, **{kind + name: values[:, n] for n, name in enumerate(NAMES)}, kind + "max": values.max(axis=1)}
    found = read(frame(columns)(tmp_path)).predictions
    assert found.classes == NAMES
    np.testing.assert_allclose(found.probabilities, CHANCES, atol=1e-6)


@pytest.mark.parametrize("words", [("classes", "scores"), ("order", "probs"), ("a", "b")])
@pytest.mark.parametrize("kind", ["falling", "rising", "names"])
def test_sorted_scores_go_with_the_classes_beside_them(words: tuple[str, str], kind: str, tmp_path: Path) -> None:
    order = np.argsort(-CHANCES if kind != "rising" else CHANCES, axis=1)
    rows = [
        {
            "file": f"{n}.jpg",
            "label": TRUE[n] if kind == "names" else NAMES.index(TRUE[n]),
            words[0]: [NAMES[one] for one in places] if kind == "names" else places.tolist(),
            words[1]: CHANCES[n, places].tolist(),
        }
        for n, places in enumerate(order)
    ]
    found = read(text("\n".join(map(json.dumps, rows)) + "\n", "t.jsonl")(tmp_path), classes=NAMES).predictions
    np.testing.assert_allclose(found.probabilities, CHANCES, atol=1e-6)


def test_a_ranking_beside_one_score_a_class_changes_nothing(tmp_path: Path) -> None:
    rows = [
        {"file": f"{n}.jpg", "label": n % 3, "order": np.argsort(-row).tolist(), "probs": row.tolist()}
        for n, row in enumerate(CHANCES)
    ]
    found = read(text("\n".join(map(json.dumps, rows)) + "\n", "t.jsonl")(tmp_path)).predictions
    np.testing.assert_allclose(found.probabilities, CHANCES, atol=1e-6)


def test_sorted_scores_alone_are_refused(tmp_path: Path) -> None:
    values = -np.sort(-CHANCES, axis=1)
    base = {"file": [f"{number}.jpg" for number in range(COUNT)], "label": [n % 3 for n in range(COUNT)]}
    path = frame({**base, **{f"scores_{n}": values[:, n] for n in range(3)}})(tmp_path)
    with pytest.raises(DataError, match="sorted"):
        read(path)
    same = np.tile([0.7, 0.2, 0.1], (COUNT, 1))  # a network that predicts one class always
    path = frame({**base, **{f"scores_{n}": same[:, n] for n in range(3)}})(tmp_path)
    np.testing.assert_allclose(read(path).predictions.probabilities, same, atol=1e-6)
