"""What values are: shares of another sum than 1, percentages, logits; never softmaxed or divided in silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from har_core.errors import DataError
from tests.imports.making import frame, read, text

HEADER = "file,label,a,b,c\n"


def rows(values: np.ndarray, sign: str = "") -> str:
    lines = (f"{n}.jpg,{'abc'[n % 3]}," + ",".join(f"{one:g}{sign}" for one in row) for n, row in enumerate(values))
    return HEADER + "\n".join(lines) + "\n"


@pytest.mark.parametrize("whole", [5, 255, 1000])
def test_rows_of_another_sum_are_divided_by_it(whole: int, tmp_path: Path) -> None:
    values = np.random.default_rng(whole).multinomial(whole, [0.36, 0.34, 0.3], 30)
    found = read(text(rows(values))(tmp_path))
    np.testing.assert_allclose(found.predictions.probabilities, values / whole, atol=1e-6)
    assert any(f"probabilities are shares of {whole}" in note for note in found.notes)


def test_counts_of_no_sum_are_refused(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for values in (generator.integers(1, 9, (30, 3)), generator.uniform(0, 100, (30, 3)).round(1)):
        path = text(rows(values))(tmp_path)
        with pytest.raises(DataError, match="--scores logits"):
            read(path)
        assert len(read(path, scores="logits").predictions) == 30


def test_logits_that_happen_to_sum_to_one(tmp_path: Path) -> None:
    values = np.array([[3, -1, -1], [1, 4, -2], [0, -2, 5], [2, 1, 0]] * 5)
    found = read(text(rows(values))(tmp_path))
    powers = np.exp(values)
    np.testing.assert_allclose(found.predictions.probabilities, powers / powers.sum(axis=1, keepdims=True), atol=1e-6)


def test_columns_called_probabilities_that_are_none(tmp_path: Path) -> None:
    columns = {"file": ["1.jpg", "2.jpg"], "label": ["a", "b"], "prob_a": [3.5, -1.2], "prob_b": [-2.0, 4.1]}
    path = frame(columns)(tmp_path)
    with pytest.raises(DataError, match="--scores logits"):
        read(path)
    assert read(path, scores="logits").predictions.correct.all()


@pytest.mark.parametrize(("highest", "sure"), [(14.1, False), (10, False), (91.5, True)])
def test_confidences_above_one(highest: float, sure: bool, tmp_path: Path) -> None:
    path = text(f"file,label,pred,confidence\n1.jpg,a,a,{highest}\n2.jpg,b,b,{highest - 3}\n3.jpg,c,c,{highest - 1}\n")(
        tmp_path
    )
    if not sure:
        with pytest.raises(DataError, match="--scores percentages"):
            read(path)
        return
    found = read(path)
    assert "percentages were divided by 100" in found.notes
    assert np.allclose(found.predictions.confidence, np.array([highest, highest - 3, highest - 1]) / 100)


def test_percent_signs_mean_what_they_say(tmp_path: Path) -> None:
    lines = "1.jpg,a,a,{}\n2.jpg,b,b,{}\n"
    with pytest.raises(DataError, match=r"0\.5%"):
        read(text("file,label,pred,conf\n" + lines.format("0.5%", "0.7%"))(tmp_path))
    for scores in (None, "percentages"):
        found = read(text("file,label,pred,conf\n" + lines.format("50%", "97 %"))(tmp_path), scores=scores)
        assert np.allclose(found.predictions.confidence, [0.5, 0.97]) and "percent signs" in found.notes[0]
    values = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    with pytest.raises(DataError, match="sum to 1"):
        read(text(rows(values, "%"))(tmp_path))
    np.testing.assert_allclose(
        read(text(rows(values * 100, "%"))(tmp_path)).predictions.probabilities, values, atol=1e-6
    )


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("last", [3, 10])
def test_ranks_are_neither_votes_nor_logits(first: int, last: int, tmp_path: Path) -> None:
    """The lowest may be the best or the highest: nobody but their maker knows."""
    names = [f"c{n}" for n in range(last)]
    generator = np.random.default_rng(last)
    columns = {"file": [f"{n}.jpg" for n in range(30)], "label": [names[n % last] for n in range(30)]}
    ranks = np.array([generator.permutation(last) + first for _ in range(30)])
    for name in ("t.csv", "t.parquet", "t.jsonl"):
        with pytest.raises(DataError, match="ranks from"):
            read(frame(columns | dict(zip(names, ranks.T, strict=True)), name)(tmp_path))


@pytest.mark.parametrize("base", [np.e, 10.0, 2.0])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.jsonl"])
def test_logarithms_of_probabilities(base: float, sign: int, name: str, tmp_path: Path) -> None:
    """Natural ones are logits; softmax would turn negative ones upside down, and change the others."""
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet([0.5, 0.5, 0.5], 30).clip(1e-6)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    values = sign * np.log(probabilities) / np.log(base)
    columns = {"file": [f"{n}.jpg" for n in range(30)], "label": [*"abc"] * 10}
    path = frame(columns | {label: values[:, place].tolist() for place, label in enumerate("abc")}, name)(tmp_path)
    if (base, sign) == (np.e, 1):
        np.testing.assert_allclose(read(path).predictions.probabilities, probabilities, atol=1e-5)
    else:
        with pytest.raises(DataError, match=r"logarithms.* of probabilities"):
            read(path)
