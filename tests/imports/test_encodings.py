"""Text tables that are not UTF-8, and what people write above and below a header; others are refused (`broken_cases`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imports.making import CSV, read, text

NOTE = "1252"


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("cp1252", ","), ("cp1252", ";"), ("utf-8-sig", "\t"), ("utf-16", "|")]
)
@pytest.mark.parametrize(
    "name", ["Käse", "Straße", "Öl", "été", "niño", "château d’eau", "grün – gelb", "Ærø", "cœur", "à la carte"]
)
def test_what_excel_writes_in_the_west(name: str, delimiter: str, encoding: str, tmp_path: Path) -> None:
    content = CSV.replace(",", delimiter).replace("blue", name)
    found = read(text(content.encode(encoding))(tmp_path))
    assert set(found.predictions.classes) == {name, "red"}
    assert any(NOTE in note for note in found.notes) == (encoding == "cp1252")


@pytest.mark.parametrize(
    "row", ['"x;y, é.jpg",red,0.25,0.75\n', '"two\nlines é.jpg",red,0.25,0.75\n', ' "é, b.jpg",red,0.25,0.75\n']
)
def test_quoted_values_of_such_a_table(row: str, tmp_path: Path) -> None:
    """However Arrow or the csv module reads it."""
    rows = "".join(f"{n}é.jpg,red,0.25,0.75\n" for n in range(3000))
    found = read(text((CSV + rows + row).encode("cp1252"))(tmp_path)).predictions
    assert found.samples[-1] == row.split('"')[1] and found.samples[3] == "0é.jpg"


@pytest.mark.parametrize(("encoding", "delimiter"), [("utf-8", ","), ("cp1252", ";"), ("utf-16", "\t")])
@pytest.mark.parametrize(
    "above",
    [
        "Results of the café\n",
        "Results\n\n",
        "# model x, 2024; best\n# acc 72\n",
        "\n\nA, B\n\n",
        "a title,,,\n",
        'The "best" model\n',
    ],
)
def test_a_title_or_comments_above_the_header(above: str, delimiter: str, encoding: str, tmp_path: Path) -> None:
    content = (above + CSV).replace(",", delimiter)
    found = read(text(content.encode(encoding))(tmp_path))
    assert found.predictions.classes == ("blue", "red") and list(found.predictions.samples) == [
        "a.jpg",
        "b.jpg",
        "c.jpg",
    ]
    assert any("above the header" in note for note in found.notes)


@pytest.mark.parametrize("rule", ["|---|---|---|---|", "| :-- | --: | :-: | - |", "|-|-|-|-|"])
@pytest.mark.parametrize("count", [3, 3000])
def test_a_table_of_markdown(count: int, rule: str, tmp_path: Path) -> None:
    rows = [f"{n}.jpg,red,red,0.75" for n in range(count - 1)] + ["z.jpg,blue,blue,0.9"]
    lines = [f"| {row.replace(',', ' | ')} |" for row in ("file,true,pred,conf", *rows)]
    found = read(text("\n".join([lines[0], rule, *lines[1:]]), "t.md")(tmp_path)).predictions
    assert len(found.samples) == count and found.samples[-1] == "z.jpg" and found.classes == ("blue", "red")
