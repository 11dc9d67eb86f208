"""Files of class names, in the forms in which people and programs write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from har_core.errors import DataError
from har_core.imports.class_lists import class_list, read_class_list, read_classes

NAMES = ("calling", "clapping", "using_laptop")
NUMBERED = dict(enumerate(NAMES))
CODES = {str(number): [f"n0{number}", name] for number, name in NUMBERED.items()}


def lines(form: str, order: tuple[int, ...] = (0, 1, 2)) -> str:
    return "\n".join(form.format(number=number, name=NAMES[number]) for number in order)


PLAIN = {
    "lines": "\n".join(NAMES),
    "crlf": "\r\n".join(NAMES) + "\r\n\r\n",
    "spaces": "  calling \n\nclapping\nusing_laptop",
}
FORMS = {
    "JSON list": json.dumps(NAMES),
    "indented": json.dumps(NAMES, indent=1),
    "JSON table": json.dumps(NUMBERED),
    "shuffled": json.dumps(dict(sorted(NUMBERED.items(), reverse=True)), indent=2),
    "inverse": json.dumps({name: number for number, name in NUMBERED.items()}),
    "configuration": json.dumps({"architectures": ["A"], "id2label": NUMBERED, "label2id": {"x": 0}}),
    "in names": json.dumps({"nc": 3, "names": NAMES}),
    "ImageNet": json.dumps(CODES),
    "ImageNet list": json.dumps(list(CODES.values())),
    "Python table": repr(NUMBERED),
    "Python list": repr(list(NAMES)),
    "one line": ",".join(NAMES),
    "one line, spaces": "; ".join(NAMES),
    "one line, quoted": ", ".join(f"'{name}'" for name in NAMES),
    "one line, numbered": ", ".join(f"{number}: {name}" for number, name in NUMBERED.items()),
    "number, space": lines("{number} {name}"),
    "space, number": lines("{name} {number}"),
    "number, comma": lines("{number},{name}"),
    "comma, number": lines("{name},{number}"),
    "colon": lines("{number}: {name}"),
    "colon, quoted": lines("{number}: '{name}',"),
    "tab": lines("{number}\t{name}"),
    "any order": lines("{number} {name}", (2, 0, 1)),
    "header, comma": "index,name\n" + lines("{number},{name}"),
    "header, inverse": "class;class_id\n" + lines("{name};{number}"),
    "header, space": "id name\n" + lines("{number} {name}"),
    "quoted": lines('"{name}"'),
    "quoted, commas": lines("'{name}',"),
    "hyphens": lines("- {name}"),
    "comment": "# my classes\n" + lines("{name}"),
    "YAML table": "train: a\nnc: 3\nnames:\n" + lines("  {number}: {name}") + "\nurl: b\n",
    "YAML list": "nc: 3\nnames:\n" + lines("- {name}") + "\n",
    "YAML in a line": f"names: {list(NAMES)}\nnc: 3",
    "header": "class\n" + lines("{name}"),
    "quoted header": '"Label"\n' + lines('"{name}"'),
}


@pytest.mark.parametrize("form", PLAIN)
def test_one_name_a_line_is_nothing_to_tell(form: str) -> None:
    assert class_list(PLAIN[form]).names == NAMES and class_list(PLAIN[form]).form is None


@pytest.mark.parametrize("form", FORMS)
def test_other_forms_give_the_same_names_and_are_told(form: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(FORMS[form])
    found = read_class_list(tmp_path / "a")
    assert found.names == NAMES == read_classes(tmp_path / "a") and found.form


@pytest.mark.parametrize(
    "names",
    [
        ["2 people", "5 people"],
        ["0 helmets", "1 helmets"],
        ["person 0", "person 1"],
        ["level 1", "level 2", "level 3"],
        ["tench, Tinca tinca", "goldfish, Carassius auratus"],
        ["0", "1", "2"],
        ["10 20", "30 40"],
        ["it's", "don't"],
        ["one"],
        ["one two"],
    ],
)
def test_what_may_belong_to_the_names_stays(names: list[str]) -> None:
    assert list(class_list("\n".join(names)).names) == names


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252", "mac_roman", "cp850"])
def test_names_that_are_not_in_utf_8(encoding: str, tmp_path: Path) -> None:
    names = ("schlafen", "hören", "kämpfen", "Übungen machen")
    (tmp_path / "a.txt").write_bytes("\n".join(names).encode(encoding))
    assert read_classes(tmp_path / "a.txt") == names


def test_two_names_alike_keep_their_codes() -> None:
    given = {"0": ["n1", "crane"], "1": ["n2", "heron"], "2": ["n3", "crane"]}
    assert class_list(json.dumps(given)).names == ("crane (n1)", "heron", "crane (n3)")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1: a\n2: b\n3: c", "expected the numbers 0 to 2"),
        ('{"1": "a", "2": "b"}', "expected the numbers 0 to 1"),
        ('{"a": 0, "b": 0}', "expected the numbers 0 to 1"),
        ("0,a\n0,b", "expected the numbers 0 to 1"),
        ("1 a\n2 b\n3 c", "expected the numbers 0 to 2"),
        ("0 1\n1 0", "not certain"),
        ('{"0": 1, "1": 0}', "not certain"),
        ('["a", 3]', "not all texts"),
        ('{"a": "b"}', "neither one of"),
        ("{'a', 'b'}", "no list"),
        ('["a", "b"', "neither"),
        ("[" * 5000, "neither"),
        ("c\x9cur\nbar", "not certain"),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_refused_in_one_sentence(text: str, found: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=found) as caught:
        read_classes(tmp_path / "a.txt")
    said = str(caught.value)
    assert said.startswith("expected") and "a.txt" in said and "codec" not in said and "\n" not in said


def test_names_that_no_run_can_have(tmp_path: Path) -> None:
    for text in ("a\nA", "", "[]", "x" * 101):
        (tmp_path / "a.txt").write_text(text)
        with pytest.raises(DataError, match=r"a\.txt"):
            read_classes(tmp_path / "a.txt")
