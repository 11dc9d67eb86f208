"""Text tables that are not UTF-8, and what people write above and below a header."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from har_core.errors import DataError
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


WORDS = {
    "cp1252": [
        "Käse Straße Öl",
        "été niño",
        "château d’eau",
        "Ærø løbe sjö",
        "ação são",
        "boire écouter téléphoner",
        "bœuf chèvre",
    ],
    "mac_roman": ["Käse Straße Übung", "écouter téléphoner étreindre"],
    "cp850": ["Käse Öl Übung", "été niño"],
    "cp437": ["Käse été hören"],
    "cp1250": [
        "žluťoučký kůň",
        "łoś żółw",
        "běh pití řízek",
        "śpi książka",
        "pije tańczy śmieje śpi używa",
        "volání tleskání jídlo",
    ],
    "iso8859_2": ["žluťoučký kůň", "śpi książka żółw", "pleše teče posluša"],
    "cp1257": ["šuo žirgas lapė bėga", "ēst skrien ātri zēns"],
    "cp1254": ["köpek kuş ağaç", "içiyor gülüyor şarkı"],
    "cp1251": ["кошка собака", "бег сон еда", "їсть біжить п'є"],
    "koi8_r": ["кошка собака", "бег сон еда"],
    "cp866": ["кошка собака"],
    "iso8859_5": ["кошка собака ест"],
    "mac_cyrillic": ["кошка обнимает звонит"],
    "cp1253": ["γάτα σκύλος", "τρέχει πίνει"],
    "cp1255": ["חתול כלב"],
    "cp1256": ["قطة كلب"],
    "cp874": ["แมว สุนัข", "วิ่ง กิน นอน"],
    "cp932": ["犬 猫", "走る 食べる 寝る", "ソファ テレビ"],
    "euc_jp": ["犬 猫 鳥", "走る 食べる"],
    "gbk": ["猫 狗", "打电话 听音乐 拥抱"],
    "big5": ["貓 狗", "打電話 聽音樂 擁抱"],
    "cp949": ["고양이 개", "전화하기 듣기"],
    **{form: ["犬 Käse кошка"] for form in ("utf-16-le", "utf-16-be", "utf-32", "utf-32-le")},
}


@pytest.mark.parametrize(("encoding", "words"), [(page, words) for page, sets in WORDS.items() for words in sets])
def test_the_words_of_a_table_tell_its_code_page(encoding: str, words: str, tmp_path: Path) -> None:
    classes = [*words.split(), "red"]
    rows = [
        f"{name} {n}.jpg,{name},{guess}\n"
        for n, (name, guess) in enumerate(zip(classes * 2, classes[::-1] * 2, strict=True))
    ]
    found = read(text(("filename,true,pred\n" + "".join(rows)).encode(encoding))(tmp_path))
    assert set(found.predictions.classes) == set(classes)
    assert set(found.predictions.samples) == {row.split(",")[0] for row in rows}
    told = [note for note in found.notes if "not UTF-8" in note]
    assert bool(told) == (not encoding.startswith("utf")) and all("save it as CSV UTF-8" in note for note in told)


def test_a_page_that_is_in_doubt_names_both_readings(tmp_path: Path) -> None:
    table = "filename,true,pred\na.jpg,red,b\xf5r\nb.jpg,b\xf5r,red\n".encode("latin-1")
    (note,) = [note for note in read(text(table)(tmp_path)).notes if "not UTF-8" in note]
    assert "as in 'bõr' and not 'bőr'" in note


def test_what_reads_like_words_in_no_page_is_refused(tmp_path: Path) -> None:
    draw = random.Random(0)
    rows = [bytes(draw.choices(range(128, 256), k=8)) + b",red,blue\n" for _ in range(60)]
    with pytest.raises(DataError, match="UTF-8"):
        read(text(b"filename,true,pred\n" + b"".join(rows))(tmp_path))


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
