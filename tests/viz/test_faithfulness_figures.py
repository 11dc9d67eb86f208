"""The figures of faithfulness: what is drawn is what was measured, and nothing is called better that may not be."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd
import pytest

from har_core.analysis.faithfulness import (
    CENTER,
    DELETION,
    INSERTION,
    MAPS,
    MEASURES,
    OWN,
    RANDOM,
    ROAD,
    SHUFFLED,
    Comparison,
    mean_areas,
    mean_curves,
)
from har_core.viz.faithfulness_figures import (
    MAP_LABELS,
    answer,
    faithfulness_curves,
    faithfulness_figure,
    shuffled_sentence,
    signed,
)
from tests.analysis.test_faithfulness import drawn


def against(outcomes: dict[tuple[str, str], float]) -> list[Comparison]:
    """Comparisons whose interval is the gain ± 0.05."""
    return [Comparison(m, other, gain, gain - 0.05, gain + 0.05, 9) for (m, other), gain in outcomes.items()]


PAIRS = list(itertools.product(MEASURES, (RANDOM, CENTER)))


def verdict(compared: list[Comparison]) -> str:
    return answer(compared).split("**")[1]


def test_yes_needs_all_measures_against_both() -> None:
    best = dict.fromkeys(PAIRS, 0.2)
    verdicts = [verdict(against(best | {pair: gain})) for pair in PAIRS for gain in (0.0, -0.2)]
    assert len(set(verdicts)) == 1 and verdict(against(best)) not in verdicts
    assert verdict(against({(ROAD, RANDOM): 0.2})) == verdicts[0]


def test_four_answers_and_none() -> None:
    unclear, worse = against(dict.fromkeys(PAIRS, 0.0)), against({**dict.fromkeys(PAIRS, 0.0), PAIRS[0]: -0.2})
    cases = [
        [],
        unclear,
        worse,
        against({**dict.fromkeys(PAIRS, 0.0), PAIRS[0]: 0.2}),
        against(dict.fromkeys(PAIRS, 0.2)),
    ]
    assert len({verdict(case) for case in cases}) == 5
    assert verdict(against({(m, SHUFFLED): 0.2 for m in MEASURES})) == verdict([])


def test_the_answer_holds_every_figure() -> None:
    gains = dict(zip(PAIRS, (0.11, 0.22, -0.33, 0.0, 0.44, 0.01), strict=True))
    sentence = answer(against(gains))
    assert all(signed(gain) in sentence and signed(gain + 0.05) in sentence for gain in gains.values())
    assert re.findall(r"(\d) of 3", sentence) == ["2", "1"] and re.findall(r"worse\*\* by (\d)", sentence) == ["1"]


def test_signed_numbers() -> None:
    assert [signed(value) for value in (0.123, -0.123, 0.001, -0.001)] == ["+0.12", "−0.12", "0.00", "0.00"]


@pytest.mark.parametrize("maps", [MAPS, (OWN, RANDOM)])
def test_dots_with_their_intervals(maps: tuple[str, ...]) -> None:
    means = mean_areas(drawn(maps=maps))
    dots = faithfulness_figure(means).data
    assert len(dots) == 3
    for measure, dot in zip(MEASURES, dots, strict=True):
        rows = means[means["measure"] == measure]
        assert list(dot.y) == [MAP_LABELS[name] for name in maps] and np.allclose(dot.x, rows["mean"])
        assert np.allclose(dot.x + dot.error_x.array, rows["high"])
        assert np.allclose(dot.x - dot.error_x.arrayminus, rows["low"])


def test_curves() -> None:
    curves = mean_curves(drawn())
    lines = faithfulness_curves(curves).data
    assert len(lines) == 12 and sum(bool(line.showlegend) for line in lines) == 4
    rows = curves[(curves["measure"] == INSERTION) & (curves["map"] == CENTER)]
    (line,) = (line for line in lines[4:8] if line.name == MAP_LABELS[CENTER])
    assert np.allclose(line.x, rows["share"]) and np.allclose(line.y, rows["value"])
    assert len({line.line.color for line in lines}) == len({line.line.dash for line in lines}) == 4


def test_what_shuffled_weights_leave() -> None:
    def sentence(value: float, spread: float) -> str:
        columns = ["measure", "map", "mean", "low", "high", "photos"]
        means = pd.DataFrame([("correlation", SHUFFLED, value, value - spread, value + spread, 9)], columns=columns)
        found = shuffled_sentence(means, against({(DELETION, SHUFFLED): 0.2, (ROAD, SHUFFLED): 0.0}))
        assert found is not None and signed(value) in found and "1 of 3" in found
        return found.split(":")[0]

    assert len({sentence(0.1, 0.1), sentence(0.9, 0.05), sentence(0.5, 0.2)}) == 3
    assert shuffled_sentence(mean_areas(drawn(maps=(OWN, RANDOM))), []) is None
