"""Tables of Markdown: bold, italic and code cells, and what stands above the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from har_core.errors import DataError
from har_core.imports.opening import open_table
from har_core.imports.text_rows import unmarked
from tests.imports.making import read, text

HEADER = ["file", "label", "pred", "conf"]
ROWS = [["a.jpg", "cat", "dog", "0.9"], ["b.jpg", "dog", "dog", "0.8"], ["c d.jpg", "cat", "cat", "0.75"]]
MARKS = {"bold": "**{}**", "italic": "*{}*", "both": "***{}***", "code": "`{}`", "bold code": "**`{}`**"}


def markdown(header: list[str], rows: list[list[str]], *, outer: bool = True) -> str:
    lines = [" | ".join(cells) for cells in (header, [":---", "---", ":---:", "---:"], *rows)]
    return "".join(f"| {line} |\n" if outer else f"{line}\n" for line in lines)


def require(path: Path) -> None:
    found = read(path).predictions
    assert list(found.samples) == ["a.jpg", "b.jpg", "c d.jpg"] and found.classes == ("cat", "dog")
    assert found.true.tolist() == [0, 1, 0] and found.predicted.tolist() == [1, 1, 0]
    np.testing.assert_allclose(found.confidence, [0.9, 0.8, 0.75], atol=1e-6)


@pytest.mark.parametrize("outer", [True, False])
@pytest.mark.parametrize("column", [0, 1, 2, 3, "all", "header"])
@pytest.mark.parametrize("mark", MARKS)
def test_marked_cells(mark: str, column: int | str, outer: bool, tmp_path: Path) -> None:
    form = MARKS[mark].format
    header = [form(name) for name in HEADER] if column == "header" else HEADER
    rows = [[form(cell) if column in (place, "all") else cell for place, cell in enumerate(row)] for row in ROWS]
    for above in ("", "# Results\n\n"):
        require(text(above + markdown(header, rows, outer=outer), "t.md")(tmp_path))


def test_one_marked_cell_far_below(tmp_path: Path) -> None:
    rows = [[f"{n}.jpg", "cat", "dog", "0.9"] for n in range(3000)]
    found = read(text(markdown(HEADER, [*rows, ["`x.jpg`", "dog", "**dog**", "*0.8*"]]))(tmp_path)).predictions
    assert found.classes == ("cat", "dog") and found.samples[-1] == "x.jpg"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("[a.jpg](photos/a.jpg)", "a.jpg"), ("![](a.jpg)", "a.jpg"), ("**`a`**", "a"), ("`**a**`", "**a**"), ("``a`b``", "a`b"),
        ("__background__", "__background__"), ("_x_", "_x_"), ("5 * 3 * 2", "5 * 3 * 2"), ("*", "*"), ("**", "**"), ("a*", "a*"),
        ("*a* and *b*", "*a* and *b*"), ("", ""),
    ],
)  # fmt: skip
def test_what_a_cell_says(cell: str, said: str) -> None:
    assert unmarked([cell]) == [said]


def test_marks_stay_outside_of_markdown(tmp_path: Path) -> None:
    found = read(text("file,true,pred\na.jpg,*a*,b\nb.jpg,b,*a*\n")(tmp_path)).predictions
    assert found.classes == ("*a*", "b")


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("outer", [True, False])
@pytest.mark.parametrize(
    "above", ["# Results\n\n", "Results\n", "Of the model, on all: 3 photos\n\n- one\n- two\n\n", "Model; accuracy\n\n", "## A\n\n## B | C\n\n"]
)  # fmt: skip
def test_what_stands_above(above: str, outer: bool, named: bool, tmp_path: Path) -> None:
    header = HEADER if named else ["Bild", *HEADER[1:]]
    path = text(above + markdown(header, ROWS, outer=outer), "t.md")(tmp_path)
    require(path)
    assert open_table(path).notes == (f"lines above the header, left out: {above.count(chr(10))}",)


def test_text_below_is_no_row(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 4"):
        open_table(text(markdown(HEADER, ROWS) + "\nAccuracy: 67 %\n")(tmp_path))
