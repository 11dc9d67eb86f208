"""What one cell of text says that is written as Python, NumPy, PyTorch or JSON write a value of several parts."""

from __future__ import annotations

import ast
import json
import re
from typing import Any, Final

MAX_CELL: Final = 2**20

NUMBER: Final = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:nan|inf)"
TEXT: Final = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
TYPE: Final = (
    r"(?:[A-Za-z_]\w*\.)*(?:float[0-9]*|bfloat16|u?int[0-9]*|str_?|bytes_|bool_?|array|Array|[Tt]ensor\w*|EagerTensor|"
    r"ResourceVariable|Decimal|Fraction)"
)
WRAPPED: Final = re.compile(rf"(?s)<?{TYPE}(?::[^\[\]]*?)?\(\s*(\[.*\])[^\[\]]*\)>?")
"""'tensor([0.9, 0.1], device='cuda:0')', and '<tf.Tensor: shape=(2,), numpy=array([0.9, 0.1])>'."""

_TOKEN = re.compile(
    rf"(?P<text>{TEXT})|{TYPE}\(\s*(?P<inside>{TEXT}|{NUMBER}|\[[^\[\]()]*\])\s*(?:,[^()\[\]]*)?\)|(?P<word>[A-Za-z_][\w.]*)"
)
_MAPPING = re.compile(
    r"(?s)(?:[a-z]+\.)?(?:OrderedDict|Counter|dict|defaultdict)\(\s*(?:<class '\w+'>\s*,\s*)?([\[{].*[\]}])\s*\)"
)
_WORDS = {"nan": "None", "inf": "None", "NaN": "None", "null": "None", "true": "True", "false": "False"}
_CALL = re.compile(r"\w\(")
_GAP = re.compile(r"(?<=[0-9.\])])\s+(?=[\[(0-9+\-.])")
"""What NumPy writes between numbers, and between rows."""


def unwrapped(cell: str) -> str:
    """'tensor([0.9, 0.1])' → '[0.9, 0.1]'; anything else as it is."""
    found = WRAPPED.fullmatch(cell) if cell[-1:] in (")", ">") and cell[:1] not in ("(", "[") else None
    return found[1] if found else cell


def literal(cell: str) -> Any:
    """The list, tuple or mapping that a cell says; None if it says none.

    Numbers of NumPy and PyTorch, such as np.float32(0.9), are numbers; NaN is None.  Nothing is evaluated.
    """
    cell = cell.strip()
    if len(cell) > MAX_CELL or not cell:
        return None
    if cell[0] not in "[({":
        found = _MAPPING.fullmatch(cell)
        cell = found[1] if found else unwrapped(cell)
        if cell[0] not in "[({":
            return None
        if found and cell[0] == "[":
            return _mapping_of(literal(cell))
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    if _CALL.search(cell) is None and (found_value := _evaluated(cell)) is not None:
        return found_value
    bare = _TOKEN.sub(_bare, cell)
    if (found_value := _evaluated(bare)) is not None:
        return found_value
    return _evaluated(_GAP.sub(", ", bare)) if cell[0] == "[" and not re.search("['\"]", cell) else None


def _mapping_of(pairs: Any) -> dict[Any, Any] | None:
    try:
        return dict(pairs)
    except (TypeError, ValueError):
        return None


def _evaluated(cell: str) -> Any:
    try:
        found = ast.literal_eval(cell)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None
    return found if isinstance(found, list | tuple | dict) else None


def _bare(token: re.Match[str]) -> str:
    if token["inside"] is not None:
        return _WORDS.get(token["inside"].lstrip("+-"), token["inside"])
    return token["text"] if token["text"] is not None else _WORDS.get(token["word"], token["word"])
