"""Cells that hold several values, as programs and people write them."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest

from har_core.errors import DataError
from har_core.imports.cells import scalars_of, split_of, words
from har_core.imports.opening import open_table
from tests.imports.making import Make, frame, read, text

CLASSES = ("blue", "red")
CELLS = (
    "[np.float64({}), np.float64({})]",
    "[np.float32({}), np.float32({})]",
    "[numpy.float64({}), numpy.float64({})]",
    "tensor([{}, {}])",
    "tensor([{}, {}], device='cuda:0', grad_fn=<SoftmaxBackward0>)",
    "[tensor({}), tensor({}, dtype=torch.float64)]",
    "array([{}, {}])",
    "array([{}, {}], dtype=float32)",
    "np.array([{}, {}])",
    "Array([{}, {}], dtype=float32)",
    "tf.Tensor([{} {}], shape=(2,), dtype=float32)",
    "<tf.Tensor: shape=(2,), dtype=float32, numpy=array([{}, {}], dtype=float32)>",
    "[{} {}]",
    "[{}\n {}]",
    "[[{} {}]]",
    "({}, {})",
    "[Decimal('{}'), Decimal('{}')]",
    "{};{}",
    "{} ; {}",
    "{}|{}",
    "{},{}",
    "{}, {}",
    "{} {}",
)


def rows(cell: str, *more: str) -> Make:
    values = (("a.jpg", "blue", "9.e-01", "0.1"), ("b.jpg", "red", "0.", "1."))
    return text(
        "filename,true,probs\n" + "".join(f'{f},{t},"{cell.format(*v)}"\n' for f, t, *v in values) + "".join(more)
    )


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_of_probabilities(cell: str, tmp_path: Path) -> None:
    found = read(rows(cell)(tmp_path), classes=CLASSES).predictions
    np.testing.assert_allclose(found.probabilities, [[0.9, 0.1], [0.0, 1.0]], atol=1e-6)
    if not re.search(r"\d,|[{]},", cell):
        read(
            frame({"file": ["a", "b"], "true": CLASSES, "probs": [cell.format(0.75, 0.25)] * 2}, "t.parquet")(tmp_path),
            classes=CLASSES,
        )


@pytest.mark.parametrize("cell", ["0,9;0,1", "0,9 | 0,1", "0,9 0,1"])
def test_decimal_commas_between_other_separators(cell: str, tmp_path: Path) -> None:
    found = read(text(f'filename,true,probs\na.jpg,blue,"{cell}"\nb.jpg,red,"{cell}"\n')(tmp_path), classes=CLASSES)
    np.testing.assert_allclose(found.predictions.probabilities, [[0.9, 0.1]] * 2, atol=1e-6)


@pytest.mark.parametrize("form", ["t.csv", "t.parquet", "t.jsonl"])
def test_text_of_lists_in_every_form(form: str, tmp_path: Path) -> None:
    """Beside a column of lists of other lengths, which plays no part."""
    columns = {
        "file": ["a", "b"],
        "true": CLASSES,
        "probs": ["[0.9 0.1]", "[0.2 0.8]"],
        "tags": ["['x', 'y']", "['x']"],
    }
    assert read(frame(columns, form)(tmp_path), classes=CLASSES).predictions.predicted.tolist() == [0, 1]


@pytest.mark.parametrize(
    "cells",
    [
        ["1,5", "2,25"],
        ["3;5", "4;6"],
        ["1 2", "3 4"],
        ["1,234.5"],
        ["a;b"],
        ["0.5;x"],
        ["0.5"],
        ["0.5;0.5", "0.5|0.5"],
        [],
        ["", "nan"],
    ],
)
def test_what_may_be_something_else_is_left_as_it_is(cells: list[str]) -> None:
    assert split_of(cells) is None


@pytest.mark.parametrize("odd", ["0.5;0.5;0.1", "0.5", "0.5;half", "0.5|0.5"])
def test_a_cell_of_another_kind_is_named(odd: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 3|half"):
        read(rows("{};{}", f'c.jpg,red,"{odd}"\n')(tmp_path), classes=CLASSES)


def test_labels_keep_their_words(tmp_path: Path) -> None:
    assert words("['step(2)', \"don't\", np.str_('float64(3)')]") == ["step(2)", "don't", "float64(3)"]
    assert words("[walk, run]") == ["walk", "run"] and words("['a' 'b']") == ["a", "b"] and words("[]") == []
    ranked = "[np.str_('red'), np.str_('blue')]"
    content = "filename\ttrue\tlabels\tscores\n" + "".join(
        f"{n}.jpg\tred\t{ranked}\t[np.float32(0.6) np.float32(0.4)]\n" for n in (1, 2)
    )
    assert read(text(content)(tmp_path)).predictions.classes == CLASSES


@pytest.mark.timeout(30)
def test_long_hostile_cells_take_no_longer_than_others() -> None:
    start = time.monotonic()
    for cell in (
        "[" + "float(" * 20_000,
        "tensor" + "(" * 100_000 + ")",
        "<Tensor:" + "(" * 50_000 + ">",
        "'" * 99_999,
        "[" + "np." * 40_000,
    ):
        split_of([cell])
        words(cell)
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("cell", "inside"),
    [
        ("tensor({})", "3"),
        ("tensor({}, device='cuda:0')", "0.8213"),
        ("tensor({}, dtype=torch.float16, grad_fn=<MaxBackward0>)", "0.8213"),
        ("TensorCategory({})", "3"),
        ("np.int64({})", "3"),
        ("numpy.float32({})", "9e-01"),
        ("array({}, dtype=float32)", "0.5"),
        ("<tf.Tensor: shape=(), dtype=float32, numpy={}>", "0.5"),
        ("Decimal('{}')", "0.5"),
        ("np.str_('{}')", "big cat"),
        ("b'{}'", "cat"),
        ("PosixPath('{}')", "/x/a (1).jpg"),
        ("WindowsPath('{}')", "C:/x/a.jpg"),
        ("PurePosixPath('{}')", "a.jpg"),
        ("pathlib.Path('{}')", "a.jpg"),
    ],
)
def test_one_value_in_the_words_of_a_program(cell: str, inside: str, tmp_path: Path) -> None:
    read_as = scalars_of([cell.format(inside), "", cell.format(inside), "nan"])
    assert read_as is not None and split_of([inside]) is None
    assert [read_as(one) for one in (cell.format(inside), "", "x", f" {cell.format(inside)} ")] == [
        inside, "", "x", inside
    ]  # fmt: skip
    table = frame({"file": [cell.format(inside)] * 2, "true": ["a", "b"], "pred": ["a", "b"]}, "t.parquet")(tmp_path)
    assert open_table(table).head["file"].to_pylist() == [inside] * 2


@pytest.mark.parametrize("cell", ["cat", "step(2)", "cat (big)", "'cat'", "Path", "f(x)", "", "[0.5]"])
def test_other_words_stay_as_they_are(cell: str) -> None:
    assert scalars_of([cell]) is None


def test_tensors_as_labels_and_confidences(tmp_path: Path) -> None:
    rows = [("PosixPath('/x/a.jpg')", 1, 1, 0.75), ("PosixPath('/x/b.jpg')", 0, 1, 0.5)]
    content = "file,label,pred,confidence\n" + "".join(f"{f},tensor({t}),tensor({p}),tensor({c})\n" for f, t, p, c in rows)  # fmt: skip
    found = read(text(content)(tmp_path)).predictions
    assert list(found.samples) == ["/x/a.jpg", "/x/b.jpg"] and found.classes == ("0", "1")
    assert found.true.tolist() == [1, 0]
    np.testing.assert_allclose(found.confidence, [0.75, 0.5], atol=1e-6)


@pytest.mark.parametrize(
    "cell", ["[0.1 0.2 ... 0.3 0.1]", "[0.1, 0.2,  ..., 0.3, 0.1]", "tensor([0.1, 0.2,  ..., 0.3])"]
)
def test_shortened_arrays_are_refused(cell: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tolist\(\)"):
        read(rows(cell)(tmp_path), classes=CLASSES)
    beside = f'filename,true,pred,features\na.jpg,blue,blue,"{cell}"\nb.jpg,red,red,"{cell}"\n'
    assert read(text(beside)(tmp_path)).predictions.predicted.tolist() == [0, 1]


@pytest.mark.parametrize(
    "cell", ["[[0.1, 0.9], [0.2, 0.8]]", "[[0.1 0.9]\n [0.2 0.8]]", "tensor([[0.1, 0.9], [0.2, 0.8]])"]
)
def test_a_list_of_several_lists_is_no_list_of_scores(cell: str) -> None:
    assert split_of([cell] * 3) is None
