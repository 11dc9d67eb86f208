"""Labeled photos: scored as they are one by one, unknown classes as chosen, bad files named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from har_core.data.samples import Sample
from har_core.data.scan import scan
from har_core.errors import Cancelled, DataError
from har_core.inference.evaluate import evaluate, write_evaluation
from har_core.inference.predictor import Predictor
from har_core.media.images import open_photo
from har_core.media.isolated import IsolatedDecoder
from har_core.runs.manifest import COMPLETE, Manifest, ModelInfo
from har_core.runs.run import Run
from tests.conftest import COLORS, picture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photos of each known class, three of one that the model does not know, and a file that is no photo."""
    path = tmp_path_factory.mktemp("photos")
    for label in (*COLORS, "violet"):
        (path / label).mkdir()
        for number in range(3):
            picture(COLORS.get(label, (150, 30, 200)), seed=number).save(path / label / f"{number}.png")
    (path / "blue" / "notes.jpg").write_bytes(b"these are notes")
    return path


@pytest.fixture(scope="module")
def samples(folder: Path) -> tuple[Sample, ...]:
    return scan(folder, verify=False).samples


def test_the_same_as_photo_by_photo(samples: tuple[Sample, ...], tiny: Predictor) -> None:
    seen: list[tuple[int, int]] = []
    found = evaluate(samples, tiny, progress=lambda done, total: seen.append((done, total)))
    predictions, paths = found.predictions, {sample.name: sample.path for sample in samples}
    assert predictions.classes == tiny.spec.classes and len(predictions) == 9
    assert seen == [(done, 10) for done in range(11)]
    assert found.class_maps.shape == (9, 3, 2, 2) and found.embeddings.shape == (9, 512)
    assert found.class_maps.dtype == found.embeddings.dtype == np.float16
    for row, name in enumerate(predictions.samples):
        alone = tiny.predict(open_photo(paths[name]), name)
        assert np.allclose(alone.probabilities, predictions.probabilities[row], atol=1e-5)
        assert np.allclose(alone.class_maps, found.class_maps[row], atol=1e-2)
        assert np.allclose(alone.embedding, found.embeddings[row], atol=1e-2)
        assert predictions.classes[predictions.true[row]] == name.split("/")[0]
    assert [problem.name for problem in found.skipped] == [*(f"violet/{n}.png" for n in range(3)), "blue/notes.jpg"]


def test_unknown_classes_can_count_as_errors(samples: tuple[Sample, ...], tiny: Predictor) -> None:
    found = evaluate(samples, tiny, unknown="error")
    predictions = found.predictions
    assert predictions.classes == (*tiny.spec.classes, "violet") and len(predictions) == 12
    violet = predictions.true == 3
    assert violet.sum() == 3 and not predictions.correct[violet].any() and (predictions.probabilities[:, 3] == 0).all()
    assert found.class_maps.shape[1] == 4 and [problem.name for problem in found.skipped] == ["blue/notes.jpg"]


def test_untrusted_photos_are_decoded_in_another_process(samples: tuple[Sample, ...], tiny: Predictor) -> None:
    decoder = IsolatedDecoder()
    isolated, own = (evaluate(samples, tiny, decode=decode) for decode in (decoder.open, open_photo))
    decoder.close()
    assert np.array_equal(isolated.predictions.probabilities, own.predictions.probabilities)
    assert isolated.skipped == own.skipped and decoder.crashes == 0


def test_it_can_be_stopped(samples: tuple[Sample, ...], tiny: Predictor) -> None:
    with pytest.raises(Cancelled):
        evaluate(samples, tiny, cancelled=lambda: True)


def test_nothing_that_can_be_scored(samples: tuple[Sample, ...], tiny: Predictor) -> None:
    violet = [sample for sample in samples if sample.label == "violet"]
    with pytest.raises(DataError) as caught:
        evaluate(violet, tiny)
    assert [problem.name for problem in caught.value.problems] == [sample.name for sample in violet]


def test_the_result_is_a_run(samples: tuple[Sample, ...], tmp_path: Path, tiny: Predictor) -> None:
    model = ModelInfo(architecture="resnet18", crop_size=64, resize=72)
    by = Run(tmp_path / "by-whom", Manifest(status=COMPLETE, classes=tiny.spec.classes, model=model))
    found = evaluate(samples, tiny)
    run = Run.open(write_evaluation(tmp_path / "run", found, by, title="Mine").folder)
    assert run.title == "Mine" and run.is_scored and run.manifest.model == model
    assert np.array_equal(run.predictions().probabilities, found.predictions.probabilities)
    assert np.array_equal(run.class_maps(), found.class_maps) and np.array_equal(run.embeddings(), found.embeddings)
    assert run.manifest.data.test == 9 and len(run.manifest.data.skipped) == 4
    assert run.manifest.source is not None and by.title in run.manifest.source
    scores, predictions = run.manifest.scores, run.predictions()
    assert scores is not None and scores.n == 9
    assert scores.accuracy == accuracy_score(predictions.true, predictions.predicted)
