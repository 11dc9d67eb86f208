"""Labels are understood by what they mean, and what cannot be understood is mapped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from har_core.data.samples import Sample
from har_core.errors import ConfigError, RunError
from har_core.inference.evaluate import evaluate, match_classes, write_evaluation
from har_core.inference.predictor import Predictor
from har_core.runs.manifest import COMPLETE, Manifest
from har_core.runs.run import Run
from tests.conftest import COLORS, picture

CLASSES = ("calling", "listening_to_music", "using_laptop")


def test_case_spaces_underscores_and_hyphens_do_not_matter() -> None:
    labels = ["using laptop", "Using_Laptop", "USING-LAPTOP", "UsingLaptop", "Calling", "phoning"]
    found = match_classes(labels, CLASSES)
    assert found == dict.fromkeys(labels[:4], "using_laptop") | {"Calling": "calling", "phoning": None}


def test_the_same_name_comes_first() -> None:
    assert match_classes(["A", "a"], ("A", "a")) == {"A": "A", "a": "a"}


def test_what_is_mapped() -> None:
    assert match_classes(["phoning", "x"], CLASSES, {"Phoning": "Calling"}) == {"phoning": "calling", "x": None}
    assert match_classes(["calling"], CLASSES, {"calling": "using_laptop"}) == {"calling": "using_laptop"}
    for mapping, named in (({"phoning": "telephoning"}, "telephoning"), ({"nobody": "calling"}, "nobody")):
        with pytest.raises(ConfigError, match=named):
            match_classes(["phoning"], CLASSES, mapping)
    with pytest.raises(ConfigError, match="once"):
        match_classes(["phoning"], CLASSES, {"phoning": "calling", "Phoning": "using_laptop"})


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    labels = ("Red", "BLUE", "crimson", "violet")
    for number, label in enumerate(labels):
        picture(COLORS["red"], seed=number).save(tmp_path / f"{label}.png")
    return [Sample(f"{label}\u202f.png", tmp_path / f"{label}.png", label) for label in labels]


def test_an_evaluation_matches_and_maps(samples: list[Sample], tiny: Predictor) -> None:
    found = evaluate(samples, tiny, unknown="error", mapping={"crimson": "red"}).predictions
    assert found.classes == (*tiny.spec.classes, "violet")
    assert [found.classes[index] for index in found.true] == ["red", "blue", "red", "violet"]


def test_classes_that_no_run_can_have_are_refused_before_the_work(samples: list[Sample], tiny: Predictor) -> None:
    with pytest.raises(RunError, match="printable"):
        evaluate([replace(samples[0], label="a\u202eb")], tiny, unknown="error", cancelled=lambda: pytest.fail("begun"))


def test_a_run_is_not_replaced(samples: list[Sample], tmp_path: Path, tiny: Predictor) -> None:
    found = evaluate(samples, tiny)
    by = Run(tmp_path, Manifest(status=COMPLETE, classes=tiny.spec.classes))
    assert write_evaluation(tmp_path / "run", found, by, title="Mine").predictions().samples[0] == "Red\u202f.png"
    with pytest.raises(RunError, match="another folder"):
        write_evaluation(tmp_path / "run", found, by, title="Another")
    assert Run.open(tmp_path / "run").title == "Mine"
